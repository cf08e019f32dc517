//! The request to explain, from the command line.

use std::{
    net::{IpAddr, SocketAddr},
    str::FromStr,
};

use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, Uri, Version};

/// `GET /x`, or `GET /x HTTP/1.0`.
#[derive(Clone, Debug)]
pub(super) struct RequestLine {
    method: Method,
    target: Uri,
    version: Version,
}

/// `Host: a`.
#[derive(Clone, Debug)]
pub(super) struct Header {
    name: HeaderName,
    value: HeaderValue,
}

/// `192.0.2.7` or `192.0.2.7:1234`.
#[derive(Clone, Copy, Debug)]
pub(super) struct Source(pub(super) SocketAddr);

impl RequestLine {
    /// The request with these headers, in their order.
    pub(super) fn with(&self, headers: &[Header]) -> Request<()> {
        let mut request = Request::new(());
        *request.method_mut() = self.method.clone();
        *request.uri_mut() = self.target.clone();
        *request.version_mut() = self.version;
        for header in headers {
            header.append_to(request.headers_mut());
        }
        request
    }
}

impl Header {
    pub(super) fn append_to(&self, headers: &mut HeaderMap) {
        headers.append(self.name.clone(), self.value.clone());
    }
}

impl FromStr for RequestLine {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let mut words = text.split_whitespace();
        let (Some(method), Some(target)) = (words.next(), words.next()) else {
            return Err("a method and a target are expected, as in 'GET /x'");
        };
        let version = match words.next() {
            None | Some("HTTP/1.1") => Version::HTTP_11,
            Some("HTTP/1.0") => Version::HTTP_10,
            Some(_) => return Err("after the target only HTTP/1.0 or HTTP/1.1 can follow"),
        };
        if words.next().is_some() {
            return Err("nothing can follow the version");
        }
        Ok(Self {
            method: method
                .parse()
                .map_err(|_| "the first word is not a method")?,
            target: target
                .parse()
                .map_err(|_| "the second word is not a request target, as in 'GET /x'")?,
            version,
        })
    }
}

impl FromStr for Header {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (name, value) = text
            .split_once(':')
            .ok_or("a name, a colon and a value are expected, as in 'Host: a.example'")?;
        Ok(Self {
            name: name
                .parse()
                .map_err(|_| "what stands before the colon is not a header's name")?,
            value: value
                .trim()
                .parse()
                .map_err(|_| "the value has characters that no header can have")?,
        })
    }
}

impl FromStr for Source {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let address = text.parse().ok().or_else(|| {
            let ip: IpAddr = text.parse().ok()?;
            Some(SocketAddr::new(ip, 0))
        });
        let expected = "an IP address is expected, or one with a port: 192.0.2.7, [2001:db8::7]:80";
        address.map(Self).ok_or(expected)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_is_read_as_it_is_typed() {
        let line: RequestLine = "PUT /a?b=c HTTP/1.0".parse().unwrap();
        let headers = ["Host: a:80".parse().unwrap(), "cookie:x=1".parse().unwrap()];
        let request = line.with(&headers);
        assert_eq!(request.method(), Method::PUT);
        assert_eq!(request.uri(), "/a?b=c");
        assert_eq!(request.version(), Version::HTTP_10);
        assert_eq!(request.headers()["host"], "a:80");
        assert_eq!(request.headers()["cookie"], "x=1");
    }

    #[test]
    fn what_is_no_request_is_refused() {
        for text in [
            "",
            "GET",
            "G@T /",
            "GET /a b",
            "GET / HTTP/3",
            "GET / HTTP/1.1 x",
        ] {
            assert!(text.parse::<RequestLine>().is_err(), "{text}");
        }
        for text in ["Host", ": a", "a b: c", "a: \u{1}"] {
            assert!(text.parse::<Header>().is_err(), "{text}");
        }
        for text in ["", "localhost", "1.2.3", "192.0.2.7:x"] {
            assert!(text.parse::<Source>().is_err(), "{text}");
        }
    }
}
