//! The configuration language of `lb`.
//!
//! A file is TOML with HAProxy's words. It is walked by hand, with the place of every value, so that one run reports every
//! problem of every file: syntax, unknown keys, wrong types, values out of range, names of things that do not exist. What
//! comes out is a [`Config`], typed, with all defaults applied; the planning stage compiles the texts it still holds and
//! adds their problems to [`Config::diagnostics`].
//!
//! ```
//! use lb_cli::config::{Config, Source};
//!
//! let text = r#"
//!     [frontend.web]
//!     bind = ["${ADDRESS:-127.0.0.1:8080}"]
//!     default_backend = "app"
//!
//!     [backend.app]
//!     server = [{ name = "app1", address = "127.0.0.1:9001" }]
//! "#;
//! let config = Config::parse(vec![Source::new("lb.toml", text)], &|_| None)?;
//! assert_eq!(config.frontends[0].bind[0].address.to_string(), "127.0.0.1:8080");
//! # Ok::<(), lb_cli::config::Diagnostics>(())
//! ```

mod address;
mod diagnostics;
mod env;
mod load;
pub mod model;
mod print;
pub(crate) use self::print::quoted;
mod read;
mod section;
mod span;
mod suggest;
pub(crate) use self::suggest::nearest;
mod types;
mod unbuilt;
mod units;
mod validate;
mod value;

use std::path::PathBuf;

use self::model::{Backend, Frontend, Global, Script, Server, SyncGroup, Table, UserList, Vrrp};
pub use self::{
    address::{AddressError, BindAddress, ServerAddress},
    diagnostics::{Diagnostic, Diagnostics, Severity},
    span::{Span, Spanned},
    units::ByteSize,
};

/// A configuration: everything its files say, and the defaults of what they do not.
///
/// Two are equal when they mean the same; where things were written and what was reported does not count.
#[derive(Clone, Debug)]
pub struct Config {
    /// The process as a whole.
    pub global: Global,
    /// Frontends, `listen` sections among them, in the order of the files.
    pub frontends: Vec<Frontend>,
    /// Backends, `listen` sections among them, in the order of the files.
    pub backends: Vec<Backend>,
    /// Tables, in the order of the files.
    pub tables: Vec<Table>,
    /// Scripts, in the order of the files.
    pub scripts: Vec<Script>,
    /// Virtual routers, in the order of the files.
    pub vrrp: Vec<Vrrp>,
    /// Groups of them, in the order of the files.
    pub sync_groups: Vec<SyncGroup>,
    /// Users, in the order of the files.
    pub userlists: Vec<UserList>,
    /// What was found so far: warnings, and after [`Config::parse_recoverable`] errors, too.
    pub diagnostics: Diagnostics,
}

/// The text of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Source {
    /// What reports call it.
    pub name: String,
    /// What is in it.
    pub text: String,
}

impl Source {
    /// A text and its name.
    pub fn new(name: impl Into<String>, text: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            text: text.into(),
        }
    }
}

impl Config {
    /// Reads files, and directories of `*.toml` in the order of their names, as one configuration.
    ///
    /// # Errors
    /// Everything that is wrong with any of them.
    pub fn load(paths: &[PathBuf]) -> Result<Self, Diagnostics> {
        Self::load_recoverable(paths).into_result()
    }

    /// As [`Config::load`], for a caller who checks more before giving up; see [`Config::parse_recoverable`].
    pub fn load_recoverable(paths: &[PathBuf]) -> Self {
        load::load(paths)
    }

    /// Reads texts as one configuration. Touches neither files nor the process's environment, so that an `errorfile` is an
    /// error.
    ///
    /// # Errors
    /// Everything that is wrong with any of them.
    pub fn parse(
        sources: Vec<Source>,
        env: &dyn Fn(&str) -> Option<String>,
    ) -> Result<Self, Diagnostics> {
        Self::parse_recoverable(sources, env).into_result()
    }

    /// As [`Config::parse`], but what cannot be read is left out or has its default, and the errors are in
    /// [`Config::diagnostics`]. For checking what else is wrong: nothing may run from it while there are errors.
    pub fn parse_recoverable(sources: Vec<Source>, env: &dyn Fn(&str) -> Option<String>) -> Self {
        let no_files = |_: &std::path::Path| Err(std::io::ErrorKind::Unsupported.into());
        read::read(sources, env, &no_files, &[])
    }

    /// The configuration, or its errors if it has any.
    ///
    /// # Errors
    /// What [`Config::diagnostics`] holds, if there is an error among it.
    pub fn into_result(self) -> Result<Self, Diagnostics> {
        if self.diagnostics.has_errors() {
            Err(self.diagnostics)
        } else {
            Ok(self)
        }
    }

    /// The backend of this name.
    pub fn backend(&self, name: &str) -> Option<&Backend> {
        self.backends
            .iter()
            .find(|backend| backend.name.as_str() == name)
    }

    /// The whole effective configuration, defaults included, as TOML that reads back to the same.
    pub fn print(&self) -> String {
        let mut out = print::Printer::default();
        self.global.print(&mut out);
        for frontend in &self.frontends {
            frontend.print(&mut out);
        }
        for backend in &self.backends {
            backend.print(&mut out);
        }
        for table in &self.tables {
            table.print(&mut out);
        }
        for script in &self.scripts {
            script.print(&mut out);
        }
        for router in &self.vrrp {
            router.print(&mut out);
        }
        for group in &self.sync_groups {
            group.print(&mut out);
        }
        for list in &self.userlists {
            list.print(&mut out);
        }
        out.finish()
    }
}

impl Backend {
    /// The server of this name.
    pub fn server(&self, name: &str) -> Option<&Server> {
        self.server
            .iter()
            .find(|server| server.name.as_str() == name)
    }
}

impl PartialEq for Config {
    fn eq(&self, other: &Self) -> bool {
        let Self {
            global,
            frontends,
            backends,
            tables,
            scripts,
            vrrp,
            sync_groups,
            userlists,
            diagnostics: _,
        } = self;
        (global, frontends, backends) == (&other.global, &other.frontends, &other.backends)
            && tables == &other.tables
            && (scripts, vrrp, sync_groups) == (&other.scripts, &other.vrrp, &other.sync_groups)
            && *userlists == other.userlists
    }
}
