//! Tests of the names of findings, and of the advice.

use super::*;

#[test]
fn names_are_dotted_and_parse_back() {
    for key in FindingKey::ALL {
        assert_eq!(key.as_str().parse(), Ok(*key));
        assert_eq!(FindingKey::matching(key.as_str()), Ok(vec![*key]));
        assert!(key.as_str().contains('.') && !key.as_str().contains('*'));
        assert!(key.explanation().ends_with('.') && key.why().ends_with('.'), "{key}");
        assert!(!key.fix().ends_with('.'), "{key}: a phrase for use in sentences");
    }
}

/// A call that is retargeted in steps is inline. Nothing needs fixing.
#[test]
fn what_only_costs_updates_is_a_note_with_optional_advice() {
    use FindingKey::{CallGradeLine, CallGradeStraddle, FlagsMissing};
    for key in [CallGradeLine, CallGradeStraddle] {
        assert_eq!(key.default_level(), Level::Note, "{key}");
        assert!(key.explanation().contains("is inline"), "{key}");
        assert!(key.why().contains("up to three stores with a barrier after each"), "{key}");
        for kind in (1..=8).filter_map(Kind::from_byte) {
            for aligns_calls in [false, true] {
                let on = Some(Compiled { aligns_calls, is_direct: true });
                for on in [None, on] {
                    for fix in [key.fix(), key.fix_for(kind, true, on)] {
                        assert!(fix.starts_with("to retarget it in one store, "), "{fix}");
                    }
                }
            }
        }
    }
    assert_eq!(FlagsMissing.default_level(), Level::Note);
    assert!(FlagsMissing.why().contains("optional: calls are inline without them"));
    assert!(FlagsMissing.fix().starts_with("to align most calls, "));
}

#[test]
fn only_remaining_remedies_are_named() {
    use FindingKey::{CallGradeLine, CallRegister, CallViaGot};
    let on = |aligns_calls, is_direct| Some(Compiled { aligns_calls, is_direct });
    let of = |key: FindingKey, is_site, on| key.fix_for(Kind::Call, is_site, on);
    let has = |text: &str| {
        ["-x86-align-branch=call", "relro", "`call!`", "generic"].map(|w| text.contains(w))
    };
    let grade = |is_site, on| has(of(CallGradeLine, is_site, on));
    assert_eq!(grade(false, None), [true, false, true, false]);
    assert_eq!(grade(false, on(false, true)), [true, false, true, false]);
    assert_eq!(grade(true, on(false, true)), [true, false, false, false]);
    assert_eq!(grade(false, on(true, true)), [false, false, true, false]);
    assert_eq!(grade(true, on(true, true)), [false, false, false, true]);
    for key in [CallViaGot, CallRegister] {
        assert_eq!(of(key, false, None), key.fix());
        assert_eq!(has(of(key, false, on(true, false))), [false, true, true, false]);
        assert_eq!(has(of(key, false, on(true, true))), [false, false, true, false]);
    }
    let jump = CallGradeLine.fix_for(Kind::Jmp, false, on(true, true));
    assert_eq!(jump, CallGradeLine.fix_of(Kind::Jmp), "the flags do not align jumps");
}

#[test]
fn patterns_end_after_a_dot() {
    let matching = |word| FindingKey::matching(word).unwrap_or_default();
    assert_eq!(
        matching("call.grade.*"),
        [FindingKey::CallGradeLine, FindingKey::CallGradeStraddle]
    );
    assert_eq!(matching("call.*").len(), 6);
    assert_eq!(matching("*"), FindingKey::ALL);
    for wrong in ["call.gr*", "call*", "nothing.*", "*.line", "", "call.*.line"] {
        assert!(FindingKey::matching(wrong).is_err(), "{wrong}");
    }
}
