//! [`StickySession`]: the options of the cookie, and the layer.

use std::{sync::Arc, time::Duration};

use tower_layer::Layer;

use super::{
    StickyService,
    error::InvalidCookie,
    settings::{Mode, Options, Settings},
};

/// Keeps clients on their server by a cookie: a [`Layer`] for a proxy that
/// understands [`Prefer`](crate::exchange::Prefer), built option by option.
///
/// # Panics
///
/// When it is layered over a service, if [`check`](Self::check) finds fault with
/// it. Check options that are not literals.
#[derive(Clone, Debug)]
pub struct StickySession {
    name: String,
    options: Options,
    domains: Vec<String>,
    attributes: Vec<String>,
    dynamic_key: Option<String>,
}

impl StickySession {
    /// Persistence by the cookie of this name, which is compared byte by byte.
    ///
    /// Without one of [`insert`](Self::insert), [`prefix`](Self::prefix) and
    /// [`rewrite`](Self::rewrite) the servers set it themselves, to their value
    /// in the pool.
    pub fn cookie(name: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            options: Options::default(),
            domains: Vec::new(),
            attributes: Vec::new(),
            dynamic_key: None,
        }
    }

    /// The layer sets the cookie, unless the client brought it and was sent to
    /// the server it names. A server without a value has it deleted at the
    /// client.
    #[must_use]
    pub fn insert(self) -> Self {
        self.mode(Mode::Insert)
    }

    /// The server's own cookie of this name travels as `value~cookie` between
    /// client and layer.
    #[must_use]
    pub fn prefix(self) -> Self {
        self.mode(Mode::Prefix)
    }

    /// The server decides when to set the cookie, the layer gives it its value.
    #[must_use]
    pub fn rewrite(self) -> Self {
        self.mode(Mode::Rewrite)
    }

    /// The server does not see the cookie ([`insert`](Self::insert)), and one
    /// that it sets is removed where the client already has a good one. Not with
    /// [`rewrite`](Self::rewrite); seldom right with [`prefix`](Self::prefix).
    #[must_use]
    pub fn indirect(mut self) -> Self {
        self.options.indirect = true;
        self
    }

    /// A response that a cache might keep gets `Cache-Control: private` with its
    /// inserted cookie.
    #[must_use]
    pub fn nocache(mut self) -> Self {
        self.options.nocache = true;
        self
    }

    /// Inserts in responses to POST only.
    #[must_use]
    pub fn postonly(mut self) -> Self {
        self.options.postonly = true;
        self
    }

    /// A cookie of this name set by the server goes through untouched, and none
    /// is inserted beside it: the application can end the persistence. Needs
    /// [`insert`](Self::insert) or [`indirect`](Self::indirect).
    #[must_use]
    pub fn preserve(mut self) -> Self {
        self.options.preserve = true;
        self
    }

    /// Inserts with the attribute `HttpOnly`.
    #[must_use]
    pub fn httponly(mut self) -> Self {
        self.options.httponly = true;
        self
    }

    /// Inserts with the attribute `Secure`.
    #[must_use]
    pub fn secure(mut self) -> Self {
        self.options.secure = true;
        self
    }

    /// Inserts with this `domain`; may be repeated.
    #[must_use]
    pub fn domain(mut self, domain: impl Into<String>) -> Self {
        self.domains.push(domain.into());
        self
    }

    /// Inserts with this attribute, such as `SameSite=Lax`; may be repeated.
    #[must_use]
    pub fn attr(mut self, attribute: impl Into<String>) -> Self {
        self.attributes.push(attribute.into());
        self
    }

    /// A cookie unused for longer is not followed (`maxidle`): it carries the
    /// date of its last use, in steps of four seconds. Rounded up to seconds;
    /// zero is no limit.
    #[must_use]
    pub fn max_idle(mut self, limit: Duration) -> Self {
        self.options.limits.max_idle = seconds(limit);
        self
    }

    /// A cookie in use for longer is not followed (`maxlife`): it carries the
    /// date of its first use. Rounded up to seconds; zero is no limit.
    #[must_use]
    pub fn max_life(mut self, limit: Duration) -> Self {
        self.options.limits.max_life = seconds(limit);
        self
    }

    /// A server without a value of its own has one made from its address and
    /// this key (`dynamic` and `dynamic-cookie-key`). For requests to find it
    /// by that, the pool must know it: see
    /// [`dynamic_value`](super::dynamic_value).
    #[must_use]
    pub fn dynamic(mut self, key: impl Into<String>) -> Self {
        self.dynamic_key = Some(key.into());
        self
    }

    /// Follows the cookie even to a server that is DOWN (`option persist`).
    #[must_use]
    pub fn persist_even_if_down(mut self) -> Self {
        self.options.even_if_down = true;
        self
    }

    /// Finds the first option that cannot be, or that excludes another.
    pub fn check(&self) -> Result<(), InvalidCookie> {
        let named = !self.name.is_empty()
            && !self.name.starts_with('$')
            && !self
                .name
                .contains(|c: char| c.is_whitespace() || c.is_control() || "\",;=".contains(c));
        if !named {
            return Err(InvalidCookie::Name(self.name.clone()));
        }
        let unfit =
            |text: &&String| text.is_empty() || text.contains(|c: char| c.is_control() || c == ';');
        let blank = |text: &&String| text.contains(char::is_whitespace);
        if let Some(domain) = self.domains.iter().find(|text| unfit(text) || blank(text)) {
            return Err(InvalidCookie::Domain(domain.clone()));
        }
        if let Some(attribute) = self.attributes.iter().find(unfit) {
            return Err(InvalidCookie::Attribute(attribute.clone()));
        }
        let Options {
            mode,
            indirect,
            preserve,
            ..
        } = self.options;
        if preserve && mode != Mode::Insert && !indirect {
            return Err(InvalidCookie::PreserveAlone);
        }
        if mode == Mode::Rewrite && indirect {
            return Err(InvalidCookie::RewriteIndirect);
        }
        Ok(())
    }

    fn mode(mut self, mode: Mode) -> Self {
        self.options.mode = mode;
        self
    }

    /// `; path=/; domain=D; HttpOnly; Secure; SameSite=Lax`, in HAProxy's order.
    fn attributes(&self) -> String {
        let mut all = String::from("; path=/");
        for domain in &self.domains {
            all.extend(["; domain=", domain]);
        }
        if self.options.httponly {
            all.push_str("; HttpOnly");
        }
        if self.options.secure {
            all.push_str("; Secure");
        }
        for attribute in &self.attributes {
            all.extend(["; ", attribute]);
        }
        all
    }
}

impl<S> Layer<S> for StickySession {
    type Service = StickyService<S>;

    fn layer(&self, inner: S) -> StickyService<S> {
        if let Err(fault) = self.check() {
            panic!("{fault}");
        }
        let settings = Settings::new(
            &self.name,
            self.options,
            &self.attributes(),
            self.dynamic_key.as_deref(),
        );
        StickyService::new(inner, Arc::new(settings))
    }
}

fn seconds(limit: Duration) -> Option<u64> {
    let seconds = limit.as_secs() + u64::from(limit.subsec_nanos() > 0);
    (seconds > 0).then_some(seconds)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn attributes_come_in_haproxys_order() {
        let session = StickySession::cookie("SRV")
            .attr("SameSite=Lax")
            .secure()
            .domain(".example.com")
            .httponly()
            .domain("x.org");
        assert_eq!(
            session.attributes(),
            "; path=/; domain=.example.com; domain=x.org; HttpOnly; Secure; SameSite=Lax"
        );
    }

    #[test]
    fn faults_are_found() {
        let srv = || StickySession::cookie("SRV");
        assert_eq!(srv().check(), Ok(()));
        assert_eq!(srv().prefix().indirect().preserve().check(), Ok(()));
        assert_eq!(
            srv().prefix().preserve().check(),
            Err(InvalidCookie::PreserveAlone)
        );
        assert_eq!(
            srv().rewrite().indirect().check(),
            Err(InvalidCookie::RewriteIndirect)
        );
        assert_eq!(
            srv().domain("a;b").check(),
            Err(InvalidCookie::Domain("a;b".into()))
        );
        assert_eq!(
            srv().attr("a\r\nb").check(),
            Err(InvalidCookie::Attribute("a\r\nb".into()))
        );
        for name in ["", "a b", "a=b", "a;b", "$a", "a\n"] {
            assert_eq!(
                StickySession::cookie(name).check(),
                Err(InvalidCookie::Name(name.into()))
            );
        }
    }
}
