//! What is the same in every key. The procedural macros emit only what differs, because the
//! compiler copies the tokens of a `macro_rules!` many times faster than theirs.
//!
//! Unsafe blocks are the caller's, so that a crate that forbids unsafe code cannot call these
//! macros: it can make neither a record nor a key, nor open a site.

/// Defines the inherent functions and the constant of a free function's key, `$new`. `$update` and
/// `$scoped` are the names of those functions; they, the bounds and the check have the span of the
/// user's signature, so that errors show it.
#[doc(hidden)]
#[macro_export]
macro_rules! __functions {
    (
        $key:ident = [$new:expr] [$($vis:tt)*] [$($update_vis:tt)*] $update:ident $scoped:ident
        $target:ident [$($bounds:tt)*] [$($check:tt)*] [$pointer:ty]
    ) => {
        #[doc = "The key of the static call."]
        $($update_vis)* const KEY: $crate::Key<$key> = $new;

        #[doc = " Makes all calls go to `target`, on every thread.\n\n `target` is a function, \
                 or a closure that captures nothing.\n\n # Errors\n\n If the update fails, \
                 nothing changes; the error says why."]
        $($update_vis)* fn $update<$target>(
            target: $target,
        ) -> $crate::__private::Result<$crate::Update>
        where
            $target: $($bounds)*,
        {
            $($check)*
            $crate::__private::update(Self::KEY, target)
        }

        #[doc = " Makes all calls go to a function pointer known only at run time.\n\n This \
                 costs one more indirect call than a target of `update`.\n\n # Errors\n\n The \
                 same as for `update`."]
        $($update_vis)* fn update_fn(
            pointer: $pointer,
        ) -> $crate::__private::Result<$crate::Update> {
            Self::KEY.update_fn(pointer)
        }

        $crate::__scoped! {
            $($update_vis)* fn $scoped<$target>() where [$($bounds)*] { $($check)* }
        }

        #[doc = " Returns the current target."]
        #[must_use]
        $($vis)* fn query() -> $crate::Target {
            Self::KEY.query()
        }

        #[doc = " Makes all calls go to the default again.\n\n # Errors\n\n The same as for \
                 `update`."]
        $($update_vis)* fn reset() -> $crate::__private::Result<$crate::Update> {
            Self::KEY.reset()
        }
    };
}

/// Defines `scoped` of a free function's key.
#[doc(hidden)]
#[macro_export]
#[cfg(feature = "std")]
macro_rules! __scoped {
    ($vis:vis fn $scoped:ident<$target:ident>() where [$($bounds:tt)*] { $($check:tt)* }) => {
        #[doc = " Makes all calls go to `target` while the guard lives.\n\n For tests: a guard of \
                 the same key on another thread waits.\n\n # Errors\n\n The same as for `update`, \
                 and if two threads would wait for each other."]
        $vis fn $scoped<$target>(target: $target) -> $crate::__private::Result<$crate::Scoped>
        where
            $target: $($bounds)*,
        {
            $($check)*
            $crate::__private::scoped_one(Self::KEY, target)
        }
    };
}

/// Defines nothing: guards need `std`.
#[doc(hidden)]
#[macro_export]
#[cfg(not(feature = "std"))]
macro_rules! __scoped {
    ($($item:tt)*) => {};
}

/// Defines the functions of a key for `call!`: `$name` takes a site, and `$off` returns `$value` if
/// the key is a hook that is off. The statements take the function out of `$site`.
#[doc(hidden)]
#[macro_export]
macro_rules! __call_at {
    (
        $key:ident $vis:vis [$($unsafety:tt)*] [$($attrs:tt)*] [$($off_attrs:tt)*]
        $name:ident $off:ident $site:ident [$($lifetimes:tt)*] $label:ident
        ($($abi:tt)*) -> [$($output:tt)*] [$($bound_output:tt)*]
        ($($parameters:tt)*) { $($statements:tt)* } ($($values:tt)*) $({ $($value:tt)* })?
    ) => {
        #[doc(hidden)]
        #[allow(dead_code, reason = "only `call!` uses it")]
        $($attrs)*
        #[inline(always)]
        $vis $($unsafety)* fn $name<$($lifetimes)*>(
            $site: $crate::__private::Site<
                fn($crate::__private::PhantomData<$key>, $($abi)*) -> $($bound_output)*,
            >,
            $($parameters)*
        ) -> $($output)* {
            $($statements)*
            $site($crate::__private::PhantomData, $($values)*)
        }

        $($off_attrs)*
        #[doc(hidden)]
        #[allow(dead_code, reason = "only `call!` uses it")]
        #[inline(always)]
        $vis fn $off<$($lifetimes)* $label>(
            label: $label,
        ) -> $crate::__private::Option<$($bound_output)*>
        where
            $label: $crate::__private::FnOnce($crate::__private::PhantomData<$key>)
                -> $crate::__private::bool,
        {
            let _ = label;
            $(
                if !label($crate::__private::PhantomData) {
                    return $crate::__private::Option::Some({ $($value)* });
                }
            )?
            $crate::__private::Option::None
        }
    };
}

/// Defines the record of a key, its shims, and the traits that lead to them. `$new` makes the
/// record from `$description`; without it the traits cannot be implemented. `$first` is the shim
/// that the slot holds at first. `$call` calls the default, and `$receiving` receives arguments in
/// a shim.
///
/// The shim of targets is in a constant of the trait, not beside the shim of the default: compilers
/// lay code out by the names of functions, and shims of targets should lie beside each other.
#[doc(hidden)]
#[macro_export]
macro_rules! __key {
    (
        $unsafe:tt $key:ident $record:ident = [$new:expr] of $description:ident
        [$($lints:tt)*] [$($allowed:tt)*]
        $first:ident [$caller:expr] [$($chosen_by:tt)*]
        ($name_length:literal $name:literal $signature:literal $position:expr; [$flags:expr])
        [$($lifetimes:tt)*] ($($parameters:tt)*) -> [$($output:tt)*]
        { $($receiving:tt)* } { $($call:tt)* } ($($arguments:tt)*)
        $target:ident [$($accept:tt)*] [$($bounds:tt)*] [$($shim_bound:tt)*]
        [$pointer:ty] [$through:expr]
    ) => {
        $crate::__record! {
            key $record = {
                // Cold, so that it lies apart from the code that calls execute.
                #[cold]
                fn describe(description: &mut $crate::__private::TargetDescription) {
                    description
                        .at($key::$first as *const ())
                        .of_key($crate::__private::type_of_function($caller))
                        $($chosen_by)*;
                }
                let $description = $crate::__private::KeyDescription {
                    describe,
                    shim: $key::$first as *const (),
                    stub: <$key as $crate::__private::Keyed>::stub as *const (),
                    text: $crate::__private::core::concat!(
                        $crate::__private::core::module_path!(),
                        "::",
                        $name,
                        $crate::__private::core::file!(),
                        $signature,
                    ),
                    module: $crate::__private::core::module_path!().len(),
                    name: $name_length,
                    file: $crate::__private::core::file!().len(),
                    position: $position,
                    flags: $flags,
                };
                $new
            };
        }

        $($lints)*
        $($allowed)*
        impl $key {
            unsafe extern "C-unwind" fn __default<$($lifetimes)*>(
                $($parameters)*
            ) -> $($output)* {
                $($receiving)*
                $($call)*
            }
        }

        // SAFETY: the record is in the slice of keys and belongs only to this key, and the stub
        // jumps through its slot (promises 1, 2 and 3, INV-KEY).
        $unsafe impl $crate::__private::Keyed for $key {
            const RECORD: *const $crate::__private::KeyRecord = &raw const $record;
            $crate::__stub!($record);
        }

        $($lints)*
        $($allowed)*
        // SAFETY: the shim has the parameters of the trampolines, and conjures only a target that
        // an update was given (promises 1 and 2, INV-SHIM).
        $unsafe impl<$target> $($accept)*
        where
            $target: $($bounds)*,
        {
            const SHIM: *const () = {
                unsafe extern "C-unwind" fn __shim<$($lifetimes)* $target>(
                    $($parameters)*
                ) -> $($output)*
                where
                    $target: $($shim_bound)* + $crate::__private::Copy,
                {
                    // SAFETY: an update was given such a target (INV-SHIM).
                    let target = unsafe { $crate::__private::conjure::<$target>() };
                    $($receiving)*
                    target($($arguments)*)
                }
                __shim::<$target> as *const ()
            };
        }

        $($lints)*
        $($allowed)*
        // SAFETY: the shim has the parameters of the trampolines, and the cell belongs to no other
        // key (promises 1, 2 and 3, INV-SHIM).
        $unsafe impl $crate::__private::Pointed for $key {
            type Pointer = $pointer;
            const THROUGH: *const () = $through as *const ();
            fn cell() -> &'static $crate::__private::PointerCell {
                static CELL: $crate::__private::PointerCell =
                    $crate::__private::PointerCell::new();
                &CELL
            }
        }
    };
}
