//! Runs the checks of all crates, and switches their keys from outside.

use static_call::call;

fn main() {
    adversary::check();
    bare::check();
    edition2021::check();
    edition2024::check();
    reexported::check();
    renamed::check();
    shadowed::check();
    strict::check().unwrap();

    assert_eq!(bare::inlined(1) + bare::generic(1), 7);
    bare::level::update(|n, _| n).unwrap();
    assert_eq!(bare::inlined(1) + bare::generic(1), 3);
    assert_eq!(call!(bare::level(9, [1; 3])), 9);
    bare::Filter::GET.update(|_| 8).unwrap();
    assert_eq!(call!(bare::Filter::get(&bare::Filter(1))), 8);
    fn generic<C: edition2024::Codec<Item = u32>>(codec: &C) -> Option<u32> {
        codec.first(&[5, 6])
    }
    // SAFETY: nothing calls it now.
    unsafe { edition2024::StaticCodec::update::<edition2024::Second>() }.unwrap();
    assert_eq!(generic(&edition2024::StaticCodec), Some(6));
    assert_eq!(bare::through_a_handle(4), 4);
    bare::StaticCodec::update::<bare::Two>().unwrap();
    assert_eq!(bare::through_a_handle(4), 2);
    println!("all crates work");
}
