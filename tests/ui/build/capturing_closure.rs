use static_call::static_call;

#[static_call]
fn level(n: u8) -> u8 {
    n
}

struct Filter;

#[static_call]
impl Filter {
    #[static_call]
    fn matches(n: u8) -> bool {
        n > 0
    }
}

fn main() {
    let add = std::env::args().count() as u8;
    level::update(move |n| n + add).unwrap();
    let table: [fn(u8) -> u8; 2] = [|n| n, |n| n + 1];
    level::update(table[1]).unwrap();
    level::KEY.update(table[0]).unwrap();
    Filter::MATCHES.update(move |n| n > add).unwrap();
    static_call::batch(|batch| batch.update(level::KEY, move |n| n + add)).unwrap();
}
