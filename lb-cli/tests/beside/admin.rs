//! The admin socket, which both have.

use std::path::{Path, PathBuf};

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::UnixStream,
};

use crate::common::within;

/// A place for a socket that nobody else has.
pub(crate) fn socket(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("{name}-{}.sock", std::process::id()))
}

/// What is answered to a line.
pub(crate) async fn ask(socket: &Path, line: &str) -> String {
    let mut answer = String::new();
    within("an answer of the admin socket", async {
        let mut stream = UnixStream::connect(socket).await.unwrap();
        stream
            .write_all(format!("{line}\n").as_bytes())
            .await
            .unwrap();
        stream.read_to_string(&mut answer).await.unwrap();
    })
    .await;
    answer
}

/// The statistics as a script takes them: by the names of the first line, each in its place.
pub(crate) struct Csv {
    pub(crate) header: String,
    pub(crate) rows: Vec<Vec<String>>,
}

impl Csv {
    pub(crate) async fn of(socket: &Path) -> Self {
        Self::parse(&ask(socket, "show stat").await)
    }

    pub(crate) fn parse(text: &str) -> Self {
        let mut lines = text.lines();
        let header = lines.next().unwrap().to_owned();
        let rows = lines.filter(|line| !line.is_empty()).map(|line| {
            let row = fields(line);
            assert_eq!(row.len(), header.split(',').count(), "{line}");
            row
        });
        Self {
            rows: rows.collect(),
            header: header.clone(),
        }
    }

    /// The names of the columns.
    pub(crate) fn names(&self) -> Vec<&str> {
        self.header
            .trim_start_matches("# ")
            .trim_end_matches(',')
            .split(',')
            .collect()
    }

    /// What stands there.
    pub(crate) fn get(&self, [proxy, name, column]: [&str; 3]) -> &str {
        let at = self.names().iter().position(|name| *name == column);
        let at = at.unwrap_or_else(|| panic!("no column {column}"));
        let row = self
            .rows
            .iter()
            .find(|row| row[0] == proxy && row[1] == name);
        &row.unwrap_or_else(|| panic!("no row {proxy}/{name}"))[at]
    }

    pub(crate) fn number(&self, place: [&str; 3]) -> u64 {
        self.get(place).parse().unwrap()
    }
}

/// The fields of a line: RFC 4180.
fn fields(line: &str) -> Vec<String> {
    let (mut fields, mut quoted) = (vec![String::new()], false);
    let mut letters = line.chars().peekable();
    while let Some(letter) = letters.next() {
        let field = fields.last_mut().unwrap();
        match letter {
            '"' if quoted && letters.next_if_eq(&'"').is_some() => field.push('"'),
            '"' => quoted = !quoted,
            ',' if !quoted => fields.push(String::new()),
            letter => field.push(letter),
        }
    }
    fields
}
