use static_call::static_call;

#[static_call]
extern "C" fn callback(n: i32) -> i32 {
    n
}

fn main() {
    let pointer: extern "C" fn(i32) -> i32 = callback;
    pointer(1);
    callback::update(|n| n).unwrap();
}
