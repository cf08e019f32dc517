//! The names of fetches.

use std::sync::Arc;

use lb_core::condition::{ConditionError, Known, SampleExpr, Vocabulary, Word};

use super::{
    convert::Converter,
    counters::{self, Counter},
    expr::{HttpExpr, HttpFetch},
    registry::Registry,
    resolve::fetch,
    table_converters::TableConverter,
};

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
    /// A log line: all is over. What an expression needs is taken while it is there.
    Log,
}

/// Every name that `resolve::fetch` understands.
pub(super) const BUILT: &[&str] = &[
    "always_false",
    "always_true",
    "base",
    "baseq",
    "cook",
    "cook_cnt",
    "cook_val",
    "dst",
    "dst_port",
    "hdr",
    "hdr_cnt",
    "hdr_ip",
    "hdr_val",
    "method",
    "path",
    "pathq",
    "query",
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
    "src",
    "src_port",
    "url",
    "url_param",
    "urlp",
    "urlp_val",
];

/// HAProxy's other names: those that stand alone, then those that come in families.
const NOT_BUILT: &[&str] = &[
    "avg_queue",
    "base32",
    "base32+src",
    "bin",
    "bool",
    "connslots",
    "cookie",
    "date",
    "date_us",
    "distcc_body",
    "distcc_param",
    "dst_conn",
    "dst_is_local",
    "env",
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
    "last_rule_file",
    "last_rule_line",
    "meth",
    "nbproc",
    "nbsrv",
    "payload",
    "payload_lv",
    "pid",
    "prio_class",
    "prio_offset",
    "proc",
    "queue",
    "quic_enabled",
    "rand",
    "rdp_cookie",
    "rdp_cookie_cnt",
    "rep_ssl_hello_type",
    "req_len",
    "resp_ver",
    "scook",
    "scook_cnt",
    "scook_val",
    "set-cookie",
    "shdr",
    "shdr_cnt",
    "shdr_ip",
    "shdr_val",
    "status",
    "stopping",
    "str",
    "thread",
    "unique-id",
    "url32",
    "url32+src",
    "url_ip",
    "url_port",
    "uuid",
    "var",
    "wait_end",
];
const FAMILIES: &[&str] = &[
    "bc_",
    "be_",
    "capture.",
    "cpu_",
    "cur_",
    "fc_",
    "fcgi.",
    "fe_",
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
    "srv_",
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

    /// Compiles the word of an expression that stands by itself, as `src` or `hdr(x-user),lower`.
    ///
    /// # Errors
    /// A name that is unknown or not built, wrong arguments.
    pub fn expression(&self, word: &Word) -> Result<HttpExpr, ConditionError> {
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

    /// What names stand for.
    pub fn registry(&self) -> &Arc<Registry> {
        &self.registry
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
        let fetch = match counters::is_built(&expr.fetch.name) {
            true => HttpFetch::Counter(Counter::resolve(&expr.fetch, &self.registry)?),
            false => fetch(&expr.fetch)?,
        };
        let converter = |call| match TableConverter::resolve(call, &self.registry)? {
            Some(converter) => Ok(Converter::Table(converter)),
            None => Converter::resolve(call),
        };
        let converters = expr.converters.iter().map(converter);
        Ok(HttpExpr::new(fetch, converters.collect::<Result<_, _>>()?))
    }
}
