//! What a request asks for, in the words of HAProxy's exporter: `?scope=server&no-maint`.

use crate::stats::{Column, Kind, Row, form};

/// What is shown.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct View {
    /// The process.
    pub(super) global: bool,
    frontends: bool,
    backends: bool,
    servers: bool,
    /// Not the servers in maintenance.
    no_maint: bool,
}

impl View {
    /// Everything, or nothing.
    pub(super) const fn all(shown: bool) -> Self {
        Self {
            global: shown,
            frontends: shown,
            backends: shown,
            servers: shown,
            no_maint: false,
        }
    }

    /// `None` if there is no such scope.
    pub(super) fn parse(query: &str) -> Option<Self> {
        let mut view = Self::all(true);
        let mut narrowed = false;
        for (name, value) in form::pairs(query) {
            match name.as_str() {
                "no-maint" => view.no_maint = true,
                "scope" => {
                    if !narrowed {
                        narrowed = true;
                        view = Self {
                            no_maint: view.no_maint,
                            ..Self::all(false)
                        };
                    }
                    match value.as_str() {
                        "global" => view.global = true,
                        "frontend" => view.frontends = true,
                        "backend" => view.backends = true,
                        "server" => view.servers = true,
                        "*" => {
                            view = Self {
                                no_maint: view.no_maint,
                                ..Self::all(true)
                            }
                        }
                        // An empty one is none of them, as in HAProxy.
                        "" => {
                            view = Self {
                                no_maint: view.no_maint,
                                ..Self::all(false)
                            }
                        }
                        _ => return None,
                    }
                }
                _ => {}
            }
        }
        Some(view)
    }

    pub(super) fn shows(&self, row: &Row) -> bool {
        match row.kind {
            Kind::Frontend => self.frontends,
            Kind::Backend => self.backends,
            Kind::Server => {
                self.servers && !(self.no_maint && row.word(Column::Status).starts_with("MAINT"))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scopes_add_up() {
        let view = View::parse("scope=server&no-maint&scope=global").unwrap();
        assert!(view.servers && view.global && view.no_maint);
        assert!(!view.frontends && !view.backends);
        assert_eq!(View::parse(""), Some(View::all(true)));
        assert_eq!(View::parse("other=1&scope=%2a"), Some(View::all(true)));
        assert_eq!(View::parse("scope=nothing"), None);
    }
}
