//! The processor and the date.

use std::fs;
use std::thread::available_parallelism;
use std::time::SystemTime;

/// Returns the processor's name according to Linux, and how many of them this process may use.
pub(super) fn processor() -> String {
    let info = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let count = available_parallelism().map_or(1, usize::from);
    format!("{}, {count} for this process", describe(&info))
}

fn describe(info: &str) -> String {
    let field = |name: &str| {
        let line = info.lines().filter_map(|line| line.split_once(':'));
        let mut values = line.filter(|(key, _)| key.trim() == name).map(|(_, value)| value.trim());
        values.next().unwrap_or("?")
    };
    let is_virtual = field("flags").split(' ').any(|flag| flag == "hypervisor");
    format!(
        "{} ({}, family {}, model {}, stepping {}{})",
        field("model name"),
        field("vendor_id"),
        field("cpu family"),
        field("model"),
        field("stepping"),
        if is_virtual { ", under a hypervisor" } else { "" },
    )
}

/// Returns today's date in UTC, as `2026-11-22`.
pub(super) fn today() -> String {
    let seconds = SystemTime::UNIX_EPOCH.elapsed().map_or(0, |time| time.as_secs());
    date(seconds / 86_400)
}

/// Returns the date this many days after 1970-01-01, in the Gregorian calendar.
fn date(mut days: u64) -> String {
    let is_leap = |year: u64| {
        year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400))
    };
    let mut year = 1970;
    while days >= 365 + u64::from(is_leap(year)) {
        days -= 365 + u64::from(is_leap(year));
        year += 1;
    }
    let february = 28 + u64::from(is_leap(year));
    let mut month = 1;
    for length in [31, february, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31] {
        if days < length {
            break;
        }
        days -= length;
        month += 1;
    }
    format!("{year}-{month:02}-{:02}", days + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_have_dates() {
        let known = [
            (0, "1970-01-01"),
            (58, "1970-02-28"),
            (59, "1970-03-01"),
            (11_016, "2000-02-29"),
            (11_017, "2000-03-01"),
            (20_453, "2025-12-31"),
            (20_454, "2026-01-01"),
            (20_779, "2026-11-22"),
            (47_541, "2100-03-01"),
        ];
        for (days, expected) in known {
            assert_eq!(date(days), expected);
        }
    }

    #[test]
    fn processors_are_described() {
        let info = "processor\t: 0\nvendor_id\t: AuthenticAMD\ncpu family\t: 25\nmodel\t\t: 1\n\
                    model name\t: AMD EPYC\nstepping\t: 1\nflags\t\t: fpu hypervisor lahf_lm\n\n\
                    processor\t: 1\nmodel\t\t: 9\n";
        let expected =
            "AMD EPYC (AuthenticAMD, family 25, model 1, stepping 1, under a hypervisor)";
        assert_eq!(describe(info), expected);
        assert_eq!(
            describe(&info.replace("hypervisor", "x")),
            expected.replace(", under a hypervisor", "")
        );
        assert_eq!(describe(""), "? (?, family ?, model ?, stepping ?)");
    }
}
