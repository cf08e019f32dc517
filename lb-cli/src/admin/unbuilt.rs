//! HAProxy's commands that this version does not have.

use crate::run::Refusal;

/// Their words; whatever follows.
const COMMANDS: &[&str] = &[
    "abort ssl",
    "add ssl",
    "commit ssl",
    "del ssl",
    "disable dynamic-cookie",
    "enable dynamic-cookie",
    "new ssl",
    "set dynamic-cookie-key",
    "set profiling",
    "set rate-limit",
    "set ssl",
    "set timeout",
    "show cache",
    "show cli",
    "show events",
    "show fd",
    "show libs",
    "show peers",
    "show pools",
    "show profiling",
    "show resolvers",
    "show schema",
    "show ssl",
    "show startup-logs",
    "show tasks",
    "show threads",
    "show tls-keys",
    "show trace",
    "trace",
    "update ssl",
];

/// Why it is not done, if it is one of them.
pub(super) fn command(words: &[String]) -> Option<Refusal> {
    let named = |command: &&&str| {
        let mut own = command.split(' ');
        let mut asked = words.iter();
        own.all(|word| asked.next().is_some_and(|asked| asked == word))
    };
    let command = COMMANDS.iter().find(named)?;
    Some(Refusal::Unbuilt(format!("`{command}`")))
}
