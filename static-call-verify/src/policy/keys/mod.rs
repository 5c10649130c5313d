//! The names of findings: what each means, and how to fix it.

#[cfg(test)]
mod tests;

use std::fmt;
use std::str::FromStr;

use static_call::layout::Kind;

use super::level::Level;
use super::names::UnknownName;
use crate::compiled::Compiled;

/// The flags are optional: they only make updates cheaper.
macro_rules! one_store {
    ($how:expr) => {
        concat!("to retarget it in one store, ", $how)
    };
}

macro_rules! aligned {
    () => {
        "compile with `-Cllvm-args=-x86-align-branch-boundary=8 \
         -Cllvm-args=-x86-align-branch=call` (`cargo static-call init` writes these flags)"
    };
}

/// The flags do not align calls of exported functions.
macro_rules! aligned_calls {
    () => {
        concat!(aligned!(), ", and use `call!` for a `pub` function")
    };
}

/// The flags that align calls do not affect jumps.
macro_rules! aligned_tail_calls {
    ($kinds:literal) => {
        concat!(
            "use the result after the call, so that it is not a tail call, or compile with \
             `-Cllvm-args=-x86-align-branch=",
            $kinds,
            "` (which makes the code larger) instead of `-Cllvm-args=-x86-align-branch=call`"
        )
    };
}

/// For both together.
macro_rules! align {
    () => {
        one_store!(concat!(
            aligned_calls!(),
            "; these flags do not align tail calls, which are jumps: ",
            aligned_tail_calls!("call+jmp"),
            "; to align conditional tail calls as well, it is `call+jmp+jcc`"
        ))
    };
}

macro_rules! finding_keys {
    ($($(#[doc = $doc:literal])+ $variant:ident = $word:literal, $level:ident,
        $why:literal, $fix:expr;)+) => {
        /// Names a kind of finding; its text form is stable.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[non_exhaustive]
        pub enum FindingKey {
            $($(#[doc = $doc])+ $variant,)+
        }

        impl FindingKey {
            /// Every key.
            pub const ALL: &[Self] = &[$(Self::$variant),+];

            /// Returns the stable dotted name.
            #[must_use]
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $word,)+ }
            }

            /// Returns the level in the default policy.
            #[must_use]
            pub fn default_level(self) -> Level {
                match self { $(Self::$variant => Level::$level,)+ }
            }

            /// Returns what it means, in a sentence or two.
            #[must_use]
            pub fn explanation(self) -> &'static str {
                match self { $(Self::$variant => concat!($($doc),+).trim_ascii(),)+ }
            }

            /// Returns why it matters, in a sentence or two.
            #[must_use]
            pub fn why(self) -> &'static str {
                match self { $(Self::$variant => $why,)+ }
            }

            /// Returns how to fix it.
            #[must_use]
            pub fn fix(self) -> &'static str {
                match self { $(Self::$variant => $fix,)+ }
            }
        }
    };
}

finding_keys! {
    /// The displacement of a call instruction crosses an 8-byte boundary within one cache line. The
    /// call is inline and costs the same as any other, but an update retargets it in steps.
    CallGradeLine = "call.grade.line", Note,
        "A processor reads instructions in aligned pieces. If the whole displacement changed at \
         once while it reads this call, it could see half of the old one and half of the new one, \
         and jump to neither target. So an update changes one part at a time, in up to three \
         stores with a barrier after each, where another call takes one of each. Between two \
         stores the call goes through a veneer, eight bytes of code that jump to the new target.",
        align!();
    /// The displacement of a call instruction crosses a cache line. The call is inline, but an
    /// update retargets it in steps. The processor reads two lines to fetch it, wherever it leads.
    CallGradeStraddle = "call.grade.straddle", Note,
        "The two cache lines reach another processor one after the other. If the whole \
         displacement changed at once, a thread that calls in between would jump to a mixture of \
         the old and the new address. So an update changes one part at a time, in up to three \
         stores with a barrier after each, where another call takes one of each. Between two \
         stores the call goes through a veneer, eight bytes of code that jump to the new target.",
        align!();
    /// A call instruction has a form that the runtime does not rewrite: a jump with an 8-bit
    /// displacement, which cannot reach another target, or an unusual prefix.
    CallForm = "call.form", Note,
        "Only the forms that compilers emit for calls and tail calls are rewritten. Each is \
         checked, and nothing else is touched. This call goes through its trampoline.",
        "move the call out of hand-written assembly into a compiled function";
    /// A call goes through a GOT slot and could not be rewritten to the direct form.
    CallViaGot = "call.via-got", Warn,
        "The function is visible to other crates, and the compiler calls such functions through \
         the global offset table, a table of addresses. An image linked with the hook has no such \
         calls left: the hook makes them direct where that is exact.",
        "link with `static_call_verify::enable()` in `build.rs` or with `cargo static-call build`, \
         compile with `-Crelro-level=partial`, or use `call!`";
    /// A call goes through the procedure linkage table, because another object can interpose its
    /// trampoline's symbol.
    CallViaPlt = "call.via-plt", Warn,
        "The dynamic loader may bind the symbol to another object's function, so it is not known \
         at link time where this call goes. It is not rewritten.",
        "hide the symbol with a version script, link with `-Clink-arg=-Wl,-Bsymbolic`, or use \
         `call!`";
    /// The address of a trampoline is loaded into a register, through the GOT or as an 8-byte
    /// number, usually for a later `call reg`. Those calls stay on the trampoline.
    CallRegister = "call.register", Warn,
        "The compiler loads the address of a function from another crate once and calls it several \
         times, as in a loop. With `-Ccode-model=large` it does so for every call. A `call` \
         through a register has no address in its bytes that could be rewritten.",
        "use `call!`, or compile with `-Crelro-level=partial` and without `-Ccode-model=large`";
    /// The address of a trampoline is computed or lies in data. Calls through it stay on the
    /// trampoline.
    TrampAddressTaken = "tramp.address-taken", Note,
        "The function is used as a value, for example as a `fn` pointer or in a table. Such a call \
         reads the pointer when it is made, so there is no instruction to rewrite. It still \
         reaches the current target, through the trampoline.",
        "if it matters, call the function by its name, not through a pointer";
    /// Trampolines in this image belong to keys in another image, as in a program that calls a key
    /// in a Rust `dylib`. Their calls go through the slot.
    KeyOtherImage = "key.other-image", Note,
        "A runtime rewrites only the call instructions in its own image, for the keys of that \
         image. Every other call works as linked: it goes through the slot, which holds the \
         current target.",
        "if it matters, link the crate that has the key into the program, as an `rlib`";
    /// A trampoline does not start at an address that is a multiple of 8.
    TrampMisaligned = "tramp.misaligned", Warn,
        "A trampoline is rewritten by one store of eight aligned bytes. A misaligned one is not \
         rewritten, and neither are its calls: they go through the slot, with an indirect jump.",
        "link again without whatever moved the code: a linker script or a tool that rewrites \
         images";
    /// The code of a trampoline or of its stub is not what the macros emit.
    TrampBytes = "tramp.bytes", Warn,
        "Unknown code is not rewritten. The trampoline and all its calls stay as they are.",
        "use macros, library and verifier from one release of static-call, and verify the image \
         before another tool changes its code";
    /// Something leads into the middle of a trampoline.
    TrampEntered = "tramp.entered", Warn,
        "A thread that enters there would run the second half of whatever the trampoline is \
         rewritten to. So the trampoline and all its calls are not rewritten.",
        "remove the jump from hand-written assembly, or the data that looks like one";
    /// The jump label of a hook or a flag crosses an 8-byte boundary.
    LabelMisaligned = "label.misaligned", Warn,
        "A label is switched by one store of eight aligned bytes. A misaligned one is not \
         switched. It tests the key each time, which is correct but slower.",
        "link again without whatever moved the code: a linker script or a tool that rewrites \
         images";
    /// The code of a jump label is not what the macros emit.
    LabelBytes = "label.bytes", Warn,
        "Unknown code is not rewritten. The label tests the key each time.",
        "use macros, library and verifier from one release of static-call, and verify the image \
         before another tool changes its code";
    /// The image has static calls but no table for the runtime: it was linked without the hook.
    TableMissing = "table.missing", Note,
        "The runtime rewrites only the calls that the table lists. Without a table every call goes \
         through its trampoline. If only `cargo static-call build` verifies, the next plain `cargo \
         build` links a program without a table.",
        "link with `static_call_verify::enable()` in `build.rs`, or with `cargo static-call build`";
    /// The table was filled by another version of the verifier, or the records come from another
    /// version.
    TableVersion = "table.version", Warn,
        "The runtime does not trust a table of another version, so every call goes through its \
         trampoline.",
        "use one release of static-call for library and verifier, and link again";
    /// The table does not match this image: the image was changed after the link.
    TableStale = "table.stale", Warn,
        "The runtime notices that the table does not match its image and does not use it, so every \
         call goes through its trampoline.",
        "link the image again, and let the hook be the last tool to change its code";
    /// The image has static calls and a table but no runtime: the runtime is in a shared object.
    TableUnread = "table.unread", Note,
        "A runtime rewrites the calls of its own image. Those of any other image go through the \
         slot, which holds the current target.",
        "if it matters, link the crates that have keys as `rlib`s, so that there is one image";
    /// A record cannot be read, or names something that does not exist.
    RecordCorrupt = "record.corrupt", Warn,
        "The macros emit a record of every key, site and trampoline. Whatever a damaged record \
         describes is not rewritten.",
        "rebuild the image from scratch, with macros, library and verifier from one release";
    /// Something that looks like a call instruction could not be proved to be one: the function
    /// around it does not decode without doubt. It stays on the trampoline.
    ImageUndecodable = "image.undecodable", Warn,
        "Bytes that only look like a call may be data, or lie inside another instruction. \
         Rewriting them would break the program.",
        "move the call out of hand-written assembly and away from data between instructions";
    /// Something that looks like a call instruction lies in no known function: neither symbols nor
    /// unwind tables cover it. It stays on the trampoline.
    ImageNoFunctionExtents = "image.no-function-extents", Warn,
        "Instructions can be told from data only by decoding a function from its start, and \
         nothing says where this one starts.",
        "keep symbols or unwind tables in the image (not both `strip` and \
         `-Cforce-unwind-tables=no`)";
    /// The image is of a kind that has no static calls or that cannot be searched for them.
    ImageUnsupported = "image.unsupported", Warn,
        "Static calls are rewritten only in ELF images for x86-64. Programs for other systems use \
         the slot: the same interface with an indirect call.",
        "pass a linked executable or shared object for x86-64 Linux, with its section headers";
    /// The image is damaged.
    ImageCorrupt = "image.corrupt", Warn,
        "An image that contradicts itself is not trusted, and is not read further.",
        "build or copy the image again";
    /// Source lines are missing or may be missing: there is no debug information where findings
    /// could name a line, or it was not read completely, because it is damaged, is compressed in an
    /// unknown way, or is far larger than such an image needs. A link hook built without the
    /// feature `lines` does not read it.
    ImageDebugInfo = "image.debug-info", Note,
        "If the line is unknown, findings name the function around the call and the place where \
         the key is declared. This does not affect what is rewritten.",
        "build with `debug = \"line-tables-only\"` in the profile, which is enough for source \
         lines";
    /// The compiler was not told to align call instructions, so an update retargets about one in
    /// three in steps. The link hook knows the flags and records them in the image. For an image
    /// linked without it, they are unknown.
    FlagsMissing = "flags.missing", Note,
        "The flags are optional: calls are inline without them. With them, one store retargets \
         most calls, and an update of a key that has only such calls runs one barrier. Any other \
         update runs up to three, and makes veneers in a little memory near the image. An aligned \
         call also crosses no cache line.",
        "to align most calls, run `cargo static-call init`, or set the rustflags that it writes \
         (docs/verifier.md, \"Flags\")";
}

impl FindingKey {
    /// Returns how to fix it for a call of this kind, made with `call!` or not, in an image that
    /// was compiled in this way. Only the remaining remedies are named.
    pub(crate) fn fix_for(
        self,
        kind: Kind,
        is_site: bool,
        compiled: Option<Compiled>,
    ) -> &'static str {
        let Some(Compiled { aligns_calls, is_direct }) = compiled else {
            return self.fix_of(kind);
        };
        match (self, kind) {
            (Self::CallGradeLine | Self::CallGradeStraddle, Kind::Call | Kind::CallGot) => {
                match (aligns_calls, is_site) {
                    (false, false) => one_store!(aligned_calls!()),
                    (false, true) => one_store!(aligned!()),
                    (true, false) => one_store!(
                        "use `call!`: the flags that align calls are set but do not align calls of \
                         an exported function (`pub`)"
                    ),
                    (true, true) => one_store!(
                        "move the call out of generic code: the flags that align calls are set but \
                         do not align calls in code that several crates instantiate"
                    ),
                }
            }
            (Self::CallViaGot, _) if is_direct => "use `call!`",
            (Self::CallRegister, _) if is_direct => {
                "use `call!`, or compile without `-Ccode-model=large`"
            }
            (Self::CallViaGot | Self::CallRegister, _) => {
                "compile with `-Crelro-level=partial` (`cargo static-call init` writes this flag), \
                 or use `call!`"
            }
            _ => self.fix_of(kind),
        }
    }

    /// Returns how to fix it for an instruction of this kind; [`Self::fix`] covers every kind.
    pub(crate) fn fix_of(self, kind: Kind) -> &'static str {
        match (self, kind) {
            (Self::CallGradeLine | Self::CallGradeStraddle, Kind::Jmp | Kind::JmpGot) => {
                one_store!(aligned_tail_calls!("call+jmp"))
            }
            (Self::CallGradeLine | Self::CallGradeStraddle, Kind::Jcc) => {
                one_store!(aligned_tail_calls!("call+jmp+jcc"))
            }
            (Self::CallGradeLine | Self::CallGradeStraddle, _) => one_store!(aligned_calls!()),
            _ => self.fix(),
        }
    }

    /// Returns the keys that match a name or a pattern: `call.grade.line`, `call.grade.*`, `*`.
    ///
    /// # Errors
    ///
    /// Fails if the word matches none. The error says which names are similar.
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
