//! A `#[global_allocator]` that is switched while the program runs.
//!
//! ```text
//! cargo run --release --bin allocator
//! ```
//!
//! Threads allocate, fill, check and free memory while the main thread switches the allocator:
//! the system's, the system's with a count of allocations, or fixed-size blocks from one large
//! arena. Memory may be freed by a different allocator than the one that returned it, so every
//! implementation recognises the arena's blocks by address. The `unsafe trait` requires this.
//!
//! Exit code: 0; 1 if memory was lost, handed out twice or changed.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::UnsafeCell;
use std::error::Error;
use std::process::ExitCode;
use std::ptr;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::thread;

use static_call::{Instance, Update, UpdateError, static_call};

/// Where memory comes from.
///
/// # Safety
///
/// 1. As for [`GlobalAlloc`]; `free` accepts what `allocate` of any implementation returned.
#[static_call(default = FromSystem)]
unsafe trait Memory {
    /// Returns memory for a layout of at least one byte, or null.
    unsafe fn allocate(&self, layout: Layout) -> *mut u8;

    /// Takes memory back.
    unsafe fn free(&self, memory: *mut u8, layout: Layout);
}

/// The program's allocator: two static calls.
struct Switched;

#[global_allocator]
static ALLOCATOR: Switched = Switched;

// SAFETY: `Memory` requires the same of its implementations.
unsafe impl GlobalAlloc for Switched {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // SAFETY: the caller's promises are those of `Memory`.
        unsafe { StaticMemory.allocate(layout) }
    }

    unsafe fn dealloc(&self, memory: *mut u8, layout: Layout) {
        // SAFETY: as above.
        unsafe { StaticMemory.free(memory, layout) }
    }
}

/// The system's allocator.
#[derive(Instance)]
struct FromSystem;

// SAFETY: `free` sends the arena's memory back to the arena.
unsafe impl Memory for FromSystem {
    unsafe fn allocate(&self, layout: Layout) -> *mut u8 {
        // SAFETY: the caller's promises are the system's.
        unsafe { System.alloc(layout) }
    }

    unsafe fn free(&self, memory: *mut u8, layout: Layout) {
        if ARENA.owns(memory) {
            ARENA.put(memory);
        } else {
            // SAFETY: memory outside the arena came from the system.
            unsafe { System.dealloc(memory, layout) }
        }
    }
}

/// The system's allocator, with counters.
struct Counted {
    allocations: AtomicU64,
    bytes: AtomicU64,
}

static COUNTED: Counted = Counted { allocations: AtomicU64::new(0), bytes: AtomicU64::new(0) };
static_call::instance!(COUNTED: Counted);

// SAFETY: as for `FromSystem`.
unsafe impl Memory for Counted {
    unsafe fn allocate(&self, layout: Layout) -> *mut u8 {
        self.allocations.fetch_add(1, Ordering::Relaxed);
        self.bytes.fetch_add(layout.size() as u64, Ordering::Relaxed);
        // SAFETY: the caller's promises are the system's.
        unsafe { System.alloc(layout) }
    }

    unsafe fn free(&self, memory: *mut u8, layout: Layout) {
        // SAFETY: the caller's promises are the same.
        unsafe { FromSystem.free(memory, layout) }
    }
}

const BLOCK: usize = 256;
const BLOCKS: usize = 4096;

/// Blocks of one size, and one bit for each block in use.
#[repr(C, align(256))]
struct Arena {
    memory: UnsafeCell<[u8; BLOCK * BLOCKS]>,
    taken: [AtomicU64; BLOCKS / 64],
    hand: AtomicUsize,
    allocations: AtomicU64,
}

// SAFETY: a block belongs to the thread that set its bit.
unsafe impl Sync for Arena {}

static ARENA: Arena = Arena {
    memory: UnsafeCell::new([0; BLOCK * BLOCKS]),
    taken: [const { AtomicU64::new(0) }; BLOCKS / 64],
    hand: AtomicUsize::new(0),
    allocations: AtomicU64::new(0),
};
static_call::instance!(ARENA: Arena);

impl Arena {
    fn owns(&self, memory: *mut u8) -> bool {
        let start = self.memory.get().addr();
        (start..start + BLOCK * BLOCKS).contains(&memory.addr())
    }

    /// Takes a free block, if one of the next eight words has one.
    fn take(&self) -> Option<*mut u8> {
        let first = self.hand.fetch_add(1, Ordering::Relaxed);
        for word in (0..8).map(|i| (first + i) % self.taken.len()) {
            let bits = self.taken[word].load(Ordering::Relaxed);
            let bit = bits.trailing_ones() as usize;
            let wanted = 1_u64.checked_shl(bits.trailing_ones()).unwrap_or(0);
            if wanted != 0 && self.taken[word].fetch_or(wanted, Ordering::Acquire) & wanted == 0 {
                let start: *mut u8 = self.memory.get().cast();
                return Some(start.wrapping_add((word * 64 + bit) * BLOCK));
            }
        }
        None
    }

    fn put(&self, memory: *mut u8) {
        let block = (memory.addr() - self.memory.get().addr()) / BLOCK;
        self.taken[block / 64].fetch_and(!(1 << (block % 64)), Ordering::Release);
    }

    fn in_use(&self) -> u32 {
        self.taken.iter().map(|word| word.load(Ordering::Relaxed).count_ones()).sum()
    }
}

// SAFETY: blocks are aligned to their size and handed out once; the rest is the system's.
unsafe impl Memory for Arena {
    unsafe fn allocate(&self, layout: Layout) -> *mut u8 {
        if layout.size() <= BLOCK
            && layout.align() <= BLOCK
            && let Some(block) = self.take()
        {
            self.allocations.fetch_add(1, Ordering::Relaxed);
            return block;
        }
        // SAFETY: the caller's promises are the system's.
        unsafe { System.alloc(layout) }
    }

    unsafe fn free(&self, memory: *mut u8, layout: Layout) {
        // SAFETY: the caller's promises are the same.
        unsafe { FromSystem.free(memory, layout) }
    }
}

static STOP: AtomicBool = AtomicBool::new(false);

/// Keeps a window of allocations alive, each filled with its own number, and checks each before
/// freeing it. Returns how many were right and how many were wrong.
fn churn(seed: u64) -> (u64, u64) {
    let (mut right, mut wrong, mut n) = (0, 0, seed << 32);
    let mut window: Vec<(u64, Box<[u64]>)> = Vec::new();
    while !STOP.load(Ordering::Relaxed) {
        n += 1;
        let length = 1 + (n.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 58) as usize;
        window.push((n, vec![n; length].into_boxed_slice()));
        if window.len() == 64 {
            let (number, numbers) = window.swap_remove((n % 64) as usize);
            if numbers.iter().all(|found| *found == number) { right += 1 } else { wrong += 1 }
        }
    }
    (right, wrong)
}

fn run() -> Result<bool, Box<dyn Error>> {
    static_call::init()?;
    let threads = thread::available_parallelism().map_or(2, usize::from).max(2) as u64;
    let pool: Vec<_> = (0..threads).map(|n| thread::spawn(move || churn(n))).collect();
    let mut switches = 0_u64;
    let enough = || {
        ARENA.allocations.load(Ordering::Relaxed) > 50_000
            && COUNTED.allocations.load(Ordering::Relaxed) > 50_000
    };
    while switches < 3_000 || !enough() {
        let switch: unsafe fn() -> Result<Update, UpdateError> = match switches % 3 {
            0 => StaticMemory::update::<Arena>,
            1 => StaticMemory::update::<Counted>,
            _ => StaticMemory::reset,
        };
        // SAFETY: every implementation frees what any of them returned.
        unsafe { switch()? };
        switches += 1;
    }
    // SAFETY: as above.
    unsafe { StaticMemory::reset()? };
    STOP.store(true, Ordering::Relaxed);
    let (mut right, mut wrong) = (0, 0);
    for thread in pool {
        let part = thread.join().map_err(|_| "a thread panicked")?;
        right += part.0;
        wrong += part.1;
    }
    println!("{threads} threads allocated while the allocator was switched {switches} times:");
    println!("  {} allocations from the arena", ARENA.allocations.load(Ordering::Relaxed));
    println!(
        "  {} counted allocations from the system, {} bytes",
        COUNTED.allocations.load(Ordering::Relaxed),
        COUNTED.bytes.load(Ordering::Relaxed)
    );
    println!("  {right} blocks intact, {wrong} corrupted, {} still in the arena", ARENA.in_use());
    Ok(wrong == 0 && right > 0 && ptr::eq(ptr::from_ref(&ARENA).cast(), ARENA.memory.get()))
}

fn main() -> ExitCode {
    match run() {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("allocator: {error}");
            ExitCode::FAILURE
        }
    }
}
