use static_call::static_call;

#[static_call]
fn name<'a>(n: u32) -> &'a str {
    if n == 0 { "zero" } else { "some" }
}

struct Filter<'a>(&'a str);

#[static_call]
impl<'a> Filter<'a> {
    #[static_call]
    fn new() -> Self {
        Self("")
    }
}

fn main() {
    let _ = name(1);
    name::update(|_| "").unwrap();
    let _ = Filter::new().0;
}
