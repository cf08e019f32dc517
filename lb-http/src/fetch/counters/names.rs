//! The names of what tables can be asked: `sc0_`, `sc_`, `src_` or `table_`, and what.

use lb_core::table::DataType;

use super::What;

/// What can be asked of an entry by every prefix; `true`: a number comes first, as in `get_gpc(2)`.
const OF_ENTRIES: &[(&str, What, bool)] = &[
    ("bytes_in_rate", value(DataType::BytesInRate), false),
    ("bytes_out_rate", value(DataType::BytesOutRate), false),
    ("clr_gpc", What::Clear(0), true),
    ("clr_gpc0", What::Clear(0), false),
    ("clr_gpc1", What::Clear(1), false),
    ("conn_cnt", value(DataType::ConnCnt), false),
    ("conn_cur", value(DataType::ConnCur), false),
    ("conn_rate", value(DataType::ConnRate), false),
    ("get_gpc", value(DataType::Gpc), true),
    ("get_gpc0", value(DataType::Gpc0), false),
    ("get_gpc1", value(DataType::Gpc1), false),
    ("get_gpt", value(DataType::Gpt), true),
    ("get_gpt0", value(DataType::Gpt0), false),
    ("gpc0_rate", value(DataType::Gpc0Rate), false),
    ("gpc1_rate", value(DataType::Gpc1Rate), false),
    ("gpc_rate", value(DataType::GpcRate), true),
    ("http_err_cnt", value(DataType::HttpErrCnt), false),
    ("http_err_rate", value(DataType::HttpErrRate), false),
    ("http_fail_cnt", value(DataType::HttpFailCnt), false),
    ("http_fail_rate", value(DataType::HttpFailRate), false),
    ("http_req_cnt", value(DataType::HttpReqCnt), false),
    ("http_req_rate", value(DataType::HttpReqRate), false),
    ("inc_gpc", What::Increment(0), true),
    ("inc_gpc0", What::Increment(0), false),
    ("inc_gpc1", What::Increment(1), false),
    ("kbytes_in", What::Kibi(DataType::BytesInCnt), false),
    ("kbytes_out", What::Kibi(DataType::BytesOutCnt), false),
    ("sess_cnt", value(DataType::SessCnt), false),
    ("sess_rate", value(DataType::SessRate), false),
];

/// What only a tracked entry can be asked.
const OF_TRACKED: &[(&str, What, bool)] = &[
    ("tracked", What::IsTracked, false),
    ("trackers", What::Trackers, false),
];

/// What only an address can be asked.
const OF_SOURCE: &[(&str, What, bool)] = &[("updt_conn_cnt", What::Connection, false)];

/// What a table can be asked.
const OF_TABLES: &[(&str, What, bool)] =
    &[("avl", What::Available, false), ("cnt", What::Used, false)];

/// Names to suggest from: those that are asked for most.
const NAMES: &[&str] = &[
    "sc0_conn_cur",
    "sc0_conn_rate",
    "sc0_get_gpc0",
    "sc0_http_err_rate",
    "sc0_http_req_cnt",
    "sc0_http_req_rate",
    "sc0_inc_gpc0",
    "sc0_tracked",
    "sc_get_gpc0",
    "sc_http_err_rate",
    "sc_http_req_rate",
    "src_conn_cur",
    "src_conn_rate",
    "src_get_gpc0",
    "src_http_err_rate",
    "src_http_req_cnt",
    "src_http_req_rate",
    "src_inc_gpc0",
    "table_avl",
    "table_cnt",
];

const fn value(data: DataType) -> What {
    What::Value(data, 0)
}

/// What a name's prefix says.
#[derive(Clone, Copy)]
pub(super) enum Prefix {
    Slot(usize),
    /// `sc_`: the slot is the first argument.
    AnySlot,
    Source,
    Table,
}

/// Is it the name of such a fetch?
pub(in crate::fetch) fn is_built(name: &str) -> bool {
    find(name).is_some()
}

/// Names to suggest from.
pub(in crate::fetch) fn names() -> impl Iterator<Item = &'static str> {
    NAMES.iter().copied()
}

pub(super) fn find(name: &str) -> Option<(Prefix, What, bool)> {
    let (prefix, rest) = name.split_once('_')?;
    let prefix = match prefix {
        "sc0" => Prefix::Slot(0),
        "sc1" => Prefix::Slot(1),
        "sc2" => Prefix::Slot(2),
        "sc" => Prefix::AnySlot,
        "src" => Prefix::Source,
        "table" => Prefix::Table,
        _ => return None,
    };
    let lists: &[&[(&str, What, bool)]] = match prefix {
        Prefix::Slot(_) | Prefix::AnySlot => &[OF_ENTRIES, OF_TRACKED],
        Prefix::Source => &[OF_ENTRIES, OF_SOURCE],
        Prefix::Table => &[OF_TABLES],
    };
    let (_, what, numbered) = lists
        .iter()
        .flat_map(|list| *list)
        .find(|(known, ..)| *known == rest)?;
    Some((prefix, *what, *numbered))
}
