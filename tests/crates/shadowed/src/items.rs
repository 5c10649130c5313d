//! The names of generated code.

#[derive(Clone, Copy, Debug, PartialEq)]
pub struct bool(pub ::core::primitive::u8);
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct u32(pub ::core::primitive::u8);
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct u64(pub ::core::primitive::u8);
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct usize(pub ::core::primitive::u8);
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Option(pub ::core::primitive::u8);
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct str(pub bool, pub u32, pub usize, pub Option);

pub const N: ::core::primitive::usize = 2;
pub const __N: ::core::primitive::usize = 3;
pub const SITE: ::core::primitive::u8 = 4;
pub const DESCRIPTION: ::core::primitive::u8 = 5;
pub const ON: ::core::primitive::bool = true;
pub const INITIALLY: ::core::primitive::bool = true;
pub const RECORD: ::core::primitive::bool = true;
pub const CELL: ::core::primitive::usize = 1;
pub const POSITION: ::core::primitive::usize = 1;
pub const arg0: ::core::primitive::u8 = 7;
pub static site: ::core::primitive::u8 = 9;

// A type with the constant's name, which has precedence in a list of generic arguments.
pub struct N {}
pub struct F(pub ::core::primitive::usize);
pub struct K(pub ::core::primitive::usize);
pub struct A0(pub ::core::primitive::usize);
pub struct R(pub ::core::primitive::usize);
pub struct S(pub ::core::primitive::usize);
pub struct I<T = ::core::primitive::u64>(pub T);
#[derive(Debug, PartialEq)]
pub struct Here(pub ::core::primitive::usize);

pub struct Some;
pub struct None;
pub struct Ok;
pub struct Err;
pub struct Result;
pub struct Copy;
pub struct Send;
pub struct Sync;
pub struct Fn;
pub struct FnOnce;
pub struct PhantomData;
pub struct ManuallyDrop;
pub struct KeyRecord;
pub struct TargetRecord;
pub struct SiteRecord;
pub struct Keyed;
pub struct Pass;
pub struct Passing;
pub struct Request;

pub mod core {}
pub mod std {}
pub mod alloc {}
pub mod linkme {}
pub mod __private {}

pub fn usize_of(n: impl ::core::convert::TryInto<::core::primitive::usize>) -> ::core::primitive::usize {
    match n.try_into() {
        ::core::result::Result::Ok(n) => n,
        ::core::result::Result::Err(_) => 0,
    }
}
pub fn on() {}
pub fn go() {}
pub fn trampoline() {}
pub fn stub() {}
pub fn through() {}
