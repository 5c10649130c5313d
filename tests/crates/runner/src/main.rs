//! Runs the checks of all crates, and switches their keys from outside.

use static_call::call;

fn main() {
    bare::check();
    edition2021::check();
    edition2024::check();
    reexported::check();
    renamed::check();
    strict::check().unwrap();

    assert_eq!(bare::inlined(1) + bare::generic(1), 7);
    bare::level::update(|n, _| n).unwrap();
    assert_eq!(bare::inlined(1) + bare::generic(1), 3);
    assert_eq!(call!(bare::level(9, [1; 3])), 9);
    bare::Filter::GET.update(|_| 8).unwrap();
    assert_eq!(call!(bare::Filter::get(&bare::Filter(1))), 8);
    println!("all crates work");
}
