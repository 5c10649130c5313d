//! How a by-value argument crosses a trampoline.
//!
//! The C ABI copies an argument of more than two eightbytes to the stack (System V psABI AMD64,
//! 3.2.3), which the Rust ABI does not do, and which prevents the tail call. So such arguments are
//! passed by pointer; `Pass<{ size_of::<T>() > 16 }>` chooses at compile time.

use core::mem::ManuallyDrop;

/// Chooses how an argument is passed: `Pass<true>` by pointer, `Pass<false>` as it is.
#[derive(Debug)]
pub struct Pass<const INDIRECT: bool>;

/// An argument that is passed by pointer: 8 bytes in a register. INV-PASS: the shim reads it once.
#[derive(Debug)]
#[repr(transparent)]
pub struct Indirect<T>(*mut T);

/// Passes a `T` across a trampoline: one function for each side.
pub trait Passing<T> {
    /// The type that crosses the trampoline.
    type Abi;

    /// Prepares the value for the call.
    ///
    /// # Safety
    ///
    /// 1. The value is not used again except through one [`Passing::receive`] of the result.
    /// 2. `value` lives until that call returns.
    unsafe fn pass(value: &mut ManuallyDrop<T>) -> Self::Abi;

    /// Takes the value on the other side.
    ///
    /// # Safety
    ///
    /// 1. `abi` comes from [`Passing::pass`] and is received only once.
    unsafe fn receive(abi: Self::Abi) -> T;
}

impl<T> Passing<T> for Pass<false> {
    type Abi = T;

    #[inline(always)]
    unsafe fn pass(value: &mut ManuallyDrop<T>) -> T {
        // SAFETY: the caller does not use the value again (promise 1).
        unsafe { ManuallyDrop::take(value) }
    }

    #[inline(always)]
    unsafe fn receive(abi: T) -> T {
        abi
    }
}

impl<T> Passing<T> for Pass<true> {
    type Abi = Indirect<T>;

    #[inline(always)]
    unsafe fn pass(value: &mut ManuallyDrop<T>) -> Indirect<T> {
        Indirect((&raw mut *value).cast())
    }

    #[inline(always)]
    unsafe fn receive(abi: Indirect<T>) -> T {
        // SAFETY: `pass` made the pointer from a live value, and nothing else reads it (promise 1).
        unsafe { abi.0.read() }
    }
}
