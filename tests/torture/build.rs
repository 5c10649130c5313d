//! Enables verification of the program.

fn main() {
    static_call_verify::enable();
}
