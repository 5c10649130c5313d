//! Free functions under `#[static_call]`: plain calls, `call!`, and the functions of the enum.

use static_call::{call, static_call};

struct Big([u64; 5]);

/// Sums up.
#[static_call]
fn checksum(data: &[u8], big: Big) -> u64 {
    data.len() as u64 + big.0[4]
}

#[test]
fn calls_and_updates() {
    let data = vec![1u8; 7];
    assert_eq!(checksum(&data, Big([1; 5])), 8);
    assert_eq!(call!(checksum(&data, Big([2; 5]))), 9);
    assert!(checksum::query().is_default());
    assert!(checksum::query().name().ends_with("::checksum"));
    checksum::update(|d, b| d.len() as u64 * 2 + b.0[0]).unwrap();
    assert_eq!(checksum(&data, Big([1; 5])), 15);
    assert_eq!(call!(checksum(&data, Big([2; 5]))), 16);
    assert_eq!(checksum::original(&data, Big([1; 5])), 8);
}
struct Filter(u8);

#[static_call]
impl Filter {
    #[static_call]
    fn matches(&self, line: &str) -> bool {
        line.len() == self.0 as usize
    }
}

#[test]
fn methods() {
    let f = Filter(2);
    assert!(f.matches("ab"));
    assert!(call!(Filter::matches(&f, "ab")));
    Filter::MATCHES.update(|f, line| line.len() == f.0 as usize + 1).unwrap();
    assert!(!f.matches("ab"));
    assert!(!call!(Filter::matches(&f, "ab")));
    assert!(Filter::original_matches(&f, "ab"));
}

#[static_call]
fn off(n: u8);

#[test]
fn bodyless() {
    off(1);
    call!(off(2));
    off::update(|n| panic!("{n}")).unwrap();
    std::panic::catch_unwind(|| off(1)).unwrap_err();
    std::panic::catch_unwind(|| call!(off(1))).unwrap_err();
}
