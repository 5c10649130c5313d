use static_call::{call, static_call};

#[static_call]
fn level(n: u8) -> u8 {
    n
}

struct Filter;

#[static_call]
impl Filter {
    #[static_call]
    fn level(&self) -> u8 {
        3
    }
}

fn main() {
    let filter = Filter;
    let n = 1;
    let _: u8 = call!();
    let _: u8 = call!(level);
    let _: u8 = call!(filter.level());
    let _: u8 = call!(level::<u8>(n));
    let _: u8 = call!((|n: u8| n)(n));
    let _: u8 = call!(level(n), level(n));
    let _: u8 = call!(level!(n));
    let _: u8 = call!(level(n)?);
    let _: u8 = call!(unsafe { level(n) });
    let _: u8 = call!(<u8 as Default>::default());
}
