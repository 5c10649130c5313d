use std::format;

use super::UpdateError;

/// What `fn main() -> Result<(), UpdateError>` prints: the variant, and what to do about it.
#[test]
fn debug_output_says_what_to_do() {
    let foreign = UpdateError::ForeignBytes {
        address: 0x5555_5555_4010,
        length: 5,
        expected: [1, 10, 0, 0, 0, 0, 0, 0],
        found: [2, 10, 0, 0, 0, 0, 0, 0],
    };
    assert_eq!(
        format!("{foreign:?}"),
        "ForeignBytes: the code at 0x555555554010 was changed from outside (expected [01, 0a, 00, \
         00, 00], found [02, 0a, 00, 00, 00]): remove the breakpoint or probe there, then update \
         again"
    );
    let denied = UpdateError::PermissionDenied { address: 0x5555_5555_4000, errno: 13 };
    assert_eq!(
        format!("{denied:?}"),
        "PermissionDenied: the code page at 0x555555554000 can no longer be made writable (errno \
         13): call `static_call::unbind()` before the program gives up that right"
    );
    let key = "key";
    for (error, name) in [
        (UpdateError::CallsItself { key }, "CallsItself"),
        (UpdateError::AliasRefused { errno: 1 }, "AliasRefused"),
        (UpdateError::PageChanged { address: 4096 }, "PageChanged"),
        (UpdateError::Reentered, "Reentered"),
        (UpdateError::Unloaded, "Unloaded"),
        (UpdateError::Sealed { key }, "Sealed"),
        (UpdateError::RequiresUnsafe { key }, "RequiresUnsafe"),
        (UpdateError::CountOutOfRange { flag: key, count: 0 }, "CountOutOfRange"),
        (UpdateError::CountOutOfRange { flag: key, count: u32::MAX }, "CountOutOfRange"),
        (UpdateError::Cancelled, "Cancelled"),
        (UpdateError::Deadlock { key }, "Deadlock"),
    ] {
        assert_eq!(format!("{error:?}"), format!("{name}: {error}"));
    }
}
