//! Tests of results that are written to files.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};

use super::{BODY, Image, directory, err, fresh, out, run};

#[test]
fn output_goes_to_a_file() {
    let image = Image::new(BODY, &[]);
    let file = fresh("cli-output");
    let path = file.to_str().unwrap();
    let output = run(&["verify", "--color=always", "--output", path, image.path()]);
    assert_eq!((output.status.code(), out(&output)), (Some(0), ""));
    assert_eq!(fs::read_to_string(&file).unwrap(), out(&run(&["verify", image.path()])));
    fs::remove_file(&file).unwrap();
    let output = run(&["verify", "--output", "/nowhere/file", image.path()]);
    assert_eq!(output.status.code(), Some(2));
    assert!(err(&output).contains("/nowhere/file: No such file"), "{}", err(&output));
}

#[test]
fn links_and_permissions_stay() {
    let image = Image::new(BODY, &[]);
    let dir = directory("cli-output-link");
    let [real, link] = ["real", "link"].map(|name| dir.join(name));
    fs::write(&real, "old").unwrap();
    fs::set_permissions(&real, fs::Permissions::from_mode(0o640)).unwrap();
    symlink("real", &link).unwrap();
    let verify = || run(&["verify", "-o", link.to_str().unwrap(), image.path()]);
    assert_eq!(verify().status.code(), Some(0));
    assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
    let text = fs::read_to_string(&real).unwrap();
    assert!(text.contains("module::key"), "{text}");
    assert_eq!(fs::metadata(&real).unwrap().permissions().mode() & 0o777, 0o640);
    assert_eq!(fs::read_dir(&dir).unwrap().count(), 2, "no temporary file stays");

    fs::remove_file(&real).unwrap();
    assert_eq!(verify().status.code(), Some(0));
    assert!(link.is_symlink() && fs::read_to_string(&real).unwrap() == text, "a link to nothing");

    fs::set_permissions(&real, fs::Permissions::from_mode(0o444)).unwrap();
    let refused = verify();
    assert_eq!(refused.status.code(), Some(2));
    assert!(err(&refused).contains("link: the file is read-only"), "{}", err(&refused));
    fs::remove_dir_all(dir).unwrap();
}
