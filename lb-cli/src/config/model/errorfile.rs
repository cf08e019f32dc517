//! `errorfile`: responses that replace `lb`'s own error pages.

use std::{io, path::Path};

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header::CONTENT_LENGTH};

use crate::config::{
    Spanned,
    print::Printer,
    section::{Entry, Place, Section},
};

/// The statuses `lb` answers itself.
const STATUSES: [u16; 19] = [
    200, 400, 401, 403, 404, 405, 407, 408, 410, 413, 414, 425, 429, 431, 500, 501, 502, 503, 504,
];

/// Far more headers than a page needs.
const MAX_HEADERS: usize = 64;

/// A whole response from a file, read when the configuration is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ErrorFile {
    /// The status of `lb`'s own answer that this one replaces.
    pub replaces: StatusCode,
    /// The file; a relative path starts at the working directory.
    pub path: Spanned<String>,
    /// The status to send, which may be another one.
    pub status: StatusCode,
    /// The headers to send, as in the file.
    pub headers: HeaderMap,
    /// The body to send.
    pub body: Bytes,
}

impl ErrorFile {
    /// The file was empty: the connection is closed in the place of a page.
    pub fn is_empty(&self) -> bool {
        self.headers.is_empty() && self.body.is_empty() && self.status == self.replaces
    }
}

impl ErrorFile {
    pub(crate) fn read_all(owner: &Section<'_>) -> Vec<Self> {
        let table = owner.merged("errorfile", Place::Plain);
        let mut files: Vec<Self> = Vec::new();
        for entry in table.entries() {
            let hidden = files.iter().any(|file| file.replaces.as_str() == entry.key);
            files.extend((!hidden).then(|| Self::read(&entry)).flatten());
        }
        files
    }

    pub(crate) fn print_all(files: &[Self], path: &[&str], out: &mut Printer) {
        if !files.is_empty() {
            out.table(&[path, &["errorfile"]].concat());
        }
        for file in files {
            out.set(file.replaces.as_str(), &file.path);
        }
    }

    fn read(entry: &Entry<'_>) -> Option<Self> {
        let cx = entry.value.cx;
        let code = entry
            .key
            .parse()
            .ok()
            .filter(|code| STATUSES.contains(code));
        if code.is_none() {
            let known = STATUSES.map(|code| code.to_string()).join(" ");
            let message = format!(
                "`{}` is not a status that can have an error file",
                entry.key
            );
            cx.error(entry.span, message, Some(format!("it is one of {known}")));
        }
        let path = entry.value.text()?;
        let replaces = StatusCode::from_u16(code?).ok()?;
        let content = match (cx.read)(Path::new(path.as_str())) {
            Ok(content) => content,
            Err(why) => return entry.value.fail(format!("cannot read `{path}`: {why}")),
        };
        if content.is_empty() {
            // HAProxy: `errorfile 503 /dev/null` closes without a word.
            return Some(Self {
                replaces,
                path,
                status: replaces,
                headers: HeaderMap::new(),
                body: Bytes::new(),
            });
        }
        match parse(&content) {
            Ok((status, headers, body)) => Some(Self { replaces, path, status, headers, body }),
            Err(why) => entry.value.fail_with(
                format!("`{path}` is not an HTTP response: {why}"),
                "it starts with a line such as `HTTP/1.1 503 Service Unavailable`, then headers, an empty line, and the page",
            ),
        }
    }
}

/// A raw HTTP/1 response. Lines may end without carriage returns, as editors leave them.
fn parse(content: &[u8]) -> Result<(StatusCode, HeaderMap, Bytes), String> {
    let mut slots = [httparse::EMPTY_HEADER; MAX_HEADERS];
    let mut response = httparse::Response::new(&mut slots);
    let head = match response.parse(content) {
        Ok(httparse::Status::Complete(length)) => length,
        Ok(httparse::Status::Partial) => {
            return Err("its headers do not end with an empty line".to_owned());
        }
        Err(why) => return Err(why.to_string()),
    };
    let code = response.code.unwrap_or_default();
    let status = StatusCode::from_u16(code).map_err(|_| format!("{code} is not a status"))?;
    if status.is_informational() {
        return Err(format!("{code} is not a final status"));
    }
    let mut headers = HeaderMap::with_capacity(response.headers.len());
    for header in response.headers.iter() {
        let name = HeaderName::from_bytes(header.name.as_bytes()).map_err(|why| why.to_string())?;
        let value = HeaderValue::from_bytes(header.value).map_err(|why| why.to_string())?;
        headers.append(name, value);
    }
    let body = Bytes::copy_from_slice(&content[head..]);
    match headers.get(CONTENT_LENGTH) {
        Some(stated) if stated.as_bytes() != body.len().to_string().as_bytes() => {
            let stated = stated.to_str().unwrap_or("not a number");
            Err(format!(
                "its content-length is {stated}, its body has {} bytes",
                body.len()
            ))
        }
        _ => Ok((status, headers, body)),
    }
}

/// Reads a file for [`Config::load`](crate::config::Config::load).
pub(crate) fn read_file(path: &Path) -> io::Result<Vec<u8>> {
    use io::Read as _;

    // An error page is small; a device or a log named by mistake must not fill the memory.
    const LARGEST: u64 = 1 << 20;
    let mut content = Vec::new();
    std::fs::File::open(path)?
        .take(LARGEST + 1)
        .read_to_end(&mut content)?;
    if content.len() as u64 > LARGEST {
        return Err(io::Error::new(
            io::ErrorKind::FileTooLarge,
            "larger than 1 MiB",
        ));
    }
    Ok(content)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_response_is_taken_apart() {
        let (status, headers, body) =
            parse(b"HTTP/1.0 503 Busy\nContent-Type: text/html\n\n<p>\n").unwrap();
        assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE);
        assert_eq!(headers["content-type"], "text/html");
        assert_eq!(body, "<p>\n");
    }

    #[test]
    fn what_is_no_response_is_refused() {
        for (content, why) in [
            (&b"<html>sorry</html>"[..], "invalid"),
            (b"HTTP/1.1 503 Busy\r\nA: b\r\n", "empty line"),
            (b"HTTP/1.1 099 No\r\n\r\n", "not a status"),
            (b"HTTP/1.1 100 Continue\r\n\r\n", "not a final status"),
            (
                b"HTTP/1.1 503 Busy\r\nContent-Length: 3\r\n\r\nhello",
                "body has 5 bytes",
            ),
        ] {
            let refused = parse(content).unwrap_err();
            assert!(refused.contains(why), "{refused}");
        }
    }
}
