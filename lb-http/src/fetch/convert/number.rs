//! Arithmetic over 64-bit numbers, which stop at the largest and the smallest.

use std::sync::Arc;

use lb_core::condition::{Call, ConditionError, Sample, SampleType};

use super::{Converter, missing};
use crate::{
    fetch::{registry::Registry, view::View},
    transaction::Variable,
};

pub(super) const NAMES: &[&str] = &[
    "add", "and", "bool", "cpl", "div", "even", "mod", "mul", "neg", "not", "odd", "or", "sub",
    "xor",
];

pub(super) fn resolve(
    call: &Call,
    registry: &Arc<Registry>,
) -> Option<Result<Converter, ConditionError>> {
    let test: fn(i64) -> bool = match call.name.as_str() {
        "bool" => |n| n != 0,
        "not" => |n| n == 0,
        "odd" => |n| n & 1 == 1,
        "even" => |n| n & 1 == 0,
        "neg" => return Some(alone(call, i64::saturating_neg)),
        "cpl" => return Some(alone(call, |n| !n)),
        "add" => return Some(binary(call, registry, i64::saturating_add)),
        "sub" => return Some(binary(call, registry, i64::saturating_sub)),
        "mul" => return Some(binary(call, registry, i64::saturating_mul)),
        // Observed: by 0 it is the largest number, and the rest is 0.
        "div" => {
            return Some(binary(call, registry, |a, b| match b {
                0 => i64::MAX,
                b => a.saturating_div(b),
            }));
        }
        "mod" => {
            return Some(binary(call, registry, |a, b| a.checked_rem(b).unwrap_or(0)));
        }
        "and" => return Some(binary(call, registry, |a, b| a & b)),
        "or" => return Some(binary(call, registry, |a, b| a | b)),
        "xor" => return Some(binary(call, registry, |a, b| a ^ b)),
        _ => return None,
    };
    Some(call.at_most(0).map(|()| {
        Converter::new(SampleType::Int, SampleType::Bool, move |work, _| {
            let verdict = test(work.int());
            work.set(Sample::Bool(verdict))
        })
    }))
}

fn alone(call: &Call, f: fn(i64) -> i64) -> Result<Converter, ConditionError> {
    call.at_most(0)?;
    Ok(Converter::new(
        SampleType::Int,
        SampleType::Int,
        move |work, _| {
            let value = f(work.int());
            work.set(Sample::Int(value))
        },
    ))
}

/// A number, or the variable that has it.
enum Operand {
    Number(i64),
    Variable(Variable),
}

impl Operand {
    fn read(call: &Call, registry: &Registry) -> Result<Self, ConditionError> {
        call.at_most(1)?;
        let arg = call
            .arg(0)
            .ok_or_else(|| missing(call, "a number or a variable"))?;
        match arg.text.parse() {
            Ok(number) => Ok(Self::Number(number)),
            Err(_) => registry.variable_of(arg).map(Self::Variable),
        }
    }

    fn value(&self, view: &View<'_>) -> Option<i64> {
        match self {
            Self::Number(number) => Some(*number),
            Self::Variable(variable) => {
                let value = view.variable(variable)?;
                value.as_sample().to_int()
            }
        }
    }
}

fn binary(
    call: &Call,
    registry: &Registry,
    f: fn(i64, i64) -> i64,
) -> Result<Converter, ConditionError> {
    let operand = Operand::read(call, registry)?;
    Ok(Converter::new(
        SampleType::Int,
        SampleType::Int,
        move |work, view| match operand.value(view) {
            Some(operand) => {
                let value = f(work.int(), operand);
                work.set(Sample::Int(value))
            }
            None => false,
        },
    ))
}
