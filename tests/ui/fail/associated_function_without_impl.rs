use static_call::static_call;

struct Filter;

impl Filter {
    #[static_call]
    fn level(n: u8) -> u8 {
        n
    }
}

fn main() {
    let _ = Filter::level(1);
}
