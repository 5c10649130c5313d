//! A forged site would get the arguments as a trampoline passes them, and could keep the pointer to
//! one after its value is gone.
#![forbid(unsafe_code)]

use std::cell::RefCell;
use std::marker::PhantomData;

use static_call::__private::{Indirect, Site};
use static_call::static_call;

type Large = [String; 4];

#[static_call(select(sse2 => chosen, neon => chosen))]
fn length(texts: Large) -> usize {
    chosen(texts)
}

fn chosen(texts: Large) -> usize {
    texts[0].len()
}

thread_local! {
    static KEPT: RefCell<Option<Indirect<Large>>> = const { RefCell::new(None) };
}

fn keep(_: PhantomData<length>, texts: Indirect<Large>) -> usize {
    KEPT.with(|kept| kept.replace(Some(texts)));
    0
}

// With the feature enabled, the call is safe if the shim is.
#[cfg_attr(target_arch = "x86_64", target_feature(enable = "sse2"))]
#[cfg_attr(target_arch = "aarch64", target_feature(enable = "neon"))]
fn later() -> usize {
    length::__select_chosen(KEPT.take().unwrap())
}

fn main() {
    let kept: fn(PhantomData<length>, Indirect<Large>) -> usize = keep;
    length::__call_at(Site::new(kept), Large::default());
    let _ = later;
}
