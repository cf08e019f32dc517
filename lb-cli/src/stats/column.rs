//! The columns of HAProxy's statistics, in its order and with its names.
//!
//! What each means is said in HAProxy's management guide, section 9.1; which of
//! them this program fills, in `docs/statistics.md`.

macro_rules! columns {
    ($($column:ident = $name:literal,)+) => {
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
        }
    };
}

columns! {
    Pxname = "pxname",
    Svname = "svname",
    Qcur = "qcur",
    Qmax = "qmax",
    Scur = "scur",
    Smax = "smax",
    Slim = "slim",
    Stot = "stot",
    Bin = "bin",
    Bout = "bout",
    Dreq = "dreq",
    Dresp = "dresp",
    Ereq = "ereq",
    Econ = "econ",
    Eresp = "eresp",
    Wretr = "wretr",
    Wredis = "wredis",
    Status = "status",
    Weight = "weight",
    Act = "act",
    Bck = "bck",
    Chkfail = "chkfail",
    Chkdown = "chkdown",
    Lastchg = "lastchg",
    Downtime = "downtime",
    Qlimit = "qlimit",
    Pid = "pid",
    Iid = "iid",
    Sid = "sid",
    Throttle = "throttle",
    Lbtot = "lbtot",
    Tracked = "tracked",
    Type = "type",
    Rate = "rate",
    RateLim = "rate_lim",
    RateMax = "rate_max",
    CheckStatus = "check_status",
    CheckCode = "check_code",
    CheckDuration = "check_duration",
    Hrsp1xx = "hrsp_1xx",
    Hrsp2xx = "hrsp_2xx",
    Hrsp3xx = "hrsp_3xx",
    Hrsp4xx = "hrsp_4xx",
    Hrsp5xx = "hrsp_5xx",
    HrspOther = "hrsp_other",
    Hanafail = "hanafail",
    ReqRate = "req_rate",
    ReqRateMax = "req_rate_max",
    ReqTot = "req_tot",
    CliAbrt = "cli_abrt",
    SrvAbrt = "srv_abrt",
    CompIn = "comp_in",
    CompOut = "comp_out",
    CompByp = "comp_byp",
    CompRsp = "comp_rsp",
    Lastsess = "lastsess",
    LastChk = "last_chk",
    LastAgt = "last_agt",
    Qtime = "qtime",
    Ctime = "ctime",
    Rtime = "rtime",
    Ttime = "ttime",
    AgentStatus = "agent_status",
    AgentCode = "agent_code",
    AgentDuration = "agent_duration",
    CheckDesc = "check_desc",
    AgentDesc = "agent_desc",
    CheckRise = "check_rise",
    CheckFall = "check_fall",
    CheckHealth = "check_health",
    AgentRise = "agent_rise",
    AgentFall = "agent_fall",
    AgentHealth = "agent_health",
    Addr = "addr",
    Cookie = "cookie",
    Mode = "mode",
    Algo = "algo",
    ConnRate = "conn_rate",
    ConnRateMax = "conn_rate_max",
    ConnTot = "conn_tot",
    Intercepted = "intercepted",
    Dcon = "dcon",
    Dses = "dses",
    Wrew = "wrew",
    Connect = "connect",
    Reuse = "reuse",
    CacheLookups = "cache_lookups",
    CacheHits = "cache_hits",
    SrvIcur = "srv_icur",
    SrcIlim = "src_ilim",
    QtimeMax = "qtime_max",
    CtimeMax = "ctime_max",
    RtimeMax = "rtime_max",
    TtimeMax = "ttime_max",
    Eint = "eint",
    IdleConnCur = "idle_conn_cur",
    SafeConnCur = "safe_conn_cur",
    UsedConnCur = "used_conn_cur",
    NeedConnEst = "need_conn_est",
    Uweight = "uweight",
    AggServerStatus = "agg_server_status",
    AggServerCheckStatus = "agg_server_check_status",
    AggCheckStatus = "agg_check_status",
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
