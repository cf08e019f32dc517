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
                with_credentials(view, |given| {
                    let verdict = given.user_in(&users).is_some();
                    given.basic().is_some() && visit(Sample::Bool(verdict))
                })
            })
        }),
        // In a condition it is the groups of the user, elsewhere the user.
        "http_auth_group" => users(call, registry).map(|users| {
            let also = Arc::clone(&users);
            Other::fetch_with_one(
                SampleType::Str,
                Needs::Request,
                move |view, visit| {
                    with_credentials(view, |given| {
                        let mut groups = given
                            .user_in(&users)
                            .into_iter()
                            .flat_map(|user| users.groups_of(user));
                        groups.any(|group| visit(Sample::Str(group.as_bytes())))
                    })
                },
                move |view, visit| {
                    with_credentials(view, |given| {
                        given
                            .user_in(&also)
                            .is_some_and(|user| visit(Sample::Str(user)))
                    })
                },
            )
        }),
        "http_auth_user" => taken(|given| given.basic().map(|(user, _)| user)),
        "http_auth_pass" => taken(|given| given.basic().map(|(_, password)| password)),
        "http_auth_type" => taken(|given| Some(given.scheme.name())),
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
                given.scheme == Scheme::Bearer && visit(Sample::Str(given.text))
            }),
            Some(name) => {
                let value = view.request.and_then(|view| view.headers.get(name));
                value
                    .and_then(|value| split(value.as_bytes()))
                    .filter(|given| given.scheme == Scheme::Bearer)
                    .is_some_and(|given| visit(Sample::Str(given.text)))
            }
        },
    ))
}

/// What HAProxy knows to read.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Scheme {
    Basic,
    Bearer,
}

impl Scheme {
    fn name(self) -> &'static [u8] {
        match self {
            Self::Basic => b"Basic",
            Self::Bearer => b"Bearer",
        }
    }
}

/// What a client gives of itself.
struct Credentials<'a> {
    scheme: Scheme,
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

    /// The user, if it is one of these and the password is right.
    fn user_in(&self, users: &UserList) -> Option<&[u8]> {
        let (user, password) = self.basic()?;
        users.admits(user, password).then_some(user)
    }
}

/// False, too, where a request brings none that can be read.
fn with_credentials(view: &View<'_>, f: impl FnOnce(&Credentials<'_>) -> bool) -> bool {
    let value = view
        .request
        .and_then(|view| view.headers.get(AUTHORIZATION));
    let Some(mut given) = value.and_then(|value| split(value.as_bytes())) else {
        return false;
    };
    if given.scheme == Scheme::Basic {
        given.decoded.resize(given.text.len().div_ceil(4) * 3, 0);
        let decoded =
            base64::engine::general_purpose::STANDARD.decode_slice(given.text, &mut given.decoded);
        given.decoded.truncate(decoded.unwrap_or(0));
        if given.basic().is_none() {
            return false;
        }
    }
    f(&given)
}

/// Scheme and what follows it.
fn split(value: &[u8]) -> Option<Credentials<'_>> {
    let blank = memchr::memchr(b' ', value)?;
    let known = [Scheme::Basic, Scheme::Bearer];
    let scheme = known
        .into_iter()
        .find(|scheme| scheme.name().eq_ignore_ascii_case(&value[..blank]))?;
    Some(Credentials {
        scheme,
        text: value[blank..].trim_ascii(),
        decoded: SmallVec::new(),
    })
}
