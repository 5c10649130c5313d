//! Enables verification of the tests' images.

fn main() {
    static_call_verify::enable();
}
