//! What tables know of a sample: `src,table_http_req_rate(t)`, `hdr(x-user),in_table(users)`.
//!
//! The sample is the key. As in HAProxy, a key that the table does not know has 0 of everything, and asking keeps no
//! entry from expiring.

use std::sync::Arc;

use lb_core::{
    condition::{Call, ConditionError, Sample, SampleType},
    table::{DataType, Table},
};
use tokio::time::Instant;

use super::{
    Registry,
    counters::{self, What},
};

/// Such a converter, ready to run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct TableConverter {
    table: Arc<Table>,
    /// `None`: is it there?
    what: Option<What>,
}

/// By what follows `table_`; `true`: a number comes first, as in `table_gpc(2,t)`.
const NAMES: &[(&str, What, bool)] = &[
    ("bytes_in_rate", value(DataType::BytesInRate), false),
    ("bytes_out_rate", value(DataType::BytesOutRate), false),
    ("conn_cnt", value(DataType::ConnCnt), false),
    ("conn_cur", value(DataType::ConnCur), false),
    ("conn_rate", value(DataType::ConnRate), false),
    ("gpc", value(DataType::Gpc), true),
    ("gpc0", value(DataType::Gpc0), false),
    ("gpc0_rate", value(DataType::Gpc0Rate), false),
    ("gpc1", value(DataType::Gpc1), false),
    ("gpc1_rate", value(DataType::Gpc1Rate), false),
    ("gpc_rate", value(DataType::GpcRate), true),
    ("gpt", value(DataType::Gpt), true),
    ("gpt0", value(DataType::Gpt0), false),
    ("http_err_cnt", value(DataType::HttpErrCnt), false),
    ("http_err_rate", value(DataType::HttpErrRate), false),
    ("http_fail_cnt", value(DataType::HttpFailCnt), false),
    ("http_fail_rate", value(DataType::HttpFailRate), false),
    ("http_req_cnt", value(DataType::HttpReqCnt), false),
    ("http_req_rate", value(DataType::HttpReqRate), false),
    ("kbytes_in", What::Kibi(DataType::BytesInCnt), false),
    ("kbytes_out", What::Kibi(DataType::BytesOutCnt), false),
    ("server_id", value(DataType::ServerId), false),
    ("sess_cnt", value(DataType::SessCnt), false),
    ("sess_rate", value(DataType::SessRate), false),
    ("trackers", What::Trackers, false),
];

const fn value(data: DataType) -> What {
    What::Value(data, 0)
}

impl TableConverter {
    /// Gives a call its meaning, if its name is one of these.
    pub(super) fn resolve(
        call: &Call,
        registry: &Registry,
    ) -> Result<Option<Self>, ConditionError> {
        let (what, numbered) = match call.name.strip_prefix("table_") {
            Some(rest) => match NAMES.iter().find(|(known, ..)| *known == rest) {
                Some((_, what, numbered)) => (Some(*what), *numbered),
                None => return Ok(None),
            },
            None if call.name == "in_table" => (None, false),
            None => return Ok(None),
        };
        let at = usize::from(numbered);
        call.at_most(at + 1)?;
        let what = match (what, numbered) {
            (Some(what), true) => Some(what.number(counters::index(call, 0)?)),
            (what, _) => what,
        };
        let Some(arg) = call.arg(at) else {
            let message = format!("`{}` needs the name of a table", call.name);
            return Err(ConditionError::new(call.span, message));
        };
        let table = counters::table(arg, registry)?;
        if let Some(what) = what {
            what.stored_in(&table, call)?;
        }
        Ok(Some(Self { table, what }))
    }

    pub(super) fn output(&self) -> SampleType {
        match self.what {
            Some(_) => SampleType::Int,
            None => SampleType::Bool,
        }
    }

    /// What the table knows of this key.
    pub(super) fn convert(&self, sample: &Sample<'_>) -> Sample<'static> {
        let now = Instant::now();
        let key = self.table.key(sample);
        let entry = key.and_then(|key| self.table.find(now, &key));
        match self.what {
            None => Sample::Bool(entry.is_some()),
            Some(what) => what.take(entry.as_deref(), now).unwrap_or(Sample::Int(0)),
        }
    }
}
