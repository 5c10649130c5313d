//! Requests of five hundred checks. Each way has a module of its own with the same work.

use std::fmt::{self, Write as _};

use grids::Random;

use crate::way::{Arguments, Way};

/// Flags or hooks.
pub(crate) const KEYS: usize = 1000;
/// Requests, each of different code.
const REQUESTS: usize = 8;
/// Functions that a request calls.
const FUNCTIONS: usize = 63;
/// Checks in a function.
const CHECKS: usize = 8;

/// Returns the module of a way.
pub(crate) fn source(way: Way) -> Result<String, fmt::Error> {
    let mut text = String::from("use crate::work::{cheap, expensive, none, text_of};\n");
    text += way.head();
    for key in 0..KEYS {
        text += &way.key(key, Arguments::of(key));
    }
    text += &way.foot(KEYS);
    let mut random = Random(1);
    let mut keys = random.keys(KEYS, REQUESTS * FUNCTIONS * CHECKS).into_iter();
    for function in 0..REQUESTS * FUNCTIONS {
        writeln!(
            text,
            "#[inline(never)]\nfn c{function}(mut x: u64, mut y: u64) -> (u64, u64) {{"
        )?;
        for key in keys.by_ref().take(CHECKS) {
            let (r, s) = (random.below(62) + 1, random.below(62) + 1);
            writeln!(
                text,
                "    x = x.rotate_left({r}) ^ y;\n    y = y.wrapping_add(x).rotate_left({s});\n    \
                 {}",
                way.check(key, Arguments::of(key))
            )?;
        }
        text += "    (x, y)\n}\n";
    }
    for request in 0..REQUESTS {
        writeln!(text, "#[inline(never)]\nfn r{request}(x: u64) -> u64 {{")?;
        text += "    let (x, y) = (x, 1);\n";
        for function in request * FUNCTIONS..(request + 1) * FUNCTIONS {
            writeln!(text, "    let (x, y) = c{function}(x, y);")?;
        }
        text += "    x ^ y\n}\n";
    }
    text += "pub(crate) fn request(number: u64, x: u64) -> u64 {\n";
    writeln!(text, "    match number % {REQUESTS} {{")?;
    for request in 1..REQUESTS {
        writeln!(text, "        {request} => r{request}(x),")?;
    }
    text += "        _ => r0(x),\n    }\n}\n";
    Ok(text)
}

/// Returns the list of all ways.
pub(crate) fn list(ways: &[Way]) -> String {
    let mut text = format!(
        "/// Checks in a request.\npub(crate) const CHECKS: u64 = {};\n\
         pub(crate) const WAYS: &[RequestWay] = &[\n",
        FUNCTIONS * CHECKS
    );
    for way in ways {
        let (name, module) = (way.name(), way.module());
        text += &format!(
            "    RequestWay {{ name: {name:?}, prepare: {module}::prepare, \
             request: {module}::request }},\n"
        );
    }
    text + "];\n"
}
