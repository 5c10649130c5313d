//! The report as text.

use std::fmt;

use super::{Report, Summary};

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.summary)
    }
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { keys, sites, calls, inline, trampoline, .. } = self;
        write!(
            f,
            "static-call: {keys} keys, {sites} sites, {calls} calls: {inline} inline, {trampoline} \
             trampoline"
        )
    }
}
