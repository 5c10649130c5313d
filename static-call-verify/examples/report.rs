//! Prints what the verifier finds in an image: `cargo run --example report -- IMAGE`.

use static_call_verify::{Policy, verify};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let path = std::env::args_os().nth(1).ok_or("pass the path of an image")?;
    println!("{}", verify(&std::fs::read(path)?, &Policy::default()));
    Ok(())
}
