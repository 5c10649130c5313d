//! A pool of workers encodes a file in blocks while the codec is switched.
//!
//! ```text
//! cargo run --release --bin codec [FILE]
//! ```
//!
//! All workers call one trait whose methods are static calls. The main thread switches the
//! implementation, as an operator would to trade time for space. A codec and its state (a
//! dictionary) switch together. Every block is decoded and compared with the original.
//!
//! Exit code: 0; 1 if a block decoded wrongly; 2 if the input cannot be read.

use std::error::Error;
use std::fs;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::thread;

use static_call::{Instance, static_call};

/// Bytes in a block.
const BLOCK: usize = 4096;
/// The least number of switches, and of blocks encoded by each codec.
const SWITCHES: u64 = 3_000;
const BLOCKS: u64 = 500;

/// Encodes blocks, usually into fewer bytes.
///
/// The first byte of an encoded block names its codec, because the current one may be different
/// when the block is decoded.
#[static_call(default = Stored)]
trait Codec {
    /// Returns the first byte of every block that this codec encodes.
    fn tag() -> u8;

    /// Appends the encoded block.
    fn encode(&self, block: &[u8], out: &mut Vec<u8>);
}

/// Stores blocks unchanged.
#[derive(Instance)]
struct Stored;

impl Codec for Stored {
    fn tag() -> u8 {
        0
    }

    fn encode(&self, block: &[u8], out: &mut Vec<u8>) {
        out.push(Self::tag());
        out.extend_from_slice(block);
    }
}

/// Stores each run of equal bytes as a length and the byte.
#[derive(Instance)]
struct Runs;

impl Codec for Runs {
    fn tag() -> u8 {
        1
    }

    fn encode(&self, block: &[u8], out: &mut Vec<u8>) {
        out.push(Self::tag());
        for run in block.chunk_by(|a, b| a == b) {
            for part in run.chunks(255) {
                // A part has 1 to 255 bytes.
                out.extend([u8::try_from(part.len()).unwrap_or(u8::MAX), part[0]]);
            }
        }
    }
}

/// Stores bytes by their rank in a table, frequent ones in half a byte. The table is its state.
struct Ranked {
    by_rank: [u8; 256],
}

/// The table roughly fits x86 code.
static RANKED: Ranked =
    Ranked { by_rank: ranked(*b"\x00\xff\x48\x8b\x24\x89\x44\x0f\x01\x4c\x85\x83\xe8\x74\x8d") };
static_call::instance!(RANKED: Ranked);

/// Returns all byte values, the frequent ones first.
const fn ranked(frequent: [u8; 15]) -> [u8; 256] {
    let (mut all, mut seen, mut n, mut i) = ([0; 256], [false; 256], 0, 0);
    while i < frequent.len() + 256 {
        let byte = if i < frequent.len() { frequent[i] } else { (i - frequent.len()) as u8 };
        if !seen[byte as usize] {
            seen[byte as usize] = true;
            all[n] = byte;
            n += 1;
        }
        i += 1;
    }
    all
}

impl Codec for Ranked {
    fn tag() -> u8 {
        2
    }

    fn encode(&self, block: &[u8], out: &mut Vec<u8>) {
        out.push(Self::tag());
        let mut halves = Vec::with_capacity(block.len());
        for &byte in block {
            match self.by_rank[..15].iter().position(|&ranked| ranked == byte) {
                Some(rank) => halves.push(rank as u8),
                None => halves.extend([15, byte >> 4, byte & 15]),
            }
        }
        out.extend(halves.chunks(2).map(|pair| pair[0] << 4 | pair.get(1).unwrap_or(&0)));
    }
}

/// Decodes a block of `length` bytes with the codec that its tag names.
fn decode(encoded: &[u8], length: usize) -> Option<Vec<u8>> {
    let (&tag, rest) = encoded.split_first()?;
    let mut block = match tag {
        0 => rest.to_vec(),
        1 => rest.chunks(2).flat_map(|run| vec![run[1]; run[0].into()]).collect(),
        2 => {
            let mut halves = rest.iter().flat_map(|byte| [byte >> 4, byte & 15]);
            let mut block = Vec::with_capacity(length);
            while block.len() < length {
                block.push(match halves.next()? {
                    15 => halves.next()? << 4 | halves.next()?,
                    rank => RANKED.by_rank[usize::from(rank)],
                });
            }
            block
        }
        _ => return None,
    };
    block.truncate(length);
    Some(block)
}

/// What the threads share.
#[derive(Default)]
struct Progress {
    next: AtomicUsize,
    /// Blocks encoded, for each codec.
    by_codec: [AtomicU64; 3],
    stop: AtomicBool,
}

impl Progress {
    fn by_codec(&self) -> [u64; 3] {
        self.by_codec.each_ref().map(|blocks| blocks.load(Ordering::Relaxed))
    }
}

/// What a worker did.
#[derive(Default)]
struct Tally {
    blocks: u64,
    bytes_in: u64,
    bytes_out: u64,
    wrong: u64,
}

/// Encodes and checks blocks until told to stop. Generic code accepts the handle like any other
/// implementation.
fn work<C: Codec>(codec: &C, data: &[u8], progress: &Progress) -> Tally {
    let mut tally = Tally::default();
    let mut out = Vec::new();
    let blocks = data.len().div_ceil(BLOCK);
    while !progress.stop.load(Ordering::Relaxed) {
        let start = progress.next.fetch_add(1, Ordering::Relaxed) % blocks * BLOCK;
        let block = &data[start..data.len().min(start + BLOCK)];
        out.clear();
        codec.encode(block, &mut out);
        tally.blocks += 1;
        tally.bytes_in += block.len() as u64;
        tally.bytes_out += out.len() as u64;
        let by_codec = out.first().and_then(|&tag| progress.by_codec.get(usize::from(tag)));
        match by_codec {
            Some(blocks) if decode(&out, block.len()).as_deref() == Some(block) => {
                blocks.fetch_add(1, Ordering::Relaxed);
            }
            _ => tally.wrong += 1,
        }
    }
    tally
}

fn run(data: &[u8]) -> Result<bool, Box<dyn Error>> {
    static_call::init()?;
    let workers = thread::available_parallelism().map_or(2, usize::from).max(2);
    let progress = Progress::default();
    let mut switches = 0_u64;
    let mut tally = Tally::default();
    thread::scope(|scope| -> Result<(), Box<dyn Error>> {
        let pool: Vec<_> =
            (0..workers).map(|_| scope.spawn(|| work(&StaticCodec, data, &progress))).collect();
        let mut result = Ok(());
        while result.is_ok()
            && (switches < SWITCHES || progress.by_codec().iter().any(|&blocks| blocks < BLOCKS))
        {
            let update = match switches % 3 {
                0 => StaticCodec::update::<Runs>(),
                1 => StaticCodec::update::<Ranked>(),
                _ => StaticCodec::update::<Stored>(),
            };
            result = update.map(drop);
            switches += 1;
        }
        progress.stop.store(true, Ordering::Relaxed);
        for worker in pool {
            let part = worker.join().map_err(|_| "a worker panicked")?;
            tally.blocks += part.blocks;
            tally.bytes_in += part.bytes_in;
            tally.bytes_out += part.bytes_out;
            tally.wrong += part.wrong;
        }
        Ok(result?)
    })?;
    let [stored, runs, ranked] = progress.by_codec();
    println!("{workers} workers encoded {} blocks", tally.blocks);
    println!("while the codec was switched {switches} times:");
    println!("  blocks by codec: stored {stored}, runs {runs}, ranked {ranked}");
    println!("  {} bytes encoded into {}", tally.bytes_in, tally.bytes_out);
    println!("  {} blocks decoded wrongly", tally.wrong);
    StaticCodec::update::<Ranked>()?;
    println!("the codec now has tag {}", StaticCodec::tag());
    let right = stored + runs + ranked == tally.blocks && tally.wrong == 0;
    Ok(right && StaticCodec::tag() == 2)
}

fn main() -> ExitCode {
    let path = std::env::args_os().nth(1).map(PathBuf::from);
    let path = path.map_or_else(std::env::current_exe, Ok);
    let data = path.and_then(|path| fs::read(&path));
    let data = match data {
        Ok(data) if !data.is_empty() => data,
        Ok(_) => {
            eprintln!("codec: the file is empty; name one that is not");
            return ExitCode::from(2);
        }
        Err(error) => {
            eprintln!("codec: cannot read the input: {error}");
            return ExitCode::from(2);
        }
    };
    match run(&data) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("codec: {error}");
            ExitCode::FAILURE
        }
    }
}
