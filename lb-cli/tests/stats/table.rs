//! Statistics in CSV, by name.

use std::{collections::HashMap, net::SocketAddr};

use crate::{fetch, text};

/// Rows by section and name, columns by name.
pub(crate) struct Table {
    pub(crate) header: String,
    pub(crate) rows: HashMap<(String, String), HashMap<String, String>>,
}

impl Table {
    pub(crate) async fn of(front: SocketAddr, target: &str) -> Self {
        let answer = fetch(front, target, crate::USER).await;
        assert_eq!(answer.status(), 200, "{}", answer.show());
        Self::parse(&text(answer))
    }

    fn parse(csv: &str) -> Self {
        let mut lines = csv.lines();
        let header = lines.next().unwrap().to_owned();
        let names: Vec<_> = header.trim_start_matches("# ").split(',').collect();
        let rows = lines.filter(|line| !line.is_empty()).map(|line| {
            let fields: Vec<_> = line.split(',').collect();
            assert_eq!(fields.len(), names.len(), "{line}");
            let columns = names.iter().zip(&fields);
            let columns = columns.map(|(name, field)| ((*name).to_owned(), (*field).to_owned()));
            (
                (fields[0].to_owned(), fields[1].to_owned()),
                columns.collect(),
            )
        });
        Self {
            rows: rows.collect(),
            header: header.clone(),
        }
    }

    pub(crate) fn get(&self, proxy: &str, name: &str, column: &str) -> &str {
        let row = self.rows.get(&(proxy.to_owned(), name.to_owned()));
        let row = row.unwrap_or_else(|| panic!("no row {proxy}/{name}"));
        &row[column]
    }

    pub(crate) fn number(&self, proxy: &str, name: &str, column: &str) -> u64 {
        let text = self.get(proxy, name, column);
        let number = text.parse();
        number.unwrap_or_else(|_| panic!("{proxy}/{name} {column}: `{text}`"))
    }
}
