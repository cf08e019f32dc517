//! One line of the statistics.

use lb_core::server::ServerUid;

use super::Column;

/// A frontend, a backend, or a server.
#[derive(Clone, Debug)]
pub struct Row {
    /// What it is about.
    pub kind: Kind,
    /// The section.
    pub proxy: String,
    /// `FRONTEND`, `BACKEND`, or the server's name.
    pub name: String,
    /// What else is known of it stands there.
    pub source: Source,
    /// By column; in a box, since a row is built by passing it on.
    fields: Box<[Option<Field>]>,
}

/// What a row is about; the numbers are those of the column `type`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Kind {
    /// 0
    Frontend,
    /// 1
    Backend,
    /// 2
    Server,
}

/// Where the figures of a row come from, by place in the running system.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Source {
    /// The frontend at this place.
    Frontend(usize),
    /// The backend at this place.
    Backend(usize),
    /// A server.
    Server {
        /// The place of its backend.
        backend: usize,
        /// Which it is.
        uid: ServerUid,
    },
}

/// The content of one column.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Field {
    /// A count, or a time in the unit that HAProxy gives it.
    Number(u64),
    /// Anything else.
    Text(String),
}

impl Row {
    pub(super) fn new(source: Source, proxy: &str, name: &str) -> Self {
        let kind = match source {
            Source::Frontend(_) => Kind::Frontend,
            Source::Backend(_) => Kind::Backend,
            Source::Server { .. } => Kind::Server,
        };
        let row = Self {
            kind,
            source,
            proxy: proxy.to_owned(),
            name: name.to_owned(),
            fields: vec![None; Column::ALL.len()].into(),
        };
        row.text(Column::Pxname, proxy)
            .text(Column::Svname, name)
            .text(Column::Mode, "http")
            .number(Column::Pid, 1_u64)
            .number(Column::Type, kind as u64)
    }

    /// A server's, of no system.
    #[cfg(test)]
    pub(crate) fn server(proxy: &str, name: &str) -> Self {
        let uid = lb_core::Server::new(name, ()).uid();
        let source = Source::Server { backend: 0, uid };
        Self::new(source, proxy, name)
    }

    pub(super) fn set(&mut self, column: Column, number: u64) {
        self.fields[column as usize] = Some(Field::Number(number));
    }

    #[must_use]
    pub(super) fn number(mut self, column: Column, number: impl Into<u64>) -> Self {
        self.set(column, number.into());
        self
    }

    pub(super) fn say(&mut self, column: Column, text: impl Into<String>) {
        self.fields[column as usize] = Some(Field::Text(text.into()));
    }

    #[must_use]
    pub(super) fn text(mut self, column: Column, text: impl Into<String>) -> Self {
        self.say(column, text);
        self
    }

    /// Only if there is one.
    #[must_use]
    pub(super) fn some(self, column: Column, number: Option<impl Into<u64>>) -> Self {
        match number {
            Some(number) => self.number(column, number),
            None => self,
        }
    }

    /// Counts of what cannot happen, or does not yet.
    #[must_use]
    pub(super) fn zeros(self, columns: &[Column]) -> Self {
        columns
            .iter()
            .fold(self, |row, column| row.number(*column, 0_u64))
    }

    /// What stands in a column, if anything.
    pub fn field(&self, column: Column) -> Option<&Field> {
        self.fields[column as usize].as_ref()
    }

    /// The same as a number; `None` for text, too.
    pub fn count(&self, column: Column) -> Option<u64> {
        match self.field(column) {
            Some(Field::Number(number)) => Some(*number),
            _ => None,
        }
    }

    /// The same as text; empty for numbers, too.
    pub fn word(&self, column: Column) -> &str {
        match self.field(column) {
            Some(Field::Text(text)) => text,
            _ => "",
        }
    }
}
