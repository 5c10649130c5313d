use static_call::static_call;

struct Filter;

#[static_call]
impl Filter {
    #[static_call]
    const LEVEL: u8 = 3;

    #[static_call]
    fn level(&self) -> u8 {
        Self::LEVEL
    }
}

fn main() {
    let _ = Filter.level();
}
