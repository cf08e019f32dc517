//! The figures that HAProxy's exporter has, column by column.

use super::text::Kind::{self, Counter, Gauge};
use crate::stats::Column::{self, *};

/// A figure of frontends, backends or servers.
pub(super) struct Family {
    /// Behind `haproxy_frontend_` and its like.
    pub(super) name: &'static str,
    /// Who has it: `F`, `B`, `S`.
    pub(super) of: &'static str,
    pub(super) kind: Kind,
    pub(super) unit: Unit,
    pub(super) column: Column,
    pub(super) help: &'static str,
}

/// What a column counts in.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Unit {
    /// As it is.
    Plain,
    /// Milliseconds, which become seconds.
    Millis,
}

use Unit::{Millis, Plain};

const fn family(
    name: &'static str,
    of: &'static str,
    (kind, unit): (Kind, Unit),
    column: Column,
    help: &'static str,
) -> Family {
    Family {
        name,
        of,
        kind,
        unit,
        column,
        help,
    }
}

const C: (Kind, Unit) = (Counter, Plain);
const G: (Kind, Unit) = (Gauge, Plain);
const MS: (Kind, Unit) = (Gauge, Millis);

/// What is not kept is in no row, and so not written either.
#[rustfmt::skip]
pub(super) const FAMILIES: &[Family] = &[
    family("current_queue", "BS", G, Qcur, "Requests that wait in the queue."),
    family("max_queue", "BS", G, Qmax, "The most that have waited at a time."),
    family("current_sessions", "FBS", G, Scur, "Connections of a frontend, requests of a backend or server, now."),
    family("max_sessions", "FBS", G, Smax, "The most there were at a time."),
    family("limit_sessions", "FBS", G, Slim, "As many are taken at a time."),
    family("sessions_total", "FBS", C, Stot, "Connections of a frontend, requests of a backend or server."),
    family("bytes_in_total", "FBS", C, Bin, "Bytes that clients have sent."),
    family("bytes_out_total", "FBS", C, Bout, "Bytes that were sent to clients."),
    family("requests_denied_total", "FB", C, Dreq, "Requests that a rule has denied."),
    family("responses_denied_total", "FBS", C, Dresp, "Responses that a rule has denied."),
    family("request_errors_total", "F", C, Ereq, "What clients sent that was no request."),
    family("connection_errors_total", "BS", C, Econ, "Requests that found no connection to a server."),
    family("response_errors_total", "BS", C, Eresp, "Responses that were none, or broke off."),
    family("retry_warnings_total", "BS", C, Wretr, "Retries."),
    family("redispatch_warnings_total", "BS", C, Wredis, "Retries on another server."),
    family("connections_total", "F", C, ConnTot, "Connections of clients."),
    family("http_requests_total", "FB", C, ReqTot, "Requests."),
    family("intercepted_requests_total", "F", C, Intercepted, "Requests that were answered here: pages, redirects."),
    family("denied_connections_total", "F", C, Dcon, "Connections that a rule has denied."),
    family("denied_sessions_total", "F", C, Dses, "Sessions that a rule has denied."),
    family("limit_session_rate", "F", G, RateLim, "As many connections are taken in a second."),
    family("max_session_rate", "FBS", G, RateMax, "The most in a second."),
    family("http_requests_rate_max", "F", G, ReqRateMax, "The most requests in a second."),
    family("connections_rate_max", "F", G, ConnRateMax, "The most connections in a second."),
    family("weight", "BS", G, Weight, "Weight as it counts now."),
    family("uweight", "BS", G, Uweight, "Weight as it was set."),
    family("active_servers", "B", G, Act, "Usable servers that are no backups."),
    family("backup_servers", "B", G, Bck, "Usable backup servers."),
    family("check_failures_total", "S", C, Chkfail, "Checks that failed while it was up."),
    family("check_up_down_total", "BS", C, Chkdown, "How often it went down."),
    family("check_last_change_seconds", "BS", G, Lastchg, "How long its state has been so."),
    family("downtime_seconds_total", "BS", C, Downtime, "How long it was down in all."),
    family("check_code", "S", G, CheckCode, "What the last check was answered, if it was a number."),
    family("check_duration_seconds", "S", MS, CheckDuration, "How long the last check took."),
    family("queue_limit", "S", G, Qlimit, "As many may wait for it."),
    family("current_throttle", "S", G, Throttle, "How far it has come in its slow start, in percent."),
    family("loadbalanced_total", "BS", C, Lbtot, "How often it was chosen."),
    family("client_aborts_total", "BS", C, CliAbrt, "Requests that clients gave up."),
    family("server_aborts_total", "BS", C, SrvAbrt, "Responses that servers broke off."),
    family("last_session_seconds", "BS", G, Lastsess, "How long ago the last request was; -1 if there was none."),
    family("queue_time_average_seconds", "BS", MS, Qtime, "Time in the queue, the average of the last 1024 requests."),
    family("connect_time_average_seconds", "BS", MS, Ctime, "Time to connect, the average of the last 1024 requests."),
    family("response_time_average_seconds", "BS", MS, Rtime, "Time to the response, the average of the last 1024 requests."),
    family("total_time_average_seconds", "BS", MS, Ttime, "Time in all, the average of the last 1024 requests."),
    family("max_queue_time_seconds", "BS", MS, QtimeMax, "The longest time in the queue."),
    family("max_connect_time_seconds", "BS", MS, CtimeMax, "The longest time to connect."),
    family("max_response_time_seconds", "BS", MS, RtimeMax, "The longest time to a response."),
    family("max_total_time_seconds", "BS", MS, TtimeMax, "The longest time in all."),
    family("failed_header_rewriting_total", "FBS", C, Wrew, "Header fields that could not be changed."),
    family("internal_errors_total", "FBS", C, Eint, "Errors of this program itself."),
    family("connection_attempts_total", "BS", C, Connect, "Connections to servers that were opened."),
    family("connection_reuses_total", "BS", C, Reuse, "Requests on a connection that was open."),
    family("idle_connections_current", "S", G, SrvIcur, "Idle connections to it."),
    family("idle_connections_limit", "S", G, SrcIlim, "As many idle ones are kept."),
    family("http_comp_bytes_in_total", "FB", C, CompIn, "Bytes that were compressed."),
    family("http_comp_bytes_out_total", "FB", C, CompOut, "What they became."),
    family("http_comp_bytes_bypassed_total", "FB", C, CompByp, "Bytes that could have been."),
    family("http_comp_responses_total", "FB", C, CompRsp, "Responses that were."),
    family("http_cache_lookups_total", "FB", C, CacheLookups, "Requests that the cache was asked for."),
    family("http_cache_hits_total", "FB", C, CacheHits, "Those that it had."),
];
