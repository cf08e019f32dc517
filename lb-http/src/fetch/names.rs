//! The names of fetches.

use std::sync::Arc;

use lb_core::condition::{Arg, Call, ConditionError, Known, SampleExpr, Vocabulary, Word};

use super::{
    assign,
    convert::Chain,
    counters,
    expr::{HttpExpr, Needs},
    registry::Registry,
    resolve::fetch,
};
use crate::transaction::VariableScope;

/// What conditions and expressions about HTTP messages may use, in one place of a configuration.
#[derive(Debug, Clone, Default)]
pub struct HttpVocabulary {
    place: Place,
    registry: Arc<Registry>,
}

/// Where an expression stands, and so what is there to take samples from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum Place {
    /// Rules on requests, `use_backend`, `balance`: the request's head.
    #[default]
    Request,
    /// Rules on responses: the response's head; of the request only what was kept.
    Response,
    /// The key of a `balance` or a `stick`: the request's head, and nothing that is kept for it.
    Key,
    /// The key of a `stick` on responses: the response's head, and nothing that is kept.
    ResponseKey,
    /// A log line: all is over. What an expression needs is taken while it is there.
    Log,
}

/// Every name that `resolve::fetch` understands.
pub(super) const BUILT: &[&str] = &[
    "always_false",
    "always_true",
    "avg_queue",
    "base",
    "base32",
    "base32+src",
    "baseq",
    "be_conn",
    "be_conn_free",
    "be_sess_rate",
    "bin",
    "bool",
    "capture.req.hdr",
    "capture.req.method",
    "capture.req.uri",
    "capture.req.ver",
    "capture.res.hdr",
    "connslots",
    "cook",
    "cook_cnt",
    "cook_val",
    "date",
    "date_us",
    "dst",
    "dst_is_local",
    "dst_port",
    "env",
    "fe_conn",
    "fe_req_rate",
    "fe_sess_rate",
    "hdr",
    "hdr_cnt",
    "hdr_ip",
    "hdr_val",
    "hostname",
    "http_auth",
    "http_auth_bearer",
    "http_auth_group",
    "http_auth_pass",
    "http_auth_type",
    "http_auth_user",
    "http_first_req",
    "int",
    "ipv4",
    "ipv6",
    "method",
    "nbproc",
    "nbsrv",
    "path",
    "pathq",
    "query",
    "queue",
    "rand",
    "req.cook",
    "req.cook_cnt",
    "req.cook_val",
    "req.fhdr",
    "req.fhdr_cnt",
    "req.hdr",
    "req.hdr_cnt",
    "req.hdr_ip",
    "req.hdr_val",
    "req.proto_http",
    "req.ver",
    "req_proto_http",
    "req_ver",
    "res.cook",
    "res.cook_cnt",
    "res.cook_val",
    "res.fhdr",
    "res.fhdr_cnt",
    "res.hdr",
    "res.hdr_cnt",
    "res.hdr_ip",
    "res.hdr_val",
    "res.ver",
    "resp_ver",
    "scook",
    "scook_cnt",
    "scook_val",
    "shdr",
    "shdr_cnt",
    "shdr_ip",
    "shdr_val",
    "src",
    "src_is_local",
    "src_port",
    "srv_conn",
    "srv_conn_free",
    "srv_is_up",
    "srv_queue",
    "srv_weight",
    "ssl_fc",
    "status",
    "str",
    "url",
    "url32",
    "url32+src",
    "url_ip",
    "url_param",
    "url_port",
    "urlp",
    "urlp_val",
    "uuid",
    "var",
];

/// HAProxy's other names: those that stand alone, then those that come in families.
const NOT_BUILT: &[&str] = &[
    "be_id",
    "be_name",
    "be_server_timeout",
    "be_tunnel_timeout",
    "cookie",
    "distcc_body",
    "distcc_param",
    "dst_conn",
    "fe_client_timeout",
    "fe_defbe",
    "fe_id",
    "fe_name",
    "last_rule_file",
    "last_rule_line",
    "meth",
    "payload",
    "payload_lv",
    "pid",
    "prio_class",
    "prio_offset",
    "proc",
    "quic_enabled",
    "rdp_cookie",
    "rdp_cookie_cnt",
    "rep_ssl_hello_type",
    "req_len",
    "set-cookie",
    "srv_id",
    "srv_iweight",
    "srv_name",
    "srv_sess_rate",
    "srv_uweight",
    "stopping",
    "thread",
    "unique-id",
    "wait_end",
];
const FAMILIES: &[&str] = &[
    "bc_",
    "cpu_",
    "cur_",
    "fc_",
    "fcgi.",
    "fs.",
    "internal.",
    "lat_",
    "req.body",
    "req.hdrs",
    "req.hdr_names",
    "req.len",
    "req.payload",
    "req.rdp_",
    "req.ssl_",
    "req_rdp_",
    "req_ssl_",
    "res.",
    "sc0_",
    "sc1_",
    "sc2_",
    "sc_",
    "so_",
    "src_",
    "ssl_",
    "table_",
    "txn.",
];

impl HttpVocabulary {
    /// The names of a place; those of backends, tables and maps are looked up in `registry`.
    pub fn new(place: Place, registry: Arc<Registry>) -> Self {
        Self { place, registry }
    }

    /// The same names in another place.
    #[must_use]
    pub fn at(&self, place: Place) -> Self {
        Self {
            place,
            registry: Arc::clone(&self.registry),
        }
    }

    /// Where its expressions stand.
    pub fn place(&self) -> Place {
        self.place
    }

    /// What names stand for.
    pub fn registry(&self) -> &Arc<Registry> {
        &self.registry
    }
}

impl HttpVocabulary {
    /// Compiles an expression that is one word, as `hdr(host),lower`.
    ///
    /// # Errors
    /// The first mistake, with its place.
    pub fn expr(&self, word: &Word) -> Result<HttpExpr, ConditionError> {
        let expr = SampleExpr::parse(word)?;
        let fetch = &expr.fetch;
        let error = |message| ConditionError::new(fetch.span, message);
        match self.knows(&fetch.name) {
            Known::Built => self.resolve(&expr),
            Known::NotBuilt => Err(error(format!(
                "`{}` is HAProxy's, and not built yet",
                fetch.name
            ))),
            Known::No => Err(error(format!("there is no fetch `{}`", fetch.name))
                .suggest(&fetch.name, self.names())),
        }
    }

    /// Whether what a fetch needs is there where it stands.
    fn check_place(&self, call: &Call, needs: Needs) -> Result<(), ConditionError> {
        let name = &call.name;
        let error = |message: String| ConditionError::new(call.span, message).misplaced();
        match (self.place, needs) {
            (Place::Request | Place::Key, Needs::Response) => Err(error(format!(
                "`{name}` is known only once there is a response"
            ))
            .help("it is for rules on responses and for logs")),
            (Place::ResponseKey, Needs::Request) => Err(error(format!(
                "`{name}` is gone once the request has been sent"
            ))),
            (Place::Response, Needs::Request) => Err(error(format!(
                "`{name}` is gone once the request has been sent"
            ))
            .help(format!(
                "keep it: `set-var(txn.kept) {name}` in a rule on requests, `var(txn.kept)` here"
            ))),
            (Place::Key | Place::ResponseKey, Needs::Transaction) => Err(error(format!(
                "`{name}` is not known to keys of `balance` and `stick` yet"
            ))),
            _ => Ok(()),
        }
    }

    /// Variables, too, are not there where nothing is kept, nor outside the part of an exchange that they live for.
    fn check_variables(&self, expr: &SampleExpr) -> Result<(), ConditionError> {
        for call in std::iter::once(&expr.fetch).chain(&expr.converters) {
            if let ("var" | "set-var" | "unset-var", Some(arg)) = (call.name.as_str(), call.arg(0))
            {
                assign::check_scope(arg, self.place)?;
            }
        }
        if !matches!(self.place, Place::Key | Place::ResponseKey) {
            return Ok(());
        }
        let is_variable = |arg: &&Arg| {
            let scope = arg.text.split_once('.').map(|(scope, _)| scope);
            scope.and_then(VariableScope::parse).is_some()
        };
        let mut args = expr.converters.iter().flat_map(|call| &call.args);
        args.find(is_variable).map_or(Ok(()), |arg| {
            let message = "variables are not known to keys of `balance` and `stick` yet";
            Err(ConditionError::new(arg.span, message))
        })
    }
}

impl Vocabulary for HttpVocabulary {
    type Fetch = HttpExpr;

    fn knows(&self, name: &str) -> Known {
        if BUILT.contains(&name) || counters::is_built(name) {
            Known::Built
        } else if NOT_BUILT.contains(&name) || FAMILIES.iter().any(|f| name.starts_with(f)) {
            Known::NotBuilt
        } else {
            Known::No
        }
    }

    fn names(&self) -> Vec<&'static str> {
        BUILT.iter().copied().chain(counters::names()).collect()
    }

    fn resolve(&self, expr: &SampleExpr) -> Result<HttpExpr, ConditionError> {
        let fetch = fetch(&expr.fetch, &self.registry)?;
        self.check_place(&expr.fetch, fetch.needs())?;
        self.check_variables(expr)?;
        let converters = Chain::compile(&expr.converters, fetch.sample_type(), &self.registry)?;
        Ok(HttpExpr::new(written(expr), fetch, converters))
    }
}

/// An expression as one text, the same for the same calls.
fn written(expr: &SampleExpr) -> Arc<str> {
    let mut text = String::new();
    for call in std::iter::once(&expr.fetch).chain(&expr.converters) {
        text.push_str(&call.name);
        for arg in &call.args {
            text.push_str(&format!("({:?})", arg.text));
        }
        text.push(',');
    }
    text.into()
}
