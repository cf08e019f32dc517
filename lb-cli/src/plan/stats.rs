//! A statistics page that can be served: its condition compiled, its passwords
//! no longer readable.

use http::HeaderValue;
use lb_core::condition::{Condition, Scope};
use lb_http::fetch::{HttpExpr, HttpVocabulary, View};
use sha2::{Digest as _, Sha256};
use subtle::{Choice, ConstantTimeEq as _};

use super::frontend;
use crate::config::{Diagnostics, model};

/// The statistics page of a frontend or of a backend.
#[derive(Debug)]
pub struct Stats {
    /// What is asked of those who bring no password, or a wrong one.
    pub challenge: HeaderValue,
    users: Users,
    admin: Option<(bool, Condition<HttpExpr>)>,
    model: model::Stats,
}

/// Digests of what a client sends in `Authorization` after `Basic`.
#[derive(Debug)]
struct Users(Vec<[u8; 32]>);

impl Stats {
    pub(super) fn compile(
        model: &model::Stats,
        scope: &Scope<HttpVocabulary>,
        diagnostics: &mut Diagnostics,
    ) -> Self {
        let realm = model.realm.replace('\\', "\\\\").replace('"', "\\\"");
        let challenge = HeaderValue::try_from(format!("Basic realm=\"{realm}\""));
        Self {
            challenge: challenge.expect("the configuration has checked the realm"),
            users: Users::new(model.auth.iter().map(model::Credential::as_str)),
            admin: model.admin.as_ref().and_then(|condition| {
                let compiled = frontend::condition(scope, condition, diagnostics)?;
                Some((condition.unless, compiled))
            }),
            model: model.clone(),
        }
    }

    /// What the file says.
    pub fn model(&self) -> &model::Stats {
        &self.model
    }

    /// May whoever sends this see the page?
    pub fn admits(&self, authorization: Option<&HeaderValue>) -> bool {
        self.users.0.is_empty() || self.users.know(authorization)
    }

    /// May servers be changed by way of this request?
    pub fn may_change(&self, view: &View<'_>) -> bool {
        match &self.admin {
            None => false,
            Some((unless, condition)) => condition.eval(view) != *unless,
        }
    }
}

impl Users {
    fn new<'a>(users: impl Iterator<Item = &'a str>) -> Self {
        Self(
            users
                .map(|user| digest(base64(user.as_bytes()).as_bytes()))
                .collect(),
        )
    }

    /// The time that it takes tells nothing of how near a guess is: digests are
    /// compared, as a whole, and with every user.
    fn know(&self, authorization: Option<&HeaderValue>) -> bool {
        let Some((scheme, sent)) = authorization
            .and_then(|value| value.to_str().ok())
            .and_then(|value| value.split_once(' '))
        else {
            return false;
        };
        let sent = digest(sent.trim().as_bytes());
        let known = self
            .0
            .iter()
            .fold(Choice::from(0), |known, user| known | user.ct_eq(&sent));
        scheme.eq_ignore_ascii_case("basic") && bool::from(known)
    }
}

fn digest(bytes: &[u8]) -> [u8; 32] {
    Sha256::digest(bytes).into()
}

/// RFC 4648, with padding.
pub(crate) fn base64(octets: &[u8]) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut out = String::with_capacity(octets.len().div_ceil(3) * 4);
    for chunk in octets.chunks(3) {
        let byte = |at: usize| u32::from(chunk.get(at).copied().unwrap_or(0));
        let bits = byte(0) << 16 | byte(1) << 8 | byte(2);
        for at in 0..4 {
            let sextet = (bits >> (18 - 6 * at)) & 0x3f;
            out.push(match at > chunk.len() {
                true => '=',
                false => char::from(ALPHABET[sextet as usize]),
            });
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base64_is_that_of_rfc_4648() {
        for (text, encoded) in [
            ("", ""),
            ("f", "Zg=="),
            ("fo", "Zm8="),
            ("foo", "Zm9v"),
            ("foobar", "Zm9vYmFy"),
            ("a?>~", "YT8+fg=="),
        ] {
            assert_eq!(base64(text.as_bytes()), encoded);
        }
    }

    #[test]
    fn every_user_is_known_by_the_whole_password() {
        let users = Users::new(["qfedu:123", "admin:a:b"].into_iter());
        let knows = |text: &str| users.know(Some(&HeaderValue::from_str(text).unwrap()));
        assert!(knows(&format!("Basic {}", base64("qfedu:123".as_bytes()))));
        assert!(knows(&format!("basic {}", base64("admin:a:b".as_bytes()))));
        for wrong in ["qfedu:12", "qfedu:1234", "qfedu", "", "admin:a", ":"] {
            assert!(
                !knows(&format!("Basic {}", base64(wrong.as_bytes()))),
                "{wrong}"
            );
        }
        assert!(!knows(&format!(
            "Bearer {}",
            base64("qfedu:123".as_bytes())
        )));
        assert!(!knows("Basic"));
        assert!(!users.know(None));
    }
}
