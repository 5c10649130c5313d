//! Times the verification of images: `cargo run --release --example timing -- IMAGE…`.

use std::time::Instant;

use static_call_verify::{Policy, verify};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut policy = Policy::default();
    for path in std::env::args_os().skip(1) {
        let image = std::fs::read(&path)?;
        for source_lines in [false, true] {
            policy.set_source_lines(source_lines);
            let start = Instant::now();
            let report = verify(&image, &policy);
            let took = start.elapsed();
            let lines = if source_lines { "with" } else { "without" };
            println!("{took:>12.1?} {lines} source lines, {}: {}", path.display(), report.summary);
        }
    }
    Ok(())
}
