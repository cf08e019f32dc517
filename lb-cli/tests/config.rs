//! Configurations that are right: what they mean, and that they print as what they mean.

use std::{fs, path::Path, time::Duration};

use lb_cli::config::{
    BindAddress, Config, Diagnostics, ServerAddress, Source, Span,
    model::{CheckKind, HttpConnection, Redispatch, RetryOn},
};
use proptest::prelude::*;

const QUICKSTART: &str = include_str!("../../examples/configs/quickstart.toml");
const FULL: &str = "tests/full.toml";

fn parse(text: &str) -> Result<Config, Diagnostics> {
    Config::parse(vec![Source::new("lb.toml", text)], &|_| None)
}

fn good(text: &str) -> Config {
    parse(text).unwrap_or_else(|report| panic!("{report}"))
}

fn full() -> Config {
    Config::load(&[FULL.into()]).unwrap_or_else(|report| panic!("{report}"))
}

#[test]
fn quickstart_loads_with_the_documented_defaults() {
    let config = good(QUICKSTART);
    assert!(config.diagnostics.is_empty(), "{}", config.diagnostics);
    assert_eq!(config.global.workers, None);
    assert_eq!(config.global.hard_stop_after, Duration::from_secs(30));
    let web = &config.frontends[0];
    assert_eq!(
        *web.bind[0].address,
        BindAddress::Ip(([127, 0, 0, 1], 8080).into())
    );
    assert_eq!(web.default_backend.as_ref().unwrap().as_str(), "app");
    assert_eq!(web.http_connection, HttpConnection::KeepAlive);
    assert_eq!(web.timeout.client, Duration::from_secs(50));
    assert_eq!(web.timeout.client_fin, Duration::from_secs(30));
    assert_eq!(
        (
            web.limits.header_bytes.0,
            web.limits.headers,
            web.limits.uri_bytes.0
        ),
        (16_384, 101, 8_192)
    );
    let app = config.backend("app").unwrap();
    assert_eq!(app.balance.as_str(), "roundrobin");
    assert_eq!((app.retries, app.redispatch), (3, Redispatch::default()));
    assert_eq!(app.retry_on, [RetryOn::ConnFailure, RetryOn::EmptyResponse]);
    assert_eq!(
        (app.timeout.connect, app.timeout.queue),
        (Duration::from_secs(5), Duration::from_secs(5))
    );
    let [one, two] = app.server.as_slice() else {
        panic!("{:?}", app.server)
    };
    assert_eq!((*one.id, *two.id, one.weight), (1, 2, 1));
    assert_eq!(
        *two.address,
        ServerAddress::Ip(([127, 0, 0, 1], 9002).into())
    );
    let check = one.check.as_ref().unwrap();
    assert_eq!(
        (check.interval, check.rise, check.fall),
        (Duration::from_secs(1), 2, 2)
    );
    assert!(
        matches!(&check.kind, CheckKind::Http(http) if http.uri == "/" && http.method == "GET")
    );
}

#[test]
fn a_section_completes_and_overrides_the_defaults() {
    let config = full();
    let (web, app) = (&config.frontends[0], config.backend("app").unwrap());
    assert_eq!(
        (web.http_connection, app.http_connection),
        (HttpConnection::KeepAlive, HttpConnection::ServerClose)
    );
    assert!(!web.dontlognull && config.frontends[1].dontlognull);
    // Tables are completed key by key.
    assert_eq!(web.timeout.client, Duration::from_secs(20));
    assert_eq!(web.timeout.http_keep_alive, Duration::from_millis(1500));
    assert_eq!(app.timeout.connect, Duration::from_secs(2));
    let replaced: Vec<_> = web
        .errorfile
        .iter()
        .map(|file| file.replaces.as_u16())
        .collect();
    assert_eq!(replaced, [400, 503]);
    assert_eq!(web.errorfile[1].body, "<h1>Back soon</h1>\n");
    // `queue` follows `connect`.
    assert_eq!(
        config.backend("api").unwrap().timeout.queue,
        Duration::from_secs(2)
    );
    assert!(app.forwardfor.is_none() && config.backend("api").unwrap().forwardfor.is_some());
}

#[test]
fn a_server_inherits_from_default_server_and_the_backends_check() {
    let config = full();
    let app = config.backend("app").unwrap();
    let server = |name| app.server(name).unwrap();
    let check = |name| server(name).check.clone().unwrap();
    assert_eq!((server("a").weight, server("b").weight), (10, 0));
    assert_eq!((check("a").port, check("a").rise), (Some(8000), 3));
    assert!(matches!(check("a").kind, CheckKind::Http(_)));
    // Overrides single keys, and the type.
    let own = check("d");
    assert!(matches!(own.kind, CheckKind::Tcp) && own.send_proxy);
    assert_eq!(
        (own.port, own.interval),
        (Some(8000), Duration::from_secs(1))
    );
    // Neither asked for, nor needed.
    assert!(server("c").check.is_none() && server("e").check.is_none());
    // A check with a port of its own does not inherit the PROXY header; one without does.
    assert!(!check("a").send_proxy);
    // `timeout.check` of the defaults, where the check has none.
    let api = config.backend("api").unwrap().server[0]
        .check
        .clone()
        .unwrap();
    assert_eq!(
        (api.timeout, check("a").timeout),
        (
            Some(Duration::from_secs(1)),
            Some(Duration::from_millis(900))
        )
    );
    // Number 1 is taken by the second server.
    assert_eq!(
        app.server.iter().map(|s| *s.id).collect::<Vec<_>>(),
        [2, 1, 3, 4, 5]
    );
}

#[test]
fn listen_is_a_frontend_and_a_backend() {
    let config = full();
    let front = &config.frontends[1];
    let back = config.backend("both").unwrap();
    assert_eq!(front.default_backend.as_ref().unwrap().as_str(), "both");
    assert_eq!(
        (front.maxconn, back.balance.as_str()),
        (Some(10), "leastconn")
    );
    assert_eq!(
        (front.timeout.client, back.timeout.server),
        (Duration::from_secs(7), Duration::from_secs(8))
    );
}

#[test]
fn words_of_another_language_keep_their_exact_place() {
    let config = full();
    let text = fs::read_to_string(FULL).unwrap();
    let at = |span: Span| &text[span.range()];
    let [images, api, app] = config.frontends[0].use_backend.as_slice() else {
        panic!()
    };
    assert_eq!(at(images.name.span()), "images");
    let condition = images.condition.as_ref().unwrap();
    assert_eq!(at(condition.text.span()), "static !{ method POST }");
    assert_eq!(at(condition.text.at(8..9)), "{");
    assert!(api.condition.as_ref().unwrap().unless && app.condition.is_none());
    let backend = config.backend("app").unwrap();
    assert_eq!(at(backend.balance.at(4..9)), "depth");
    let escaped = &config.frontends[0].acl[1].conditions[0];
    assert_eq!(at(escaped.at(0..3)), "hdr");
    assert_eq!(at(escaped.at(13..16)), r#"\"a\""#);
}

#[test]
fn places_follow_every_escape_of_toml() {
    let keys = [
        r#"balance = "\tx\\\u00e9\U0001f600\x41é word""#,
        "balance = \"\"\"\n\\\"\"x\ny word\"\"\"",
    ];
    for key in keys {
        let text = format!("[listen.a]\nbind = [':80']\n{key}\n");
        let config = good(&text);
        let balance = &config.backends[0].balance;
        let start = balance.len() - "word".len();
        assert_eq!(&text[balance.at(start..balance.len()).range()], "word");
        // Up to it, the file has what stands before it.
        let before = balance.at(0..start).range();
        assert_eq!(before.end, text.rfind("word").unwrap(), "{key}");
    }
    // A variable, or a line that goes on, cannot be followed.
    for key in [
        "balance = '${X:-a} word'",
        "balance = \"\"\"a \\\n word\"\"\"",
    ] {
        let text = format!("[listen.a]\nbind = [':80']\n{key}\n");
        let balance = good(&text).backends[0].balance.clone();
        assert_eq!(balance.at(2..3), balance.span(), "{key}");
    }
}

#[test]
fn a_later_stage_reports_into_the_same_collection() {
    let mut config = good("[listen.a]\nbind = [':80']\nbalance = 'uri dept 3'\n");
    let balance = config.backends[0].balance.clone();
    config
        .diagnostics
        .error(balance.at(4..8), "unknown option `dept`")
        .help("did you mean `depth`?");
    let report = config.into_result().unwrap_err().to_string();
    let expected = "error: unknown option `dept`\n --> lb.toml:3:16\n  |\n3 | balance = 'uri dept 3'\n  |                ^^^^\n";
    assert!(report.contains(expected), "{report}");
    assert!(
        report.ends_with("1 error and 1 warning in 1 file\n"),
        "{report}"
    );
}

#[test]
fn the_environment_serves_for_strings_numbers_and_booleans() {
    let text = "[global]\nnode = '${N}-x'\nmaxconn = '${M}'\nworkers = '${W:-auto}'\n\
                [listen.a]\nbind = [':${P}']\nallbackups = '${B}'\nredispatch = '${R}'\nserver = []\n";
    let env = |name: &str| {
        let value = match name {
            "N" => "one",
            "M" => "12",
            "P" => "81",
            "B" => "true",
            "R" => "3",
            _ => return None,
        };
        Some(value.to_owned())
    };
    let config = Config::parse(vec![Source::new("lb.toml", text)], &env).unwrap();
    assert_eq!(config.global.node.as_deref(), Some("one-x"));
    assert_eq!(
        (config.global.maxconn, config.global.workers),
        (Some(12), None)
    );
    assert_eq!(*config.frontends[0].bind[0].address, BindAddress::Any(81));
    assert!(config.backends[0].allbackups);
    assert_eq!(
        config.backends[0].redispatch,
        Redispatch::Every(3.try_into().unwrap())
    );
}

#[test]
fn keys_that_come_later_are_refused_as_such_and_never_as_unknown() {
    for entry in fs::read_dir("tests/later").unwrap() {
        let path = entry.unwrap().path();
        let report = Config::load(std::slice::from_ref(&path)).unwrap_err();
        for problem in report.iter() {
            // A `listen` section with a stats page has neither servers nor, once that is refused, a purpose.
            let later = problem
                .message
                .ends_with("is not supported by this version of lb yet");
            assert!(
                later || problem.message.ends_with("it answers 503"),
                "{report}"
            );
        }
    }
}

#[test]
fn what_is_printed_means_the_same() {
    for path in [
        FULL,
        "tests/site.toml",
        "../examples/configs/quickstart.toml",
        "packaging/debian/lb.toml",
    ] {
        let config = Config::load(&[Path::new(path).into()]).unwrap();
        let printed = tempfile(&config.print());
        let again = Config::load(std::slice::from_ref(&printed.0))
            .unwrap_or_else(|report| panic!("{report}"));
        assert_eq!(again, config, "{}", config.print());
        assert_eq!(again.print(), config.print());
    }
}

/// A file that is removed at the end of its scope: error files are read from the disk, so the configuration is, too.
fn tempfile(text: &str) -> TempFile {
    let path =
        std::env::temp_dir().join(format!("lb-print-{}-{:p}.toml", std::process::id(), text));
    fs::write(&path, text).expect("a writable temporary directory");
    TempFile(path)
}

struct TempFile(std::path::PathBuf);

impl Drop for TempFile {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.0);
    }
}

/// The lines of a sample that hold together on their own: any of them can be left out.
fn optional_lines() -> Vec<&'static str> {
    let text = include_str!("full.toml");
    let needed = [
        "[",
        "  ",
        "]",
        "bind = [",
        "server = [",
        "errorfile",
        "503 =",
        "use_backend",
        "check = true",
        "type = ",
        "users = {",
        "#",
    ];
    text.lines()
        .filter(|line| !line.is_empty() && !needed.iter().any(|start| line.starts_with(start)))
        .collect()
}

proptest! {
    #[test]
    fn any_part_of_a_configuration_prints_as_what_it_means(drop in prop::collection::vec(any::<bool>(), 128)) {
        let optional = optional_lines();
        let dropped: Vec<&str> = optional.iter().zip(&drop).filter(|(_, drop)| **drop).map(|(line, _)| *line).collect();
        let kept = |line: &&str| {
            !dropped.contains(line) && !line.starts_with("503 =") && !line.starts_with("errorfile")
        };
        let text = include_str!("full.toml").lines().filter(kept).collect::<Vec<_>>().join("\n");
        let config = good(&text);
        let again = parse(&config.print());
        prop_assert!(again.is_ok(), "{}", again.unwrap_err());
        prop_assert_eq!(again.unwrap(), config);
    }

    #[test]
    fn no_text_makes_the_reader_panic(text in any::<String>()) {
        let config = Config::parse_recoverable(vec![Source::new("x", text)], &|_| None);
        let _ = (config.print(), config.diagnostics.to_string());
    }

    #[test]
    fn no_change_of_a_file_makes_the_reader_panic(
        at in any::<prop::sample::Index>(), cut in 0..40_usize, insert in "[\\PC\"'\\[\\]{}=.$%\n]{0,6}",
    ) {
        let text = include_str!("full.toml");
        let start = text.floor_char_boundary(at.index(text.len()));
        let end = text.floor_char_boundary((start + cut).min(text.len()));
        let text = format!("{}{insert}{}", &text[..start], &text[end..]);
        let config = Config::parse_recoverable(vec![Source::new("x", text)], &|_| Some("é${".to_owned()));
        let _ = (config.print(), config.diagnostics.to_string());
    }
}
