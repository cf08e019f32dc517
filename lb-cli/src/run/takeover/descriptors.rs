//! Descriptors that go to another process (unix(7), `SCM_RIGHTS`).

use std::{
    io::{self, IoSlice, IoSliceMut},
    mem::MaybeUninit,
    os::fd::{AsFd, BorrowedFd, OwnedFd},
};

use rustix::net::{
    RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SendAncillaryBuffer,
    SendAncillaryMessage, SendFlags, recvmsg, sendmsg,
};

/// How many go with one octet; Linux takes 253.
pub(super) const BATCH: usize = 64;

/// What an octet that carries descriptors is.
const OCTET: &[u8] = b"F";

/// Sends up to [`BATCH`] of them.
///
/// # Errors
/// `WouldBlock` on a socket that does not wait; otherwise what `sendmsg(2)` says.
pub(super) fn send(through: impl AsFd, descriptors: &[BorrowedFd<'_>]) -> io::Result<()> {
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(BATCH))];
    let mut rights = SendAncillaryBuffer::new(&mut space);
    if !rights.push(SendAncillaryMessage::ScmRights(descriptors)) {
        return Err(io::ErrorKind::InvalidInput.into());
    }
    let octet = [IoSlice::new(OCTET)];
    sendmsg(through, &octet, &mut rights, SendFlags::NOSIGNAL)?;
    Ok(())
}

/// Waits for those that were sent at once.
///
/// # Errors
/// `UnexpectedEof` when the other side is gone, `InvalidData` when there are none; otherwise what `recvmsg(2)` says.
pub(super) fn receive(through: impl AsFd) -> io::Result<Vec<OwnedFd>> {
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(BATCH))];
    let mut rights = RecvAncillaryBuffer::new(&mut space);
    let mut octet = [0];
    let mut into = [IoSliceMut::new(&mut octet)];
    let received = recvmsg(through, &mut into, &mut rights, RecvFlags::CMSG_CLOEXEC)?;
    if received.bytes == 0 {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    let mut descriptors = Vec::new();
    for message in rights.drain() {
        if let RecvAncillaryMessage::ScmRights(some) = message {
            descriptors.extend(some);
        }
    }
    match descriptors.is_empty() {
        true => Err(io::ErrorKind::InvalidData.into()),
        false => Ok(descriptors),
    }
}

#[cfg(test)]
mod tests {
    use std::{
        io::{Read as _, Write as _},
        os::unix::net::UnixStream,
    };

    use super::*;

    #[test]
    fn a_descriptor_works_on_the_other_side() {
        let (here, there) = UnixStream::pair().unwrap();
        let (mut one, mut two) = UnixStream::pair().unwrap();
        let many = [one.as_fd(); BATCH];
        send(&here, &many).unwrap();
        let received = receive(&there).unwrap();
        assert_eq!(received.len(), BATCH);
        let mut other = UnixStream::from(received.into_iter().next().unwrap());
        other.write_all(b"x").unwrap();
        let mut octet = [0];
        two.read_exact(&mut octet).unwrap();
        assert_eq!(&octet, b"x");
        one.flush().unwrap();
        drop(here);
        assert_eq!(
            receive(&there).unwrap_err().kind(),
            io::ErrorKind::UnexpectedEof
        );
    }
}
