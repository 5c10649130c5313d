//! `call!` takes any path. A type with its own `__call_at` gets the site, but needs `unsafe` to
//! call a key with other types or another lifetime.

use std::marker::PhantomData;

use static_call::__private::{Keyed, Site};
use static_call::{call, static_call};

#[static_call]
fn number(n: usize) -> usize {
    n
}

#[static_call]
fn pick<'a>(text: &'a str) -> &'a str {
    text
}

#[static_call]
unsafe fn only_in_unsafe(n: usize) -> usize {
    n
}

enum Pointer {}

impl Pointer {
    fn __off<L: FnOnce(PhantomData<number>) -> bool>(_: L) -> Option<&'static mut u64> {
        None
    }

    fn __call_at<F>(site: Site<F>, n: usize) -> &'static mut u64
    where
        F: Copy + FnOnce(PhantomData<number>, usize) -> &'static mut u64,
    {
        site.call()(PhantomData, n)
    }
}

enum Longer {}

impl Longer {
    fn __off<L: FnOnce(PhantomData<pick>) -> bool>(_: L) -> Option<&'static str> {
        None
    }

    fn __call_at<'a, F>(site: Site<F>, text: &'a str) -> &'static str
    where
        F: Copy + FnOnce(PhantomData<pick>, &'a str) -> &'static str,
    {
        Site::call(site)(PhantomData, text)
    }
}

enum Safe {}

impl Safe {
    fn __off<L: FnOnce(PhantomData<only_in_unsafe>) -> bool>(_: L) -> Option<usize> {
        None
    }

    fn __call_at(site: Site<fn(PhantomData<only_in_unsafe>, usize) -> usize>, n: usize) -> usize {
        site.call()(PhantomData, n)
    }
}

fn through_a_stub<K: Keyed>() {
    K::stub();
}

fn main() {
    *call!(Pointer(0)) = 1;
    let text = call!(Longer(&String::from("freed")));
    println!("{text} {}", call!(Safe(1)));
    let _ = call!(only_in_unsafe(1));
    let _ = only_in_unsafe(1);
    through_a_stub::<number>();
}
