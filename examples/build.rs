//! Has the linked program verified, so that its static calls can be patched in place.

fn main() {
    static_call_verify::enable();
}
