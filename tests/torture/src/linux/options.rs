//! The options of the command line.

use std::time::Duration;

pub(super) struct Options {
    pub(super) time: Duration,
    pub(super) seed: u64,
    /// Whether updates write through an alias.
    pub(super) is_aliased: bool,
}

impl Options {
    /// Reads `--seconds N`, `--seed S` and `--alias 1`.
    ///
    /// # Errors
    ///
    /// A message that names the argument and says what it should be.
    pub(super) fn parse(mut args: impl Iterator<Item = String>) -> Result<Self, String> {
        let mut options = Self { time: Duration::from_secs(10), seed: 1, is_aliased: false };
        while let Some(name) = args.next() {
            let value = args.next();
            let number = value.as_deref().and_then(|value| value.parse::<u64>().ok());
            let number = number.ok_or_else(|| format!("`{name}` needs a whole number"));
            match name.as_str() {
                "--seconds" => options.time = Duration::from_secs(number?),
                "--seed" => options.seed = number?,
                "--alias" => options.is_aliased = number? > 0,
                _ => {
                    let known = "--seconds N, --seed S, --alias 1";
                    return Err(format!("unknown option `{name}`; known: {known}"));
                }
            }
        }
        Ok(options)
    }
}
