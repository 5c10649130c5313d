use static_call::static_call;

macro_rules! word {
    () => { u64 };
}

macro_rules! size {
    () => { 4 };
}

struct Filter<T>(T);

#[static_call]
fn argument(n: word!()) -> u64 {
    n
}

#[static_call]
fn length(n: [u8; size!()]) -> usize {
    n.len()
}

#[static_call]
fn result(n: u64) -> Option<word!()> {
    Some(n)
}

#[static_call]
impl Filter<word!()> {
    #[static_call]
    fn get(&self) -> u64 {
        self.0
    }
}

#[static_call]
trait Codec {
    fn encode(&self, n: word!()) -> u64 {
        n
    }
}

fn main() {}
