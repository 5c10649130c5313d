//! What the process holds, to find what leaks.

use std::fs;

/// What the process holds while only one thread runs.
#[derive(Clone, Copy, Debug)]
pub(super) struct Held {
    mappings: usize,
    files: usize,
    /// KiB of memory that is not shared with files.
    memory: u64,
    veneers: usize,
    writable_code: usize,
}

impl Held {
    pub(super) fn now() -> Self {
        let maps = fs::read_to_string("/proc/self/maps").unwrap_or_default();
        let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
        let memory = status.lines().find_map(|line| line.strip_prefix("RssAnon:"));
        let memory = memory.and_then(|line| line.trim().strip_suffix(" kB")?.parse().ok());
        let is_writable_code = |line: &&str| {
            line.split(' ')
                .nth(1)
                .is_some_and(|rights| rights.contains('w') && rights.contains('x'))
        };
        Self {
            mappings: maps.lines().count(),
            files: fs::read_dir("/proc/self/fd").map_or(0, Iterator::count),
            memory: memory.unwrap_or(0),
            veneers: static_call::report().veneer_pages,
            writable_code: maps.lines().filter(is_writable_code).count(),
        }
    }

    /// Returns what has grown since `before`, beyond what an allocator keeps.
    pub(super) fn leaks_since(self, before: Self) -> Vec<String> {
        let mut leaks = Vec::new();
        let mut check = |what, before: u64, now: u64, most: u64| {
            if now > before + most {
                leaks.push(format!("{what}: {before} before, {now} after"));
            }
        };
        check("mappings", before.mappings as u64, self.mappings as u64, 16);
        check("open files", before.files as u64, self.files as u64, 0);
        check("KiB of memory", before.memory, self.memory, 16 << 10);
        check("pages of veneers", before.veneers as u64, self.veneers as u64, 0);
        check("writable pages of code", 0, self.writable_code as u64, 0);
        leaks
    }
}
