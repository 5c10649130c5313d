//! `impl` blocks with `#[static_call]`.
#![allow(clippy::boxed_local, reason = "shapes that users write")]

use std::pin::Pin;
use std::rc::Rc;

use static_call::{call, static_call};

#[derive(Clone, Debug, Default, PartialEq)]
struct Filter {
    words: Vec<String>,
    count: usize,
}

const TWO: usize = 2;

#[static_call]
impl Filter {
    const THREE: usize = 3;

    fn new(words: &[&str]) -> Self {
        Self { words: words.iter().map(|&w| w.to_owned()).collect(), count: 0 }
    }

    /// Whether a word occurs.
    #[static_call]
    #[must_use]
    fn matches(&self, line: &str) -> bool {
        self.words.iter().any(|word| line.contains(word))
    }

    #[static_call]
    fn count(&mut self, by: usize) -> &mut usize {
        self.count += by;
        &mut self.count
    }

    #[static_call]
    fn into_words(mut self, last: String) -> Vec<String> {
        self.words.push(last);
        self.words
    }

    #[static_call]
    fn boxed(self: Box<Self>) -> Self {
        *self
    }

    #[static_call]
    fn pinned(self: Pin<&mut Self>, _: &str) -> &mut Vec<String> {
        &mut Pin::into_inner(self).words
    }

    #[static_call]
    fn shared(self: &Rc<Self>, other: &Rc<Self>) -> (&str, usize) {
        (&self.words[0], Rc::strong_count(other))
    }

    #[static_call]
    fn from_counts(a: [usize; Self::THREE], b: [usize; TWO]) -> Self {
        Self { words: Vec::new(), count: a[2] + b[1] }
    }

    #[static_call]
    fn merge(left: Self, right: &Self, option: Option<Self>) -> Option<Self> {
        let mut merged = left;
        merged.words.extend_from_slice(&right.words);
        option.map(|other| Self { count: other.count, ..merged })
    }

    #[static_call]
    fn word(&self, at: usize, or: &str) -> &str {
        let _ = or;
        &self.words[at]
    }

    #[static_call]
    fn longest<'a>(&self, a: &'a str, b: &'a str) -> &'a str {
        let _ = self;
        if a.len() < b.len() { b } else { a }
    }

    #[static_call]
    fn seen(&self, line: &str);

    #[static_call(keys = LIMIT_KEY)]
    fn limit() -> usize {
        Self::LIMIT
    }

    const LIMIT: usize = 7;

    /// # Safety
    ///
    /// 1. `at` is in bounds.
    #[static_call]
    unsafe fn at(&self, at: usize) -> &String {
        // SAFETY: the caller's promise 1.
        unsafe { self.words.get_unchecked(at) }
    }

    #[static_call]
    fn exit(&self, code: u8) -> ! {
        panic!("{} {code}", self.count)
    }
}

#[test]
fn shared_self() {
    let filter = Filter::new(&["b"]);
    assert!(filter.matches("abc") && call!(Filter::matches(&filter, "abc")));
    assert_eq!(Filter::MATCHES.name(), "Filter::matches");
    assert!(Filter::MATCHES.query().is_default());
    assert!(Filter::MATCHES.query().name().ends_with("::Filter::matches"));
    Filter::MATCHES.update(|filter, line| !filter.original_matches(line)).unwrap();
    assert!(!filter.matches("abc") && !call!(Filter::matches(&filter, "abc")));
    assert!(call!(<Filter>::matches(&filter, "xyz")));
    assert!(Filter::MATCHES.update(Filter::matches).is_err());
    Filter::MATCHES.reset().unwrap();
    assert!(call!(crate::methods::Filter::matches(&filter, "abc")));
}

#[test]
fn unique_self() {
    let mut filter = Filter::new(&[]);
    *filter.count(2) += 1;
    *call!(Filter::count(&mut filter, 3)) += 1;
    assert_eq!(filter.count, 7);
    Filter::COUNT
        .update(|filter, by| {
            filter.count = by;
            &mut filter.count
        })
        .unwrap();
    assert_eq!(*filter.count(3), 3);
    assert_eq!(*call!(Filter::count(&mut filter, 4)), 4);
}

#[test]
fn self_by_value() {
    let filter = || Filter::new(&["a"]);
    let (a, b) = (|| "a".to_owned(), || "b".to_owned());
    assert_eq!(filter().into_words(b()), [a(), b()]);
    assert_eq!(call!(Filter::into_words(filter(), b())), [a(), b()]);
    Filter::INTO_WORDS.update(|_, last| vec![last]).unwrap();
    assert_eq!(filter().into_words(b()), [b()]);
    assert_eq!(call!(Filter::into_words(filter(), b())), [b()]);

    assert_eq!(Box::new(filter()).boxed(), filter());
    assert_eq!(call!(Filter::boxed(Box::new(filter()))), filter());
    Filter::BOXED.update(|_| Filter::default()).unwrap();
    assert_eq!(Box::new(filter()).boxed(), Filter::default());
    assert_eq!(call!(Filter::boxed(Box::new(filter()))), Filter::default());
}

#[test]
fn other_receivers() {
    let mut filter = Filter::new(&["a"]);
    Pin::new(&mut filter).pinned("").push("b".to_owned());
    call!(Filter::pinned(Pin::new(&mut filter), "")).push("c".to_owned());
    assert_eq!(filter, Filter::new(&["a", "b", "c"]));
    Filter::PINNED
        .update(|filter, _| {
            let words = &mut Pin::into_inner(filter).words;
            words.clear();
            words
        })
        .unwrap();
    assert!(Pin::new(&mut filter).pinned("").is_empty());

    let (a, b) = (Rc::new(Filter::new(&["a"])), Rc::new(Filter::default()));
    assert_eq!(a.shared(&b), ("a", 1));
    assert_eq!(call!(Filter::shared(&a, &b)), ("a", 1));
    Filter::SHARED.update(|a, b| (&a.words[0][..0], Rc::strong_count(b) + 1)).unwrap();
    assert_eq!(a.shared(&b), ("", 2));
    assert_eq!(call!(Filter::shared(&a, &b)), ("", 2));
}

#[test]
fn without_self() {
    assert_eq!(Filter::from_counts([0, 0, 3], [0, 4]).count, 7);
    assert_eq!(call!(Filter::from_counts([0, 0, 3], [0, 4])).count, 7);
    Filter::FROM_COUNTS.update(|a, _| Filter { words: vec![], count: a[2] }).unwrap();
    assert_eq!(Filter::from_counts([0, 0, 3], [0, 4]).count, 3);
    assert_eq!(call!(Filter::from_counts([0, 0, 3], [0, 4])).count, 3);

    let (a, b) = (Filter::new(&["a"]), Filter::new(&["b"]));
    let merged = Filter::merge(a.clone(), &b, Some(a.clone()));
    assert_eq!(merged, call!(Filter::merge(a.clone(), &b, Some(a.clone()))));
    assert_eq!(merged, Some(Filter::new(&["a", "b"])));
    Filter::MERGE.update(|a, _, _| Some(a)).unwrap();
    assert_eq!(call!(Filter::merge(a.clone(), &b, None)), Some(a));

    assert_eq!(Filter::limit() + call!(Filter::limit()), 14);
    Filter::LIMIT_KEY.update(|| 1).unwrap();
    assert_eq!(Filter::limit() + call!(Filter::limit()), 2);
}

#[test]
fn lifetimes() {
    let filter = Filter::new(&["a", "b"]);
    let word = {
        let or = String::from("or");
        assert_eq!(filter.word(0, &or), "a");
        call!(Filter::word(&filter, 1, &or))
    };
    assert_eq!(word, "b");
    Filter::WORD.update(|filter, _, _| &filter.words[0]).unwrap();
    assert_eq!(filter.word(1, ""), "a");

    let text = String::from("text");
    let longest = {
        let filter = filter.clone();
        assert_eq!(filter.longest("a", &text), "text");
        call!(Filter::longest(&filter, "a", &text))
    };
    assert_eq!(longest, "text");
    Filter::LONGEST.update(|_, a, _| a).unwrap();
    assert_eq!(call!(Filter::longest(&filter, "a", &text)), "a");
}

#[test]
fn without_body() {
    let filter = Filter::default();
    filter.seen("a");
    call!(Filter::seen(&filter, "a"));
    Filter::SEEN.update(|_, line| panic!("{line}")).unwrap();
    let seen = || Filter::default().seen("a");
    std::panic::catch_unwind(seen).unwrap_err();
    std::panic::catch_unwind(|| call!(Filter::seen(&Filter::default(), "a"))).unwrap_err();
    Filter::SEEN.reset().unwrap();
    filter.seen("a");
}

#[test]
fn unsafe_and_never() {
    let filter = Filter::new(&["a", "b"]);
    // SAFETY: two words (promise 1).
    assert_eq!(unsafe { filter.at(1) }, "b");
    // SAFETY: as above.
    assert_eq!(unsafe { call!(Filter::at(&filter, 1)) }, "b");
    Filter::AT.update(|filter, _| &filter.words[0]).unwrap();
    // SAFETY: as above.
    assert_eq!(unsafe { call!(Filter::at(&filter, 1)) }, "a");

    std::panic::catch_unwind(|| Filter::default().exit(1)).unwrap_err();
    Filter::EXIT.update(|_, _| panic!()).unwrap();
    std::panic::catch_unwind(|| call!(Filter::exit(&Filter::default(), 1))).unwrap_err();
}
