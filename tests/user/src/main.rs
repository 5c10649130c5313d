//! Uses every feature of static-call, as its README describes.

mod codec;
mod store;

use std::error::Error;
use std::sync::atomic::{AtomicU32, Ordering};

use static_call::{Change, Observer, UpdateError, call, flag, static_call};

/// Returns the sum of bytes.
#[static_call]
pub fn checksum(data: &[u8]) -> u32 {
    data.iter().map(|&byte| u32::from(byte)).sum()
}

/// Returns how many bytes are `needle`.
#[static_call(select(avx2 => count_avx2, sse4.2 => count_sse42))]
pub fn count(needle: u8, data: &[u8]) -> usize {
    data.iter().filter(|&&byte| byte == needle).count()
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2")]
fn count_avx2(needle: u8, data: &[u8]) -> usize {
    data.iter().filter(|&&byte| byte == needle).count()
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "sse4.2")]
fn count_sse42(needle: u8, data: &[u8]) -> usize {
    data.iter().filter(|&&byte| byte == needle).count()
}

/// Matches lines that contain a word.
pub struct Filter {
    word: &'static str,
}

#[static_call]
impl Filter {
    /// Returns whether the line matches.
    #[static_call]
    pub fn matches(&self, line: &str) -> bool {
        line.contains(self.word)
    }
}

/// Sees every request while it is on.
#[static_call]
fn on_request(path: &str, length: usize);

/// May answer instead of the server.
#[static_call]
fn answer(path: &str) -> Option<u32>;

flag! {
    /// Whether output is verbose.
    static VERBOSE = false;
}

static REQUESTS: AtomicU32 = AtomicU32::new(0);
static LENGTHS: AtomicU32 = AtomicU32::new(0);

fn expensive() -> usize {
    LENGTHS.fetch_add(1, Ordering::Relaxed);
    7
}

fn request(path: &str) -> u32 {
    call!(on_request(path, expensive()));
    match call!(answer(path)) {
        Some(answer) => answer,
        None if VERBOSE.unlikely() => 2,
        None => 1,
    }
}

static CHANGES: AtomicU32 = AtomicU32::new(0);
static LOG: Observer = Observer::new(|_: &Change| {
    CHANGES.fetch_add(1, Ordering::Relaxed);
});

fn functions() -> Result<(), UpdateError> {
    let sum = |data: &[u8]| (checksum(data), call!(checksum(data)));
    assert_eq!(sum(b"abc"), (294, 294));
    let previous = checksum::update(|data| data.len() as u32)?.previous;
    assert_eq!(sum(b"abc"), (3, 3));
    checksum::update(|data| checksum::original(data) * 2)?;
    assert_eq!(sum(b"abc"), (588, 588));
    checksum::update(|_| 9)?;
    assert_eq!(sum(b"abc"), (9, 9));
    let table: [fn(&[u8]) -> u32; 1] = [|data| u32::from(data[0])];
    checksum::update_fn(table[0])?;
    assert_eq!(sum(b"abc"), (97, 97));
    previous.restore()?;
    assert_eq!(sum(b"abc"), (294, 294));
    assert!(checksum::query().is_default());
    let error = checksum::update(checksum).unwrap_err();
    assert_eq!(error, UpdateError::CallsItself { key: "checksum" });

    let filter = Filter { word: "x" };
    assert!(filter.matches("x y"));
    Filter::MATCHES.update(|filter, line| line == filter.word)?;
    assert!(!filter.matches("x y") && call!(Filter::matches(&filter, "x")));

    assert_eq!(count(b'a', b"banana"), 3);
    count::update(|_, data| data.len())?;
    assert_eq!(count(b'a', b"banana"), 6);
    count::reset()?;
    assert_eq!(call!(count(b'n', b"banana")), 2);
    Ok(())
}

fn hooks() -> Result<(), UpdateError> {
    assert_eq!(request("/"), 1);
    assert_eq!(LENGTHS.load(Ordering::Relaxed), 0);
    on_request::update(|_, length| {
        REQUESTS.fetch_add(length as u32, Ordering::Relaxed);
    })?;
    answer::update(|path| (path == "/teapot").then_some(418))?;
    VERBOSE.enable()?;
    assert_eq!((request("/"), request("/teapot")), (2, 418));
    assert_eq!(LENGTHS.load(Ordering::Relaxed), 2);
    assert_eq!(REQUESTS.load(Ordering::Relaxed), 14);
    on_request::disable()?;
    answer::disable()?;
    VERBOSE.disable()?;
    VERBOSE.inc()?;
    VERBOSE.inc()?;
    VERBOSE.dec()?;
    assert!(VERBOSE.get());
    VERBOSE.dec()?;
    assert_eq!(request("/teapot"), 1);
    assert_eq!(LENGTHS.load(Ordering::Relaxed), 2);
    Ok(())
}

fn main() -> Result<(), Box<dyn Error>> {
    LOG.register();
    let update = static_call::init()?;
    functions()?;
    hooks()?;
    codec::check()?;
    store::check()?;
    assert!(CHANGES.load(Ordering::Relaxed) > 0 && static_call::generation() > 0);
    let report = static_call::report();
    let totals = report.totals();
    if cfg!(target_arch = "x86_64") && std::env::var_os("STATIC_CALL").is_none() {
        assert!(update.inline > 0 && totals.inline > 0, "{report}");
    }
    static_call::seal();
    assert_eq!(checksum::reset().unwrap_err(), UpdateError::Sealed { key: "checksum" });
    println!("{report}");
    Ok(())
}
