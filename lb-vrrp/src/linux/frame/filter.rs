//! Programs of the kernel's socket filter (classic BPF): what is not about a virtual address
//! never wakes this process.

use std::net::IpAddr;

use socket2::SockFilter;

use super::{arp, ndp};
use crate::Family;

/// Load a word of the frame.
const LOAD_WORD: u16 = 0x20;
/// Load an octet of the frame.
const LOAD_OCTET: u16 = 0x30;
/// Go on if what is loaded equals `k`, else skip.
const EQUAL: u16 = 0x15;
/// Skip `k` instructions.
const JUMP: u16 = 0x05;
/// End, keeping `k` octets.
const RETURN: u16 = 0x06;

const KEEP: Instruction = Instruction::new(RETURN, 0, u32::MAX);
const DROP: Instruction = Instruction::new(RETURN, 0, 0);

/// The kernel takes 4096 instructions in one program.
const LONGEST: usize = 4096;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Instruction {
    code: u16,
    /// How many instructions an [`EQUAL`] skips when it is not equal.
    otherwise: u8,
    k: u32,
}

impl Instruction {
    const fn new(code: u16, otherwise: u8, k: u32) -> Self {
        Self { code, otherwise, k }
    }
}

impl From<Instruction> for SockFilter {
    fn from(instruction: Instruction) -> Self {
        Self::new(instruction.code, 0, instruction.otherwise, instruction.k)
    }
}

/// Keeps the ARP packets whose sender has one of `addresses`, or the neighbour advertisements
/// whose target is one; of too many addresses, all of them.
pub(crate) fn claims(family: Family, addresses: &[IpAddr]) -> Vec<SockFilter> {
    program(family, addresses)
        .into_iter()
        .map(Into::into)
        .collect()
}

/// Keeps nothing.
pub(crate) fn nothing() -> [SockFilter; 1] {
    [DROP.into()]
}

fn program(family: Family, addresses: &[IpAddr]) -> Vec<Instruction> {
    let mut program = Vec::new();
    if family == Family::V6 {
        for (at, octet) in [
            (ndp::NEXT_HEADER, ndp::ICMPV6),
            (ndp::TYPE, ndp::ADVERTISEMENT),
        ] {
            program.extend([
                Instruction::new(LOAD_OCTET, 0, at as u32),
                Instruction::new(EQUAL, 1, u32::from(octet)),
                Instruction::new(JUMP, 0, 1),
                DROP,
            ]);
        }
    }
    let start = program.len();
    for address in addresses {
        match address {
            IpAddr::V4(address) => words(&mut program, arp::SENDER, &address.octets()),
            IpAddr::V6(address) => words(&mut program, ndp::TARGET, &address.octets()),
        }
    }
    program.push(DROP);
    if program.len() > LONGEST {
        program.truncate(start);
        program.push(KEEP);
    }
    program
}

/// Keeps the frame that has `octets` from `at` on, and goes on with any other.
fn words(program: &mut Vec<Instruction>, at: usize, octets: &[u8]) {
    let words = octets.len() / 4;
    for (number, word) in octets.chunks_exact(4).enumerate() {
        let value = u32::from_be_bytes([word[0], word[1], word[2], word[3]]);
        // Over the words that are left, two instructions each, and the KEEP.
        let otherwise = 2 * (words - number - 1) + 1;
        program.push(Instruction::new(LOAD_WORD, 0, (at + 4 * number) as u32));
        program.push(Instruction::new(EQUAL, otherwise as u8, value));
    }
    program.push(KEEP);
}

#[cfg(test)]
mod tests {
    use std::net::{Ipv4Addr, Ipv6Addr};

    use super::*;
    use crate::network::MacAddress;

    const MAC: MacAddress = MacAddress([2, 0, 0, 0, 0, 1]);

    /// What the kernel does with a program: whether it keeps `frame`.
    fn keeps(program: &[Instruction], frame: &[u8]) -> bool {
        let (mut at, mut loaded) = (0, 0);
        loop {
            let Instruction { code, otherwise, k } = program[at];
            at += 1;
            let field = |length| frame.get(k as usize..k as usize + length);
            match code {
                LOAD_WORD => match field(4) {
                    Some(word) => loaded = u32::from_be_bytes(word.try_into().unwrap()),
                    None => return false,
                },
                LOAD_OCTET => match field(1) {
                    Some(octet) => loaded = u32::from(octet[0]),
                    None => return false,
                },
                EQUAL if loaded != k => at += usize::from(otherwise),
                EQUAL => {}
                JUMP => at += k as usize,
                RETURN => return k > 0,
                _ => panic!("no such instruction"),
            }
        }
    }

    #[test]
    fn arp_is_kept_of_the_named_senders_only() {
        let ours: Vec<_> = (1..=3).map(|last| Ipv4Addr::new(10, 0, 0, last)).collect();
        let named: Vec<IpAddr> = ours.iter().copied().map(IpAddr::V4).collect();
        let program = program(Family::V4, &named);
        for address in ours {
            assert!(keeps(&program, &arp::announcement(MAC, address)));
            assert!(!keeps(&program, &arp::probe(MAC, address)));
        }
        let other = Ipv4Addr::new(10, 0, 0, 4);
        assert!(!keeps(&program, &arp::announcement(MAC, other)));
    }

    #[test]
    fn advertisements_are_kept_of_the_named_targets_only() {
        let ours: Vec<Ipv6Addr> = vec!["fe80::88".parse().unwrap(), "fd77::100".parse().unwrap()];
        let named: Vec<IpAddr> = ours.iter().copied().map(IpAddr::V6).collect();
        let program = program(Family::V6, &named);
        for address in ours {
            let frame = ndp::announcement(MAC, address, false);
            assert!(keeps(&program, &frame));
            assert!(!keeps(&program, &ndp::probe(MAC, address)));
            let mut udp = frame;
            udp[ndp::NEXT_HEADER] = 17;
            assert!(!keeps(&program, &udp));
        }
        let other = ndp::announcement(MAC, "fe80::100".parse().unwrap(), false);
        assert!(!keeps(&program, &other));
    }

    #[test]
    fn more_addresses_than_a_program_holds_keep_every_claim() {
        let named: Vec<IpAddr> = (0..2000_u128).map(|n| Ipv6Addr::from(n).into()).collect();
        let program = program(Family::V6, &named);
        assert!(program.len() < LONGEST);
        let other = ndp::announcement(MAC, "fe80::100".parse().unwrap(), false);
        assert!(keeps(&program, &other));
        assert!(!keeps(
            &program,
            &ndp::probe(MAC, "fe80::100".parse().unwrap())
        ));
    }
}
