//! The command `cargo static-call`.

fn main() -> std::process::ExitCode {
    static_call_verify::cli::main()
}
