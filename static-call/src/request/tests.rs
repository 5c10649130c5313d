//! Lists with known repetitions against lists that are searched.

use core::sync::atomic::AtomicU8;
use std::vec::Vec;

use proptest::prelude::*;

use super::*;
use crate::record::KeyDescription;
use crate::target::TargetDescription;

static CODE: AtomicU8 = AtomicU8::new(0);
/// Flags that nothing reads.
static FLAGS: [KeyRecord; 4] = [const {
    let describe = |d: &mut TargetDescription| {
        d.at((&raw const CODE).cast()).named("off");
    };
    let description = KeyDescription::uncalled(describe, (&raw const CODE).cast());
    // SAFETY: INV-KEY: the key is never called, and no trampoline has its stub.
    unsafe { KeyRecord::new(description) }
}; 4];

fn counts() -> impl Strategy<Value = Count> {
    prop_oneof![Just(Count::Up), Just(Count::Down), (0..3_u32).prop_map(Count::Set)]
}

proptest! {
    /// What is known of a list is what a search finds: the counts of flags, errors, and which
    /// requests take effect.
    #[test]
    fn links_are_what_a_search_finds(
        list in prop::collection::vec((0..4_usize, prop::option::of(counts())), 0..12),
    ) {
        let of = |&(flag, count): &(usize, Option<Count>)| match count {
            Some(count) => Request::count(&FLAGS[flag], count),
            None => Request::default_of(&FLAGS[flag]),
        };
        let mut searched: Vec<Request> = list.iter().map(of).collect();
        let mut linked = searched.clone();
        // Parts that were lists of their own.
        let (first, rest) = linked.split_at_mut(list.len() / 2);
        link(first);
        link(rest);
        link(&mut linked);
        let is_known = |request: &Request| matches!(request.others, Others::Known { .. });
        prop_assert!(linked.iter().all(is_known));
        let settled = (settle(&mut searched), settle(&mut linked));
        prop_assert_eq!(settled.0, settled.1);
        let counts = |requests: &[Request]| -> Vec<_> {
            requests.iter().map(|request| request.count.map(|c| (c.before, c.after))).collect()
        };
        prop_assert_eq!(counts(&searched), counts(&linked));
        let addresses = |requests: &[Request]| -> Vec<_> {
            let start = requests.as_ptr().addr();
            let address = |last: &Request| core::ptr::from_ref(last).addr() - start;
            last_of_each(requests).map(address).collect()
        };
        prop_assert_eq!(addresses(&searched), addresses(&linked));
    }
}
