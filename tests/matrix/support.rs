//! The parts of the generated program: values that are made from a seed and recognised by a digest,
//! answers that tell which target gave them, and the counts of a thread.

use std::fmt::Write;

/// Values made from a seed.
pub trait Make: Sized {
    fn make(seed: u64) -> Self;
}

/// Values recognised by a digest.
pub trait Digest {
    fn digest(&self) -> u64;
}

/// Results of targets, which hold as much of a digest as fits.
pub trait Answer: PartialEq {
    fn answer(digest: u64) -> Self;
}

/// Returns the seed of an argument.
#[inline(always)]
pub fn arg(seed: u64, n: u64) -> u64 {
    mix(seed, n)
}

#[inline(always)]
pub fn mix(h: u64, v: u64) -> u64 {
    let x = (h ^ v.wrapping_add(0x9e37_79b9_7f4a_7c15)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    x ^ x >> 29
}

/// Returns the answer of a target that was passed arguments with these digests.
#[inline(always)]
pub fn answer<R: Answer, const N: usize>(target: u64, digests: [u64; N]) -> R {
    R::answer(mix(digests.iter().fold(target, |h, d| mix(h, *d)), N as u64))
}

/// Hides a value from the compiler.
#[inline(never)]
pub fn opaque(x: u64) -> u64 {
    std::hint::black_box(x)
}

#[inline(never)]
pub fn apply(c: &mut Ctx, f: &dyn Fn(&mut Ctx, u64)) {
    for n in 0..2 {
        f(c, n);
    }
}

/// The counts of a thread.
#[derive(Default)]
pub struct Ctx {
    state: u64,
    pub calls: u64,
    /// How often each of the four targets was seen.
    pub by_target: [u64; 4],
    pub wrong: Vec<String>,
}

impl Ctx {
    pub fn new(seed: u64) -> Self {
        Self { state: seed, ..Self::default() }
    }

    #[inline(always)]
    pub fn seed(&mut self, salt: u64) -> u64 {
        self.state = mix(self.state, salt);
        self.state
    }

    /// Notes which of the four targets gave a result; `None` is a wrong result.
    #[inline(never)]
    pub fn judge(&mut self, what: &'static str, seed: u64, target: Option<u64>) {
        self.calls += 1;
        match target {
            Some(t) => self.by_target[t as usize] += 1,
            None if self.wrong.len() < 20 => {
                let mut text = String::new();
                let _ = write!(text, "{what}: wrong result for seed {seed:#x}");
                self.wrong.push(text);
            }
            None => {}
        }
    }
}

macro_rules! integers {
    ($($ty:ty)*) => {$(
        impl Make for $ty {
            #[inline(always)]
            fn make(seed: u64) -> Self { seed as $ty }
        }
        impl Digest for $ty {
            #[inline(always)]
            fn digest(&self) -> u64 { *self as u64 }
        }
        impl Answer for $ty {
            #[inline(always)]
            fn answer(digest: u64) -> Self { digest as $ty }
        }
    )*};
}
integers!(u8 i8 u16 i16 u32 i32 u64 i64 usize);

macro_rules! wide {
    ($($ty:ty)*) => {$(
        impl Make for $ty {
            fn make(seed: u64) -> Self { (seed as $ty) << 64 | mix(seed, 1) as $ty }
        }
        impl Digest for $ty {
            fn digest(&self) -> u64 { mix(*self as u64, (*self >> 64) as u64) }
        }
        impl Answer for $ty {
            fn answer(digest: u64) -> Self { Self::make(digest) }
        }
    )*};
}
wide!(u128 i128);

macro_rules! floats {
    ($($ty:ty, $bits:ty;)*) => {$(
        impl Make for $ty {
            // Whole numbers, so that there is never a NaN.
            fn make(seed: u64) -> Self { (seed >> 44) as $ty }
        }
        impl Digest for $ty {
            fn digest(&self) -> u64 { u64::from(self.to_bits()) }
        }
        impl Answer for $ty {
            fn answer(digest: u64) -> Self { Self::make(digest) }
        }
    )*};
}
floats!(f32, u32; f64, u64;);

macro_rules! made {
    ($($ty:ty: $seed:ident => $make:expr, $value:ident => $digest:expr;)*) => {$(
        impl Make for $ty {
            fn make($seed: u64) -> Self { $make }
        }
        impl Digest for $ty {
            fn digest(&self) -> u64 { let $value = self; $digest }
        }
        impl Answer for $ty {
            fn answer(digest: u64) -> Self { Self::make(digest) }
        }
    )*};
}

#[derive(Clone, Copy, PartialEq)]
pub struct Small {
    pub a: u32,
    pub b: u16,
}

#[derive(Clone, Copy, PartialEq)]
pub struct Pair {
    pub a: u64,
    pub b: u64,
}

#[derive(Clone, Copy, PartialEq)]
pub struct Mixed {
    pub a: f64,
    pub b: u32,
}

#[derive(Clone, Copy, PartialEq)]
pub struct Large {
    pub words: [u64; 5],
    pub tail: u8,
}

#[derive(Clone, Copy, PartialEq)]
#[repr(C)]
pub struct Nothing;

made! {
    bool: s => s & 1 != 0, v => u64::from(*v);
    char: s => char::from_u32((s % 0xd800) as u32).unwrap_or('x'), v => u64::from(u32::from(*v));
    Option<u32>: s => (s & 3 != 0).then_some(s as u32), v => v.map_or(7, |x| u64::from(x) + 8);
    Option<u64>: s => (s & 3 != 0).then_some(mix(s, 2)), v => v.map_or(7, |x| mix(x, 8));
    Option<bool>: s => [None, Some(false), Some(true)][(s % 3) as usize], v => match v {
        None => 0,
        Some(false) => 1,
        Some(true) => 2,
    };
    Result<u16, u32>: s => if s & 1 == 0 { Ok(s as u16) } else { Err(s as u32) }, v => match v {
        Ok(x) => u64::from(*x) << 1,
        Err(x) => u64::from(*x) << 1 | 1,
    };
    (u32, u64): s => (s as u32, mix(s, 3)), v => mix(u64::from(v.0), v.1);
    [u8; 5]: s => { let b = s.to_le_bytes(); [b[0], b[1], b[2], b[3], b[4]] }, v => bytes(v);
    [u64; 3]: s => [s, mix(s, 4), mix(s, 5)], v => words(v);
    Small: s => Small { a: s as u32, b: (s >> 32) as u16 },
        v => mix(u64::from(v.a), u64::from(v.b));
    Pair: s => Pair { a: s, b: mix(s, 6) }, v => mix(v.a, v.b);
    Mixed: s => Mixed { a: f64::make(s), b: s as u32 }, v => mix(v.a.to_bits(), u64::from(v.b));
    Large: s => Large { words: [s, s ^ 1, s ^ 2, s ^ 3, mix(s, 7)], tail: s as u8 },
        v => mix(words(&v.words), u64::from(v.tail));
    Nothing: _s => Nothing, _v => 11;
    String: s => text(s).to_owned(), v => bytes(v.as_bytes());
    Box<u64>: s => Box::new(mix(s, 8)), v => **v;
}

static BYTES: [u8; 128] = {
    let mut bytes = [0; 128];
    let mut i = 0;
    while i < 128 {
        bytes[i] = b'a' + (i * 7 % 26) as u8;
        i += 1;
    }
    bytes
};
static WORDS: [u32; 32] = {
    let mut words = [0; 32];
    let mut i = 0;
    while i < 32 {
        words[i] = (i as u32).wrapping_mul(0x9e37_79b1);
        i += 1;
    }
    words
};

fn part<T>(all: &'static [T], seed: u64) -> &'static [T] {
    let from = (seed % 20) as usize;
    &all[from..from + (seed >> 8) as usize % 12]
}

fn text(seed: u64) -> &'static str {
    std::str::from_utf8(part(&BYTES, seed)).unwrap_or_default()
}

#[inline(never)]
fn bytes(v: &[u8]) -> u64 {
    v.iter().fold(v.len() as u64, |h, b| mix(h, u64::from(*b)))
}

#[inline(never)]
fn words(v: &[u64]) -> u64 {
    v.iter().fold(v.len() as u64, |h, w| mix(h, *w))
}

macro_rules! borrowed {
    ($($ty:ty: $seed:ident => $make:expr, $value:ident => $digest:expr;)*) => {$(
        impl Make for &'static $ty {
            fn make($seed: u64) -> Self { $make }
        }
        impl Digest for &$ty {
            fn digest(&self) -> u64 { let $value = *self; $digest }
        }
    )*};
}
borrowed! {
    [u8]: s => part(&BYTES, s), v => bytes(v);
    [u32]: s => part(&WORDS, s), v => v.iter().fold(3, |h, w| mix(h, u64::from(*w)));
    str: s => text(s), v => bytes(v.as_bytes());
    u32: s => &WORDS[(s % 32) as usize], v => u64::from(*v);
}

impl Make for Option<&'static u32> {
    fn make(seed: u64) -> Self {
        (seed & 3 != 0).then(|| <&u32>::make(seed))
    }
}

impl Digest for Option<&u32> {
    fn digest(&self) -> u64 {
        self.map_or(5, |x| u64::from(*x) + 6)
    }
}

impl Make for fn(u64) -> u64 {
    fn make(seed: u64) -> Self {
        [opaque as fn(u64) -> u64, |x| x + 1, |x| x ^ 0xff][(seed % 3) as usize]
    }
}

impl Digest for fn(u64) -> u64 {
    fn digest(&self) -> u64 {
        self(1000)
    }
}
