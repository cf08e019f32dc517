//! Fetches that look at no message: constants, the process, the clock, chance.

use std::{
    net::{Ipv4Addr, Ipv6Addr},
    time::{SystemTime, UNIX_EPOCH},
};

use lb_core::condition::{Call, ConditionError, Sample, SampleType, Value};
use rand::RngExt as _;

use super::expr::{HttpFetch, Needs, Other};

/// Gives a call its meaning, or `None` if its name is another's.
pub(super) fn resolve(call: &Call) -> Option<Result<HttpFetch, ConditionError>> {
    Some(match call.name.as_str() {
        "str" => text(call),
        "int" => given(call, "a whole number", |text| {
            text.parse().map(Value::Int).ok()
        }),
        "bool" => given(call, "true, false, 1 or 0", |text| {
            Some(Value::Bool(match text {
                "true" | "1" => true,
                "false" | "0" => false,
                _ => return None,
            }))
        }),
        "ipv4" => given(call, "an IPv4 address", |text| {
            text.parse::<Ipv4Addr>().map(|ip| Value::Ip(ip.into())).ok()
        }),
        "ipv6" => given(call, "an IPv6 address", |text| {
            text.parse::<Ipv6Addr>().map(|ip| Value::Ip(ip.into())).ok()
        }),
        "bin" => given(call, "hexadecimal digits", |text| {
            let digits: Option<Vec<u32>> = text.chars().map(|c| c.to_digit(16)).collect();
            let digits = digits.filter(|digits| digits.len() % 2 == 0)?;
            let bytes = digits
                .chunks_exact(2)
                .map(|pair| (pair[0] << 4 | pair[1]) as u8);
            Some(Value::Bin(bytes.collect()))
        }),
        "env" => environment(call),
        "hostname" => call.at_most(0).map(|()| {
            let name = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
            constant(Value::Str(name.trim_end().as_bytes().into()))
        }),
        "nbproc" => call.at_most(0).map(|()| constant(Value::Int(1))),
        "date" => date(call),
        "date_us" => call
            .at_most(0)
            .map(|()| Other::int(|_| Some(i64::from(now().subsec_micros())))),
        "rand" => random(call),
        "uuid" => uuid(call),
        _ => return None,
    })
}

fn constant(value: Value) -> HttpFetch {
    Other::fetch(value.sample_type(), Needs::Nothing, move |_, visit| {
        visit(value.as_sample())
    })
}

fn text(call: &Call) -> Result<HttpFetch, ConditionError> {
    call.at_most(1)?;
    let text = call.arg(0).map_or("", |arg| &arg.text);
    Ok(constant(Value::Str(text.as_bytes().into())))
}

fn given(
    call: &Call,
    what: &str,
    read: impl FnOnce(&str) -> Option<Value>,
) -> Result<HttpFetch, ConditionError> {
    call.at_most(1)?;
    let arg = call
        .arg(0)
        .ok_or_else(|| ConditionError::new(call.span, format!("`{}` needs {what}", call.name)))?;
    let value = read(&arg.text)
        .ok_or_else(|| ConditionError::new(arg.span, format!("`{}` takes {what}", call.name)))?;
    Ok(constant(value))
}

/// `env(NAME)`: as it is when the configuration is read, which is as it will be.
fn environment(call: &Call) -> Result<HttpFetch, ConditionError> {
    call.at_most(1)?;
    let Some(name) = call.arg(0) else {
        let message = "`env` needs the name of a variable of the environment";
        return Err(ConditionError::new(call.span, message));
    };
    let value =
        std::env::var_os(&name.text).map(|value| value.into_encoded_bytes().into_boxed_slice());
    Ok(Other::fetch(
        SampleType::Str,
        Needs::Nothing,
        move |_, visit| {
            value
                .as_deref()
                .is_some_and(|value| visit(Sample::Str(value)))
        },
    ))
}

fn now() -> std::time::Duration {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default()
}

/// `date([OFFSET[,UNIT]])`: since 1970, in `s`, `ms` or `us`; the offset is in the unit too.
fn date(call: &Call) -> Result<HttpFetch, ConditionError> {
    call.at_most(2)?;
    let offset = call.integer(0)?.unwrap_or(0);
    let unit: fn() -> u128 = match call.arg(1).map_or("s", |arg| &arg.text) {
        "s" => || now().as_secs().into(),
        "ms" => || now().as_millis(),
        "us" => || now().as_micros(),
        _ => {
            return Err(ConditionError::new(
                call.args[1].span,
                "the unit is s, ms or us",
            ));
        }
    };
    Ok(Other::int(move |_| {
        let now = i64::try_from(unit()).unwrap_or(i64::MAX);
        Some(now.saturating_add(offset))
    }))
}

/// `rand([RANGE])`: from 0 up to, and without, RANGE, which is 2³² if it is not said.
fn random(call: &Call) -> Result<HttpFetch, ConditionError> {
    call.at_most(1)?;
    let range = match call.integer(0)? {
        None => 1 << 32,
        Some(range @ 1..) => range,
        Some(_) => {
            let message = "the range of `rand` is 1 or more";
            return Err(ConditionError::new(call.args[0].span, message));
        }
    };
    Ok(Other::int(move |_| {
        Some(rand::rng().random_range(0..range))
    }))
}

/// `uuid([4])` (RFC 9562).
fn uuid(call: &Call) -> Result<HttpFetch, ConditionError> {
    call.at_most(1)?;
    if let Some(version) = call.integer(0)?
        && version != 4
    {
        let message = "the one version of UUIDs is 4";
        return Err(ConditionError::new(call.args[0].span, message));
    }
    Ok(Other::fetch(SampleType::Str, Needs::Nothing, |_, visit| {
        let bits: u128 = rand::rng().random();
        let bits = bits & !(0xf << 76) & !(0x3 << 62) | 0x4 << 76 | 0x2 << 62;
        let text = format!(
            "{:08x}-{:04x}-{:04x}-{:04x}-{:012x}",
            bits >> 96,
            bits >> 80 & 0xffff,
            bits >> 64 & 0xffff,
            bits >> 48 & 0xffff,
            bits & 0xffff_ffff_ffff
        );
        visit(Sample::Str(text.as_bytes()))
    }))
}
