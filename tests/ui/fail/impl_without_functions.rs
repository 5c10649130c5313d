use static_call::static_call;

struct Filter;

#[static_call]
impl Filter {
    fn level(&self) -> u8 {
        3
    }
}

fn main() {
    let _ = Filter.level();
}
