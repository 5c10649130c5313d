use super::*;
use crate::arch::x86_64::Branch;
use crate::layout::Kind;

#[test]
fn instructions_lie_as_their_boundary_says() {
    let across = |boundary| match boundary {
        Boundary::Across8 => (8, Grade::Line),
        Boundary::Across16 => (16, Grade::Line),
        Boundary::Across32 => (32, Grade::Line),
        Boundary::Across64 => (64, Grade::Straddle),
        Boundary::Across4096 => (4096, Grade::Straddle),
        Boundary::OpcodeBefore8 => (8, Grade::Disp),
        Boundary::OpcodeBefore64 => (64, Grade::Disp),
        Boundary::OpcodeBefore4096 => (4096, Grade::Disp),
        Boundary::None => (0, Grade::Quad),
    };
    for boundary in Boundary::ALL {
        let (size, expected) = across(boundary);
        let changes = [Forms::Call, Forms::PaddedCall];
        let all = changes.map(|c| boundary.offsets(c).iter().map(move |&o| (c.disp_at(), o)));
        for (disp_at, offset) in all.into_iter().flatten() {
            let first = u64::from(offset);
            assert_eq!(grade(first, disp_at, disp_at + 4), expected, "{boundary:?} {first}");
            // The offset for an instruction with its displacement at the second byte.
            let offset = first + u64::from(disp_at) - 1;
            if expected == Grade::Disp {
                assert_eq!((offset + 1) % size, 0, "{boundary:?} {offset}");
                assert!((offset + 1) % 64 == 0 || size < 64, "{boundary:?} {offset}");
            } else if size > 0 {
                // The size of the largest block whose boundary the displacement crosses.
                let crossed = [8, 16, 32, 64, 4096];
                let crossed = crossed.into_iter().filter(|n| (offset + 1) / n != (offset + 4) / n);
                assert_eq!(crossed.max(), Some(size), "{boundary:?} {offset}");
            }
        }
        assert_eq!(boundary.grade(), expected);
    }
    for &offset in Boundary::None.offsets(Forms::Trampoline) {
        assert_eq!(offset % 8, 0);
    }
}

#[test]
fn an_experiment_of_the_runtime_is_not_a_control() {
    let all = Experiment::all();
    assert_eq!(all.len(), 62 + 60);
    for experiment in &all {
        assert!(experiment.parts() > 0 && !(experiment.is_default() && experiment.is_control()));
        let whole = !experiment.change.is_retarget();
        assert!(!whole || experiment.boundary == Boundary::None, "{experiment:?}");
    }
    assert_eq!(all.iter().filter(|e| e.is_default()).count(), 44 + 30);
    assert_eq!(all.iter().filter(|e| e.is_control()).count(), 12);
}

#[test]
fn steps_cross_every_boundary_in_every_split() {
    let mut found = std::collections::BTreeSet::new();
    for experiment in Experiment::all() {
        let (split, has_barriers) = match experiment.way {
            Way::OneStore => continue,
            Way::Steps(split) => (split, true),
            Way::StepsWithoutBarriers(split) => (split, false),
        };
        let call = Branch { kind: Kind::Call, disp_at: 1, length: 5, displacement: 0 };
        let &[offset] = experiment.offsets() else { panic!("one part: {experiment:?}") };
        assert_eq!(Split::of(&call, offset.into()), Some(split), "{experiment:?}");
        assert_eq!(experiment.change, Forms::Call);
        assert_eq!(experiment.is_default(), has_barriers);
        assert!(!experiment.is_control());
        found.insert((experiment.boundary, split.before(), has_barriers, experiment.pace));
    }
    // Boundaries, splits, with barriers and without, paces.
    assert_eq!(found.len(), 5 * 3 * 2 * 2);
}
