use static_call::static_call;

#[static_call(default = StaticLevel)]
trait Level {
    fn level() -> u8;
}

#[static_call(handle = Fast, default = Slow)]
trait Speed {
    fn speed(&self) -> u8;
}

struct Slow;

impl Speed for Slow {
    fn speed(&self) -> u8 {
        1
    }
}

fn main() {
    let _ = StaticLevel::level() + Fast.speed();
}
