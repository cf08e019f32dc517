//! The columns of HAProxy's statistics, in its order and with its names.
//!
//! What each means is said in HAProxy's management guide, section 9.1; which of
//! them this program fills, in `docs/statistics.md`.

use super::Kind;

macro_rules! columns {
    ($($column:ident = $name:literal $tag:ident $unit:ident,)+) => {
        /// A column of the statistics.
        #[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
        #[expect(missing_docs, reason = "they are HAProxy's, and each is documented there")]
        pub enum Column { $($column,)+ }

        impl Column {
            /// All of them, in order.
            pub const ALL: &'static [Self] = &[$(Self::$column,)+];

            /// HAProxy's name.
            pub const fn name(self) -> &'static str {
                match self { $(Self::$column => $name,)+ }
            }

            /// What HAProxy says of a server's: origin, nature and scope, by their letters, and the type.
            const fn of_server(self) -> (&'static str, Type) {
                match self { $(Self::$column => (stringify!($tag), Type::$unit),)+ }
            }
        }
    };
}

/// The type that HAProxy gives a value.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Type {
    S32,
    U32,
    U64,
    Str,
}

impl Type {
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::S32 => "s32",
            Self::U32 => "u32",
            Self::U64 => "u64",
            Self::Str => "str",
        }
    }
}

impl Column {
    /// Origin, nature and scope, a letter each, and the type: those of HAProxy 2.6.12's `show stat typed`.
    pub(crate) const fn tags(self, kind: Kind) -> (&'static str, Type) {
        match (self, kind) {
            (Self::Act | Self::Bck | Self::Rate | Self::RateMax, Kind::Backend) => {
                ("MGP", Type::U32)
            }
            _ => self.of_server(),
        }
    }
}

columns! {
    Pxname = "pxname" KNS Str,
    Svname = "svname" KNS Str,
    Qcur = "qcur" MGP U32,
    Qmax = "qmax" MMP U32,
    Scur = "scur" MGP U32,
    Smax = "smax" MMP U32,
    Slim = "slim" CLP U32,
    Stot = "stot" MCP U64,
    Bin = "bin" MCP U64,
    Bout = "bout" MCP U64,
    Dreq = "dreq" MCP U64,
    Dresp = "dresp" MCP U64,
    Ereq = "ereq" MCP U64,
    Econ = "econ" MCP U64,
    Eresp = "eresp" MCP U64,
    Wretr = "wretr" MCP U64,
    Wredis = "wredis" MCP U64,
    Status = "status" SGP Str,
    Weight = "weight" MaP U32,
    Act = "act" SGP U32,
    Bck = "bck" SGP U32,
    Chkfail = "chkfail" MCP U64,
    Chkdown = "chkdown" MCP U64,
    Lastchg = "lastchg" MAP U32,
    Downtime = "downtime" MCP U32,
    Qlimit = "qlimit" CGS U32,
    Pid = "pid" KGP U32,
    Iid = "iid" KGS U32,
    Sid = "sid" KGS U32,
    Throttle = "throttle" MaP U32,
    Lbtot = "lbtot" MCP U64,
    Tracked = "tracked" CNS Str,
    Type = "type" CGS U32,
    Rate = "rate" MRP U32,
    RateLim = "rate_lim" CLP U32,
    RateMax = "rate_max" MMP U32,
    CheckStatus = "check_status" MOP Str,
    CheckCode = "check_code" MOP U32,
    CheckDuration = "check_duration" MDP U64,
    Hrsp1xx = "hrsp_1xx" MCP U64,
    Hrsp2xx = "hrsp_2xx" MCP U64,
    Hrsp3xx = "hrsp_3xx" MCP U64,
    Hrsp4xx = "hrsp_4xx" MCP U64,
    Hrsp5xx = "hrsp_5xx" MCP U64,
    HrspOther = "hrsp_other" MCP U64,
    Hanafail = "hanafail" MCP U64,
    ReqRate = "req_rate" MRP U32,
    ReqRateMax = "req_rate_max" MMP U32,
    ReqTot = "req_tot" MCP U64,
    CliAbrt = "cli_abrt" MCP U64,
    SrvAbrt = "srv_abrt" MCP U64,
    CompIn = "comp_in" MCP U64,
    CompOut = "comp_out" MCP U64,
    CompByp = "comp_byp" MCP U64,
    CompRsp = "comp_rsp" MCP U64,
    Lastsess = "lastsess" MAP S32,
    LastChk = "last_chk" MOP Str,
    LastAgt = "last_agt" MOP Str,
    Qtime = "qtime" MaP U32,
    Ctime = "ctime" MaP U32,
    Rtime = "rtime" MaP U32,
    Ttime = "ttime" MaP U32,
    AgentStatus = "agent_status" MOP Str,
    AgentCode = "agent_code" MOP U32,
    AgentDuration = "agent_duration" MDP U64,
    CheckDesc = "check_desc" MOP Str,
    AgentDesc = "agent_desc" MOP Str,
    CheckRise = "check_rise" CGS U32,
    CheckFall = "check_fall" CGS U32,
    CheckHealth = "check_health" CGS U32,
    AgentRise = "agent_rise" CGS U32,
    AgentFall = "agent_fall" CGS U32,
    AgentHealth = "agent_health" CGS U32,
    Addr = "addr" CGS Str,
    Cookie = "cookie" CNS Str,
    Mode = "mode" CGS Str,
    Algo = "algo" CGS Str,
    ConnRate = "conn_rate" MRP U32,
    ConnRateMax = "conn_rate_max" MMP U32,
    ConnTot = "conn_tot" MCP U64,
    Intercepted = "intercepted" MCP U64,
    Dcon = "dcon" MCP U64,
    Dses = "dses" MCP U64,
    Wrew = "wrew" MCP U64,
    Connect = "connect" MCP U64,
    Reuse = "reuse" MCP U64,
    CacheLookups = "cache_lookups" MCP U64,
    CacheHits = "cache_hits" MCP U64,
    SrvIcur = "srv_icur" MGP U32,
    SrcIlim = "src_ilim" MLP U32,
    QtimeMax = "qtime_max" MMP U32,
    CtimeMax = "ctime_max" MMP U32,
    RtimeMax = "rtime_max" MMP U32,
    TtimeMax = "ttime_max" MMP U32,
    Eint = "eint" MCP U64,
    IdleConnCur = "idle_conn_cur" MGP U32,
    SafeConnCur = "safe_conn_cur" MGP U32,
    UsedConnCur = "used_conn_cur" MGP U32,
    NeedConnEst = "need_conn_est" MGP U32,
    Uweight = "uweight" MaP U32,
    AggServerStatus = "agg_server_status" MGP U32,
    AggServerCheckStatus = "agg_server_check_status" MGP U32,
    AggCheckStatus = "agg_check_status" MGP U32,
}

/// What the modules of HAProxy 2.6 add behind a column that is always `-`. They
/// stand in the header for those who count columns; the fields are empty.
pub(super) const MODULES: [&str; 24] = [
    "ssl_sess",
    "ssl_reused_sess",
    "ssl_failed_handshake",
    "h2_headers_rcvd",
    "h2_data_rcvd",
    "h2_settings_rcvd",
    "h2_rst_stream_rcvd",
    "h2_goaway_rcvd",
    "h2_detected_conn_protocol_errors",
    "h2_detected_strm_protocol_errors",
    "h2_rst_stream_resp",
    "h2_goaway_resp",
    "h2_open_connections",
    "h2_backend_open_streams",
    "h2_total_connections",
    "h2_backend_total_streams",
    "h1_open_connections",
    "h1_open_streams",
    "h1_total_connections",
    "h1_total_streams",
    "h1_bytes_in",
    "h1_bytes_out",
    "h1_spliced_bytes_in",
    "h1_spliced_bytes_out",
];
