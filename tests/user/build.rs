//! Enables verification of the linked program.

fn main() {
    static_call_verify::enable();
}
