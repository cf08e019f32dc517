//! `map(FILE[,DEFAULT])`, `map_KIND`, `map_KIND_int`, `map_KIND_ip`.

use std::sync::Arc;

use lb_core::condition::{Call, ConditionError};

use super::{Converter, required, wrong};
use crate::{
    fetch::registry::Registry,
    map::{Kind, Output},
};

pub(super) const NAMES: &[&str] = &[
    "map",
    "map_beg",
    "map_dir",
    "map_dom",
    "map_end",
    "map_int",
    "map_ip",
    "map_reg",
    "map_regm",
    "map_str",
    "map_str_int",
    "map_str_ip",
    "map_sub",
];

pub(super) fn resolve(
    call: &Call,
    registry: &Arc<Registry>,
) -> Option<Result<Converter, ConditionError>> {
    let rest = call.name.strip_prefix("map")?;
    let (kind, output) = match rest.strip_prefix('_') {
        None if rest.is_empty() => (Kind::Str, Output::Str),
        None => return None,
        Some(rest) => match rest.split_once('_') {
            None => (Kind::parse(rest)?, Output::Str),
            Some((kind, "int")) => (Kind::parse(kind)?, Output::Int),
            Some((kind, "ip")) => (Kind::parse(kind)?, Output::Ip),
            Some(_) => return None,
        },
    };
    Some(lookup(call, registry, kind, output))
}

fn lookup(
    call: &Call,
    registry: &Registry,
    kind: Kind,
    output: Output,
) -> Result<Converter, ConditionError> {
    call.at_most(2)?;
    let file = required(call, 0, "the name of a file")?;
    let map = registry
        .load_map(file)
        .map_err(|why| wrong(call, 0, format!("cannot read the map `{file}`: {why}")))?;
    let lookup = map
        .lookup(kind, output)
        .map_err(|why| wrong(call, 0, format!("the map `{file}`, {why}")))?;
    let default = call
        .args
        .get(1)
        .map(|arg| output.read(&arg.text).map_err(|what| wrong(call, 1, what)))
        .transpose()?;
    let input = kind.input();
    Ok(Converter::new(
        input,
        output.sample_type(),
        move |work, _| {
            let key = std::mem::replace(work, super::Work::new(lb_core::condition::Sample::Int(0)));
            let found = lookup.find(&key.sample(), |value| work.set(value));
            match (found, &default) {
                (Some(found), _) => found,
                (None, Some(default)) => work.set(default.as_sample()),
                (None, None) => false,
            }
        },
    ))
}
