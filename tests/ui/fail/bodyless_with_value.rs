use static_call::{call, static_call};

#[static_call]
fn count(text: &str) -> usize;

fn main() {
    let _: usize = count("a");
    let _: usize = call!(count("a"));
    count::update(|text| text.len()).unwrap();
    count::disable().unwrap();
}
