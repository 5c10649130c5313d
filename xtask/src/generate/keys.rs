//! The keys of the generated program, their targets, and the checks of their results.

use super::types::{AGGREGATES, RESULTS, SCALARS, Type};
use super::{
    BINARY_KEYS, BINARY_MODULES, BINARY_SITES, LIBRARY_KEYS, LIBRARY_MODULES, LIBRARY_SITES, Random,
};

/// The crate that something is in.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Home {
    Library,
    Binary,
}

impl Home {
    pub(crate) fn modules(self) -> usize {
        if self == Self::Library { LIBRARY_MODULES } else { BINARY_MODULES }
    }

    pub(crate) fn sites(self) -> usize {
        if self == Self::Library { LIBRARY_SITES } else { BINARY_SITES }
    }

    pub(crate) fn package(self) -> &'static str {
        if self == Self::Library { "lib" } else { "app" }
    }

    pub(crate) fn support(self) -> &'static str {
        if self == Self::Library { "crate::support" } else { "matrix_lib::support" }
    }
}

/// Where a key can be named.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Scope {
    Everyone,
    Crate,
    Module,
}

/// The kind of function that a key is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Shape {
    Free,
    Unsafe,
    /// No body: does nothing until it is set. Its only result is `out`.
    NoBody,
    /// `fn f(&self, …)` in an `impl` block.
    ByReference,
    /// `fn f(self, …)` in an `impl` block.
    ByValue,
    /// `fn f(…)` in an `impl` block.
    Associated,
}

pub(crate) struct Key {
    pub(crate) number: usize,
    pub(crate) home: Home,
    pub(crate) module: usize,
    pub(crate) scope: Scope,
    pub(crate) shape: Shape,
    pub(crate) args: Vec<Type>,
    /// `None`: the result goes through `out`.
    pub(crate) result: Option<&'static str>,
}

/// Returns all keys. Every type, shape and scope occurs.
pub(crate) fn all(random: &mut Random) -> Vec<Key> {
    (0..LIBRARY_KEYS + BINARY_KEYS)
        .map(|number| {
            let (home, index) = match number.checked_sub(LIBRARY_KEYS) {
                None => (Home::Library, number),
                Some(index) => (Home::Binary, index),
            };
            let shape = match number % 16 {
                3 | 11 => Shape::NoBody,
                5 => Shape::Unsafe,
                7 => Shape::ByReference,
                10 => Shape::ByValue,
                14 => Shape::Associated,
                _ => Shape::Free,
            };
            let scope = match number % 5 {
                0 | 1 | 3 => Scope::Everyone,
                2 => Scope::Module,
                _ => Scope::Crate,
            };
            let has_out = shape == Shape::NoBody || number % 9 == 8;
            let args = (0..number % 11)
                .map(|n| {
                    let all = if (number + n) % 3 == 0 { AGGREGATES } else { SCALARS };
                    // The first argument takes every type in turn; the others are random.
                    if n == 0 { all[number % all.len()] } else { *random.pick(all) }
                })
                .collect();
            let result = (!has_out).then(|| RESULTS[number % RESULTS.len()]);
            Key { number, home, module: index % home.modules(), scope, shape, args, result }
        })
        .collect()
}

impl Key {
    pub(crate) fn name(&self) -> String {
        format!("key_{:02}", self.number)
    }

    pub(crate) fn is_method(&self) -> bool {
        matches!(self.shape, Shape::ByReference | Shape::ByValue | Shape::Associated)
    }

    pub(crate) fn has_self(&self) -> bool {
        matches!(self.shape, Shape::ByReference | Shape::ByValue)
    }

    /// Returns the type whose `impl` block has it.
    fn owner(&self) -> String {
        format!("Owner{:02}", self.number)
    }

    pub(crate) fn is_usable_in(&self, home: Home, module: usize) -> bool {
        match self.scope {
            Scope::Everyone => home == self.home || home == Home::Binary,
            Scope::Crate => home == self.home,
            Scope::Module => home == self.home && module == self.module,
        }
    }

    /// Returns the module that declares it, as named from a module of `home`.
    pub(crate) fn module_path(&self, home: Home) -> String {
        let root = if home == self.home { "crate" } else { "matrix_lib" };
        format!("{root}::m{:02}", self.module)
    }

    /// Returns the function, as named from a module of `home`.
    pub(crate) fn path(&self, home: Home) -> String {
        let module = self.module_path(home);
        let owner = if self.is_method() { format!("{}::", self.owner()) } else { String::new() };
        format!("{module}::{owner}{}", self.name())
    }

    /// Returns the type of `self`, as named from a module of `home`.
    pub(crate) fn owner_path(&self, home: Home) -> String {
        format!("{}::{}", self.module_path(home), self.owner())
    }

    pub(crate) fn result(&self) -> &'static str {
        self.result.unwrap_or("u64")
    }

    /// Returns the parameters, with the types of made values (`made`) or of the key.
    pub(crate) fn parameters(&self, receiver: &str, made: bool) -> String {
        let mut list = Vec::new();
        if self.has_self() {
            list.push(receiver.to_owned());
        }
        if self.result.is_none() {
            list.push("out: &mut u64".to_owned());
        }
        for (n, ty) in self.args.iter().enumerate() {
            list.push(format!("a{n}: {}", if made { ty.made } else { ty.text }));
        }
        list.join(", ")
    }

    /// Returns the receiver of a function that is not a method.
    pub(crate) fn plain_receiver(&self, path: &str) -> String {
        let reference = if self.shape == Shape::ByReference { "&" } else { "" };
        format!("this: {reference}{path}{}", self.owner())
    }

    pub(crate) fn arrow(&self) -> String {
        self.result.map(|r| format!(" -> {r}")).unwrap_or_default()
    }

    fn visibility(&self) -> &'static str {
        match self.scope {
            Scope::Everyone => "pub ",
            Scope::Crate => "pub(crate) ",
            Scope::Module => "",
        }
    }

    /// Returns what target `t` does with its arguments; `this` is the receiver's name.
    fn body(&self, t: usize, this: &str) -> String {
        let mut digests = Vec::new();
        if self.has_self() {
            digests.push(format!("{this}.digest()"));
        }
        digests.extend((0..self.args.len()).map(|n| format!("a{n}.digest()")));
        let call = format!("answer({:#x}, [{}])", self.number << 8 | t, digests.join(", "));
        if self.result.is_some() { call } else { format!("*out = {call}") }
    }

    /// Returns the key with everything that belongs to it, for its module.
    pub(crate) fn declaration(&self) -> String {
        let (name, vis, arrow) = (self.name(), self.visibility(), self.arrow());
        let mut text = String::new();
        let body = self.body(0, "self");
        match self.shape {
            Shape::NoBody => {
                text +=
                    &format!("#[static_call]\n{vis}fn {name}({});\n", self.parameters("", false));
            }
            Shape::Free => {
                let parameters = self.parameters("", false);
                text +=
                    &format!("#[static_call]\n{vis}fn {name}({parameters}){arrow} {{ {body} }}\n");
            }
            Shape::Unsafe => {
                let parameters = self.parameters("", false);
                text += &format!(
                    "/// # Safety\n///\n/// None needed.\n#[static_call]\n\
                     {vis}unsafe fn {name}({parameters}){arrow} {{ {body} }}\n"
                );
            }
            Shape::ByReference | Shape::ByValue | Shape::Associated => {
                let owner = self.owner();
                let receiver = if self.shape == Shape::ByReference { "&self" } else { "self" };
                let parameters = self.parameters(receiver, false);
                text += &format!(
                    "#[derive(Clone, Copy)]\npub struct {owner}(pub u64);\n\
                     impl Make for {owner} {{ fn make(s: u64) -> Self {{ Self(s) }} }}\n\
                     impl Digest for {owner} {{ fn digest(&self) -> u64 {{ self.0 }} }}\n\
                     #[static_call]\nimpl {owner} {{\n    #[static_call]\n    \
                     {vis}fn {name}({parameters}){arrow} {{ {body} }}\n}}\n"
                );
            }
        }
        text + &self.target() + &self.retarget() + &self.check()
    }

    /// Returns target 1: a function in the key's module.
    fn target(&self) -> String {
        format!(
            "fn {}_near({}){} {{ {} }}\n",
            self.name(),
            self.parameters(&self.plain_receiver(""), false),
            self.arrow(),
            self.body(1, "this")
        )
    }

    /// Returns target 3: a function of another module, which the shim jumps to.
    fn far(&self) -> String {
        let path = format!("crate::m{:02}::", self.module);
        format!(
            "#[inline(never)]\npub fn {}_far({}){} {{ {} }}\n",
            self.name(),
            self.parameters(&self.plain_receiver(&path), false),
            self.arrow(),
            self.body(3, "this")
        )
    }

    fn retarget(&self) -> String {
        let name = self.name();
        let handle = if self.is_method() {
            format!("{}::{}", self.owner(), name.to_uppercase())
        } else {
            format!("{name}::KEY")
        };
        let closure = format!(
            "|{}|{} {{ {} }}",
            self.parameters(&self.plain_receiver(""), false),
            self.arrow(),
            self.body(2, "this")
        );
        let off = if self.shape == Shape::NoBody {
            format!("{name}::disable()")
        } else {
            format!("{handle}.reset()")
        };
        let update = |target: &str| {
            if self.is_method() {
                format!("{handle}.update({target})")
            } else {
                format!("{name}::update({target})")
            }
        };
        format!(
            "pub fn retarget_{name}(t: u64) -> Result<Update, UpdateError> {{\n    match t {{\n\
             \x20       0 => {off},\n        1 => {},\n        2 => {},\n        \
             _ => {},\n    }}\n}}\n",
            update(&format!("{name}_near")),
            update(&closure),
            update(&format!("crate::far::{name}_far")),
        )
    }

    /// Returns the function that checks which target a result can have come from.
    fn check(&self) -> String {
        let mut digests = Vec::new();
        if self.has_self() {
            digests.push(format!("<{} as Make>::make(s).digest()", self.owner()));
        }
        for (n, ty) in self.args.iter().enumerate() {
            digests.push(format!("<{} as Make>::make(arg(s, {n})).digest()", ty.made));
        }
        let off = if self.shape == Shape::NoBody { "if *t == 0 { return got == 0; } " } else { "" };
        format!(
            "#[inline(never)]\npub fn check_{name}(c: &mut Ctx, s: u64, got: {result}) {{\n    \
             let d = [{}];\n    \
             let fits = |t: &u64| {{ {off}got == answer::<{result}, _>({:#x} + t, d) }};\n    \
             c.judge(\"{name}\", s, (0..4).find(fits));\n}}\n\n",
            digests.join(", "),
            self.number << 8,
            name = self.name(),
            result = self.result(),
        )
    }
}

/// Returns the module of the third targets.
pub(crate) fn far(keys: &[Key], home: Home) -> String {
    let mut text = format!(
        "//! Generated.\n#![allow(unused_variables, clippy::all, reason = \"generated\")]\n\n\
         use {}::*;\n\n",
        home.support()
    );
    text.extend(keys.iter().filter(|k| k.home == home).map(Key::far));
    text
}

/// Returns the table through which the program retargets.
pub(crate) fn retarget_table(keys: &[Key], home: Home) -> String {
    let mut text = String::from(
        "use static_call::{Update, UpdateError};\n\n\
         pub const RETARGET: &[fn(u64) -> Result<Update, UpdateError>] = &[\n",
    );
    for key in keys.iter().filter(|k| k.home == home) {
        text += &format!("    crate::m{:02}::retarget_{},\n", key.module, key.name());
    }
    text + "];\n"
}
