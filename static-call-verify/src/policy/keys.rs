//! The names of findings: what each means, and what mends it.

use std::fmt;
use std::str::FromStr;

use static_call::layout::Kind;

use super::level::Level;
use super::names::UnknownName;
use crate::compiled::Compiled;

macro_rules! align_sites {
    () => {
        "compile with `-Cllvm-args=-x86-align-branch-boundary=8 -Cllvm-args=-x86-align-branch=call` \
         (`cargo static-call init` writes these flags)"
    };
}

/// They do not align calls of exported functions.
macro_rules! align_calls {
    () => {
        concat!(align_sites!(), ", and use `call!` for a `pub` function")
    };
}

/// The flags that align calls leave jumps where they are.
macro_rules! align_tail_calls {
    ($kinds:literal) => {
        concat!(
            "let something follow the call, such as a use of its result, so that it is no tail call, \
             or compile with `-Cllvm-args=-x86-align-branch=",
            $kinds,
            "` in the place of `-Cllvm-args=-x86-align-branch=call`, which makes the code larger"
        )
    };
}

/// Of both together.
macro_rules! align {
    () => {
        concat!(
            align_calls!(),
            "; that does not align tail calls, which are jumps: ",
            align_tail_calls!("call+jmp"),
            "; for conditional ones as well it is `call+jmp+jcc`"
        )
    };
}

macro_rules! finding_keys {
    ($($(#[doc = $doc:literal])+ $variant:ident = $word:literal, $level:ident, $why:literal, $mend:expr;)+) => {
        /// Names a kind of finding; its text form is stable.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[non_exhaustive]
        pub enum FindingKey {
            $($(#[doc = $doc])+ $variant,)+
        }

        impl FindingKey {
            /// Every key.
            pub const ALL: &[Self] = &[$(Self::$variant),+];

            /// The stable dotted name.
            #[must_use]
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $word,)+ }
            }

            /// The level of the default policy.
            #[must_use]
            pub fn default_level(self) -> Level {
                match self { $(Self::$variant => Level::$level,)+ }
            }

            /// What it means, in a sentence or two.
            #[must_use]
            pub fn explanation(self) -> &'static str {
                match self { $(Self::$variant => concat!($($doc),+).trim_ascii(),)+ }
            }

            /// Why it matters, in a sentence or two.
            #[must_use]
            pub fn why(self) -> &'static str {
                match self { $(Self::$variant => $why,)+ }
            }

            /// What mends it.
            #[must_use]
            pub fn mend(self) -> &'static str {
                match self { $(Self::$variant => $mend,)+ }
            }
        }
    };
}

finding_keys! {
    /// The displacement of a call instruction lies in two aligned quadwords of one cache line, so
    /// that it cannot be rewritten while other threads execute it: the call stays on its trampoline.
    CallGradeLine = "call.grade.line", Note,
        "A processor reads instructions in aligned pieces. One that is reading this call while its \
         bytes change can see half of the old target and half of the new one, and jump to neither. \
         So the call is never rewritten: it goes through its trampoline, which costs one more jump.",
        align!();
    /// A call instruction crosses a cache line, so that it cannot be rewritten while other threads
    /// execute it: the call stays on its trampoline.
    CallGradeStraddle = "call.grade.straddle", Note,
        "The two cache lines reach another processor one after the other: a thread that calls here \
         in between jumps to a mixture of the old and the new address. So the call is never \
         rewritten: it goes through its trampoline, which costs one more jump.",
        align!();
    /// A call instruction has a form that the runtime does not rewrite: a jump with an 8-bit
    /// displacement, which reaches no other target, or an unusual prefix.
    CallForm = "call.form", Note,
        "Only the forms that compilers emit for calls and tail calls are rewritten; each of them is \
         checked, and nothing else is touched. This call goes through its trampoline.",
        "move the call out of hand-written assembly, into a function that the compiler makes";
    /// A call goes through a GOT slot and could not be rewritten to the direct form.
    CallViaGot = "call.via-got", Warn,
        "The function is visible to other crates, and the compiler calls such functions through the \
         global offset table, a table of addresses. An image that was linked with the hook has no \
         such call left: the hook makes it a direct one where that is exact.",
        "link with `static_call_verify::enable()` in `build.rs` or by `cargo static-call build`, \
         compile with `-Crelro-level=partial`, or use `call!`";
    /// A call goes through the procedure linkage table, because its trampoline's symbol can be
    /// interposed by another object.
    CallViaPlt = "call.via-plt", Warn,
        "The dynamic loader may bind the symbol to another object's function, so that nobody can \
         know at link time where this call leads. It is left as it is.",
        "hide the symbol with a version script, link with `-Clink-arg=-Wl,-Bsymbolic`, or use `call!`";
    /// The address of a trampoline is loaded into a register, through the GOT or as a number of 8 bytes, most
    /// often for a later `call reg`: those calls stay on the trampoline.
    CallRegister = "call.register", Warn,
        "The compiler loads the address of a function of another crate once, and calls it several \
         times, as in a loop. With `-Ccode-model=large` it does so for every call. A `call` of a \
         register has no address in its bytes that could be rewritten.",
        "use `call!`, or compile with `-Crelro-level=partial` and without `-Ccode-model=large`";
    /// The address of a trampoline is computed or stands in data: calls through it stay on the
    /// trampoline.
    TrampAddressTaken = "tramp.address-taken", Note,
        "The function was used as a value, for example as a `fn` pointer or in a table. Such a call \
         reads the pointer when it is made, so that there is no instruction to rewrite. It still \
         reaches the current target, through the trampoline.",
        "where it matters, call the function by its name and not through a pointer";
    /// Trampolines in this image belong to keys of another one, as in a program that calls a key of a
    /// Rust `dylib`: their calls go through the slot.
    KeyOtherImage = "key.other-image", Note,
        "A call instruction is rewritten by the runtime in its own image, for the keys of that image. \
         Every other call works as it is linked: it goes through the slot, which holds the current \
         target.",
        "where it matters, link the crate that has the key into the program, as an `rlib`";
    /// A trampoline does not start at an address that is a multiple of 8.
    TrampMisaligned = "tramp.misaligned", Warn,
        "A trampoline is rewritten by one store of eight aligned bytes. One that is not aligned is \
         left alone with all its calls: they go through the slot, by an indirect jump.",
        "link again without what moved the code: a linker script or a tool that rewrites images";
    /// The code of a trampoline or of its stub is not what the macros emit.
    TrampBytes = "tramp.bytes", Warn,
        "What is not known is not rewritten: the trampoline is left alone with all its calls.",
        "build macros, library and verifier from one release of static-call, and verify the image \
         before another tool changes its code";
    /// Something leads into the middle of a trampoline.
    TrampEntered = "tramp.entered", Warn,
        "A thread that enters there would run the second half of whatever the trampoline is \
         rewritten to. So the trampoline is left alone with all its calls.",
        "remove the jump from hand-written assembly, or the data that looks like one";
    /// The jump label of a hook or a flag does not lie in one aligned 8 bytes.
    LabelMisaligned = "label.misaligned", Warn,
        "A label is switched by one store of eight aligned bytes. One that is not aligned is left \
         alone: it asks the key each time, which is right but slower.",
        "link again without what moved the code: a linker script or a tool that rewrites images";
    /// The code of a jump label is not what the macros emit.
    LabelBytes = "label.bytes", Warn,
        "What is not known is not rewritten: the label asks the key each time.",
        "build macros, library and verifier from one release of static-call, and verify the image \
         before another tool changes its code";
    /// The image has static calls but no table for the runtime: it was linked without the hook.
    TableMissing = "table.missing", Note,
        "The runtime rewrites only the calls that the table lists. Without one every call goes \
         through its trampoline. Where only `cargo static-call build` verifies, the next plain `cargo \
         build` links a program without one.",
        "link with `static_call_verify::enable()` in `build.rs`, or with `cargo static-call build`";
    /// The table was filled by another version of the verifier, or the records are another version's.
    TableVersion = "table.version", Warn,
        "The runtime does not trust a table of another version: every call goes through its \
         trampoline.",
        "use one release of static-call for library and verifier, and link again";
    /// The table does not describe this image: it was changed after the link.
    TableStale = "table.stale", Warn,
        "The runtime notices that the table is not that of its image, and does not use it: every \
         call goes through its trampoline.",
        "link the image again, and let the hook be the last to change its code";
    /// The image has static calls and a table, and no runtime: that is in a shared object.
    TableUnread = "table.unread", Note,
        "A runtime rewrites the calls of its own image. Those of any other go through the slot, which \
         holds the current target.",
        "where it matters, link the crates that have keys as `rlib`s, so that there is one image";
    /// A record cannot be read, or names something that is not there.
    RecordCorrupt = "record.corrupt", Warn,
        "The macros write a record of every key, site and trampoline. What a damaged one was about \
         is left alone.",
        "build the image again from clean, with macros, library and verifier of one release";
    /// What looks like a call instruction could not be proved to be one: the function around it does
    /// not decode without doubt. It stays on the trampoline.
    ImageUndecodable = "image.undecodable", Warn,
        "Bytes that only look like a call may be data, or the inside of another instruction: \
         rewriting them would break the program.",
        "move the call out of hand-written assembly and away from data between instructions";
    /// What looks like a call instruction lies in no known function: neither symbols nor unwind
    /// tables cover it. It stays on the trampoline.
    ImageNoFunctionExtents = "image.no-function-extents", Warn,
        "Instructions can be told from data only by decoding a function from its start, and nothing \
         says where this one starts.",
        "keep symbols or unwind tables in the image (not both `strip` and \
         `-Cforce-unwind-tables=no`)";
    /// The image is of a kind that has no static calls or cannot be searched for them.
    ImageUnsupported = "image.unsupported", Warn,
        "Static calls are rewritten in ELF images for x86-64 alone. Programs for other systems run \
         on the slot: the same interface, an indirect call.",
        "name a linked executable or shared object for x86-64 Linux, with its section headers";
    /// The image is damaged.
    ImageCorrupt = "image.corrupt", Warn,
        "Nothing that contradicts itself is believed: the image is not read further.",
        "build or copy the image again";
    /// Source lines are missing or can be: debug information is not there where findings could name a
    /// line, or was not read to its end, because it is damaged, is compressed in a way that is not
    /// known, or is far larger than such an image needs.
    ImageDebugInfo = "image.debug-info", Note,
        "Where no line is known, findings name the function around the call and the place where the \
         key is declared. What is rewritten does not depend on it.",
        "build with `debug = \"line-tables-only\"` in the profile, which is all that source lines need";
    /// The compiler was not told to align call instructions, so that about two of five cannot be
    /// rewritten while the program runs. The link hook knows the flags, and notes them in the image; of
    /// an image that was linked without it nothing is known.
    FlagsMissing = "flags.missing", Warn,
        "A call that does not lie in one aligned 8 bytes must not be rewritten while other threads \
         execute it, and goes through its trampoline for life. The flags align the calls; nothing \
         can do that after the compilation.",
        "run `cargo static-call init`, or set the rustflags that it writes (docs/verifier.md, \"Flags\")";
}

impl FindingKey {
    /// What mends it for a call of this kind, by a `call!` or not, in an image that was compiled in this
    /// way: the remedies that are left.
    pub(crate) fn mend_for(
        self,
        kind: Kind,
        is_site: bool,
        compiled: Option<Compiled>,
    ) -> &'static str {
        let Some(Compiled { aligns_calls, is_direct }) = compiled else {
            return self.mend_of(kind);
        };
        match (self, kind) {
            (Self::CallGradeLine | Self::CallGradeStraddle, Kind::Call | Kind::CallGot) => {
                match (aligns_calls, is_site) {
                    (false, false) => align_calls!(),
                    (false, true) => align_sites!(),
                    (true, false) => {
                        "use `call!`: the flags that align calls are on, and do not align calls of an \
                         exported function (`pub`)"
                    }
                    (true, true) => {
                        "move the call out of generic code: the flags that align calls are on, and do \
                         not align calls in what several crates instantiate"
                    }
                }
            }
            (Self::CallViaGot, _) if is_direct => "use `call!`",
            (Self::CallRegister, _) if is_direct => {
                "use `call!`, or compile without `-Ccode-model=large`"
            }
            (Self::CallViaGot | Self::CallRegister, _) => {
                "compile with `-Crelro-level=partial` (`cargo static-call init` writes this flag), or \
                 use `call!`"
            }
            _ => self.mend_of(kind),
        }
    }

    /// What mends it for an instruction of this kind; [`Self::mend`] is about every kind.
    pub(crate) fn mend_of(self, kind: Kind) -> &'static str {
        match (self, kind) {
            (Self::CallGradeLine | Self::CallGradeStraddle, Kind::Jmp | Kind::JmpGot) => {
                align_tail_calls!("call+jmp")
            }
            (Self::CallGradeLine | Self::CallGradeStraddle, Kind::Jcc) => {
                align_tail_calls!("call+jmp+jcc")
            }
            (Self::CallGradeLine | Self::CallGradeStraddle, _) => align_calls!(),
            _ => self.mend(),
        }
    }

    /// The keys that a name or a pattern means: `call.grade.line`, `call.grade.*`, `*`.
    ///
    /// # Errors
    ///
    /// The word names none; the error says which names are near.
    pub fn matching(word: &str) -> Result<Vec<Self>, UnknownName> {
        let prefix = match word {
            "*" => Some(""),
            _ => word.strip_suffix('*').filter(|prefix| prefix.ends_with('.')),
        };
        let Some(prefix) = prefix else { return Ok(vec![word.parse()?]) };
        let all = Self::ALL.iter().copied();
        let keys: Vec<Self> = all.filter(|key| key.as_str().starts_with(prefix)).collect();
        if keys.is_empty() { Err(Self::unknown(word)) } else { Ok(keys) }
    }

    fn unknown(word: &str) -> UnknownName {
        UnknownName::new("finding", word, Self::ALL.iter().map(|key| key.as_str()))
    }
}

impl fmt::Display for FindingKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for FindingKey {
    type Err = UnknownName;

    fn from_str(word: &str) -> Result<Self, UnknownName> {
        let key = Self::ALL.iter().copied().find(|key| key.as_str() == word);
        key.ok_or_else(|| Self::unknown(word))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_dotted_and_known_by_themselves() {
        for key in FindingKey::ALL {
            assert_eq!(key.as_str().parse(), Ok(*key));
            assert_eq!(FindingKey::matching(key.as_str()), Ok(vec![*key]));
            assert!(key.as_str().contains('.') && !key.as_str().contains('*'));
            assert!(key.explanation().ends_with('.') && key.why().ends_with('.'), "{key}");
            assert!(!key.mend().ends_with('.'), "{key}: a phrase, which stands in sentences");
        }
    }

    #[test]
    fn the_remedies_that_are_left() {
        use FindingKey::{CallGradeLine, CallRegister, CallViaGot};
        let on = |aligns_calls, is_direct| Some(Compiled { aligns_calls, is_direct });
        let of = |key: FindingKey, is_site, on| key.mend_for(Kind::Call, is_site, on);
        let has = |text: &str| {
            ["-x86-align-branch=call", "relro", "`call!`", "generic"].map(|w| text.contains(w))
        };
        let grade = |is_site, on| has(of(CallGradeLine, is_site, on));
        assert_eq!(grade(false, None), [true, false, true, false]);
        assert_eq!(grade(false, on(false, true)), [true, false, true, false]);
        assert_eq!(grade(true, on(false, true)), [true, false, false, false]);
        assert_eq!(grade(false, on(true, true)), [false, false, true, false]);
        assert_eq!(grade(true, on(true, true)), [false, false, false, true]);
        for key in [CallViaGot, CallRegister] {
            assert_eq!(of(key, false, None), key.mend());
            assert_eq!(has(of(key, false, on(true, false))), [false, true, true, false]);
            assert_eq!(has(of(key, false, on(true, true))), [false, false, true, false]);
        }
        let jump = CallGradeLine.mend_for(Kind::Jmp, false, on(true, true));
        assert_eq!(jump, CallGradeLine.mend_of(Kind::Jmp), "the flags do not align jumps");
    }

    #[test]
    fn patterns_end_after_a_dot() {
        let matching = |word| FindingKey::matching(word).unwrap_or_default();
        assert_eq!(
            matching("call.grade.*"),
            [FindingKey::CallGradeLine, FindingKey::CallGradeStraddle]
        );
        assert_eq!(matching("call.*").len(), 6);
        assert_eq!(matching("*"), FindingKey::ALL);
        for wrong in ["call.gr*", "call*", "nothing.*", "*.line", "", "call.*.line"] {
            assert!(FindingKey::matching(wrong).is_err(), "{wrong}");
        }
    }
}
