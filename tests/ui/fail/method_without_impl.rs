use static_call::static_call;

struct Filter(u8);

impl Filter {
    #[static_call]
    fn matches(&self, line: &str) -> bool {
        line.len() == usize::from(self.0)
    }

    #[static_call]
    fn new() -> Self {
        Self(3)
    }
}

fn main() {
    let _ = Filter::new().matches("abc");
}
