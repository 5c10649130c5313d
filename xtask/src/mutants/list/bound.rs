//! Rules of code that was bound to its default at link time.

use super::Mutant;
use crate::mutants::suite::Suite::Test;

const CHOOSE: &str = "patching/choose.rs";
const PROTOCOL: &str = "patching/protocol.rs";

pub(super) const MUTANTS: &[Mutant] = &[
    Mutant {
        rule: "INV-BOUND",
        what: "a bound key whose code cannot be rewritten is updated",
        changes: &[(PROTOCOL, "    bound::refuse(state, aim)?;\n", "")],
        suites: &[Test("bound")],
    },
    Mutant {
        rule: "INV-BOUND",
        what: "a call that cannot leave its default must leave it for its default",
        changes: &[(
            CHOOSE,
            "Err(Stuck) if aim == Aim::Bind && calls_its_target(state, i) => Ok(false),",
            "Err(Stuck) if aim == Aim::Unbind && calls_its_target(state, i) => Ok(false),",
        )],
        suites: &[Test("bound")],
    },
];
