//! What stands in a cell of a table, and what is said when the pointer rests on it.

use std::fmt::{self, Display, Write as _};

use super::text::{Grouped, Octets, Text, Time};
use crate::stats::{
    Column::{self, *},
    Kind, Row,
    row::Field,
};

/// What stands in a cell, as on HAProxy's page.
pub(super) fn cell(out: &mut String, row: &Row, column: Column) -> fmt::Result {
    let server = row.kind == Kind::Server;
    match (column, row.field(column)) {
        (CheckStatus, Some(Field::Text(status))) => {
            let code = row.count(CheckCode).map(|code| format!("/{code}"));
            write!(out, "{}{}", Text(status), code.unwrap_or_default())
        }
        // One of them is always 1.
        (Act | Bck, Some(Field::Number(flag))) if server => {
            out.write_str(if *flag == 1 { "Y" } else { "-" })
        }
        (Bin | Bout, Some(Field::Number(octets))) => write!(out, "{}", Octets(*octets)),
        (Lastsess, Some(Field::Text(_))) => out.write_str("?"),
        (Lastsess | Downtime, Some(Field::Number(seconds))) => write!(out, "{}", Time(*seconds)),
        (Throttle, Some(Field::Number(percent))) => write!(out, "{percent}%"),
        (RateLim, Some(Field::Number(0))) => out.write_str("-"),
        (_, Some(Field::Number(number))) => write!(out, "{}", Grouped(*number)),
        (_, Some(Field::Text(text))) => write!(out, "{}", Text(text)),
        (Slim | Qlimit | Throttle, None) if server => out.write_str("-"),
        (_, None) => Ok(()),
    }
}

/// How long the state has been so.
pub(super) struct Since<'a>(pub(super) &'a Row);

impl Display for Since<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0.count(Lastchg) {
            Some(seconds) => write!(f, "{}", Time(seconds)),
            None => Ok(()),
        }
    }
}

/// What HAProxy's page says when the pointer rests on a cell.
pub(super) struct Detail<'a>(pub(super) &'a Row, pub(super) Column);

impl Display for Detail<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(row, column) = self;
        let count = |column| row.count(column).unwrap_or_default();
        match column {
            Stot => {
                write!(f, "{} requests", Grouped(count(ReqTot)))?;
                for (class, column) in [
                    ("1xx", Hrsp1xx),
                    ("2xx", Hrsp2xx),
                    ("3xx", Hrsp3xx),
                    ("4xx", Hrsp4xx),
                    ("5xx", Hrsp5xx),
                    ("other", HrspOther),
                ] {
                    write!(f, ", {class}: {}", Grouped(count(column)))?;
                }
                if row.kind == Kind::Frontend {
                    let intercepted = Grouped(count(Intercepted));
                    return write!(f, ", statistics: {intercepted}");
                }
                write!(f, "; average and longest, in ms:")?;
                for (phase, average, longest) in [
                    ("queue", Qtime, QtimeMax),
                    ("connect", Ctime, CtimeMax),
                    ("response", Rtime, RtimeMax),
                    ("total", Ttime, TtimeMax),
                ] {
                    write!(f, " {phase} {}/{}", count(average), count(longest))?;
                }
                Ok(())
            }
            Rate | RateMax if row.kind == Kind::Frontend => {
                let requests = if *column == Rate { ReqRate } else { ReqRateMax };
                write!(f, "requests: {}/s", Grouped(count(requests)))
            }
            Eresp if row.kind != Kind::Frontend => write!(
                f,
                "aborted by clients: {}, by servers: {}",
                Grouped(count(CliAbrt)),
                Grouped(count(SrvAbrt))
            ),
            Bin | Bout => {
                write!(f, "{} bytes", Grouped(count(*column)))?;
                match (column, count(CompRsp)) {
                    (Bin, _) | (_, 0) => Ok(()),
                    (_, responses) => {
                        let (before, after) = (Grouped(count(CompIn)), Grouped(count(CompOut)));
                        let responses = Grouped(responses);
                        write!(
                            f,
                            ", compressed in {responses} responses: {before} to {after}"
                        )
                    }
                }
            }
            CheckStatus => {
                if let Some(ms) = row.count(CheckDuration) {
                    write!(f, "in {ms} ms: ")?;
                }
                f.write_str(row.word(CheckDesc))?;
                match row.word(LastChk) {
                    "" => Ok(()),
                    said => write!(f, ": {said}"),
                }
            }
            Status if !row.word(Tracked).is_empty() => write!(f, "tracks {}", row.word(Tracked)),
            _ => Ok(()),
        }
    }
}
