//! A user's crate, outside this workspace and without its flags, that uses every feature.

use std::path::Path;
use std::process::Command;

/// Checks that the program's report ends with the verifier's line for its image.
fn counted_alike(stdout: &str, profile: &str) {
    let target = Path::new(env!("CARGO_TARGET_TMPDIR")).join("nested");
    let image = std::fs::read(target.join(profile).join("user")).unwrap();
    let verified = static_call_verify::verify(&image, &static_call_verify::Policy::default());
    let line = stdout.lines().find(|line| line.starts_with("static-call: ")).unwrap();
    assert_eq!(line, verified.summary.to_string(), "{stdout}\n{verified}");
}

#[test]
#[cfg_attr(any(miri, not(target_arch = "x86_64")), ignore = "runs the compiler")]
fn a_users_crate_builds_and_runs() {
    let tests = Path::new(env!("CARGO_MANIFEST_DIR"));
    let user = tests.join("user");
    // Uses the workspace's versions, so that nothing is fetched.
    std::fs::copy(tests.join("../Cargo.lock"), user.join("Cargo.lock")).unwrap();
    let run = |profile: &[&str], path: Option<&str>| {
        let mut command = Command::new(env!("CARGO"));
        command.args(["run", "--offline", "--quiet"]).args(profile).arg("--target-dir");
        // The link hook's tests use it, too, so that the verifier is built once for both.
        command.arg(Path::new(env!("CARGO_TARGET_TMPDIR")).join("nested"));
        command.current_dir(&user).env_remove("STATIC_CALL").env_remove("CARGO_INCREMENTAL");
        // Without the flags in .cargo/config.toml.
        command.env("CARGO_ENCODED_RUSTFLAGS", "");
        command.envs(path.map(|path| ("STATIC_CALL", path)));
        let output = command.output().unwrap();
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{profile:?} {path:?}:\n{stderr}");
        let stdout = String::from_utf8_lossy(&output.stdout);
        assert!(stdout.contains("StaticCodec::encode"), "{stdout}");
        if path.is_none() {
            counted_alike(&stdout, if profile.is_empty() { "debug" } else { "release" });
        }
    };
    run(&[], None);
    run(&[], Some("trampoline"));
    run(&[], Some("indirect"));
    run(&["--release"], None);
}
