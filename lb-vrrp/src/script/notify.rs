//! Which programs are told of a transition: `notify_master`, `notify_backup`, `notify_fault`,
//! `notify_stop` and `notify`.

use std::ffi::OsString;
use std::time::Duration;

use thiserror::Error;

use super::{Notifier, Program, ProgramError, User, UserError};

/// The state an instance or a group has entered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum State {
    /// It has the addresses.
    Master,
    /// It waits for the master to be gone.
    Backup,
    /// It cannot be master.
    Fault,
    /// It ends.
    Stop,
}

impl State {
    /// Keepalived's word: `MASTER`, `BACKUP`, `FAULT` or `STOP`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Master => "MASTER",
            Self::Backup => "BACKUP",
            Self::Fault => "FAULT",
            Self::Stop => "STOP",
        }
    }
}

/// What a transition is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Subject {
    /// One virtual router.
    Instance,
    /// A group of them that moves together; Keepalived says its priority is 0.
    Group,
}

impl Subject {
    /// Keepalived's word: `INSTANCE` or `GROUP`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Instance => "INSTANCE",
            Self::Group => "GROUP",
        }
    }
}

/// The programs that are told, checked.
///
/// The program of a state gets its own arguments and nothing else. The program of [`any`] state
/// gets four more at its end, as Keepalived's `notify`: `INSTANCE` or `GROUP`, the name, the
/// state, the priority. The name is one argument, without quotes. Of one transition the state's
/// own program is told first.
///
/// [`any`]: NotifyBuilder::any
#[derive(Clone, Debug)]
pub struct Notify {
    pub(super) master: Option<Program>,
    pub(super) backup: Option<Program>,
    pub(super) fault: Option<Program>,
    pub(super) stop: Option<Program>,
    pub(super) any: Option<Program>,
    pub(super) time_limit: Duration,
}

impl Notify {
    /// Begins with no program at all.
    pub fn builder() -> NotifyBuilder {
        NotifyBuilder {
            commands: Vec::new(),
            user: None,
            time_limit: Duration::from_secs(60),
        }
    }

    /// Tells these programs of the transitions of one instance or group.
    pub fn notifier(&self, subject: Subject, name: impl Into<String>) -> Notifier {
        Notifier::new(self.clone(), subject, name.into())
    }

    /// The program of one state alone.
    pub(super) const fn program(&self, state: State) -> Option<&Program> {
        match state {
            State::Master => self.master.as_ref(),
            State::Backup => self.backup.as_ref(),
            State::Fault => self.fault.as_ref(),
            State::Stop => self.stop.as_ref(),
        }
    }
}

/// Builds a [`Notify`]. A command is an argument list that begins with an absolute path.
#[derive(Clone, Debug)]
#[must_use = "nothing is checked before `build`"]
pub struct NotifyBuilder {
    commands: Vec<(Option<State>, Vec<OsString>)>,
    user: Option<String>,
    time_limit: Duration,
}

impl NotifyBuilder {
    /// Told that the state is now `state`.
    pub fn on(self, state: State, command: impl IntoIterator<Item = impl Into<OsString>>) -> Self {
        self.command(Some(state), command)
    }

    /// Told of every state, with what happened as arguments.
    pub fn any(self, command: impl IntoIterator<Item = impl Into<OsString>>) -> Self {
        self.command(None, command)
    }

    fn command(
        mut self,
        state: Option<State>,
        command: impl IntoIterator<Item = impl Into<OsString>>,
    ) -> Self {
        self.commands.retain(|(other, _)| *other != state);
        let command = command.into_iter().map(Into::into).collect();
        self.commands.push((state, command));
        self
    }

    /// Whom the programs run as, in [`User`]'s words; the process's own user by default.
    pub fn user(mut self, user: impl Into<String>) -> Self {
        self.user = Some(user.into());
        self
    }

    /// How long one program may take before it is ended, 60 s by default.
    pub const fn time_limit(mut self, time_limit: Duration) -> Self {
        self.time_limit = time_limit;
        self
    }

    /// Checks all of it.
    ///
    /// # Errors
    /// The first value that cannot be.
    pub fn build(self) -> Result<Notify, NotifyError> {
        if self.time_limit.is_zero() {
            return Err(NotifyError::TimeLimit);
        }
        let user = self.user.map(|user| user.parse::<User>()).transpose()?;
        let mut notify = Notify {
            master: None,
            backup: None,
            fault: None,
            stop: None,
            any: None,
            time_limit: self.time_limit,
        };
        for (state, command) in self.commands {
            let (slot, key) = match state {
                Some(State::Master) => (&mut notify.master, "master"),
                Some(State::Backup) => (&mut notify.backup, "backup"),
                Some(State::Fault) => (&mut notify.fault, "fault"),
                Some(State::Stop) => (&mut notify.stop, "stop"),
                None => (&mut notify.any, "any"),
            };
            let program = Program::new(command, user.clone());
            *slot = Some(program.map_err(|source| NotifyError::Program { key, source })?);
        }
        Ok(notify)
    }
}

/// Programs that cannot be told.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum NotifyError {
    /// One of the commands.
    #[error("{key}")]
    Program {
        /// `master`, `backup`, `fault`, `stop` or `any`.
        key: &'static str,
        /// What is wrong with it.
        source: ProgramError,
    },
    /// The user.
    #[error(transparent)]
    User(#[from] UserError),
    /// The time limit is 0.
    #[error("the time limit must be longer than 0")]
    TimeLimit,
}
