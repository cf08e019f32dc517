//! Times: `http_date`, `utime`, `ltime`.

use jiff::{Timestamp, fmt::strtime, tz::TimeZone};
use lb_core::condition::{Call, ConditionError, Sample, SampleType};

use super::{Converter, required, wrong};

pub(super) const NAMES: &[&str] = &["http_date", "ltime", "utime"];

pub(super) fn resolve(call: &Call) -> Option<Result<Converter, ConditionError>> {
    Some(match call.name.as_str() {
        "http_date" => http_date(call),
        "utime" => formatted(call, TimeZone::UTC),
        "ltime" => formatted(call, TimeZone::system()),
        _ => return None,
    })
}

/// `http_date([OFFSET[,UNIT]])`: seconds since 1970, or in `ms` or `us`, as a date of HTTP. The offset is in the unit
/// too.
fn http_date(call: &Call) -> Result<Converter, ConditionError> {
    call.at_most(2)?;
    let offset = call.integer(0)?.unwrap_or(0);
    let (unit, digits) = match call.arg(1).map_or("s", |arg| &arg.text) {
        "s" => (1, 0),
        "ms" => (1000, 3),
        "us" => (1_000_000, 6),
        _ => return Err(wrong(call, 1, "the unit is s, ms or us")),
    };
    Ok(Converter::new(
        SampleType::Int,
        SampleType::Str,
        move |work, _| {
            let value = work.int().saturating_add(offset);
            let Ok(time) = Timestamp::from_second(value.div_euclid(unit)) else {
                return false;
            };
            let date = match digits {
                0 => strtime::format("%a, %d %b %Y %H:%M:%S GMT", time),
                _ => {
                    let rest = value.rem_euclid(unit);
                    let format = format!("%a, %d %b %Y %H:%M:%S.{rest:0digits$} GMT");
                    strtime::format(format, time)
                }
            };
            date.is_ok_and(|date| work.set(Sample::Str(date.as_bytes())))
        },
    ))
}

/// `utime(FORMAT[,OFFSET])` and `ltime`: strftime's format.
fn formatted(call: &Call, zone: TimeZone) -> Result<Converter, ConditionError> {
    call.at_most(2)?;
    let format = required(call, 0, "a format, as strftime has them")?.to_owned();
    let offset = call.integer(1)?.unwrap_or(0);
    let zoned = move |seconds: i64| {
        let time = Timestamp::from_second(seconds).ok()?;
        Some(time.to_zoned(zone.clone()))
    };
    if let Some(time) = zoned(0) {
        strtime::format(&format, &time).map_err(|error| wrong(call, 0, error.to_string()))?;
    }
    Ok(Converter::new(
        SampleType::Int,
        SampleType::Str,
        move |work, _| {
            let Some(time) = zoned(work.int().saturating_add(offset)) else {
                return false;
            };
            strtime::format(&format, &time).is_ok_and(|date| work.set(Sample::Str(date.as_bytes())))
        },
    ))
}
