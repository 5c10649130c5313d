//! Prints what the verifier finds in an image as HTML: `cargo run --example html -- IMAGE > report.html`.

use static_call_verify::{Policy, report::html, verify};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let path = std::env::args_os().nth(1).ok_or("name an image")?;
    let report = verify(&std::fs::read(&path)?, &Policy::default());
    print!("{}", html(&report, &path.to_string_lossy()));
    Ok(())
}
