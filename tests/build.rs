//! Hooks the links of the tests: their images are verified and stamped.

fn main() {
    static_call_verify::enable();
}
