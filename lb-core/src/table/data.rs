//! What a table stores of each key.

use std::{fmt, str::FromStr, time::Duration};

/// A kind of data. The order is that of HAProxy's `show table`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Hash)]
#[non_exhaustive]
pub enum DataType {
    /// `server_id`: the number of the server a client stays on.
    ServerId,
    /// `gpt0`: a tag that rules set.
    Gpt0,
    /// `gpc0`: a counter that rules count with.
    Gpc0,
    /// `gpc0_rate(T)`: how fast it grows.
    Gpc0Rate,
    /// `conn_cnt`: connections, or requests where only requests are tracked.
    ConnCnt,
    /// `conn_rate(T)`.
    ConnRate,
    /// `conn_cur`: those that are there now.
    ConnCur,
    /// `sess_cnt`: connections that rules have let in.
    SessCnt,
    /// `sess_rate(T)`.
    SessRate,
    /// `http_req_cnt`: requests.
    HttpReqCnt,
    /// `http_req_rate(T)`.
    HttpReqRate,
    /// `http_err_cnt`: requests that a rule has refused, and responses with a 4xx status.
    HttpErrCnt,
    /// `http_err_rate(T)`.
    HttpErrRate,
    /// `bytes_in_cnt`: bytes from the client.
    BytesInCnt,
    /// `bytes_in_rate(T)`.
    BytesInRate,
    /// `bytes_out_cnt`: bytes to the client.
    BytesOutCnt,
    /// `bytes_out_rate(T)`.
    BytesOutRate,
    /// `gpc1`.
    Gpc1,
    /// `gpc1_rate(T)`.
    Gpc1Rate,
    /// `http_fail_cnt`: failures of servers, 5xx other than 501 and 505 among them.
    HttpFailCnt,
    /// `http_fail_rate(T)`.
    HttpFailRate,
    /// `gpt(N)`: N tags, from number 0.
    Gpt,
    /// `gpc(N)`: N counters.
    Gpc,
    /// `gpc_rate(N,T)`: how fast each of N counters grows.
    GpcRate,
}

/// A kind of data as a table stores it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Stored {
    pub(super) data: DataType,
    /// How many of it: 1 but for `gpt`, `gpc` and `gpc_rate`.
    pub(super) count: u16,
    /// Of a rate; in milliseconds.
    pub(super) period: Option<u32>,
}

/// What cannot be stored.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// There is no data of this name.
    #[error("a table cannot store `{0}`")]
    Unknown(String),
    /// A rate without its period.
    #[error("`{0}` needs a period, as in `{0}(10s)`")]
    NoPeriod(&'static str),
    /// What no rate is has no period.
    #[error("`{0}` takes nothing in parentheses")]
    NoArgument(&'static str),
    /// An array without its length.
    #[error("`{0}` needs how many there are, 1 to 100")]
    NoCount(&'static str),
    /// The period is no duration, or an unusable one.
    #[error("`{0}` is no period: a whole number and `ms`, `s`, `m`, `h` or `d`, at most `7d`")]
    Period(String),
}

const NAMES: &[(DataType, &str)] = &[
    (DataType::ServerId, "server_id"),
    (DataType::Gpt0, "gpt0"),
    (DataType::Gpc0, "gpc0"),
    (DataType::Gpc0Rate, "gpc0_rate"),
    (DataType::ConnCnt, "conn_cnt"),
    (DataType::ConnRate, "conn_rate"),
    (DataType::ConnCur, "conn_cur"),
    (DataType::SessCnt, "sess_cnt"),
    (DataType::SessRate, "sess_rate"),
    (DataType::HttpReqCnt, "http_req_cnt"),
    (DataType::HttpReqRate, "http_req_rate"),
    (DataType::HttpErrCnt, "http_err_cnt"),
    (DataType::HttpErrRate, "http_err_rate"),
    (DataType::BytesInCnt, "bytes_in_cnt"),
    (DataType::BytesInRate, "bytes_in_rate"),
    (DataType::BytesOutCnt, "bytes_out_cnt"),
    (DataType::BytesOutRate, "bytes_out_rate"),
    (DataType::Gpc1, "gpc1"),
    (DataType::Gpc1Rate, "gpc1_rate"),
    (DataType::HttpFailCnt, "http_fail_cnt"),
    (DataType::HttpFailRate, "http_fail_rate"),
    (DataType::Gpt, "gpt"),
    (DataType::Gpc, "gpc"),
    (DataType::GpcRate, "gpc_rate"),
];

/// HAProxy takes as many.
const MOST: u16 = 100;

/// Two periods must be told apart on a clock of 2³² milliseconds.
const LONGEST: u32 = 7 * 86_400_000;

impl DataType {
    /// How many kinds there are.
    pub(super) const COUNT: usize = NAMES.len();

    /// All kinds, in order.
    pub fn all() -> impl Iterator<Item = Self> {
        NAMES.iter().map(|(data, _)| *data)
    }

    /// The kind of this name.
    #[must_use]
    pub fn find(name: &str) -> Option<Self> {
        NAMES
            .iter()
            .find(|(_, known)| *known == name)
            .map(|(data, _)| *data)
    }

    /// Its name.
    #[must_use]
    pub fn name(self) -> &'static str {
        NAMES[self as usize].1
    }

    /// Is it counted over a period?
    #[must_use]
    pub fn is_rate(self) -> bool {
        self.name().ends_with("_rate")
    }

    /// Are there several, by number?
    #[must_use]
    pub fn is_array(self) -> bool {
        matches!(self, Self::Gpt | Self::Gpc | Self::GpcRate)
    }

    /// Where HAProxy looks, too: `gpc0` is number 0 of `gpc(N)`.
    pub(super) fn in_array(self) -> Option<(Self, u16)> {
        Some(match self {
            Self::Gpt0 => (Self::Gpt, 0),
            Self::Gpc0 => (Self::Gpc, 0),
            Self::Gpc1 => (Self::Gpc, 1),
            Self::Gpc0Rate => (Self::GpcRate, 0),
            Self::Gpc1Rate => (Self::GpcRate, 1),
            _ => return None,
        })
    }
}

impl Stored {
    /// A kind that needs nothing said about it.
    #[must_use]
    pub fn plain(data: DataType) -> Option<Self> {
        (!data.is_rate() && !data.is_array()).then_some(Self {
            data,
            count: 1,
            period: None,
        })
    }

    /// Which kind.
    #[must_use]
    pub fn data(&self) -> DataType {
        self.data
    }

    /// Over what time a rate is counted.
    #[must_use]
    pub fn period(&self) -> Option<Duration> {
        self.period
            .map(|millis| Duration::from_millis(millis.into()))
    }

    /// Words of memory for each key.
    pub(super) fn words(&self) -> usize {
        usize::from(self.count) * if self.period.is_some() { 2 } else { 1 }
    }
}

impl FromStr for Stored {
    type Err = StoreError;

    /// `conn_cur`, `http_req_rate(10s)`, `gpc(4)`, `gpc_rate(4,1m)`.
    fn from_str(text: &str) -> Result<Self, StoreError> {
        let (name, argument) = match text.trim().split_once('(') {
            None => (text.trim(), None),
            Some((name, rest)) => {
                let inner = rest.strip_suffix(')');
                let inner = inner.ok_or_else(|| StoreError::Unknown(text.to_owned()))?;
                (name.trim_end(), Some(inner))
            }
        };
        let data = DataType::find(name).ok_or_else(|| StoreError::Unknown(name.to_owned()))?;
        let name = data.name();
        let (count, period) = match (data.is_array(), data.is_rate(), argument) {
            (false, false, None) => return Ok(Self::plain(data).expect("it is neither")),
            (false, false, Some(_)) => return Err(StoreError::NoArgument(name)),
            (false, true, argument) => (None, argument),
            (true, false, argument) => (Some(argument), None),
            (true, true, argument) => match argument.and_then(|both| both.split_once(',')) {
                Some((count, period)) => (Some(Some(count)), Some(period)),
                None => (Some(argument), None),
            },
        };
        let count = match count {
            None => 1,
            Some(text) => text
                .and_then(|text| text.trim().parse().ok())
                .filter(|count| (1..=MOST).contains(count))
                .ok_or(StoreError::NoCount(name))?,
        };
        let period = match (data.is_rate(), period) {
            (false, _) => None,
            (true, None) => return Err(StoreError::NoPeriod(name)),
            (true, Some(text)) => {
                let millis = millis(text.trim()).filter(|millis| (1..=LONGEST).contains(millis));
                Some(millis.ok_or_else(|| StoreError::Period(text.trim().to_owned()))?)
            }
        };
        Ok(Self {
            data,
            count,
            period,
        })
    }
}

/// A time in milliseconds, in the largest unit of which it is a whole number.
struct Written(u32);

/// From the largest on, in milliseconds.
const UNITS: [(&str, u32); 5] = [
    ("d", 86_400_000),
    ("h", 3_600_000),
    ("m", 60_000),
    ("s", 1_000),
    ("ms", 1),
];

impl fmt::Display for Written {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let whole = UNITS
            .iter()
            .find(|(_, scale)| self.0.is_multiple_of(*scale));
        let (unit, scale) = whole.unwrap_or(&("ms", 1));
        write!(f, "{}{unit}", self.0 / scale)
    }
}

/// A plain number is milliseconds, as in HAProxy.
fn millis(text: &str) -> Option<u32> {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let (number, unit) = text.split_at(digits);
    let scale = match unit {
        "" => 1,
        unit => UNITS.iter().find(|(name, _)| *name == unit)?.1,
    };
    number.parse::<u32>().ok()?.checked_mul(scale)
}

impl fmt::Display for DataType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// As it is written, which reads back: `http_req_rate(10s)`.
impl fmt::Display for Stored {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            data,
            count,
            period,
        } = self;
        match (data.is_array(), period.map(Written)) {
            (false, None) => write!(f, "{data}"),
            (false, Some(period)) => write!(f, "{data}({period})"),
            (true, None) => write!(f, "{data}({count})"),
            (true, Some(period)) => write!(f, "{data}({count},{period})"),
        }
    }
}
