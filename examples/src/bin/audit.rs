//! A small server whose audit hook is turned on and off while it answers requests.
//!
//! ```text
//! cargo run --release --bin audit
//! ```
//!
//! Clients on this machine send requests over TCP; the server answers each with a number that the
//! client can check. While the hook is off, its call in the server's loop is a five-byte no-op, and
//! the record that would be its argument is never built. The main thread turns the hook on and off
//! and checks that audited requests, and only those, have a record.
//!
//! Exit code: 0; 1 if an answer or a record was wrong.

use std::error::Error;
use std::io::{self, BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::process::ExitCode;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::Duration;

use static_call::{call, static_call};

/// What an auditor sees of a request.
struct Record {
    client: SocketAddr,
    request: String,
}

/// Sees every request while an auditor is set.
#[static_call]
fn on_request(record: &Record);

/// May refuse a request while a policy is set.
#[static_call]
fn permit(request: &str) -> Option<bool>;

/// Records built, records that the auditor saw, and requests refused.
static MADE: AtomicU64 = AtomicU64::new(0);
static SEEN: AtomicU64 = AtomicU64::new(0);
static REFUSED: AtomicU64 = AtomicU64::new(0);

fn record(client: SocketAddr, request: &str) -> Record {
    MADE.fetch_add(1, Ordering::Relaxed);
    Record { client, request: request.to_owned() }
}

/// Answers the requests of one client: `square 12` gets `144`.
fn serve(stream: TcpStream) -> io::Result<()> {
    let client = stream.peer_addr()?;
    let mut out = stream.try_clone()?;
    for line in BufReader::new(stream).lines() {
        let line = line?;
        call!(on_request(&record(client, &line)));
        let answer = match line.strip_prefix("square ").and_then(|n| n.parse::<u64>().ok()) {
            _ if call!(permit(&line)) == Some(false) => "refused".to_owned(),
            Some(n) => (n * n).to_string(),
            None => "what?".to_owned(),
        };
        // A single write, so that it is one packet.
        out.write_all((answer + "\n").as_bytes())?;
    }
    Ok(())
}

const REQUESTS: u64 = 2_000;

/// Sends requests and checks the answers. Returns how many were answered, refused and wrong.
fn ask(server: SocketAddr) -> io::Result<[u64; 3]> {
    let stream = TcpStream::connect(server)?;
    stream.set_nodelay(true)?;
    let mut out = stream.try_clone()?;
    let mut answers = BufReader::new(stream).lines();
    let mut tally = [0; 3];
    for n in 0..REQUESTS {
        out.write_all(format!("square {n}\n").as_bytes())?;
        let answer = answers.next().ok_or(io::ErrorKind::UnexpectedEof)??;
        let kind = if answer == (n * n).to_string() {
            0
        } else if answer == "refused" {
            1
        } else {
            2
        };
        tally[kind] += 1;
    }
    Ok(tally)
}

fn audit(record: &Record) {
    assert!(record.client.ip().is_loopback() && record.request.starts_with("square "));
    SEEN.fetch_add(1, Ordering::Relaxed);
}

fn no_sevens(request: &str) -> Option<bool> {
    let is_permitted = !request.ends_with('7');
    REFUSED.fetch_add(u64::from(!is_permitted), Ordering::Relaxed);
    Some(is_permitted)
}

fn run() -> Result<bool, Box<dyn Error>> {
    static_call::init()?;
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let server = listener.local_addr()?;
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            thread::spawn(move || serve(stream));
        }
    });

    // Off: nothing is recorded.
    let tally = ask(server)?;
    let mut holds = tally == [REQUESTS, 0, 0] && MADE.load(Ordering::Relaxed) == 0;
    println!("hooks off:       {}; {} records built", summary(tally), MADE.load(Ordering::Relaxed));

    // On: everything is recorded.
    static_call::batch(|batch| {
        batch.update(on_request::KEY, audit)?;
        batch.update(permit::KEY, no_sevens)
    })?;
    let tally = ask(server)?;
    let seen = SEEN.load(Ordering::Relaxed);
    holds &= tally == [REQUESTS - REQUESTS / 10, REQUESTS / 10, 0] && seen == REQUESTS;
    holds &= MADE.load(Ordering::Relaxed) == seen;
    println!("hooks on:        {}; {seen} records built and seen", summary(tally));

    // Switched while clients are at work.
    let clients: Vec<_> = (0..4).map(|_| thread::spawn(move || ask(server))).collect();
    let mut switches = 0_u64;
    while clients.iter().any(|client| !client.is_finished()) {
        on_request::disable()?;
        permit::disable()?;
        on_request::update(audit)?;
        permit::update(no_sevens)?;
        switches += 1;
        thread::sleep(Duration::from_micros(50));
    }
    let mut all = [0; 3];
    for client in clients {
        let tally = client.join().map_err(|_| "a client panicked")??;
        for (sum, n) in all.iter_mut().zip(tally) {
            *sum += n;
        }
    }
    let (made, seen) = (MADE.load(Ordering::Relaxed), SEEN.load(Ordering::Relaxed));
    println!(
        "while switching: {}; {made} records built, {seen} seen; {switches} times off and on",
        summary(all)
    );
    // A record may be built just before the hook is turned off; then nothing sees it.
    holds &= all[2] == 0 && all[0] + all[1] == 4 * REQUESTS && seen <= made;
    holds &= all[1] + REQUESTS / 10 == REFUSED.load(Ordering::Relaxed);

    on_request::disable()?;
    permit::disable()?;
    let before = MADE.load(Ordering::Relaxed);
    let tally = ask(server)?;
    holds &= tally == [REQUESTS, 0, 0] && MADE.load(Ordering::Relaxed) == before;
    println!(
        "hooks off again: {}; {} more records built",
        summary(tally),
        MADE.load(Ordering::Relaxed) - before
    );
    Ok(holds)
}

fn summary([answered, refused, wrong]: [u64; 3]) -> String {
    format!("{answered} answered, {refused} refused, {wrong} wrong")
}

fn main() -> ExitCode {
    match run() {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => {
            println!("WRONG");
            ExitCode::FAILURE
        }
        Err(error) => {
            eprintln!("audit: {error}");
            ExitCode::FAILURE
        }
    }
}
