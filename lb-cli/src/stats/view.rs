//! What a request wants to see: the words behind the page's path.

use http::Request;

use super::Column;

/// What the page shows, and how.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(super) struct View {
    pub(super) format: Format,
    /// `;norefresh`
    pub(super) still: bool,
    /// `;up`: servers that are DOWN are left out.
    pub(super) up: bool,
    /// `;no-maint`: servers in maintenance are left out.
    pub(super) no_maint: bool,
    /// `;sort=scur`, `;sort=-scur`: servers by a column, `-` from the largest.
    pub(super) sort: Option<Sort>,
    /// `scope=`: only sections with this in their names.
    pub(super) scope: String,
    /// `;st=`: what has come of the last change.
    pub(super) outcome: Option<String>,
}

/// An order of servers.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Sort {
    pub(super) column: Column,
    pub(super) down: bool,
}

impl Sort {
    fn parse(text: &str) -> Option<Self> {
        let (down, name) = match text.strip_prefix('-') {
            Some(name) => (true, name),
            None => (false, text),
        };
        let column = Column::ALL.iter().find(|column| column.name() == name)?;
        Some(Self {
            column: *column,
            down,
        })
    }
}

#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(super) enum Format {
    #[default]
    Html,
    Csv,
    Json,
    Typed,
}

/// HAProxy takes no longer one.
const LONGEST_SCOPE: usize = 20;

/// Is this request for the page at `uri`? Other methods go to the backend.
pub(crate) fn is_for<B>(uri: &str, request: &Request<B>) -> bool {
    use http::Method;
    let method = request.method();
    target(request).starts_with(uri)
        && (method == Method::GET || method == Method::HEAD || method == Method::POST)
}

fn target<B>(request: &Request<B>) -> &str {
    request
        .uri()
        .path_and_query()
        .map_or("", |path| path.as_str())
}

impl View {
    /// The words are looked for anywhere behind `uri`, as in HAProxy.
    pub(super) fn of<B>(uri: &str, request: &Request<B>) -> Self {
        Self::parse(target(request).strip_prefix(uri).unwrap_or_default())
    }

    fn parse(rest: &str) -> Self {
        let has = |word: &str| rest.contains(word);
        let after = |word: &str| rest.split_once(word).map(|(_, rest)| rest);
        let scope = after("scope=").map(|text| {
            let end = text.find([';', '&']).unwrap_or(text.len());
            super::form::decode(&text[..end])
                .chars()
                .take(LONGEST_SCOPE)
                .collect()
        });
        let outcome = after(";st=").map(|text| text.chars().take(4).collect());
        Self {
            format: match () {
                () if has(";csv") => Format::Csv,
                () if has(";typed") => Format::Typed,
                () if has(";json") => Format::Json,
                () => Format::Html,
            },
            still: has(";norefresh"),
            up: has(";up"),
            no_maint: has(";no-maint"),
            sort: after(";sort=").and_then(|text| {
                let end = text.find([';', '?', '&']).unwrap_or(text.len());
                Sort::parse(&text[..end])
            }),
            scope: scope.unwrap_or_default(),
            outcome,
        }
    }

    /// The words again, for a link to the same view.
    pub(super) fn suffix(&self) -> String {
        let mut out = String::new();
        for (set, word) in [
            (self.up, ";up"),
            (self.still, ";norefresh"),
            (self.no_maint, ";no-maint"),
        ] {
            if set {
                out.push_str(word);
            }
        }
        if let Some(sort) = self.sort {
            out.push_str(if sort.down { ";sort=-" } else { ";sort=" });
            out.push_str(sort.column.name());
        }
        if !self.scope.is_empty() {
            out.push_str("?scope=");
            super::form::encode(&mut out, &self.scope);
        }
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_stand_in_any_order() {
        let view = View::parse(";norefresh;csv;up?scope=web%2d1&x");
        assert_eq!(
            (view.format, view.still, view.up),
            (Format::Csv, true, true)
        );
        assert_eq!((view.scope.as_str(), view.no_maint), ("web-1", false));
        assert_eq!(view.suffix(), ";up;norefresh?scope=web-1");
        assert_eq!(View::parse(""), View::default());
        let done = View::parse(";st=DONE;norefresh");
        assert_eq!(done.outcome.as_deref(), Some("DONE"));
        assert_eq!(View::parse(&done.suffix()).outcome, None);
    }

    #[test]
    fn a_view_is_the_same_behind_its_own_link() {
        for rest in [
            "",
            ";up",
            ";no-maint;up?scope=a%20%26%3bb%c3%a4",
            ";norefresh",
            ";sort=-scur;up?scope=a",
            ";sort=nothing",
        ] {
            let view = View::parse(rest);
            assert_eq!(View::parse(&view.suffix()), view);
        }
    }
}
