//! From a fetch's name and arguments to what it takes.

use http::HeaderName;
use lb_core::condition::{Arg, Call, ConditionError};

use super::{
    auth, connection, constant,
    counters::{self, Counter},
    expr::HttpFetch,
    kept, load,
    registry::Registry,
    response,
    values::{Cast, Side, Values},
};

/// Gives a call its meaning; its name is one of `names::BUILT`.
pub(super) fn fetch(call: &Call, registry: &Registry) -> Result<HttpFetch, ConditionError> {
    if counters::is_built(&call.name) {
        return Counter::resolve(call, registry).map(Counter::fetch);
    }
    let found = constant::resolve(call)
        .or_else(|| connection::resolve(call))
        .or_else(|| response::resolve(call))
        .or_else(|| kept::resolve(call, registry))
        .or_else(|| auth::resolve(call, registry))
        .or_else(|| load::resolve(call, registry));
    if let Some(found) = found {
        return found;
    }
    let name = call.name.strip_prefix("req.").unwrap_or(&call.name);
    let plain = match name {
        "always_true" | "proto_http" | "req_proto_http" => HttpFetch::Always(true),
        "always_false" => HttpFetch::Always(false),
        "method" => HttpFetch::Method,
        "ver" | "req_ver" => HttpFetch::Version,
        "url" => HttpFetch::Url,
        "path" => HttpFetch::Path,
        "pathq" => HttpFetch::PathQuery,
        "query" => HttpFetch::Query,
        "base" => HttpFetch::Base,
        "baseq" => HttpFetch::BaseQuery,
        "src" => HttpFetch::Src,
        "src_port" => HttpFetch::SrcPort,
        "dst" => HttpFetch::Dst,
        "dst_port" => HttpFetch::DstPort,
        "hdr" => return values(header(call, true)?, Cast::Text),
        "hdr_val" => return values(header(call, true)?, Cast::Int),
        "hdr_ip" => return values(header(call, true)?, Cast::Ip),
        "fhdr" => return values(header(call, false)?, Cast::Text),
        "hdr_cnt" => return counted(call, true, Side::Request),
        "fhdr_cnt" => return counted(call, false, Side::Request),
        "cook" => return values(cookie(call)?, Cast::Text),
        "cook_val" => return values(cookie(call)?, Cast::Int),
        "cook_cnt" => return Ok(HttpFetch::Count(Side::Request, cookie(call)?)),
        "url_param" | "urlp" => return values(param(call)?, Cast::Text),
        "urlp_val" => return values(param(call)?, Cast::Int),
        _ => {
            let message = format!("there is no fetch `{}`", call.name);
            return Err(ConditionError::new(call.span, message));
        }
    };
    call.at_most(0)?;
    Ok(plain)
}

fn values(values: Values, cast: Cast) -> Result<HttpFetch, ConditionError> {
    Ok(HttpFetch::Values(Side::Request, values, cast))
}

/// `NAME`, `NAME,OCC` or `,OCC`.
pub(super) fn header(call: &Call, split: bool) -> Result<Values, ConditionError> {
    call.at_most(2)?;
    let name = header_name(call.arg(0))?;
    let occurrence = call.integer(1)?.unwrap_or(0);
    if name.is_none() && occurrence == 0 {
        let message = format!("`{}` needs the name of a header", call.name);
        return Err(ConditionError::new(call.span, message).help(format!(
            "as in `{}(host)`; HAProxy finds nothing without one",
            call.name
        )));
    }
    Ok(Values::Header {
        name,
        occurrence,
        split,
    })
}

pub(super) fn counted(call: &Call, split: bool, side: Side) -> Result<HttpFetch, ConditionError> {
    call.at_most(1)?;
    let values = Values::Header {
        name: header_name(call.arg(0))?,
        occurrence: 0,
        split,
    };
    Ok(HttpFetch::Count(side, values))
}

pub(super) fn header_name(arg: Option<&Arg>) -> Result<Option<HeaderName>, ConditionError> {
    let name = |arg: &Arg| {
        arg.text.parse().map_err(|_| {
            let message = format!("`{}` cannot be the name of a header", arg.text);
            ConditionError::new(arg.span, message)
        })
    };
    arg.map(name).transpose()
}

pub(super) fn cookie(call: &Call) -> Result<Values, ConditionError> {
    call.at_most(1)?;
    Ok(Values::Cookie(
        call.arg(0).map(|arg| arg.text.as_str().into()),
    ))
}

/// `NAME` or `NAME,DELIMITER`; of the delimiter the first character counts.
fn param(call: &Call) -> Result<Values, ConditionError> {
    call.at_most(2)?;
    let delimiter = call.arg(1).map_or(b'?', |arg| arg.text.as_bytes()[0]);
    let name = call.arg(0).map(|arg| arg.text.as_str().into());
    Ok(Values::Param { name, delimiter })
}
