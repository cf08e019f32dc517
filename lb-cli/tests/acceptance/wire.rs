//! One connection as a case sees it: send, wait for a message, wait for the end.

use std::io::Write as _;
use std::net::Shutdown;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use crate::message::{self, Kind, Message};
use crate::scene::Outcome;
use crate::tape::{PATIENCE, PROMPT, Shared, take, wait, wait_for};

/// One connection: the client's to the proxy, or the proxy's to the origin.
#[derive(Clone)]
pub(crate) struct Wire {
    pub(crate) shared: Arc<Shared>,
    pub(crate) id: usize,
}

impl Wire {
    /// Sends bytes; a proxy that no longer reads is judged by what it has sent, so that is no error here.
    pub(crate) fn send(&self, bytes: impl AsRef<[u8]>) {
        let stream = self.shared.tapes()[self.id]
            .stream
            .as_ref()
            .and_then(|s| s.try_clone().ok());
        if let Some(mut stream) = stream {
            let _ = stream.set_write_timeout(Some(PATIENCE));
            let _ = stream.write_all(bytes.as_ref());
        }
    }

    /// Sends bytes one by one, each in a segment of its own.
    pub(crate) fn dribble(&self, bytes: impl AsRef<[u8]>) {
        for byte in bytes.as_ref() {
            self.send([*byte]);
            thread::yield_now();
        }
    }

    /// Closes our sending direction.
    pub(crate) fn finish(&self) {
        self.shutdown(Shutdown::Write);
    }

    /// Closes both directions.
    pub(crate) fn close(&self) {
        self.shutdown(Shutdown::Both);
    }

    fn shutdown(&self, how: Shutdown) {
        if let Some(stream) = &self.shared.tapes()[self.id].stream {
            let _ = stream.shutdown(how);
        }
    }

    /// Ends the connection with a reset.
    pub(crate) fn reset(&self) -> Outcome {
        if let Some(stream) = &self.shared.tapes()[self.id].stream {
            let _ = socket2::SockRef::from(stream).set_linger(Some(Duration::ZERO));
            let _ = stream.shutdown(Shutdown::Read);
        }
        wait(&self.shared, "our own reader to end", |tapes| {
            Ok(tapes[self.id].end.map(drop))
        })?;
        self.shared.tapes()[self.id].stream = None;
        Ok(())
    }

    /// The next response, interim ones included.
    pub(crate) fn response(&self) -> Result<Message, String> {
        self.message(Kind::Response)
    }

    /// The next response, to a HEAD.
    pub(crate) fn head_response(&self) -> Result<Message, String> {
        self.message(Kind::HeadResponse)
    }

    /// The next response that is not an interim one.
    pub(crate) fn final_response(&self) -> Result<Message, String> {
        loop {
            let response = self.response()?;
            if response.status() >= 200 {
                return Ok(response);
            }
        }
    }

    fn message(&self, kind: Kind) -> Result<Message, String> {
        wait(&self.shared, "a response", |tapes| {
            let tape = &mut tapes[self.id];
            match take(tape, kind)? {
                None if tape.end.is_some() => Err("closed without a response".into()),
                taken => Ok(taken),
            }
        })
    }

    /// Waits until at least `n` bytes beyond the messages taken have arrived, and takes those.
    pub(crate) fn bytes(&self, n: usize) -> Result<Vec<u8>, String> {
        wait(&self.shared, "more bytes", |tapes| {
            let tape = &mut tapes[self.id];
            let Some(bytes) = tape.bytes.get(tape.taken..tape.taken + n) else {
                return tape
                    .end
                    .map_or(Ok(None), |end| Err(format!("{end:?} before {n} bytes")));
            };
            let bytes = bytes.to_vec();
            tape.taken += n;
            Ok(Some(bytes))
        })
    }

    /// Waits until something has arrived; takes nothing.
    pub(crate) fn some(&self) -> Outcome {
        wait(&self.shared, "any bytes", |tapes| {
            let tape = &tapes[self.id];
            Ok((tape.bytes.len() > tape.taken || tape.end.is_some()).then_some(()))
        })
    }

    /// Waits for the end of the connection; gives what came before it and was not taken.
    pub(crate) fn rest(&self) -> Result<Vec<u8>, String> {
        wait(&self.shared, "the end of the connection", |tapes| {
            let tape = &mut tapes[self.id];
            Ok(tape.end.map(|_| {
                tape.bytes[std::mem::replace(&mut tape.taken, tape.bytes.len())..].to_vec()
            }))
        })
    }

    /// The connection is closed at once, not by a timeout, and nothing more came on it.
    pub(crate) fn closed(&self) -> Outcome {
        let more = wait_for(
            &self.shared,
            PROMPT,
            "the connection to be closed at once",
            |tapes| {
                let tape = &tapes[self.id];
                Ok(tape.end.map(|_| tape.bytes[tape.taken..].to_vec()))
            },
        )?;
        match &more[..] {
            [] => Ok(()),
            more => Err(format!(
                "more bytes before the end: {}",
                message::clip(more)
            )),
        }
    }

    /// The response can be seen to be broken: 502 or 504, or cut off before its end.
    pub(crate) fn broken(&self) -> Outcome {
        match self.final_response() {
            Ok(answer) if matches!(answer.status(), 502 | 504) => Ok(()),
            Ok(answer) => Err(format!("passed for whole: {}", answer.show())),
            Err(_) if self.shared.tapes()[self.id].end.is_some() => Ok(()),
            Err(other) => Err(other),
        }
    }
}
