//! Rules that count in tables, and expressions that ask them. What is expected was observed on HAProxy 2.6.12, unless it
//! says otherwise.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

use std::{net::SocketAddr, sync::Arc};

use http::{Request, StatusCode};
use lb_core::{
    condition::{Scope, words},
    table::{KeyType, Table},
};
use lb_http::{
    Client,
    fetch::{HttpVocabulary, Place, Registry, View},
    format::Format,
    page::Pages,
    rules::{RequestRules, ResponseRules, Verdict},
    transaction::Transaction,
};
use tokio::time::{Duration, Instant, advance};

fn table(name: &str, key: KeyType, store: &[&str]) -> Arc<Table> {
    let builder = Table::builder(name, key).expire(Duration::from_secs(60));
    let stored = store.iter().map(|text| text.parse().unwrap());
    Arc::new(
        stored
            .fold(builder, lb_core::table::Builder::store)
            .build(Instant::now()),
    )
}

/// Tables, and what may name them.
struct World {
    scope: Scope<HttpVocabulary>,
}

impl World {
    fn new(tables: &[Arc<Table>]) -> Self {
        let registry = tables
            .iter()
            .cloned()
            .fold(Registry::new(), Registry::table);
        let (scope, _) =
            Scope::builder(HttpVocabulary::new(Place::Request, Arc::new(registry))).build();
        Self { scope }
    }

    fn rules(&self, texts: &[&str]) -> RequestRules {
        RequestRules::compile(texts, &self.scope).unwrap_or_else(|errors| panic!("{errors:?}"))
    }

    fn errors(&self, texts: &[&str]) -> Vec<String> {
        let errors = RequestRules::compile(texts, &self.scope).unwrap_err();
        let line = |error: &lb_http::rules::RuleError| {
            let (text, source) = (texts[error.rule], &error.source);
            let words = &text[source.offset..source.offset + source.len];
            let help = source.help.as_deref().unwrap_or("-");
            format!("{words}: {} ({help})", source.message)
        };
        errors.iter().map(line).collect()
    }

    /// What a log-format string gives for a request.
    fn text(&self, format: &str, request: &Request<()>, transaction: &Transaction) -> String {
        let words = words(format).unwrap();
        let format = Format::parse(&words[0], self.scope.vocabulary()).unwrap();
        let mut out = Vec::new();
        let view = View::of(request).transaction(transaction);
        format.write(&mut out, &view, &mut |_, _, _| {});
        String::from_utf8(out).unwrap()
    }
}

fn from(client: &str) -> Request<()> {
    let peer: SocketAddr = format!("{client}:4000").parse().unwrap();
    let local: SocketAddr = "192.0.2.80:80".parse().unwrap();
    let client = Client::new(peer, local);
    let mut request = Request::get("/").body(()).unwrap();
    request.extensions_mut().insert(client);
    request
}

/// The status that rules answer with; 200 if they let it pass.
fn ask(rules: &RequestRules, client: &str) -> (StatusCode, Transaction) {
    let mut transaction = Transaction::new();
    let mut request = from(client);
    let status = match rules.apply(&mut request, &mut transaction, &Pages::default()) {
        Verdict::Answer(answer) => answer.response.status(),
        _ => StatusCode::OK,
    };
    (status, transaction)
}

#[tokio::test(start_paused = true)]
async fn a_client_that_asks_too_often_is_refused_until_it_slows_down() {
    let world = World::new(&[table("rate", KeyType::Ip, &["http_req_rate(10s)"])]);
    let rules = world.rules(&[
        "track-sc0 src table rate",
        "deny deny_status 429 if { sc0_http_req_rate gt 20 }",
    ]);
    for _ in 0..20 {
        assert_eq!(ask(&rules, "192.0.2.1").0, 200);
    }
    assert_eq!(ask(&rules, "192.0.2.1").0, 429, "the 21st");
    assert_eq!(ask(&rules, "192.0.2.2").0, 200, "another one");
    advance(Duration::from_secs(14)).await;
    // 21 requests, of which the window still has 6 of 10 seconds.
    for _ in 0..8 {
        assert_eq!(ask(&rules, "192.0.2.1").0, 200);
    }
    assert_eq!(ask(&rules, "192.0.2.1").0, 429);
}

#[tokio::test(start_paused = true)]
async fn each_way_to_ask_gives_what_haproxy_gives() {
    let (t, other) = (
        table(
            "t",
            KeyType::Ip,
            &[
                "http_req_cnt",
                "conn_cnt",
                "conn_cur",
                "gpc0",
                "gpt0",
                "gpc(3)",
                "bytes_out_cnt",
            ],
        ),
        table("other", KeyType::Ip, &["http_req_cnt", "gpc0"]),
    );
    let world = World::new(&[Arc::clone(&t), Arc::clone(&other)]);
    let rules = world.rules(&[
        "track-sc1 src table t",
        "sc-inc-gpc0(1)",
        "sc-inc-gpc(2,1)",
        "sc-set-gpt0(1) 7",
    ]);
    let (_, transaction) = ask(&rules, "192.0.2.1");
    let request = from("192.0.2.1");
    let text = |format: &str| world.text(format, &request, &transaction);
    for (format, expected) in [
        ("%[sc1_http_req_cnt]", "1"),
        ("%[sc_http_req_cnt(1)]", "1"),
        ("%[src_http_req_cnt(t)]", "1"),
        ("%[src,table_http_req_cnt(t)]", "1"),
        (
            "%[sc1_get_gpc0]/%[sc1_get_gpt0]/%[sc_get_gpc(2,1)]/%[sc1_get_gpc(1)]",
            "1/7/1/0",
        ),
        ("%[src,table_gpc(2,t)]", "1"),
        ("%[sc1_conn_cur]/%[sc1_conn_cnt]/%[sc1_kbytes_out]", "1/1/0"),
        // A slot that tracks nothing has nothing.
        ("%[sc0_http_req_cnt]", ""),
        ("%[sc0_http_req_cnt(t)]", ""),
        ("%[sc0_tracked]/%[sc0_trackers]", "0/"),
        ("%[sc1_tracked]/%[sc1_trackers]", "1/1"),
        // A key that the table does not know has 0.
        ("%[sc1_http_req_cnt(other)]", "0"),
        ("%[src_http_req_cnt(other)]", "0"),
        ("%[hdr(x),table_http_req_cnt(t)]", ""),
        ("%[method,table_http_req_cnt(t)]", "0"),
        ("%[src,in_table(t)]/%[src,in_table(other)]", "1/0"),
        ("%[table_cnt(t)]/%[table_avl(t)]", "1/99999"),
        // To count, an entry is made.
        ("%[src_inc_gpc0(other)]/%[src_inc_gpc0(other)]", "1/2"),
        ("%[src_clr_gpc0(other)]/%[src_get_gpc0(other)]", "2/0"),
        ("%[src_updt_conn_cnt(t)]", "2"),
        ("%[sc1_inc_gpc0]/%[sc1_clr_gpc0]/%[sc1_get_gpc0]", "2/2/0"),
    ] {
        assert_eq!(text(format), expected, "{format}");
    }
    assert_eq!(t.len(), 1);
    drop(transaction);
    let over = Transaction::new();
    assert_eq!(world.text("%[src_conn_cur(t)]", &request, &over), "0");
}

#[test]
fn the_first_rule_that_tracks_in_a_slot_does() {
    let world = World::new(&[
        table("a", KeyType::Ip, &["http_req_cnt"]),
        table("b", KeyType::Ip, &["http_req_cnt"]),
    ]);
    let rules = world.rules(&[
        "track-sc0 src table a",
        "track-sc0 src table b",
        "track-sc2 hdr(none) table b",
    ]);
    let (_, transaction) = ask(&rules, "192.0.2.1");
    assert_eq!(transaction.tracking.find(0).unwrap().table().name(), "a");
    assert!(
        transaction.tracking.find(2).is_none(),
        "there is no such field"
    );
    let request = from("192.0.2.1");
    assert_eq!(
        world.text("%[src_http_req_cnt(b)]", &request, &transaction),
        "0"
    );
}

#[test]
fn a_rule_on_responses_counts_in_what_the_request_tracks() {
    let t = table("t", KeyType::Ip, &["gpc0", "gpt0"]);
    let world = World::new(&[Arc::clone(&t)]);
    let request_rules = world.rules(&["track-sc0 src table t"]);
    let at = world.scope.vocabulary().at(Place::Response);
    let (scope, _) = Scope::builder(at).build();
    let texts = ["sc-inc-gpc0(0)", "sc-set-gpt0(0) sc0_get_gpc0"];
    let rules = ResponseRules::compile(&texts, &scope).unwrap();
    let (_, mut transaction) = ask(&request_rules, "192.0.2.1");
    let (mut head, ()) = http::Response::new(()).into_parts();
    for _ in 0..2 {
        rules.apply(&mut head, None, &mut transaction, &Pages::default());
    }
    let request = from("192.0.2.1");
    let text = world.text(
        "%[src_get_gpc0(t)]/%[src_get_gpt0(t)]",
        &request,
        &transaction,
    );
    assert_eq!(text, "2/2");
}

/// HAProxy takes these and never matches, or counts nowhere.
#[test]
fn what_is_not_stored_cannot_be_asked_for() {
    let t = table("t", KeyType::Ip, &["conn_cur", "gpc(2)"]);
    let world = World::new(&[t]);
    let errors = world.errors(&[
        "deny if { src_http_req_rate(t) gt 1 }",
        "deny if { src,table_http_err_cnt(t) gt 1 }",
        "deny if { sc_get_gpc(2,0,t) gt 1 }",
        "deny if { src_conn_cur(tt) gt 1 }",
        "deny if { src_conn_cur gt 1 }",
        "deny if { sc_conn_cur gt 1 }",
        "deny if { sc_conn_cur(3) gt 1 }",
        "deny if { src,in_table gt 1 }",
        "deny if { table_avl(t,t) gt 1 }",
        "deny if { sc0_conn_curr gt 1 }",
        "track-sc0 src",
        "track-sc0 src table u",
        "track-sc3 src table t",
        "sc-inc-gpc0",
        "sc-inc-gpc(100,0)",
        "sc-set-gpt0(0)",
        "sc-inc-gpc2(0)",
    ]);
    assert_eq!(
        errors,
        [
            "src_http_req_rate: table `t` does not store `http_req_rate` (add \"http_req_rate(10s)\" to its `store`)",
            "table_http_err_cnt: table `t` does not store `http_err_cnt` (add \"http_err_cnt\" to its `store`)",
            "sc_get_gpc: table `t` does not store number 2 of `gpc` (add \"gpc(3)\" to its `store`)",
            "tt: there is no table `tt` (did you mean `t`?)",
            "src_conn_cur: `src_conn_cur` needs the name of a table (as in `src_conn_cur(NAME)`)",
            "sc_conn_cur: `sc_conn_cur` needs the number of a counter, 0 to 2 (-)",
            "3: `sc_conn_cur` needs the number of a counter, 0 to 2 (-)",
            "in_table: `in_table` needs the name of a table (-)",
            "t: `table_avl` takes at most 1 arguments (-)",
            "sc0_conn_curr: `sc0_conn_curr` is HAProxy's, and not built yet (-)",
            "src: `track-sc0` needs a table (add `table NAME` after it)",
            "u: there is no table `u` (did you mean `t`?)",
            "track-sc3: there is no action `track-sc3` on requests (did you mean `track-sc0`?)",
            "sc-inc-gpc0: `sc-inc-gpc0` needs the number of a `track-sc`, 0 to 2 (-)",
            "100: `sc-inc-gpc` needs which of them, 0 to 99 (-)",
            ": expected a number or an expression here (-)",
            "sc-inc-gpc2: there is no action `sc-inc-gpc2` (did you mean `sc-inc-gpc`?)",
        ]
    );
}

#[test]
fn what_no_rule_tracks_cannot_be_asked_for_where_that_is_known() {
    let t = table("t", KeyType::Ip, &["conn_cur"]);
    let registry = Registry::new()
        .table(Arc::clone(&t))
        .tracked([vec![t], Vec::new(), Vec::new()]);
    let (scope, _) =
        Scope::builder(HttpVocabulary::new(Place::Request, Arc::new(registry))).build();
    let world = World { scope };
    let errors = world.errors(&[
        "deny if { sc0_conn_cur gt 1 }",
        "deny if { sc0_gpc0_rate gt 1 }",
        "deny if { sc1_conn_cur gt 1 }",
        "deny if { sc1_conn_cur(t) gt 1 }",
        "sc-inc-gpc0(0)",
    ]);
    let messages: Vec<_> = errors
        .iter()
        .filter_map(|e| e.split_once(" ("))
        .map(|e| e.0)
        .collect();
    assert_eq!(
        messages,
        [
            "sc0_gpc0_rate: table `t` does not store `gpc0_rate`",
            "sc1_conn_cur: no rule tracks `sc1`",
            "sc1_conn_cur: no rule tracks `sc1`",
            "sc-inc-gpc0: table `t` does not store `gpc0`",
        ]
    );
}
