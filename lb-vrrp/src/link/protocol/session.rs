//! One connection: the handshake, then frames.

use super::VERSION;
use super::error::{Rejection, SendError};
use super::key::{FrameKey, Incarnation, Key, Nonce, PROOF, Purpose, TAG};
use super::message::{Message, TooLong};

const MAGIC: [u8; 4] = *b"LBPL";
/// Magic, version, nonce, incarnation.
const HELLO: usize = 4 + 1 + 32 + 16;
const HEADER: usize = 3;
/// Four of the largest frames: who leaves more unread does not read.
const OUTGOING_LIMIT: usize = 256 * 1024;

type Hello = [u8; HELLO];

/// One end of a connection: bytes in by [`receive`](Self::receive), events out by
/// [`poll`](Self::poll), bytes out by [`pending`](Self::pending) and [`sent`](Self::sent).
pub struct Session {
    key: Key,
    own: Incarnation,
    hello: Hello,
    stage: Stage,
    incoming: Vec<u8>,
    outgoing: Vec<u8>,
}

enum Stage {
    /// The node, at first.
    Hello,
    /// The watcher, at first.
    Challenge,
    /// The node, after it sent its challenge.
    Proof(Handshake),
    /// The watcher, after it sent its proof.
    Confirmation(Handshake),
    Open {
        incoming: FrameKey,
        outgoing: FrameKey,
    },
    Closed(Rejection),
}

#[derive(Clone, Copy)]
struct Handshake {
    transcript: [u8; 2 * HELLO],
    peer: Incarnation,
}

/// What came in.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Received {
    /// The other end has the key; this is its process.
    Established(Incarnation),
    /// A message, verified.
    Message(Message),
}

impl Session {
    /// The watcher's end, which speaks first. `nonce` is random and used for nothing else.
    pub fn watcher(key: &Key, own: Incarnation, nonce: Nonce) -> Self {
        let mut session = Self::new(key, own, nonce, Stage::Challenge);
        session.outgoing.extend(session.hello);
        session
    }

    /// The node's end, which waits. `nonce` is random and used for nothing else.
    pub fn node(key: &Key, own: Incarnation, nonce: Nonce) -> Self {
        Self::new(key, own, nonce, Stage::Hello)
    }

    fn new(key: &Key, own: Incarnation, nonce: Nonce, stage: Stage) -> Self {
        let mut hello = [0; HELLO];
        hello[..4].copy_from_slice(&MAGIC);
        hello[4] = VERSION;
        hello[5..37].copy_from_slice(&nonce);
        hello[37..].copy_from_slice(&own.0);
        Self {
            key: key.clone(),
            own,
            hello,
            stage,
            incoming: Vec::new(),
            outgoing: Vec::new(),
        }
    }

    /// Takes what the socket gave. Call [`poll`](Self::poll) until it has nothing more before
    /// the next call: then never more than one frame and one piece are held.
    pub fn receive(&mut self, bytes: &[u8]) {
        self.incoming.extend_from_slice(bytes);
    }

    /// The next thing that came in, if it is there as a whole.
    ///
    /// # Errors
    /// The connection is not to be trusted: write what is [`pending`](Self::pending) and close
    /// it. Every later call says the same.
    pub fn poll(&mut self) -> Result<Option<Received>, Rejection> {
        match self.step() {
            Ok(received) => Ok(received),
            Err(why) => {
                self.stage = Stage::Closed(why);
                self.incoming.clear();
                Err(why)
            }
        }
    }

    fn step(&mut self) -> Result<Option<Received>, Rejection> {
        loop {
            match &mut self.stage {
                Stage::Hello => {
                    let Some(theirs) = self.read_hello(0)? else {
                        return Ok(None);
                    };
                    let handshake = Handshake::new(&theirs, &self.hello, &theirs);
                    if handshake.peer == self.own {
                        return Err(self.refuse(Rejection::Itself));
                    }
                    self.outgoing.push(0);
                    self.outgoing.extend(self.hello);
                    self.stage = Stage::Proof(handshake);
                }
                Stage::Challenge => {
                    if !self.accepted()? {
                        return Ok(None);
                    }
                    let Some(theirs) = self.read_hello(1)? else {
                        return Ok(None);
                    };
                    let handshake = Handshake::new(&self.hello, &theirs, &theirs);
                    if handshake.peer == self.own {
                        return Err(Rejection::Itself);
                    }
                    let proof = self.key.proof(Purpose::WatcherProof, &handshake.transcript);
                    self.outgoing.extend(proof);
                    self.stage = Stage::Confirmation(handshake);
                }
                Stage::Proof(handshake) => {
                    let Handshake { transcript, peer } = *handshake;
                    if self.incoming.len() < PROOF {
                        return Ok(None);
                    }
                    let proof: Vec<u8> = self.incoming.drain(..PROOF).collect();
                    if !self.key.proves(Purpose::WatcherProof, &transcript, &proof) {
                        return Err(self.refuse(Rejection::Key));
                    }
                    self.outgoing.push(0);
                    let own_proof = self.key.proof(Purpose::NodeProof, &transcript);
                    self.outgoing.extend(own_proof);
                    self.stage = Stage::Open {
                        incoming: self.key.frames(Purpose::FramesOfWatcher, &transcript),
                        outgoing: self.key.frames(Purpose::FramesOfNode, &transcript),
                    };
                    return Ok(Some(Received::Established(peer)));
                }
                Stage::Confirmation(handshake) => {
                    let Handshake { transcript, peer } = *handshake;
                    if !self.accepted()? || self.incoming.len() < 1 + PROOF {
                        return Ok(None);
                    }
                    let proof: Vec<u8> = self.incoming.drain(..=PROOF).skip(1).collect();
                    if !self.key.proves(Purpose::NodeProof, &transcript, &proof) {
                        return Err(Rejection::Key);
                    }
                    self.stage = Stage::Open {
                        incoming: self.key.frames(Purpose::FramesOfNode, &transcript),
                        outgoing: self.key.frames(Purpose::FramesOfWatcher, &transcript),
                    };
                    return Ok(Some(Received::Established(peer)));
                }
                Stage::Open { incoming, .. } => {
                    let Some(length) = self.incoming.first_chunk::<2>() else {
                        return Ok(None);
                    };
                    let end = HEADER + usize::from(u16::from_be_bytes(*length));
                    let Some(tag) = self.incoming.get(end..end + TAG) else {
                        return Ok(None);
                    };
                    let frame = &self.incoming[..end];
                    if !incoming.opens(frame, tag) {
                        return Err(Rejection::Altered);
                    }
                    let message = Message::decode(frame[2], &frame[HEADER..])
                        .map_err(|_| Rejection::Malformed)?;
                    self.incoming.drain(..end + TAG);
                    if let Some(message) = message {
                        return Ok(Some(Received::Message(message)));
                    }
                }
                Stage::Closed(why) => return Err(*why),
            }
        }
    }

    /// The other end's first message, which begins `at` in what came in.
    fn read_hello(&mut self, at: usize) -> Result<Option<Hello>, Rejection> {
        let read = &self.incoming[at.min(self.incoming.len())..];
        let common = read.len().min(MAGIC.len());
        if read[..common] != MAGIC[..common] {
            return Err(Rejection::Foreign);
        }
        // What follows another version is not ours to know.
        match read.get(MAGIC.len()) {
            Some(&version) if version != VERSION => {
                return Err(self.refuse(Rejection::Version(version)));
            }
            _ => {}
        }
        let Some(hello) = read.first_chunk::<HELLO>().copied() else {
            return Ok(None);
        };
        self.incoming.drain(..at + HELLO);
        Ok(Some(hello))
    }

    /// Whether the node goes on; `false` while its answer is not there.
    fn accepted(&self) -> Result<bool, Rejection> {
        match self.incoming[..] {
            [] => Ok(false),
            [0, ..] => Ok(true),
            [_] => Ok(false),
            [1, version, ..] => Err(Rejection::Version(version)),
            [2, _, ..] => Err(Rejection::Key),
            [3, _, ..] => Err(Rejection::Itself),
            [b'A'..=u8::MAX, ..] => Err(Rejection::Foreign),
            [code, _, ..] => Err(Rejection::Refused(code)),
        }
    }

    /// Says why to the watcher; the watcher itself just closes.
    fn refuse(&mut self, why: Rejection) -> Rejection {
        let code = match why {
            Rejection::Version(_) => 1,
            Rejection::Key => 2,
            Rejection::Itself => 3,
            _ => return why,
        };
        if matches!(self.stage, Stage::Hello | Stage::Proof(_)) {
            self.outgoing.extend([code, VERSION]);
        }
        why
    }

    /// Queues a message.
    ///
    /// # Errors
    /// Nothing is queued then. [`SendError::Full`] is a reason to disconnect.
    pub fn send(&mut self, message: &Message) -> Result<(), SendError> {
        let Stage::Open { outgoing, .. } = &mut self.stage else {
            return Err(SendError::NotUp);
        };
        let mut frame = vec![0, 0, message.kind()];
        message.encode(&mut frame)?;
        let length = u16::try_from(frame.len() - HEADER).map_err(|_| TooLong)?;
        frame[..2].copy_from_slice(&length.to_be_bytes());
        if self.outgoing.len() + frame.len() + TAG > OUTGOING_LIMIT {
            return Err(SendError::Full);
        }
        let tag = outgoing.seal(&frame);
        self.outgoing.extend(frame);
        self.outgoing.extend(tag);
        Ok(())
    }

    /// What is to be written.
    pub fn pending(&self) -> &[u8] {
        &self.outgoing
    }

    /// The first `count` octets of [`pending`](Self::pending) are written.
    ///
    /// # Panics
    /// When there were fewer.
    pub fn sent(&mut self, count: usize) {
        self.outgoing.drain(..count);
    }
}

impl Handshake {
    fn new(watcher: &Hello, node: &Hello, theirs: &Hello) -> Self {
        let mut transcript = [0; 2 * HELLO];
        transcript[..HELLO].copy_from_slice(watcher);
        transcript[HELLO..].copy_from_slice(node);
        let mut peer = [0; 16];
        peer.copy_from_slice(&theirs[37..]);
        Self {
            transcript,
            peer: Incarnation(peer),
        }
    }
}

#[cfg(test)]
#[path = "session_tests.rs"]
mod tests;
