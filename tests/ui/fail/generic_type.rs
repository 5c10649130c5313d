use static_call::{call, static_call};

#[static_call]
pub fn largest<T: Ord + Copy>(values: &[T], default: T) -> T {
    values.iter().copied().max().unwrap_or(default)
}

fn main() {
    let _ = largest(&[1, 2], 3);
    let _ = call!(largest(&[1, 2], 3));
    largest::update(|values, default| values.first().copied().unwrap_or(default)).unwrap();
    let _ = largest::query();
    largest::reset().unwrap();
    let _ = largest::original(&[1], 2);
}
