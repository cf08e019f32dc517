//! `Authorization` of a request: `http_auth`, `http_auth_user`, `http_auth_bearer`.

use std::sync::Arc;

use base64::Engine as _;
use http::header::AUTHORIZATION;
use lb_core::condition::{Call, ConditionError, Sample, SampleType};
use smallvec::SmallVec;

use super::{
    expr::{HttpFetch, Needs, Other},
    header_name,
    registry::Registry,
    view::View,
};
use crate::users::UserList;

/// Gives a call its meaning, or `None` if its name is another's.
pub(super) fn resolve(
    call: &Call,
    registry: &Registry,
) -> Option<Result<HttpFetch, ConditionError>> {
    let taken = |f: for<'a> fn(&'a Credentials<'_>) -> Option<&'a [u8]>| {
        call.at_most(0).map(|()| {
            Other::fetch(SampleType::Str, Needs::Request, move |view, visit| {
                with_credentials(view, |given| {
                    f(given).is_some_and(|text| visit(Sample::Str(text)))
                })
            })
        })
    };
    Some(match call.name.as_str() {
        "http_auth" => users(call, registry).map(|users| {
            Other::fetch(SampleType::Bool, Needs::Request, move |view, visit| {
                let verdict = with_credentials(view, |given| given.are_in(&users));
                visit(Sample::Bool(verdict))
            })
        }),
        "http_auth_group" => users(call, registry).map(|users| {
            Other::fetch(SampleType::Str, Needs::Request, move |view, visit| {
                with_credentials(view, |given| {
                    let Some((user, password)) = given.basic() else {
                        return false;
                    };
                    users.admits(user, password)
                        && users
                            .groups_of(user)
                            .any(|group| visit(Sample::Str(group.as_bytes())))
                })
            })
        }),
        "http_auth_user" => taken(|given| given.basic().map(|(user, _)| user)),
        "http_auth_pass" => taken(|given| given.basic().map(|(_, password)| password)),
        "http_auth_type" => taken(|given| Some(given.scheme)),
        "http_auth_bearer" => bearer(call),
        _ => return None,
    })
}

fn users(call: &Call, registry: &Registry) -> Result<Arc<UserList>, ConditionError> {
    call.at_most(1)?;
    let Some(arg) = call.arg(0) else {
        let message = format!("`{}` needs the name of a userlist", call.name);
        return Err(ConditionError::new(call.span, message));
    };
    registry.find_users(&arg.text).cloned().ok_or_else(|| {
        ConditionError::new(arg.span, format!("there is no userlist `{}`", arg.text))
            .suggest(&arg.text, registry.users_names())
    })
}

/// `http_auth_bearer([HEADER])`: the token, of `Authorization` or of a field that has nothing else.
fn bearer(call: &Call) -> Result<HttpFetch, ConditionError> {
    call.at_most(1)?;
    let field = header_name(call.arg(0))?;
    Ok(Other::fetch(
        SampleType::Str,
        Needs::Request,
        move |view, visit| match &field {
            None => with_credentials(view, |given| {
                given.scheme.eq_ignore_ascii_case(b"bearer") && visit(Sample::Str(given.text))
            }),
            Some(name) => {
                let value = view.request.and_then(|view| view.headers.get(name));
                value
                    .and_then(|value| split(value.as_bytes()))
                    .filter(|given| given.scheme.eq_ignore_ascii_case(b"bearer"))
                    .is_some_and(|given| visit(Sample::Str(given.text)))
            }
        },
    ))
}

/// What a client gives of itself.
struct Credentials<'a> {
    /// `Basic`, `Bearer`.
    scheme: &'a [u8],
    text: &'a [u8],
    /// Of `Basic`: `user:password`.
    decoded: SmallVec<[u8; 128]>,
}

impl Credentials<'_> {
    /// User and password.
    fn basic(&self) -> Option<(&[u8], &[u8])> {
        let colon = memchr::memchr(b':', &self.decoded)?;
        Some((&self.decoded[..colon], &self.decoded[colon + 1..]))
    }

    fn are_in(&self, users: &UserList) -> bool {
        self.basic()
            .is_some_and(|(user, password)| users.admits(user, password))
    }
}

/// False, too, where a request brings none.
fn with_credentials(view: &View<'_>, f: impl FnOnce(&Credentials<'_>) -> bool) -> bool {
    let value = view
        .request
        .and_then(|view| view.headers.get(AUTHORIZATION));
    let Some(mut given) = value.and_then(|value| split(value.as_bytes())) else {
        return false;
    };
    if given.scheme.eq_ignore_ascii_case(b"basic") {
        given.decoded.resize(given.text.len().div_ceil(4) * 3, 0);
        let decoded =
            base64::engine::general_purpose::STANDARD.decode_slice(given.text, &mut given.decoded);
        given.decoded.truncate(decoded.unwrap_or(0));
    }
    f(&given)
}

/// Scheme and what follows it.
fn split(value: &[u8]) -> Option<Credentials<'_>> {
    let blank = memchr::memchr(b' ', value)?;
    Some(Credentials {
        scheme: &value[..blank],
        text: value[blank..].trim_ascii(),
        decoded: SmallVec::new(),
    })
}
