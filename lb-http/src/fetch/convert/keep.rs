//! What reads and keeps variables and captures, and masks of addresses.

use std::{
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
    sync::Arc,
};

use lb_core::condition::{Call, ConditionError, Sample, SampleType, Value};
use subtle::ConstantTimeEq as _;

use super::{Converter, missing, v4, wrong};
use crate::{
    fetch::{
        assign::{self, Assignment},
        registry::Registry,
        view::View,
    },
    transaction::Variable,
};

pub(super) const NAMES: &[&str] = &[
    "concat",
    "ipmask",
    "secure_memcmp",
    "set-var",
    "strcmp",
    "unset-var",
];

pub(super) fn resolve(
    call: &Call,
    registry: &Arc<Registry>,
) -> Option<Result<Converter, ConditionError>> {
    Some(match call.name.as_str() {
        "set-var" => Assignment::read(call, registry).map(|assignment| {
            Converter::passing(move |work, view| {
                assignment.set(view, Value::from(work.sample()));
                true
            })
        }),
        "unset-var" => variable(call, registry).map(|variable| {
            Converter::passing(move |_, view| {
                view.set_variable(&variable, None);
                true
            })
        }),
        "strcmp" => variable(call, registry).map(|variable| {
            Converter::new(SampleType::Str, SampleType::Int, move |work, view| {
                let order = with_variable(view, &variable, |text| work.text[..].cmp(text) as i64);
                order.is_some_and(|order| work.set(Sample::Int(order)))
            })
        }),
        "secure_memcmp" => variable(call, registry).map(|variable| {
            Converter::new(SampleType::Bin, SampleType::Bool, move |work, view| {
                let same = with_variable(view, &variable, |text| {
                    bool::from(work.text[..].ct_eq(text))
                });
                same.is_some_and(|same| work.set(Sample::Bool(same)))
            })
        }),
        "concat" => concat(call, registry),
        "ipmask" => mask(call),
        _ => return None,
    })
}

/// The one argument: a variable.
fn variable(call: &Call, registry: &Registry) -> Result<Variable, ConditionError> {
    call.at_most(1)?;
    assign::variable(call, registry)
}

fn with_variable<R>(view: &View<'_>, variable: &Variable, f: impl FnOnce(&[u8]) -> R) -> Option<R> {
    let value = view.variable(variable)?;
    Some(value.as_sample().with_text(f))
}

/// `concat(BEFORE[,VARIABLE[,AFTER]])`.
fn concat(call: &Call, registry: &Registry) -> Result<Converter, ConditionError> {
    call.at_most(3)?;
    let text = |n: usize| {
        call.arg(n)
            .map_or_else(Vec::new, |arg| arg.text.clone().into_bytes())
    };
    let (before, after) = (text(0), text(2));
    let variable = call
        .arg(1)
        .map(|arg| registry.variable_of(arg))
        .transpose()?;
    Ok(Converter::new(
        SampleType::Str,
        SampleType::Str,
        move |work, view| {
            work.text.extend_from_slice(&before);
            if let Some(variable) = &variable {
                with_variable(view, variable, |text| work.text.extend_from_slice(text));
            }
            work.text.extend_from_slice(&after);
            true
        },
    ))
}

/// `ipmask(MASK4[,MASK6])`: a number of bits or an address.
fn mask(call: &Call) -> Result<Converter, ConditionError> {
    call.at_most(2)?;
    let ipv4 = call.arg(0).ok_or_else(|| missing(call, "a mask"))?;
    let ipv4: u32 = match ipv4.text.parse::<u32>() {
        Ok(bits @ 0..=32) => !u32::MAX.checked_shr(bits).unwrap_or(0),
        _ => ipv4.text.parse::<Ipv4Addr>().map(u32::from).map_err(|_| {
            wrong(
                call,
                0,
                "an IPv4 mask is 0 to 32 bits, or like 255.255.255.0",
            )
        })?,
    };
    let ipv6 = match call.arg(1) {
        None => None,
        Some(arg) => Some(match arg.text.parse::<u32>() {
            Ok(bits @ 0..=128) => !u128::MAX.checked_shr(bits).unwrap_or(0),
            _ => arg
                .text
                .parse::<Ipv6Addr>()
                .map(u128::from)
                .map_err(|_| wrong(call, 1, "an IPv6 mask is 0 to 128 bits, or like ffff::"))?,
        }),
    };
    Ok(Converter::new(
        SampleType::Ip,
        SampleType::Ip,
        move |work, _| {
            let Sample::Ip(ip) = work.sample() else {
                return false;
            };
            let masked: IpAddr = match (v4(ip), ip, ipv6) {
                (Some(ip), _, _) => Ipv4Addr::from(u32::from(ip) & ipv4).into(),
                (None, IpAddr::V6(ip), Some(mask)) => Ipv6Addr::from(u128::from(ip) & mask).into(),
                // Observed: without a mask for it there is no sample.
                _ => return false,
            };
            work.set(Sample::Ip(masked))
        },
    ))
}
