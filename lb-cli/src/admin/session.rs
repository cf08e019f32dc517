//! One client of the admin socket.

use std::{io, time::Duration};

use tokio::{
    io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _},
    time::timeout,
};

use super::{
    line, reply,
    table::{Asker, PAYLOAD, Table},
};
use crate::{config::model::AdminLevel, run::takeover};

/// The longest line, in octets: HAProxy's default buffer.
pub(crate) const LONGEST_LINE: usize = 16_384;

/// For a line to come and for an answer to be taken: HAProxy's `stats timeout`.
const PATIENCE: Duration = Duration::from_secs(10);

/// The same for the next line after `prompt`: somebody is typing.
const TYPING: Duration = Duration::from_secs(600);

/// All lines that follow a command, in octets.
const LONGEST_PAYLOAD: usize = 1 << 20;

/// How much of what comes after too long a line is thrown away, in octets.
const DRAINED: u64 = 1 << 20;

/// What is written at a time, so that a slow reader is told from one that is gone.
const PIECE: usize = 65_536;

/// How an error is told from other answers (`set severity-output`): in HAProxy, and so here, not at all unless asked.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Severity {
    None,
    Number,
    String,
}

impl Severity {
    fn parse(word: Option<&str>) -> Option<Self> {
        Some(match word? {
            "none" => Self::None,
            "number" => Self::Number,
            "string" => Self::String,
            _ => return None,
        })
    }

    fn error(self, text: &str) -> String {
        match self {
            Self::None => text.to_owned(),
            // That of syslog's `err`.
            Self::Number => format!("[3]: {text}"),
            Self::String => format!("[err]: {text}"),
        }
    }
}

/// A client and what it has sent that is not answered yet.
struct Session<'t, S> {
    stream: S,
    table: &'t Table,
    asker: Asker,
    severity: Severity,
    received: Vec<u8>,
    /// More lines will come.
    prompt: bool,
}

/// Answers a client until it has what it wants. Gives the stream of one back that may take the place of this process,
/// and asks to.
///
/// # Errors
/// When it is gone, or too slow.
pub(super) async fn run<S>(stream: S, table: &Table, asker: Asker) -> io::Result<Option<S>>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let mut session = Session {
        stream,
        table,
        asker,
        severity: Severity::None,
        received: Vec::new(),
        prompt: false,
    };
    while let Some(line) = session.line().await? {
        if line == takeover::WORD && asker.level == AdminLevel::Admin {
            return Ok(Some(session.stream));
        }
        session.answer(&line).await?;
        if !session.prompt {
            break;
        }
        session.write("> ").await?;
    }
    session.stream.shutdown().await?;
    Ok(None)
}

impl<S: AsyncRead + AsyncWrite + Unpin> Session<'_, S> {
    /// The next line without its end; `None` when there is none, or none that can be read.
    async fn line(&mut self) -> io::Result<Option<String>> {
        let patience = if self.prompt { TYPING } else { PATIENCE };
        let line = timeout(patience, self.octets()).await??;
        let Some(line) = line else { return Ok(None) };
        if line.len() > LONGEST_LINE {
            let message = format!("a line has at most {LONGEST_LINE} octets");
            self.refuse(&message).await?;
            self.drain().await?;
            return Ok(None);
        }
        match String::from_utf8(line) {
            Ok(line) => Ok(Some(line)),
            Err(_) => {
                self.refuse("a line is UTF-8").await?;
                Ok(None)
            }
        }
    }

    /// Up to the next line feed, the end of the stream, or one octet more than a line may have.
    async fn octets(&mut self) -> io::Result<Option<Vec<u8>>> {
        let mut seen = 0;
        loop {
            let new = &self.received[seen..];
            if let Some(end) = new.iter().position(|octet| *octet == b'\n') {
                let rest = self.received.split_off(seen + end + 1);
                let mut line = std::mem::replace(&mut self.received, rest);
                line.pop();
                return Ok(Some(line));
            }
            seen = self.received.len();
            if seen > LONGEST_LINE {
                return Ok(Some(std::mem::take(&mut self.received)));
            }
            let mut piece = [0; 1024];
            let length = self.stream.read(&mut piece).await?;
            if length == 0 {
                // A last line may lack its end.
                let line = std::mem::take(&mut self.received);
                return Ok(Some(line).filter(|line| !line.is_empty()));
            }
            self.received.extend_from_slice(&piece[..length]);
        }
    }

    async fn answer(&mut self, line: &str) -> io::Result<()> {
        let mut json = false;
        let mut commands = line::commands(line);
        if let Some(last) = commands.last_mut().and_then(|words| words.last_mut())
            && last == "<<"
        {
            let Some(payload) = self.payload().await? else {
                return Ok(());
            };
            *last = payload;
        }
        for mut words in commands {
            if words[0] == "json" {
                json = true;
                words.remove(0);
            }
            match words.first().map_or("", String::as_str) {
                "" => {
                    self.refuse("`json` stands before a command").await?;
                    continue;
                }
                "quit" => {
                    self.prompt = false;
                    return Ok(());
                }
                "prompt" => {
                    self.prompt = !self.prompt;
                    self.write("\n").await?;
                    continue;
                }
                "set" if words.get(1).is_some_and(|word| word == "severity-output") => {
                    match Severity::parse(words.get(2).map(String::as_str)) {
                        Some(severity) => {
                            self.severity = severity;
                            self.write("\n").await?;
                        }
                        None => {
                            let why = "one of 'none', 'number', 'string' is a required argument";
                            self.refuse(why).await?;
                        }
                    }
                    continue;
                }
                _ => {}
            }
            let mut text = match self.table.reply(&words, self.asker).await {
                Ok(reply) if json => reply.json(),
                Ok(reply) => reply.text(),
                Err(error) if json => reply::refusal(&error),
                Err(error) => self.severity.error(&error.to_string()),
            };
            if !text.is_empty() && !text.ends_with('\n') {
                text.push('\n');
            }
            text.push('\n');
            self.write(&text).await?;
        }
        Ok(())
    }

    /// The lines up to an empty one, as the word that they are to a command.
    async fn payload(&mut self) -> io::Result<Option<String>> {
        let mut payload = PAYLOAD.to_owned();
        loop {
            let why = match self.line().await? {
                Some(line) if line.trim_end_matches('\r').is_empty() => return Ok(Some(payload)),
                Some(line) if payload.len() + line.len() < LONGEST_PAYLOAD => {
                    payload.push_str(&line);
                    payload.push('\n');
                    continue;
                }
                Some(_) => format!("lines after a command have at most {LONGEST_PAYLOAD} octets"),
                None => "an empty line ends those that follow a command".to_owned(),
            };
            self.prompt = false;
            self.refuse(&why).await?;
            self.drain().await?;
            return Ok(None);
        }
    }

    /// Ends the answer and reads on for a while: what is unread when a Unix socket is closed takes the answer along.
    async fn drain(&mut self) -> io::Result<()> {
        self.stream.shutdown().await?;
        let mut rest = (&mut self.stream).take(DRAINED);
        // Who does not stop has had time to read.
        let _ = timeout(PATIENCE, tokio::io::copy(&mut rest, &mut tokio::io::sink())).await;
        Ok(())
    }

    async fn refuse(&mut self, why: &str) -> io::Result<()> {
        let text = self.severity.error(why);
        self.write(&format!("{text}\n\n")).await
    }

    async fn write(&mut self, text: &str) -> io::Result<()> {
        for piece in text.as_bytes().chunks(PIECE) {
            timeout(PATIENCE, self.stream.write_all(piece)).await??;
        }
        timeout(PATIENCE, self.stream.flush()).await?
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{DuplexStream, duplex};

    use super::*;

    const USER: Asker = Asker {
        level: AdminLevel::User,
        uid: None,
    };

    fn table() -> Table {
        let echo = |words: Vec<String>| async move { Ok(words.join("+")) };
        let long = |_| async { Ok("x".repeat(300_000)) };
        Table::new()
            .command("echo [A] [B]", AdminLevel::User, "", echo)
            .command("long", AdminLevel::User, "", long)
    }

    /// A client's end, and how the session ended.
    fn client() -> (DuplexStream, tokio::task::JoinHandle<io::Result<()>>) {
        let (client, server) = duplex(1 << 20);
        let table = table();
        let session = async move { run(server, &table, USER).await.map(drop) };
        (client, tokio::spawn(session))
    }

    async fn answered(sent: &str) -> String {
        let (mut client, session) = client();
        client.write_all(sent.as_bytes()).await.unwrap();
        let mut answer = String::new();
        client.read_to_string(&mut answer).await.unwrap();
        session.await.unwrap().unwrap();
        answer
    }

    #[tokio::test(start_paused = true)]
    async fn a_line_is_answered_and_the_connection_closed() {
        assert_eq!(answered("echo a b\n").await, "a+b\n\n");
        assert_eq!(
            answered("echo a; echo b;\r\nnot read\n").await,
            "a\n\nb\n\n"
        );
        assert_eq!(answered("\n").await, "");
        let unknown = answered("eco a\n").await;
        assert!(unknown.starts_with("Unknown command: 'eco a'"), "{unknown}");
        assert!(unknown.ends_with("\n\n"), "{unknown}");
    }

    #[tokio::test(start_paused = true)]
    async fn a_last_line_may_lack_its_end() {
        let (mut client, session) = client();
        client.write_all(b"echo a").await.unwrap();
        client.shutdown().await.unwrap();
        let mut answer = String::new();
        client.read_to_string(&mut answer).await.unwrap();
        assert_eq!(answer, "a\n\n");
        session.await.unwrap().unwrap();
    }

    #[tokio::test(start_paused = true)]
    async fn a_prompt_takes_more_lines() {
        let answer = answered("prompt\necho a\necho b; quit; echo c\necho d\n").await;
        assert_eq!(answer, "\n> a\n\n> b\n\n");
        // It is the same word that ends it.
        assert_eq!(
            answered("prompt; prompt; echo a\necho b\n").await,
            "\n\na\n\n"
        );
    }

    #[tokio::test(start_paused = true)]
    async fn lines_have_a_limit_and_are_text() {
        let most = format!("echo {}\n", "a".repeat(LONGEST_LINE - 5));
        assert_eq!(answered(&most).await.len(), LONGEST_LINE - 5 + 2);
        let over = answered(&("a".repeat(LONGEST_LINE + 1) + "\n")).await;
        assert_eq!(over, "a line has at most 16384 octets\n\n");
        let (mut client, _session) = client();
        client.write_all(b"echo \xff\n").await.unwrap();
        let mut answer = String::new();
        client.read_to_string(&mut answer).await.unwrap();
        assert_eq!(answer, "a line is UTF-8\n\n");
    }

    #[tokio::test(start_paused = true)]
    async fn nobody_holds_a_place_for_long() {
        // Nothing is sent.
        let (_client, session) = client();
        assert_eq!(
            session.await.unwrap().unwrap_err().kind(),
            io::ErrorKind::TimedOut
        );
        // The answer is not taken.
        let (mut client, server) = duplex(1024);
        let table = table();
        client.write_all(b"long\n").await.unwrap();
        let ended = run(server, &table, USER).await;
        assert_eq!(ended.unwrap_err().kind(), io::ErrorKind::TimedOut);
    }
}
