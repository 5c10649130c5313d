//! Enables verification of the linked program, so that its static calls can be patched in place.

fn main() {
    static_call_verify::enable();
}
