//! From texts to a [`Config`]: the sections of all files, `defaults`, and `listen` as a frontend and a backend.

use std::{cell::RefCell, collections::BTreeSet, io, path::Path, sync::Arc};

use toml::de::DeTable;

use super::{
    Config, Diagnostics, Source, Span, Spanned,
    model::{Backend, Frontend, Global, Script, SyncGroup, Table, UserList, Vrrp, checked_name},
    section::{Entry, Place, Section},
    validate,
    value::Context,
};

/// The tables of sections that have names.
const PROXIES: [(&str, Place); 3] = [
    ("frontend", Place::Frontend),
    ("backend", Place::Backend),
    ("listen", Place::Listen),
];

/// Reads `sources`; `unreadable` are those whose text could not be had, and why.
pub(crate) fn read(
    sources: Vec<Source>,
    env: &dyn Fn(&str) -> Option<String>,
    file: &dyn Fn(&Path) -> io::Result<Vec<u8>>,
    unreadable: &[(usize, String)],
) -> Config {
    let sources: Arc<[Source]> = sources.into();
    let documents: Vec<_> = sources
        .iter()
        .map(|source| DeTable::parse_recoverable(&source.text))
        .collect();
    let mut syntax = Diagnostics::new(sources.clone());
    for (source, message) in unreadable {
        syntax.error(Span::new(*source, 0..0), message);
    }
    // What the parser says of lines that it reads as parts of an unclosed array.
    let mut follow_ups = Diagnostics::new(sources.clone());
    for (source, (_, errors)) in documents.iter().enumerate() {
        let text = &sources[source].text;
        let mut unclosed = None;
        for error in errors {
            let range = error.span().unwrap_or_default();
            let line = text
                .get(..range.start)
                .map_or(0, |before| before.matches('\n').count());
            if unclosed.is_some_and(|last| line <= last + 1) {
                unclosed = Some(line);
                follow_ups.error(Span::new(source, range), error.message());
                continue;
            }
            let named = text
                .get(range.clone())
                .filter(|_| error.message() == "duplicate key");
            let message = named.map_or_else(
                || error.message().to_owned(),
                |key| format!("duplicate key `{key}`"),
            );
            let diagnostic = syntax.error(Span::new(source, range), message);
            // The lines after it are then read as elements of the array, each a mistake.
            if error
                .message()
                .starts_with("missing comma between array elements")
            {
                diagnostic.help("is the array before it closed?");
                unclosed = Some(line);
            }
        }
    }
    let guessed = guessed_lines(&syntax, &follow_ups);
    let cx = Context {
        env,
        read: file,
        texts: sources.iter().map(|source| source.text.as_str()).collect(),
        diagnostics: RefCell::new(Diagnostics::new(sources.clone())),
    };
    let roots = documents.iter().enumerate().map(|(source, (table, _))| {
        let span = Span::new(source, 0..0);
        Section::new(
            &cx,
            Place::Root,
            String::new(),
            span,
            source,
            table.get_ref(),
        )
    });
    let mut config = sections(&cx, &roots.collect::<Vec<_>>(), syntax.is_empty());
    validate::duplicates(&config, &cx);
    // What is not there may just be unreadable.
    if syntax.is_empty() {
        validate::references(&config, &cx);
    }
    config.diagnostics = with_syntax(cx.diagnostics.into_inner(), &syntax, &guessed);
    config
}

/// Files and lines of which the parser has guessed the meaning.
type Lines = BTreeSet<(String, usize)>;

fn guessed_lines(syntax: &Diagnostics, follow_ups: &Diagnostics) -> Lines {
    let errors = syntax.iter().chain(follow_ups.iter());
    errors
        .map(|error| (error.file.clone(), error.line))
        .collect()
}

/// Values on a line with a syntax error are the parser's guesses: what was said about them is dropped.
fn with_syntax(mut found: Diagnostics, syntax: &Diagnostics, guessed: &Lines) -> Diagnostics {
    found.retain(|diagnostic| !guessed.contains(&(diagnostic.file.clone(), diagnostic.line)));
    found.extend(syntax);
    found
}

fn sections<'a>(cx: &'a Context<'a>, roots: &[Section<'a>], complete: bool) -> Config {
    let one = |key, place| {
        let mut all = Section::empty(cx, place, key);
        for table in roots.iter().filter_map(|root| root.section(key, place)) {
            all.merge(table);
        }
        all
    };
    let mut config = Config {
        global: Global::read(&one("global", Place::Global)),
        frontends: Vec::new(),
        backends: Vec::new(),
        tables: Vec::new(),
        scripts: Vec::new(),
        vrrp: Vec::new(),
        sync_groups: Vec::new(),
        userlists: Vec::new(),
        diagnostics: Diagnostics::default(),
    };
    let proxies = Proxies::new(cx, one("defaults", Place::Defaults), complete);
    for root in roots {
        let mut named: Vec<(Place, Entry<'a>, String)> = Vec::new();
        for (key, place) in PROXIES {
            let table = root.section(key, Place::Plain);
            let entries = table.iter().flat_map(Section::entries);
            named.extend(entries.map(|entry| (place, entry, format!("{key}.{}", entry.key))));
        }
        named.sort_by_key(|(_, entry, _)| entry.span);
        for (place, entry, path) in named {
            proxies.read(&mut config, place, &entry, path);
        }
        config
            .tables
            .extend(named_sections(root, "table", Place::Table, Table::read));
        config
            .scripts
            .extend(named_sections(root, "script", Place::Plain, Script::read));
        config
            .vrrp
            .extend(named_sections(root, "vrrp", Place::Vrrp, Vrrp::read));
        config.sync_groups.extend(named_sections(
            root,
            "sync_group",
            Place::Plain,
            SyncGroup::read,
        ));
        config.userlists.extend(named_sections(
            root,
            "userlist",
            Place::Plain,
            UserList::read,
        ));
        root.finish(&[]);
    }
    config
}

/// Reads `[key.NAME]`, for every name.
fn named_sections<T>(
    root: &Section<'_>,
    key: &'static str,
    place: Place,
    read: impl Fn(Spanned<String>, &Section<'_>) -> T,
) -> Vec<T> {
    let table = root.section(key, Place::Plain);
    let entries = table.iter().flat_map(Section::entries);
    entries
        .filter_map(|entry| {
            let section = entry.value.section(place, format!("{key}.{}", entry.key))?;
            Some(read(entry.name(), &section))
        })
        .collect()
}

/// Reads the sections that have names, completed by `[defaults]`.
struct Proxies<'a> {
    cx: &'a Context<'a>,
    defaults: Section<'a>,
    /// Every file could be read: what is missing is missing.
    complete: bool,
    frontend_keys: Vec<&'static str>,
    backend_keys: Vec<&'static str>,
}

impl<'a> Proxies<'a> {
    fn new(cx: &'a Context<'a>, defaults: Section<'a>, complete: bool) -> Self {
        let nobody = || Spanned::built_in(String::new());
        // Reading an empty section tells which keys there are; reading the defaults on their own tells what is wrong with
        // them, used or not.
        let empty = || Section::empty(cx, Place::Defaults, "");
        let (frontend, backend) = (empty(), empty());
        Frontend::read(nobody(), &frontend);
        Backend::read(nobody(), &backend);
        Frontend::read(nobody(), &defaults);
        Backend::read(nobody(), &defaults);
        defaults.finish(&[]);
        Self {
            cx,
            complete,
            defaults,
            frontend_keys: frontend.asked(),
            backend_keys: backend.asked(),
        }
    }

    fn read(&self, config: &mut Config, place: Place, entry: &Entry<'a>, path: String) {
        let Some(mut section) = entry.value.section(place, path) else {
            return;
        };
        section.inherit(&self.defaults);
        let of = if place == Place::Backend {
            "a backend"
        } else {
            "a frontend"
        };
        let name = checked_name(self.cx, entry.name(), of);
        if self.complete {
            self.missing(place, &name, &section);
        }
        if place != Place::Backend {
            let mut frontend = Frontend::read(name.clone(), &section);
            if place == Place::Listen && !section.states("default_backend") {
                frontend.default_backend = Some(name.clone());
            }
            config.frontends.push(frontend);
        }
        if place != Place::Frontend {
            config.backends.push(Backend::read(name, &section));
        }
        section.finish(&match place {
            Place::Frontend => [(self.backend_keys.as_slice(), "a backend")],
            _ => [(self.frontend_keys.as_slice(), "a frontend")],
        });
    }

    /// What a section cannot do without. Values that were refused are not missing: only keys count, and empty arrays.
    fn missing(&self, place: Place, name: &Spanned<String>, section: &Section<'a>) {
        let lacks = |key| {
            section
                .value(key)
                .is_none_or(|value| value.is_array() && value.one_or_more().is_empty())
        };
        if place != Place::Backend && lacks("bind") {
            let help = "add `bind = [\"*:80\"]`".to_owned();
            self.cx.error(
                name.span(),
                format!("frontend `{name}` listens nowhere"),
                Some(help),
            );
        }
        // It answers with its statistics, or tells that it lives.
        if section.has("stats") || section.has("monitor_uri") {
            return;
        }
        if place == Place::Frontend && lacks("use_backend") && lacks("default_backend") {
            let message = format!("frontend `{name}` has no backend: it answers 503");
            self.cx
                .warning(name.span(), message, "add `default_backend`");
        }
        // A `listen` section that sends its requests elsewhere needs no servers of its own.
        let elsewhere = place == Place::Listen && section.states("default_backend");
        if place != Place::Frontend && !elsewhere && lacks("server") {
            let message = format!("backend `{name}` has no servers: it answers 503");
            self.cx.warning(
                name.span(),
                message,
                "add `server = [{ name = \"…\", address = \"…\" }]`",
            );
        }
    }
}
