//! The names of fetches.

use lb_core::condition::{ConditionError, Known, SampleExpr, Vocabulary};

use super::{convert::Converter, expr::HttpExpr, resolve::fetch};

/// What conditions and expressions about HTTP requests may use.
#[derive(Debug, Clone, Copy, Default)]
pub struct HttpVocabulary;

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

impl Vocabulary for HttpVocabulary {
    type Fetch = HttpExpr;

    fn knows(&self, name: &str) -> Known {
        if BUILT.contains(&name) {
            Known::Built
        } else if NOT_BUILT.contains(&name) || FAMILIES.iter().any(|f| name.starts_with(f)) {
            Known::NotBuilt
        } else {
            Known::No
        }
    }

    fn names(&self) -> Vec<&'static str> {
        BUILT.to_vec()
    }

    fn resolve(&self, expr: &SampleExpr) -> Result<HttpExpr, ConditionError> {
        let fetch = fetch(&expr.fetch)?;
        let converters = expr.converters.iter().map(Converter::resolve);
        Ok(HttpExpr::new(fetch, converters.collect::<Result<_, _>>()?))
    }
}
