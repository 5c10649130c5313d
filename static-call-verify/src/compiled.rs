//! How an image was compiled, as far as its static calls depend on it. The link hook knows this and
//! records it in the image.

/// Which of rustc's flags that make calls direct and aligned were set.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Compiled {
    /// `-x86-align-branch-boundary=8` and `-x86-align-branch=call`: calls lie in one quadword.
    pub aligns_calls: bool,
    /// `-Crelro-level=partial` or `off`: functions of other crates are called without the GOT.
    pub is_direct: bool,
}

impl Compiled {
    /// The word of each flag.
    fn words(&mut self) -> [(&'static str, &mut bool); 2] {
        [("align-calls", &mut self.aligns_calls), ("direct-calls", &mut self.is_direct)]
    }

    /// Returns one word, which [`from_text`](Self::from_text) reads.
    pub(crate) fn to_text(mut self) -> String {
        let on = self.words().into_iter().filter(|(_, is_on)| **is_on);
        on.map(|(word, _)| word).collect::<Vec<_>>().join(",")
    }

    /// Reads [`to_text`](Self::to_text)'s word. Unknown flags come from another version and are
    /// ignored.
    pub(crate) fn from_text(text: &str) -> Self {
        let mut compiled = Self::default();
        for (word, is_on) in compiled.words() {
            *is_on = text.split(',').any(|w| w == word);
        }
        compiled
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn round_trips() {
        for aligns_calls in [false, true] {
            for is_direct in [false, true] {
                let compiled = Compiled { aligns_calls, is_direct };
                assert_eq!(Compiled::from_text(&compiled.to_text()), compiled);
            }
        }
        let newer = Compiled::from_text("novel,align-calls");
        assert!(newer.aligns_calls && !newer.is_direct);
    }
}
