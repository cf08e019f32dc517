//! `X-Forwarded-For`: HAProxy's `option forwardfor`.

use std::net::IpAddr;

use http::{HeaderMap, HeaderName};
use ipnet::IpNet;
use lb_tcp::Endpoint;

use crate::Client;

const X_FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");

/// Appends the client's address in a field line of its own, after those that
/// came with the request: the last line is the one to trust.
#[derive(Clone, Debug)]
pub struct ForwardedFor {
    header: HeaderName,
    except: Vec<IpNet>,
    if_none: bool,
}

impl Default for ForwardedFor {
    fn default() -> Self {
        Self {
            header: X_FORWARDED_FOR,
            except: Vec::new(),
            if_none: false,
        }
    }
}

impl ForwardedFor {
    /// In this field instead (`header`).
    #[must_use]
    pub fn header(mut self, name: HeaderName) -> Self {
        self.header = name;
        self
    }

    /// Not for clients in this network (`except`).
    #[must_use]
    pub fn except(mut self, network: IpNet) -> Self {
        self.except.push(network);
        self
    }

    /// Not where the request has such a field already (`if-none`).
    #[must_use]
    pub fn if_none(mut self) -> Self {
        self.if_none = true;
        self
    }

    /// The field it appends to a request with `headers`; `None` where it leaves
    /// the request alone.
    pub fn field(&self, headers: &HeaderMap, client: &Endpoint) -> Option<(&HeaderName, IpAddr)> {
        let address = client.ip()?;
        let excepted = self.except.iter().any(|network| network.contains(&address));
        let present = self.if_none && headers.contains_key(&self.header);
        (!excepted && !present).then_some((&self.header, address))
    }

    pub(crate) fn write(&self, head: &mut Vec<u8>, headers: &HeaderMap, client: &Client) {
        let field = self.field(headers, client.peer());
        let (Some((name, _)), Some(text)) = (field, client.ip_text()) else {
            return;
        };
        for part in [name.as_str(), ": ", text, "\r\n"] {
            head.extend_from_slice(part.as_bytes());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(forwarded_for: &ForwardedFor, headers: &HeaderMap) -> String {
        let mut head = Vec::new();
        let client: std::net::SocketAddr = "192.0.2.7:1234".parse().unwrap();
        forwarded_for.write(&mut head, headers, &Client::new(client, client));
        String::from_utf8(head).unwrap()
    }

    #[test]
    fn a_line_of_its_own() {
        let mut headers = HeaderMap::new();
        headers.insert(X_FORWARDED_FOR, "10.0.0.1".parse().unwrap());
        let plain = ForwardedFor::default();
        assert_eq!(written(&plain, &headers), "x-forwarded-for: 192.0.2.7\r\n");
        assert_eq!(written(&plain.clone().if_none(), &headers), "");
        assert_eq!(
            written(&plain.clone().if_none(), &HeaderMap::new()),
            "x-forwarded-for: 192.0.2.7\r\n"
        );
        let except = plain.except("192.0.2.0/24".parse().unwrap());
        assert_eq!(written(&except, &headers), "");
    }
}
