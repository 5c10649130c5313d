use static_call::static_call;

#[static_call(speed = 3)]
#[track_caller]
const fn first(values: &impl AsRef<[u8]>) -> u8 {
    let _ = values;
    0
}

fn main() {
    let _ = first(&[1]);
}
