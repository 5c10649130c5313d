use static_call::static_call;

struct Filter;

#[static_call]
impl Default for Filter {
    #[static_call]
    fn default() -> Self {
        Self
    }
}

fn main() {
    let _ = Filter::default();
}
