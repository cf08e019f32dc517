//! One request, and the kernel's whole answer.

use std::io;

use netlink_packet_core::{
    NLM_F_ACK, NLM_F_DUMP, NLM_F_DUMP_INTR, NLM_F_REQUEST, NetlinkHeader, NetlinkMessage,
    NetlinkPayload,
};
use netlink_packet_route::RouteNetlinkMessage;
use netlink_sys::{Socket, SocketAddr, protocols::NETLINK_ROUTE};

/// How often a listing that changed while it was read is asked for anew.
const ATTEMPTS: usize = 8;

/// A socket for requests.
pub(crate) struct Netlink {
    socket: Socket,
    sequence: u32,
}

/// The answer to one request.
struct Answer {
    messages: Vec<RouteNetlinkMessage>,
    /// Something changed meanwhile: parts may be missing.
    interrupted: bool,
    /// A part could not be read.
    unreadable: bool,
}

impl Netlink {
    /// # Errors
    /// Of the socket.
    pub(crate) fn open() -> io::Result<Self> {
        let mut socket = Socket::new(NETLINK_ROUTE)?;
        socket.bind_auto()?;
        socket.connect(&SocketAddr::new(0, 0))?;
        Ok(Self {
            socket,
            sequence: 0,
        })
    }

    /// Has the kernel do it.
    ///
    /// # Errors
    /// The kernel's answer.
    pub(super) fn request(&mut self, message: RouteNetlinkMessage, flags: u16) -> io::Result<()> {
        self.exchange(message, flags | NLM_F_ACK).map(drop)
    }

    /// Asks for one thing.
    ///
    /// # Errors
    /// The kernel's answer; [`io::ErrorKind::InvalidData`] for one of a form unknown here.
    pub(super) fn get(
        &mut self,
        message: RouteNetlinkMessage,
    ) -> io::Result<Option<RouteNetlinkMessage>> {
        let answer = self.exchange(message, NLM_F_ACK)?;
        if answer.unreadable {
            let text = "the kernel's answer cannot be read";
            return Err(io::Error::new(io::ErrorKind::InvalidData, text));
        }
        Ok(answer.messages.into_iter().next())
    }

    /// Asks for all there are.
    ///
    /// # Errors
    /// The kernel's answer; [`io::ErrorKind::Interrupted`] where they never stand still.
    pub(super) fn dump(
        &mut self,
        message: &RouteNetlinkMessage,
    ) -> io::Result<Vec<RouteNetlinkMessage>> {
        for _ in 0..ATTEMPTS {
            let answer = self.exchange(message.clone(), NLM_F_DUMP)?;
            if !answer.interrupted {
                return Ok(answer.messages);
            }
        }
        Err(io::ErrorKind::Interrupted.into())
    }

    fn exchange(&mut self, message: RouteNetlinkMessage, flags: u16) -> io::Result<Answer> {
        self.sequence = self.sequence.wrapping_add(1);
        let mut header = NetlinkHeader::default();
        header.flags = NLM_F_REQUEST | flags;
        header.sequence_number = self.sequence;
        let mut request = NetlinkMessage::new(header, NetlinkPayload::InnerMessage(message));
        request.finalize();
        let mut octets = vec![0; request.buffer_len()];
        request.serialize(&mut octets);
        self.socket.send(&octets, 0)?;

        let mut answer = Answer {
            messages: Vec::new(),
            interrupted: false,
            unreadable: false,
        };
        loop {
            let (octets, _) = self.socket.recv_from_full()?;
            if self.read(&octets, &mut answer)? {
                return Ok(answer);
            }
        }
    }

    /// Whether the answer ends with `octets`.
    fn read(&self, octets: &[u8], answer: &mut Answer) -> io::Result<bool> {
        for octets in split(octets) {
            let Ok(message) = NetlinkMessage::<RouteNetlinkMessage>::deserialize(octets) else {
                // A newer kernel's, or an interface of a kind that nobody here asked for.
                answer.unreadable = true;
                tracing::debug!(length = octets.len(), "unreadable netlink message");
                continue;
            };
            if message.header.sequence_number != self.sequence {
                continue; // of a request that failed half-way
            }
            answer.interrupted |= message.header.flags & NLM_F_DUMP_INTR != 0;
            match message.payload {
                NetlinkPayload::Done(_) => return Ok(true),
                NetlinkPayload::Error(error) if error.code.is_none() => return Ok(true),
                NetlinkPayload::Error(error) => return Err(error.to_io()),
                NetlinkPayload::InnerMessage(message) => answer.messages.push(message),
                _ => {}
            }
        }
        Ok(false)
    }
}

/// The messages in one datagram, each begun at a multiple of four octets.
pub(super) fn split(mut octets: &[u8]) -> impl Iterator<Item = &[u8]> {
    std::iter::from_fn(move || {
        let length = u32::from_ne_bytes(octets.get(..4)?.try_into().ok()?) as usize;
        let message = octets.get(..length).filter(|message| message.len() >= 16)?;
        octets = octets.get(length.next_multiple_of(4)..).unwrap_or_default();
        Some(message)
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_datagram_is_cut_at_multiples_of_four() {
        let mut datagram = vec![0; 20 + 16];
        datagram[..4].copy_from_slice(&17_u32.to_ne_bytes());
        datagram[20..24].copy_from_slice(&16_u32.to_ne_bytes());
        let lengths: Vec<_> = split(&datagram).map(<[u8]>::len).collect();
        assert_eq!(lengths, [17, 16]);
    }

    proptest! {
        #[test]
        fn no_datagram_panics_or_loops(datagram: Vec<u8>) {
            prop_assert!(split(&datagram).count() <= datagram.len() / 16);
        }
    }
}
