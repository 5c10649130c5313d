use static_call::{call, static_call};

#[static_call(default = fast)]
fn level(n: u8) -> u8 {
    n
}

#[static_call(crate = 3)]
fn other() {}

struct Filter;

#[static_call(keys = Filters)]
impl Filter {
    #[static_call(kyes = LEVEL)]
    fn level(&self) -> u8 {
        3
    }
}

#[static_call(update = crate)]
fn without_a_visibility() {}

fn main() {
    let _ = level(1) + call!(level(2)) + Filter.level();
    other();
}
