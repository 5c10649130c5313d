//! Functions of several signatures, each called from one place in every way.
#![allow(unused_braces, reason = "`multiversion` makes them")]

use measure::Workload;
use static_call::UpdateError;

/// Defines a workload: a function with its parameters, result and body; the arguments of a call of
/// it, which may use `x`, the result so far; and how `x` follows from the result `y`.
macro_rules! workload {
    (
        $module:ident: $title:literal,
        ($($p:ident: $t:ty),*) -> $result:ty $body:block,
        |$x:ident, $n:ident| ($($argument:expr),*),
        |$y:ident| $next:expr,
        $ifunc:ident
    ) => {
        mod $module {
            use std::hint::black_box;
            use std::sync::OnceLock;
            use std::sync::atomic::{AtomicPtr, Ordering};

            use arc_swap::ArcSwap;
            use measure::Workload;
            use static_call::static_call;

            use super::super::{CALLS, Loop, again, align, way};

            type Function = fn($($t),*) -> $result;

            #[inline(never)]
            fn direct($($p: $t),*) -> $result $body

            #[static_call]
            fn switchable($($p: $t),*) -> $result $body

            #[multiversion::multiversion(targets("x86_64+avx2"))]
            fn versions($($p: $t),*) -> $result $body

            /// What a switch that is on would call.
            #[cold]
            #[inline(never)]
            fn other($($p: $t),*) -> $result {
                black_box(direct as Function)($($p),*)
            }

            trait Object {
                fn call(&self, $($p: $t),*) -> $result;
            }

            struct Unit;

            impl Object for Unit {
                fn call(&self, $($p: $t),*) -> $result $body
            }

            struct Table {
                object: Box<dyn Object + Send + Sync>,
                closure: Box<dyn Fn($($t),*) -> $result + Send + Sync>,
                arc: ArcSwap<Function>,
            }

            static POINTER: AtomicPtr<()> = AtomicPtr::new(direct as Function as *mut ());
            static ONCE: OnceLock<Function> = OnceLock::new();
            static TABLE: OnceLock<Table> = OnceLock::new();
            static_keys::define_static_key_false!(KEYS);
            static_key::static_key!(KEY: bool = false);

            /// Stores what the compiler must not know.
            fn prepare() {
                POINTER.store(black_box(direct as Function) as *mut (), Ordering::Release);
                ONCE.set(black_box(direct as Function)).ok();
                let table = Table {
                    object: Box::new(Unit),
                    closure: Box::new(|$($p: $t),*| $body),
                    arc: ArcSwap::from_pointee(direct as Function),
                };
                TABLE.set(table).ok();
            }

            /// A way to call.
            trait By {
                fn call(table: &Table, $($p: $t),*) -> $result;
            }

            struct Name;

            impl By for Name {
                #[inline(always)]
                fn call(_table: &Table, $($p: $t),*) -> $result {
                    direct($($p),*)
                }
            }

            struct StaticCall;

            impl By for StaticCall {
                #[inline(always)]
                fn call(_table: &Table, $($p: $t),*) -> $result {
                    switchable($($p),*)
                }
            }

            struct Pointer;

            impl By for Pointer {
                #[inline(always)]
                fn call(_table: &Table, $($p: $t),*) -> $result {
                    let pointer = POINTER.load(Ordering::Acquire);
                    // SAFETY: it holds functions of this type only.
                    let function = unsafe { std::mem::transmute::<*mut (), Function>(pointer) };
                    function($($p),*)
                }
            }

            struct Once;

            impl By for Once {
                #[inline(always)]
                fn call(_table: &Table, $($p: $t),*) -> $result {
                    ONCE.get_or_init(|| direct)($($p),*)
                }
            }

            struct Dyn;

            impl By for Dyn {
                #[inline(always)]
                fn call(table: &Table, $($p: $t),*) -> $result {
                    table.object.call($($p),*)
                }
            }

            struct Closure;

            impl By for Closure {
                #[inline(always)]
                fn call(table: &Table, $($p: $t),*) -> $result {
                    (table.closure)($($p),*)
                }
            }

            struct Arc;

            impl By for Arc {
                #[inline(always)]
                fn call(table: &Table, $($p: $t),*) -> $result {
                    (**table.arc.load())($($p),*)
                }
            }

            struct Versions;

            impl By for Versions {
                #[inline(always)]
                fn call(_table: &Table, $($p: $t),*) -> $result {
                    versions($($p),*)
                }
            }

            struct Keys;

            impl By for Keys {
                #[inline(always)]
                fn call(_table: &Table, $($p: $t),*) -> $result {
                    if static_keys::static_branch_unlikely!(KEYS) {
                        other($($p),*)
                    } else {
                        direct($($p),*)
                    }
                }
            }

            struct Key;

            impl By for Key {
                #[inline(always)]
                fn call(_table: &Table, $($p: $t),*) -> $result {
                    if static_key::static_if!(KEY, unlikely) {
                        other($($p),*)
                    } else {
                        direct($($p),*)
                    }
                }
            }

            struct Ifunc;

            impl By for Ifunc {
                #[inline(always)]
                fn call(_table: &Table, $($p: $t),*) -> $result {
                    super::$ifunc($($p),*)
                }
            }

            struct Calls<B>(std::marker::PhantomData<B>);

            impl<B: By> Loop for Calls<B> {
                #[inline(always)]
                fn body<const COPY: u64>(mut $x: u64) -> u64 {
                    let table = TABLE.get().expect("prepared");
                    let mut $n = CALLS;
                    $x ^= COPY;
                    align();
                    loop {
                        let $y = B::call(table, $($argument),*);
                        $x = $next;
                        $n -= 1;
                        if $n == 0 {
                            return $x;
                        }
                    }
                }
            }

            pub(super) fn switch() -> Result<(), static_call::UpdateError> {
                switchable::update(direct).map(drop)
            }

            pub(super) fn workload() -> Workload {
                prepare();
                Workload::new(
                    $title,
                    [
                        way::<Calls<Name>>("direct call"),
                        again::<Calls<Name>>(),
                        way::<Calls<StaticCall>>("static call"),
                        way::<Calls<Pointer>>("AtomicPtr"),
                        way::<Calls<Once>>("OnceLock<fn>"),
                        way::<Calls<Dyn>>("dyn"),
                        way::<Calls<Closure>>("Box<dyn Fn>"),
                        way::<Calls<Arc>>("arc-swap"),
                        way::<Calls<Versions>>("multiversion"),
                        way::<Calls<Ifunc>>("IFUNC"),
                        way::<Calls<Keys>>("static-keys"),
                        way::<Calls<Key>>("static-key"),
                    ],
                )
            }
        }
    };
}

/// Returned through memory.
#[derive(Clone, Copy)]
#[repr(C)]
struct Large([u64; 8]);

// Functions of the shared object, with the same bodies.
unsafe extern "C" {
    safe fn shape_chain(x: u64) -> u64;
    safe fn shape_eight(a: u64, b: u64, c: u64, d: u64, e: u64, f: u64, g: u64, h: u64) -> u64;
    safe fn shape_large(x: u64) -> Large;
}

workload!(
    chain: "one site, a chain",
    (x: u64) -> u64 { x.rotate_left(1) ^ 0x5bd1_e995 },
    |x, n| (x),
    |y| y,
    shape_chain
);

workload!(
    independent: "one site, independent calls",
    (x: u64) -> u64 { x.rotate_left(1) ^ 0x5bd1_e995 },
    |x, n| (n),
    |y| x.rotate_left(7) ^ y,
    shape_chain
);

workload!(
    eight: "eight arguments",
    (a: u64, b: u64, c: u64, d: u64, e: u64, f: u64, g: u64, h: u64) -> u64 {
        a.rotate_left(1) ^ b ^ c ^ d ^ e ^ f ^ g ^ h
    },
    |x, n| (x, n, 2, 3, 4, 5, 6, n),
    |y| y,
    shape_eight
);

workload!(
    large: "64 bytes returned",
    (x: u64) -> super::Large {
        super::Large([x, x.rotate_left(1), x, x ^ 3, x ^ 4, x.rotate_left(9), x, x ^ 7])
    },
    |x, n| (x),
    |y| y.0[1] ^ y.0[5],
    shape_large
);

/// Returns the workloads.
pub(super) fn workloads() -> Vec<Workload> {
    vec![chain::workload(), independent::workload(), eight::workload(), large::workload()]
}

/// Makes the static calls reach other targets.
pub(super) fn switch() -> Result<(), UpdateError> {
    chain::switch()?;
    independent::switch()?;
    eight::switch()?;
    large::switch()
}
