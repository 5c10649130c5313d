//! Where execution goes on after an instruction.
//!
//! iced-x86 knows this, too, with a feature that takes a second to compile. A test compares the two
//! for every instruction.

use iced_x86::{Code, Mnemonic};

/// Where execution goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Next {
    /// At the next instruction. That includes system calls and interrupts, which return.
    Following,
    /// At the destination, which usually returns.
    Call,
    /// At an address in a register or in memory, which usually returns.
    IndirectCall,
    /// At the destination.
    Jump,
    /// At an address in a register or in memory.
    IndirectJump,
    /// At the destination or at the next instruction.
    ConditionalJump,
    /// At a caller or a handler of exceptions.
    Elsewhere,
}

impl Next {
    pub(super) fn of(code: Code) -> Self {
        use Mnemonic as M;
        match code.mnemonic() {
            M::Call => match code {
                Code::Call_rm16
                | Code::Call_rm32
                | Code::Call_rm64
                | Code::Call_m1616
                | Code::Call_m1632
                | Code::Call_m1664 => Self::IndirectCall,
                _ => Self::Call,
            },
            M::Jmp | M::Jmpe => match code {
                Code::Jmp_rm16
                | Code::Jmp_rm32
                | Code::Jmp_rm64
                | Code::Jmp_m1616
                | Code::Jmp_m1632
                | Code::Jmp_m1664
                | Code::Jmpe_rm16
                | Code::Jmpe_rm32 => Self::IndirectJump,
                _ => Self::Jump,
            },
            M::Altinst => Self::IndirectJump,
            M::Ja | M::Jae | M::Jb | M::Jbe | M::Je | M::Jg | M::Jge | M::Jl | M::Jle | M::Jne => {
                Self::ConditionalJump
            }
            M::Jno | M::Jnp | M::Jns | M::Jo | M::Jp | M::Js => Self::ConditionalJump,
            M::Jcxz | M::Jecxz | M::Jrcxz | M::Jkzd | M::Jknzd => Self::ConditionalJump,
            M::Loop | M::Loope | M::Loopne => Self::ConditionalJump,
            M::Ret | M::Retf | M::Iret | M::Iretd | M::Iretq | M::Uiret => Self::Elsewhere,
            M::Erets | M::Eretu | M::Sysret | M::Sysretq | M::Sysexit | M::Sysexitq => {
                Self::Elsewhere
            }
            M::Rdm | M::Rsm | M::Skinit => Self::Elsewhere,
            M::Ud0 | M::Ud1 | M::Ud2 | M::INVALID | M::Db | M::Dw | M::Dd | M::Dq => {
                Self::Elsewhere
            }
            _ => Self::Following,
        }
    }

    /// Returns whether the next instruction is not reached from here. A call is taken to return.
    pub(super) fn ends_path(self) -> bool {
        matches!(self, Self::Jump | Self::IndirectJump | Self::Elsewhere)
    }
}

#[cfg(test)]
mod tests {
    use iced_x86::FlowControl;

    use super::*;

    fn expected(code: Code) -> Next {
        match code.flow_control() {
            FlowControl::Next | FlowControl::Interrupt | FlowControl::XbeginXabortXend => {
                Next::Following
            }
            FlowControl::Call if code.mnemonic() == Mnemonic::Call => Next::Call,
            // Into the system or a hypervisor.
            FlowControl::Call => Next::Following,
            FlowControl::IndirectCall => Next::IndirectCall,
            FlowControl::UnconditionalBranch => Next::Jump,
            FlowControl::IndirectBranch => Next::IndirectJump,
            FlowControl::ConditionalBranch => Next::ConditionalJump,
            FlowControl::Return | FlowControl::Exception => Next::Elsewhere,
        }
    }

    #[test]
    fn every_instruction_as_iced_knows_it() {
        assert!(Code::values().len() > 4000);
        for code in Code::values() {
            assert_eq!(Next::of(code), expected(code), "{code:?}");
        }
    }
}
