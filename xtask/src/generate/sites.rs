//! The functions of the generated program that contain its calls, in every position that compilers
//! treat specially.

use super::Random;
use super::keys::{Home, Key, Shape};

/// The position of a call.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Position {
    Plain,
    /// Two calls of one key, so that a compiler may keep its address in a register.
    Twice,
    Loop,
    Match,
    Closure,
    /// The last thing a function does.
    Tail,
    /// The last thing a function does, under a condition.
    ConditionalTail,
    Inline,
    Generic,
}

const POSITIONS: &[Position] = &[
    Position::Plain,
    Position::Twice,
    Position::Loop,
    Position::Match,
    Position::Closure,
    Position::Tail,
    Position::ConditionalTail,
    Position::Inline,
    Position::Generic,
];

/// Returns the site functions of a module, and `run`, which calls them all.
pub(super) fn module(usable: &[&Key], home: Home, module: usize, random: &mut Random) -> String {
    let mut writer = Writer { home, random, text: String::new() };
    let (mut run, mut downstream) = (String::new(), String::new());
    for n in 0..home.sites() {
        let position = POSITIONS[n % POSITIONS.len()];
        // Each module starts with a different key, so that every key meets every position.
        let key = |i: usize| usable[(n + n / POSITIONS.len() + module * 7 + i) % usable.len()];
        writer.site(n, position, [key(0), key(3), key(11)]);
        match position {
            Position::Generic => {
                run += &format!("    s{n:02}::<u32>(c);\n    s{n:02}::<String>(c);\n");
                downstream += &format!("    s{n:02}::<T>(c);\n    s{n:02}::<u32>(c);\n");
            }
            Position::Inline => {
                run += &format!("    s{n:02}(c);\n");
                downstream += &format!("    s{n:02}(c);\n");
            }
            _ => run += &format!("    s{n:02}(c);\n"),
        }
    }
    let mut text = writer.text;
    text += &format!("#[inline(never)]\npub fn run(c: &mut Ctx) {{\n{run}}}\n\n");
    if home == Home::Library {
        text +=
            &format!("pub fn run_downstream<T: Make + Digest>(c: &mut Ctx) {{\n{downstream}}}\n");
    }
    text
}

struct Writer<'a> {
    home: Home,
    random: &'a mut Random,
    text: String,
}

impl Writer<'_> {
    fn site(&mut self, n: usize, position: Position, keys: [&Key; 3]) {
        let [first, second, third] = keys;
        // The compiler may inline a few of them.
        let never = if n % 8 == 7 { "" } else { "#[inline(never)]\n" };
        let head = format!("{never}pub fn s{n:02}(c: &mut Ctx) {{\n");
        let text = match position {
            Position::Plain => {
                format!("{head}{}{}{}}}\n\n", self.call(first), self.call(second), self.call(third))
            }
            Position::Twice => format!("{head}{}{}}}\n\n", self.call(first), self.call(first)),
            Position::Loop => format!(
                "{head}    for n in 0..opaque(3) {{\n{}{}    }}\n}}\n\n",
                self.call(first),
                self.call(second)
            ),
            Position::Match => format!(
                "{head}    match c.seed(1) % 3 {{\n    0 => {{\n{}    }}\n    \
                 1 => {{\n{}    }}\n    \
                 _ => {{\n{}    }}\n    }}\n}}\n\n",
                self.call(first),
                self.call(second),
                self.call(third)
            ),
            Position::Closure => format!(
                "{head}    let direct = |c: &mut Ctx| {{\n{}    }};\n    direct(c);\n    \
                 apply(c, &|c, n| {{\n{}    }});\n}}\n\n",
                self.call(first),
                self.call(second)
            ),
            Position::Tail => {
                let inner = self.wrapper(n, first, false);
                format!("{inner}{head}{}}}\n\n", self.through_wrapper(n, first, false))
            }
            Position::ConditionalTail => {
                let inner = self.wrapper(n, first, true);
                format!("{inner}{head}{}}}\n\n", self.through_wrapper(n, first, true))
            }
            Position::Inline => format!(
                "#[inline]\npub fn s{n:02}(c: &mut Ctx) {{\n{}{}}}\n\n",
                self.call(first),
                self.call(second)
            ),
            Position::Generic => format!(
                "{never}pub fn s{n:02}<T: Make + Digest>(c: &mut Ctx) {{\n    \
                 let t = T::make(c.seed(2));\n    c.seed(t.digest());\n{}{}}}\n\n",
                self.call(first),
                self.call(second)
            ),
        };
        self.text += &text;
    }

    /// Returns a call of a key with its check.
    fn call(&mut self, key: &Key) -> String {
        let args = key.args.iter().enumerate();
        let args = args.map(|(n, ty)| format!("<{} as Make>::make(arg(s, {n}))", ty.made));
        let expression = self.expression(key, "this", "&mut out", args.collect());
        self.checked(key, &expression)
    }

    /// Returns seeds, receiver, `let got = expression`, and check.
    fn checked(&mut self, key: &Key, expression: &str) -> String {
        let salt = self.random.next() >> 40;
        let mut text = format!("        let s = c.seed({salt:#x});\n");
        if key.has_self() {
            let owner = key.owner_path(self.home);
            text += &format!("        let this = <{owner} as Make>::make(s);\n");
        }
        if key.result.is_none() {
            text += &format!(
                "        let mut out = 0;\n        {expression};\n        let got = out;\n"
            );
        } else {
            text += &format!("        let got = {expression};\n");
        }
        let check = format!("{}::check_{}", key.module_path(self.home), key.name());
        text + &format!("        {check}(c, s, got);\n")
    }

    /// Returns the call itself: plain, as a method, or as its own site by `call!`.
    fn expression(&mut self, key: &Key, this: &str, out: &str, mut args: Vec<String>) -> String {
        if key.result.is_none() {
            args.insert(0, out.to_owned());
        }
        let way = self.random.below(5);
        let path = key.path(self.home);
        let call = if key.has_self() && way < 2 {
            format!("{this}.{}({})", key.name(), args.join(", "))
        } else {
            if key.has_self() {
                let reference = if key.shape == Shape::ByReference { "&" } else { "" };
                args.insert(0, format!("{reference}{this}"));
            }
            let call = format!("{path}({})", args.join(", "));
            if way < 3 { call } else { format!("call!({call})") }
        };
        if key.shape == Shape::Unsafe { format!("unsafe {{ {call} }}") } else { call }
    }

    /// Returns a function that ends with a call of `key` and passes on its arguments.
    fn wrapper(&mut self, n: usize, key: &Key, conditional: bool) -> String {
        let path = key.owner_path(self.home);
        let mut parameters = key.parameters(&format!("this: {path}"), true);
        if conditional {
            let comma = if parameters.is_empty() { "" } else { ", " };
            parameters += &format!("{comma}on: bool");
        }
        let args = (0..key.args.len()).map(|n| format!("a{n}")).collect();
        let call = self.expression(key, "this", "out", args);
        let body = match (conditional, key.result) {
            (false, _) => call,
            (true, None) => format!("if on {{ {call} }}"),
            (true, Some(result)) => {
                format!("if on {{ {call} }} else {{ <{result} as Answer>::answer(1) }}")
            }
        };
        format!("#[inline(never)]\nfn w{n:02}({parameters}){} {{ {body} }}\n", key.arrow())
    }

    /// Returns a call of that function with its check.
    fn through_wrapper(&mut self, n: usize, key: &Key, conditional: bool) -> String {
        let args = key.args.iter().enumerate();
        let args = args.map(|(n, ty)| format!("<{} as Make>::make(arg(s, {n}))", ty.made));
        let receiver = key.has_self().then(|| "this".to_owned());
        let out = key.result.is_none().then(|| "&mut out".to_owned());
        let before: Vec<String> = receiver.into_iter().chain(out).chain(args).collect();
        let call = |on: &[&str]| {
            let on = on.iter().map(|s| (*s).to_owned());
            format!("w{n:02}({})", before.iter().cloned().chain(on).collect::<Vec<_>>().join(", "))
        };
        if !conditional {
            return self.checked(key, &call(&[]));
        }
        let checked = self.checked(key, &call(&["opaque(1) == 1"]));
        let off = call(&["opaque(0) == 1"]);
        // Not taken: the wrapper returns its default, and no target of the key is called.
        let verdict = if key.result.is_some() {
            format!("{off} == <{} as Answer>::answer(1)", key.result())
        } else {
            format!("{{ let mut out = 3; {off}; out == 3 }}")
        };
        let verdict = format!(
            "        let kept = {verdict};\n        if !kept {{ c.judge(\"w{n:02}\", s, None); }}\n"
        );
        checked + &verdict
    }
}
