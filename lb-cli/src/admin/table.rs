//! The commands there are.
//!
//! ```
//! use lb_cli::{admin::Table, config::model::AdminLevel};
//!
//! let table = Table::new().command("show clock [ZONE]", AdminLevel::User, "what time it is", |words| {
//!     let zone = words.first().map_or("UTC", String::as_str).to_owned();
//!     async move { Ok(format!("noon, {zone}")) }
//! });
//! # let runtime = tokio::runtime::Builder::new_current_thread().build()?;
//! # runtime.block_on(async {
//! let words = ["show", "clock"].map(String::from);
//! assert_eq!(table.answer(&words, AdminLevel::User).await?, "noon, UTC");
//! # Ok::<(), lb_cli::admin::CommandError>(())
//! # })?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

use std::{fmt, fmt::Write as _, pin::Pin};

use super::{reply::Reply, unbuilt, usage::Usage};
use crate::{
    config::{model::AdminLevel, nearest},
    log::{Level, Sink},
    run::Refusal,
};

/// What a command will answer: lines without an empty one among them.
pub type Answer = Pin<Box<dyn Future<Output = Result<String, CommandError>> + Send>>;

pub(super) type Replying = Pin<Box<dyn Future<Output = Result<Reply, CommandError>> + Send>>;

type Run = Box<dyn Fn(Vec<String>) -> Replying + Send + Sync>;

/// How a word begins that holds the lines after a command: no other has a line feed.
pub(super) const PAYLOAD: &str = "<<\n";

/// First words of commands that change nothing.
const LOOKS: [&str; 3] = ["get", "help", "show"];

/// The longest command in the log, in characters.
const LOGGED: usize = 512;

/// Why a command was not done.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CommandError {
    /// There is no such command; HAProxy's words.
    #[error(
        "Unknown command: '{command}', but maybe one of the following ones is a better match:\n{better}"
    )]
    Unknown {
        /// What was asked for.
        command: String,
        /// Lines of help on what may have been meant.
        better: String,
    },
    /// The socket does not allow it.
    #[error("Permission denied: `{command}` needs level {needed}, and this socket has {level}")]
    Level {
        /// How it is called.
        command: &'static str,
        /// What it needs.
        needed: AdminLevel,
        /// What the socket has.
        level: AdminLevel,
    },
    /// Too few or too many words.
    #[error("wrong number of words: it is `{0}`")]
    Usage(&'static str),
    /// It was tried, or it makes no sense now.
    #[error("{0}")]
    Failed(String),
    /// It cannot be done, in HAProxy's words.
    #[error("{0}")]
    Refused(#[from] Refusal),
}

impl CommandError {
    /// What programs tell it by.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Unknown { .. } => "unknown-command",
            Self::Level { .. } => "permission-denied",
            Self::Usage(_) => "usage",
            Self::Failed(_) => "failed",
            Self::Refused(refusal) => refusal.code(),
        }
    }

    /// In one line, for the log.
    fn in_short(&self) -> String {
        let text = match self {
            Self::Unknown { .. } => "unknown command".to_owned(),
            error => error.to_string(),
        };
        let line = text.lines().next().unwrap_or_default();
        line.escape_debug().to_string()
    }
}

/// Who asks.
#[derive(Clone, Copy, Debug)]
pub(super) struct Asker {
    pub(super) level: AdminLevel,
    /// Its user, if the kernel says it.
    pub(super) uid: Option<u32>,
}

/// One command.
struct Command {
    usage: Usage,
    level: AdminLevel,
    help: &'static str,
    run: Run,
    /// It tells itself what is missing among its words.
    lenient: bool,
    /// That it was done, or refused, is worth a line in the log.
    changes: bool,
    /// Lines may follow it ([`PAYLOAD`]).
    payload: bool,
}

/// The commands of an admin socket.
#[derive(Default)]
pub struct Table {
    commands: Vec<Command>,
    log: Option<Sink>,
}

impl fmt::Debug for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names = self.commands.iter().map(|command| command.usage.text);
        f.debug_list().entries(names).finish()
    }
}

impl Table {
    /// No command but `help`, `prompt` and `quit`.
    pub fn new() -> Self {
        Self::default()
    }

    /// Says what is worth a line in the log.
    pub(super) fn say(&self, text: &str) {
        if let Some(log) = &self.log {
            log.say(Level::Warning, text);
        }
    }

    /// Adds a command. `usage` is its words, then `<NAME>` for an argument it needs and `[NAME]` for one it takes; `run` is
    /// given as many arguments as that says.
    #[must_use]
    pub fn command<F, R>(
        self,
        usage: &'static str,
        level: AdminLevel,
        help: &'static str,
        run: impl Fn(Vec<String>) -> F + Send + Sync + 'static,
    ) -> Self
    where
        F: Future<Output = Result<R, CommandError>> + Send + 'static,
        R: Into<Reply>,
    {
        self.with(usage, level, help, move |arguments| {
            let answer = run(arguments);
            Box::pin(async move { Ok(answer.await?.into()) })
        })
    }

    /// One that is done at once and says itself, in HAProxy's words, what is missing among its own.
    pub(super) fn direct<R: Into<Reply>>(
        self,
        usage: &'static str,
        level: AdminLevel,
        help: &'static str,
        run: impl Fn(&[String]) -> Result<R, Refusal> + Send + Sync + 'static,
    ) -> Self {
        let mut table = self.with(usage, level, help, move |arguments| {
            let done = run(&arguments).map(Into::into).map_err(CommandError::from);
            Box::pin(std::future::ready(done))
        });
        if let Some(command) = table.commands.last_mut() {
            command.lenient = true;
        }
        table
    }

    /// The last one changes something.
    pub(super) fn change(mut self) -> Self {
        if let Some(command) = self.commands.last_mut() {
            command.changes = true;
        }
        self
    }

    /// The last one takes lines after it.
    pub(super) fn with_payload(mut self) -> Self {
        if let Some(command) = self.commands.last_mut() {
            command.payload = true;
        }
        self
    }

    /// Changes are told there.
    pub(super) fn log(mut self, sink: Sink) -> Self {
        self.log = Some(sink);
        self
    }

    fn with(
        mut self,
        usage: &'static str,
        level: AdminLevel,
        help: &'static str,
        run: impl Fn(Vec<String>) -> Replying + Send + Sync + 'static,
    ) -> Self {
        self.commands.push(Command {
            usage: Usage { text: usage },
            level,
            help,
            run: Box::new(run),
            lenient: false,
            changes: false,
            payload: false,
        });
        self
    }

    /// The answer to one command, for a client of `level`.
    ///
    /// # Errors
    /// [`CommandError`], whose text is the answer then.
    pub async fn answer(
        &self,
        words: &[String],
        level: AdminLevel,
    ) -> Result<String, CommandError> {
        let asker = Asker { level, uid: None };
        Ok(self.reply(words, asker).await?.text())
    }

    pub(super) async fn reply(
        &self,
        words: &[String],
        asker: Asker,
    ) -> Result<Reply, CommandError> {
        let found = self.find(words);
        let changes = match found {
            Some((command, _)) => command.changes,
            None => !words.first().is_some_and(|word| LOOKS.contains(&&**word)),
        };
        let reply = self.reply_of(found, words, asker.level).await;
        if let Some(log) = self.log.as_ref().filter(|_| changes) {
            let what = change(words, asker.uid);
            match &reply {
                Ok(_) => log.notice(&what),
                Err(error) => {
                    let why = error.in_short();
                    log.say(Level::Warning, &format!("{what}: refused: {why}"));
                }
            }
        }
        reply
    }

    /// `show stat` and `show stat up` may both exist: the one with more words is meant.
    fn find<'t, 'w>(&'t self, words: &'w [String]) -> Option<(&'t Command, &'w [String])> {
        let matching = self.commands.iter().filter_map(|command| {
            let arguments = command.usage.strip(words)?;
            Some((command, arguments))
        });
        matching.min_by_key(|(_, rest)| rest.len())
    }

    async fn reply_of(
        &self,
        found: Option<(&Command, &[String])>,
        words: &[String],
        level: AdminLevel,
    ) -> Result<Reply, CommandError> {
        if words.first().is_some_and(|word| word == "help") {
            return Ok(self.help(level, |_| true).into());
        }
        let Some((command, arguments)) = found else {
            return Err(match unbuilt::command(words) {
                Some(refusal) => refusal.into(),
                None => self.unknown(words, level),
            });
        };
        if command.level > level {
            let command = (command.usage.text, command.level);
            return Err(CommandError::Level {
                command: command.0,
                needed: command.1,
                level,
            });
        }
        let payload = arguments
            .last()
            .is_some_and(|word| word.starts_with(PAYLOAD));
        if payload && !command.payload {
            let why = format!("no lines may follow `{}`", command.usage.text);
            return Err(CommandError::Failed(why));
        }
        let (least, most) = command.usage.arguments();
        let least = if command.lenient { 0 } else { least };
        if !(least..=most).contains(&arguments.len()) {
            return Err(CommandError::Usage(command.usage.text));
        }
        (command.run)(arguments.to_vec()).await
    }

    /// Those that begin with the same word, or a similar one; all of them where none does.
    fn unknown(&self, words: &[String], level: AdminLevel) -> CommandError {
        let first = |command: &Command| command.usage.words().next().unwrap_or_default();
        let known = self.commands.iter().map(first);
        let near = words.first().and_then(|word| nearest(word, known));
        let better = match near {
            Some(near) => self.help(level, |command| first(command) == near),
            None => self.help(level, |_| true),
        };
        CommandError::Unknown {
            command: words.join(" "),
            better: better.trim_end().to_owned(),
        }
    }

    /// A line for each command that `level` allows and `which` wants, in alphabetical order.
    fn help(&self, level: AdminLevel, which: impl Fn(&Command) -> bool) -> String {
        let own = [
            ("help", "this list"),
            ("prompt", "keeps the connection open for more lines"),
            ("quit", "ends it"),
        ];
        let wanted = self
            .commands
            .iter()
            .filter(|c| c.level <= level && which(c));
        let mut lines: Vec<_> = wanted
            .map(|command| (command.usage.text, command.help))
            .collect();
        lines.sort_unstable();
        let mut text = String::new();
        for (usage, help) in lines.into_iter().chain(own) {
            // Writing to a String cannot fail.
            let _ = writeln!(text, "  {usage:<40} : {help}");
        }
        text
    }
}

/// The line of a change: `admin socket, uid 0: set server app/s1 state drain`.
fn change(words: &[String], uid: Option<u32>) -> String {
    let who = uid.map_or_else(String::new, |uid| format!(", uid {uid}"));
    let shown = words.iter().map(|word| match word.starts_with(PAYLOAD) {
        true => "<<",
        false => word,
    });
    let what = shown.collect::<Vec<_>>().join(" ");
    let end = what.char_indices().nth(LOGGED).map(|(at, _)| at);
    let (what, rest) = what.split_at(end.unwrap_or(what.len()));
    let rest = if rest.is_empty() { "" } else { " …" };
    // Nobody writes lines of their own into the log.
    format!("admin socket{who}: {}{rest}", what.escape_debug())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table() -> Table {
        let echo = |name: &'static str| {
            move |words: Vec<String>| async move { Ok(format!("{name} {}", words.join(","))) }
        };
        Table::new()
            .command("show stat [NAME]", AdminLevel::User, "", echo("stat"))
            .command("show stat up", AdminLevel::User, "", echo("up"))
            .command("set weight <SERVER>", AdminLevel::Admin, "", echo("weight"))
    }

    async fn ask(line: &str, level: AdminLevel) -> Result<String, String> {
        let words: Vec<_> = line.split(' ').map(ToOwned::to_owned).collect();
        let answer = table().answer(&words, level).await;
        answer.map_err(|error| error.to_string())
    }

    #[tokio::test]
    async fn the_longest_command_is_meant_and_arguments_are_counted() {
        let answer = |line| ask(line, AdminLevel::Admin);
        assert_eq!(answer("show stat").await.unwrap(), "stat ");
        assert_eq!(answer("show stat web").await.unwrap(), "stat web");
        assert_eq!(answer("show stat up").await.unwrap(), "up ");
        assert_eq!(answer("set weight a/b").await.unwrap(), "weight a/b");
        let wrong = "wrong number of words: it is `set weight <SERVER>`";
        assert_eq!(answer("set weight").await.unwrap_err(), wrong);
        assert_eq!(answer("set weight a b").await.unwrap_err(), wrong);
    }

    #[tokio::test]
    async fn a_level_allows_what_it_allows() {
        for level in [AdminLevel::User, AdminLevel::Operator] {
            assert!(ask("show stat", level).await.is_ok());
            let denied = ask("set weight a/b", level).await.unwrap_err();
            assert!(denied.starts_with("Permission denied"), "{denied}");
            assert!(!ask("help", level).await.unwrap().contains("set weight"));
        }
        assert!(
            ask("help", AdminLevel::Admin)
                .await
                .unwrap()
                .contains("set weight")
        );
    }

    #[tokio::test]
    async fn an_unknown_command_is_told_what_there_is() {
        let answer = ask("shw stat", AdminLevel::User).await.unwrap_err();
        let start = "Unknown command: 'shw stat', but maybe one of the following ones is a better match:\n  show stat";
        assert!(answer.starts_with(start), "{answer}");
        let far = ask("xyzzy", AdminLevel::Admin).await.unwrap_err();
        assert!(
            far.contains("set weight") && far.contains("show stat"),
            "{far}"
        );
    }
}
