//! Executes every function that is recognised as a constant, by an independent decoder.

use iced_x86::{Code, Decoder, DecoderOptions, Mnemonic, Register};
use proptest::prelude::*;

use super::*;

/// Returns the value of `rax` after the code, starting from `before`, if the code up to its `ret`
/// consists of a few instructions that are executed here.
fn execute(code: &[u8], before: u64) -> Option<u64> {
    let mut rax = before;
    let mut pushed = None;
    for instruction in &mut Decoder::with_ip(64, code, 0x1000, DecoderOptions::NONE) {
        let into = instruction.op0_register();
        match instruction.mnemonic() {
            Mnemonic::Ret if instruction.code() == Code::Retnq => {
                return pushed.is_none().then_some(rax);
            }
            Mnemonic::Endbr64 => {}
            Mnemonic::Xor if into == Register::EAX && instruction.op1_register() == into => rax = 0,
            Mnemonic::Mov if into == Register::AL => {
                rax = rax & !0xff | u64::from(instruction.immediate8());
            }
            Mnemonic::Mov if into == Register::AX => {
                rax = rax & !0xffff | u64::from(instruction.immediate16());
            }
            Mnemonic::Mov
                if into == Register::EAX && instruction.op1_register() == Register::None =>
            {
                rax = u64::from(instruction.immediate32());
            }
            Mnemonic::Mov
                if into == Register::RAX && instruction.code() == Code::Mov_rm64_imm32 =>
            {
                rax = instruction.immediate32to64().cast_unsigned();
            }
            Mnemonic::Push if instruction.code() == Code::Pushq_imm8 => {
                pushed = Some(instruction.immediate8to64().cast_unsigned());
            }
            Mnemonic::Pop if into == Register::RAX => rax = pushed.take()?,
            _ => return None,
        }
    }
    None
}

/// Generates code that begins like a constant, with anything after it.
fn code() -> impl Strategy<Value = std::vec::Vec<u8>> {
    let head = prop_oneof![
        Just(std::vec![]),
        Just(std::vec![243, 15, 30, 250]),
        Just(std::vec![72]),
        Just(std::vec![102]),
    ];
    let opcode = prop::sample::select(std::vec![
        std::vec![195_u8],
        std::vec![49, 192],
        std::vec![51, 192],
        std::vec![49, 201],
        std::vec![176],
        std::vec![184],
        std::vec![185],
        std::vec![199, 192],
        std::vec![106],
        std::vec![104],
    ]);
    (head, opcode, prop::collection::vec(any::<u8>(), 0..5), any::<bool>()).prop_map(
        |(head, opcode, value, pops)| {
            let tail: &[u8] = if pops { &[88, 195] } else { &[195] };
            [&head[..], &opcode, &value, tail].concat()
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(20_000))]

    /// Code that is recognised as a constant is one, and the instruction that replaces it leaves
    /// the same in all bits that the function sets.
    #[test]
    fn effects_are_what_the_code_does(code in code(), before: u64) {
        match Effect::of(&code) {
            Effect::Code => {}
            Effect::Nothing => prop_assert_eq!(execute(&code, before), Some(before)),
            Effect::Returns(value) => {
                let after = execute(&code, before).expect("recognised as a constant");
                let set = execute(&code, 0).unwrap() ^ !execute(&code, u64::MAX).unwrap();
                for length in [5, 6] {
                    let mut bytes = mov_eax(length, value).unwrap().to_vec();
                    bytes.truncate(length.into());
                    bytes.push(195);
                    let instead = execute(&bytes, before).unwrap();
                    prop_assert_eq!((instead ^ after) & set, 0, "{:x} {:x}", instead, after);
                }
            }
        }
    }
}

#[test]
fn what_compilers_write() {
    let nothing: &[&[u8]] = &[&[195], &[195, 204], &[243, 15, 30, 250, 195]];
    assert!(nothing.iter().all(|code| Effect::of(code) == Effect::Nothing));
    assert_eq!(Effect::of(&[184, 1, 2, 0, 0, 195]), Effect::Returns(513));
    assert_eq!(Effect::of(&[176, 255, 195]), Effect::Returns(255));
    assert_eq!(Effect::of(&[49, 192, 195]), Effect::Returns(0));
    // Negative 64-bit values, a value in another register, a longer function, incomplete code.
    let code: &[&[u8]] = &[
        &[72, 199, 192, 255, 255, 255, 255, 195],
        &[106, 255, 88, 195],
        &[185, 1, 0, 0, 0, 195],
        &[184, 1, 0, 0, 0, 49, 210, 195],
        &[184, 1, 0, 0, 0],
        &[],
    ];
    assert!(code.iter().all(|code| Effect::of(code) == Effect::Code));
    assert_eq!(mov_eax(4, 1), None);
}
