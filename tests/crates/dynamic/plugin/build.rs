//! Enables verification of the shared object.

fn main() {
    static_call_verify::enable();
}
