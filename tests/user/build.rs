//! Verifies the program when it is linked.

fn main() {
    static_call_verify::enable();
}
