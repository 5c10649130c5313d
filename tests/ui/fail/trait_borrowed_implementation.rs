use static_call::static_call;

#[static_call]
trait Level {
    fn level() -> u8;
}

struct Borrowed<'a>(&'a u8);

impl Level for Borrowed<'_> {
    fn level() -> u8 {
        1
    }
}

fn switch<'a>(n: &'a u8) {
    let _ = Borrowed(n).0;
    let _ = StaticLevel::update::<Borrowed<'a>>();
}

fn main() {
    switch(&1);
}
