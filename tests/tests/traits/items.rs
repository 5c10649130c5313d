//! Other features of traits: associated types and constants, supertraits, `unsafe`, visibilities.

use std::fmt::{self, Debug, Display};
use std::io;
use std::str::FromStr;
use std::sync::Mutex;

use static_call::{Instance, Observer, UpdateError, call, static_call};

#[static_call(type Error = io::Error, const LEVEL: u32 = 3, type Item = Vec<Option<u8>>)]
trait Parser {
    type Error: Debug;
    type Item: Clone;
    const LEVEL: u32;
    const NAME: &'static str = "parser";
    const LIMIT: usize = 8;
    fn parse(&self, text: &str, items: Self::Item) -> Result<Self::Item, Self::Error>;
    fn failed(error: &Self::Error) -> String {
        format!("{} {}: {error:?}", Self::NAME, Self::LEVEL)
    }
    fn none(&self) -> Result<(), Self::Error> {
        let error: Option<Self::Error> = None;
        error.map_or(Ok(()), Err)
    }
}

#[derive(Instance)]
struct Bytes;

impl Parser for Bytes {
    type Error = io::Error;
    type Item = Vec<Option<u8>>;
    const LEVEL: u32 = 4;
    const NAME: &'static str = "bytes";
    fn parse(&self, text: &str, mut items: Self::Item) -> io::Result<Self::Item> {
        if text.len() > Self::LIMIT {
            return Err(io::Error::other("long"));
        }
        items.extend(text.bytes().map(Some));
        Ok(items)
    }
}

/// Generic code sees the handle's types.
fn parse<P: Parser<Error = io::Error>>(parser: &P, text: &str, items: P::Item) -> P::Item {
    parser.parse(text, items).unwrap()
}

#[test]
fn associated_types_and_constants() {
    assert_eq!((StaticParser::LEVEL, StaticParser::NAME), (3, "parser"));
    assert!(StaticParser::failed(&io::Error::other("x")).starts_with("parser 3: "));
    assert!(StaticParser.none().is_ok());
    StaticParser::update::<Bytes>().unwrap();
    assert_eq!(parse(&StaticParser, "a", vec![None]), [None, Some(97)]);
    assert_eq!(call!(StaticParser::parse(&StaticParser, "a", vec![])).unwrap(), [Some(97)]);
    assert!(StaticParser.parse("far too long", vec![]).is_err());
    assert!(StaticParser::failed(&io::Error::other("x")).starts_with("bytes 4: "));
    assert_eq!(StaticParser::LEVEL, 3);
}

trait Named {
    fn name(&self) -> String;
}

#[static_call(handle = Fast, derive(PartialEq, Eq, Hash, PartialOrd, Ord))]
trait Ordered: Named + Ord + Display + FromStr<Err = u8> + Send + Sync
where
    Self: 'static,
{
    fn rank(&self) -> usize {
        self.name().len() + self.to_string().len()
    }
    /// Names a type of another trait.
    fn read(&self, text: &str) -> Result<(), <Self as FromStr>::Err> {
        text.parse::<Self>().map(|_| ())
    }
}

impl Named for Fast {
    fn name(&self) -> String {
        "fast".to_owned()
    }
}

impl Display for Fast {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("handle")
    }
}

impl FromStr for Fast {
    type Err = u8;
    fn from_str(text: &str) -> Result<Self, u8> {
        if text.is_empty() { Err(1) } else { Ok(Self) }
    }
}

#[derive(Instance, PartialEq, Eq, PartialOrd, Ord)]
struct Seven;

impl Named for Seven {
    fn name(&self) -> String {
        "seven".to_owned()
    }
}

impl Display for Seven {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("")
    }
}

impl FromStr for Seven {
    type Err = u8;
    fn from_str(_: &str) -> Result<Self, u8> {
        Err(7)
    }
}

impl Ordered for Seven {}

#[test]
fn supertraits_and_derives() {
    assert_eq!(Fast.rank(), 10);
    assert_eq!((Fast.read("x"), Fast.read("")), (Ok(()), Err(1)));
    Fast::update::<Seven>().unwrap();
    assert_eq!(Fast.rank(), 5);
    assert_eq!(Fast.read("x"), Err(7));
    let copy = Fast;
    assert_eq!(format!("{copy:?} {:?}", copy.max(Fast)), "Fast Fast");
    assert_eq!(size_of::<Fast>(), 0);
    assert_eq!(<Fast as Default>::default(), Fast);
}

/// # Safety
///
/// 1. `end` returns what `begin` took.
#[static_call]
unsafe trait Paired {
    fn begin(&self) -> usize {
        0
    }
    /// # Safety
    ///
    /// 1. `token` is from `begin`.
    unsafe fn end(&self, token: usize) -> usize {
        token
    }
}

#[derive(Instance)]
struct One;

// SAFETY: promise 1 is kept (INV-SLOT).
unsafe impl Paired for One {
    fn begin(&self) -> usize {
        1
    }
}

#[test]
fn the_handle_of_an_unsafe_trait() {
    // SAFETY: nothing calls it now (INV-SLOT).
    let update = unsafe { StaticPaired::update::<One>() }.unwrap();
    // SAFETY: the token is from `begin` (INV-SLOT).
    assert_eq!(unsafe { StaticPaired.end(StaticPaired.begin()) }, 1);
    let refused = update.previous.clone().restore().unwrap_err();
    assert!(
        matches!(refused, UpdateError::RequiresUnsafe { key } if key.starts_with("StaticPaired::"))
    );
    // SAFETY: nothing calls it now (INV-SLOT).
    unsafe { update.previous.restore_unchecked() }.unwrap();
    assert_eq!(StaticPaired.begin(), 0);
    // SAFETY: nothing calls it now (INV-SLOT).
    unsafe { StaticPaired::reset() }.unwrap();
}

mod library {
    use static_call::{Instance, Update, UpdateError, static_call};

    /// Other modules call it, but only this module switches it.
    #[static_call(update = pub(self))]
    pub(crate) trait Clock {
        /// Returns the time.
        fn now(&self) -> u64 {
            1
        }
        /// Sets the time.
        fn set(n: u8) -> u8 {
            n
        }
    }

    #[derive(Instance)]
    struct Later;

    impl Clock for Later {
        fn now(&self) -> u64 {
            2
        }
    }

    pub(crate) fn switch() -> Result<Update, UpdateError> {
        StaticClock::update::<Later>()
    }

    pub(crate) fn switch_back() -> Result<Update, UpdateError> {
        static_call::batch(|batch| batch.update_all::<StaticClockKeys, Later>())?;
        static_call::batch(|batch| batch.reset_all::<StaticClockKeys>())
    }
}

#[test]
fn only_the_module_can_update() {
    use library::{Clock, StaticClock};

    assert_eq!(StaticClock.now(), 1);
    library::switch().unwrap();
    assert_eq!(StaticClock.now(), 2);
    library::switch_back().unwrap();
    assert_eq!((StaticClock.now(), StaticClock::set(3)), (1, 3));
}

#[static_call]
fn beside() -> u8 {
    1
}

#[static_call]
trait Batched {
    fn a(&self) -> u8 {
        1
    }
    fn b() -> u8 {
        1
    }
}

#[derive(Instance)]
struct Other;
impl Batched for Other {
    fn a(&self) -> u8 {
        2
    }
    fn b() -> u8 {
        2
    }
}

#[test]
fn a_handle_in_a_batch() {
    let all = || [beside(), StaticBatched.a(), StaticBatched::b()];
    static CHANGES: Mutex<Vec<(&str, u64)>> = Mutex::new(Vec::new());
    static LOG: Observer = Observer::new(|change| {
        if change.key.starts_with("StaticBatched::") {
            CHANGES.lock().unwrap().push((change.key, change.generation));
        }
    });
    LOG.register();
    let update = StaticBatched::update::<Other>().unwrap();
    let changes = std::mem::take(&mut *CHANGES.lock().unwrap());
    assert_eq!(
        changes.iter().map(|c| c.0).collect::<Vec<_>>(),
        ["StaticBatched::a", "StaticBatched::b"]
    );
    assert_eq!(changes[0].1, changes[1].1, "one batch");
    update.previous.restore().unwrap();
    let nothing = static_call::batch(|batch| {
        batch.update_all::<StaticBatched, Other>()?;
        Err(UpdateError::Cancelled)
    });
    assert!(nothing.is_err());
    assert_eq!(all(), [1, 1, 1]);
    let update = static_call::batch(|batch| {
        batch.update(beside::KEY, || 2)?;
        batch.update_all::<StaticBatched, Other>()
    });
    assert_eq!(all(), [2, 2, 2]);
    update.unwrap().previous.restore().unwrap();
    assert_eq!(all(), [1, 1, 1]);
}
