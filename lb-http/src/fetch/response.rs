//! Fetches of a response: `status`, `res.hdr`, `res.cook`.

use lb_core::condition::{Call, ConditionError, Sample, SampleType};

use super::{
    expr::{HttpFetch, Needs, Other, version},
    resolve::{cookie, counted, header},
    values::{Cast, Side},
};

/// Gives a call its meaning, or `None` if its name is another's.
pub(super) fn resolve(call: &Call) -> Option<Result<HttpFetch, ConditionError>> {
    let values = |values, cast| HttpFetch::Values(Side::Response, values, cast);
    Some(match call.name.as_str() {
        "status" => call.at_most(0).map(|()| {
            Other::fetch(SampleType::Int, Needs::Response, |view, visit| {
                view.response
                    .is_some_and(|head| visit(Sample::Int(head.status.as_u16().into())))
            })
        }),
        "res.ver" | "resp_ver" => call.at_most(0).map(|()| {
            Other::fetch(SampleType::Str, Needs::Response, |view, visit| {
                view.response
                    .is_some_and(|head| visit(Sample::Str(version(head.version))))
            })
        }),
        "res.hdr" | "shdr" => header(call, true).map(|found| values(found, Cast::Text)),
        "res.hdr_val" | "shdr_val" => header(call, true).map(|found| values(found, Cast::Int)),
        "res.hdr_ip" | "shdr_ip" => header(call, true).map(|found| values(found, Cast::Ip)),
        "res.fhdr" => header(call, false).map(|found| values(found, Cast::Text)),
        "res.hdr_cnt" | "shdr_cnt" => counted(call, true, Side::Response),
        "res.fhdr_cnt" => counted(call, false, Side::Response),
        "res.cook" | "scook" => cookie(call).map(|found| values(found, Cast::Text)),
        "res.cook_val" | "scook_val" => cookie(call).map(|found| values(found, Cast::Int)),
        "res.cook_cnt" | "scook_cnt" => {
            cookie(call).map(|found| HttpFetch::Count(Side::Response, found))
        }
        _ => return None,
    })
}
