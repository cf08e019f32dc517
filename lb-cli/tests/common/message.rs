//! A strict reader of HTTP/1 messages.
//!
//! It judges what the proxy sends to either side, so it accepts the grammar of RFC 9112 and nothing else:
//! no bare LF, no folded line, no second framing field. Octets become `char`s one to one (Latin-1), so
//! values compare and print without loss.

use std::fmt::Write as _;

/// What a connection's bytes are expected to hold next.
#[derive(Clone, Copy)]
pub(crate) enum Kind {
    Request,
    Response,
    /// The response to a HEAD: fields of a body, but no body.
    HeadResponse,
}

/// Where a body ends (RFC 9112, 6.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Framing {
    Empty,
    Length(u64),
    Chunked,
    Close,
}

/// Why a connection's bytes ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    Closed,
    Reset,
}

/// Field lines in the order received.
#[derive(Clone, Debug, Default)]
pub(crate) struct Fields(pub(crate) Vec<(String, String)>);

impl Fields {
    /// The values of all lines of that name, in order.
    pub(crate) fn all(&self, name: &str) -> Vec<&str> {
        let same = self.0.iter().filter(|(n, _)| n.eq_ignore_ascii_case(name));
        same.map(|(_, value)| value.as_str()).collect()
    }

    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.all(name).first().copied()
    }

    pub(crate) fn has(&self, name: &str) -> bool {
        self.get(name).is_some()
    }

    /// The members of a list-valued field over all its lines, lower case.
    pub(crate) fn list(&self, name: &str) -> Vec<String> {
        let members = self.all(name).join(",");
        let members = members.split(',').map(|m| m.trim().to_ascii_lowercase());
        members.filter(|m| !m.is_empty()).collect()
    }
}

/// One whole request or response.
#[derive(Clone, Debug)]
pub(crate) struct Message {
    /// The three parts of the start line.
    pub(crate) start: [String; 3],
    pub(crate) fields: Fields,
    pub(crate) framing: Framing,
    pub(crate) body: Vec<u8>,
    pub(crate) trailers: Fields,
}

impl Message {
    pub(crate) fn method(&self) -> &str {
        &self.start[0]
    }

    pub(crate) fn target(&self) -> &str {
        &self.start[1]
    }

    /// 0 for a request.
    pub(crate) fn status(&self) -> u16 {
        self.start[1].parse().unwrap_or(0)
    }

    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.fields.get(name)
    }

    pub(crate) fn has(&self, name: &str) -> bool {
        self.fields.has(name)
    }

    /// Start line and fields, for messages about a failure.
    pub(crate) fn show(&self) -> String {
        let mut text = self.start.join(" ");
        for (name, value) in &self.fields.0 {
            let _ = write!(text, " | {name}: {value}");
        }
        let body = self.body.get(..80).unwrap_or(&self.body);
        let _ = write!(text, " | {:?} \"{}\"", self.framing, body.escape_ascii());
        text.escape_debug().to_string()
    }
}

/// A message and the number of bytes it took; `None` while more must come.
pub(crate) type Parsed = Result<Option<(Message, usize)>, String>;

/// Reads one message from the start of `bytes`.
pub(crate) fn parse(kind: Kind, bytes: &[u8], end: Option<End>) -> Parsed {
    let Some((mut message, head)) = parse_head(kind, bytes)? else {
        return match end {
            Some(end) if !bytes.is_empty() => Err(format!("{end:?} within a header section")),
            _ => Ok(None),
        };
    };
    let rest = &bytes[head..];
    let short = |what: &str| match end {
        Some(end) => Err(format!("{end:?} within {what}: {}", message.show())),
        None => Ok(None),
    };
    let used = match message.framing {
        Framing::Empty => 0,
        Framing::Length(n) => match usize::try_from(n) {
            Ok(n) if n <= rest.len() => {
                message.body = rest[..n].to_vec();
                n
            }
            _ => return short("a body with a length"),
        },
        Framing::Chunked => match parse_chunked(rest)? {
            Some((body, trailers, used)) => {
                (message.body, message.trailers) = (body, trailers);
                used
            }
            None => return short("a chunked body"),
        },
        Framing::Close => match end {
            Some(End::Closed) => {
                message.body = rest.to_vec();
                rest.len()
            }
            Some(End::Reset) => return short("a body ended by closing"),
            None => return Ok(None),
        },
    };
    Ok(Some((message, head + used)))
}

/// Reads start line and fields; the body is left empty.
pub(crate) fn parse_head(kind: Kind, bytes: &[u8]) -> Parsed {
    let Some(len) = bytes.windows(4).position(|w| w == b"\r\n\r\n") else {
        return match bytes
            .iter()
            .enumerate()
            .find(|&(i, &b)| b == b'\n' && (i == 0 || bytes[i - 1] != b'\r'))
        {
            Some(_) => Err(format!("a bare LF in \"{}\"", clip(bytes))),
            None => Ok(None),
        };
    };
    let text = latin1(&bytes[..len]);
    let mut lines = text.split("\r\n");
    let first = lines.next().unwrap_or_default();
    let start = match kind {
        Kind::Request => request_line(first)?,
        _ => status_line(first)?,
    };
    let fields = field_lines(lines)?;
    let framing = framing(kind, &start, &fields)?;
    let message = Message {
        start,
        fields,
        framing,
        body: Vec::new(),
        trailers: Fields::default(),
    };
    Ok(Some((message, len + 4)))
}

fn request_line(line: &str) -> Result<[String; 3], String> {
    let parts: Vec<&str> = line.split(' ').collect();
    match parts[..] {
        [method, target, version]
            if is_token(method)
                && !target.is_empty()
                && target.bytes().all(|b| b > b' ' && b != 0x7f)
                && is_version(version) =>
        {
            Ok([method, target, version].map(str::to_owned))
        }
        _ => Err(format!("malformed request line {line:?}")),
    }
}

fn status_line(line: &str) -> Result<[String; 3], String> {
    let parts: Vec<&str> = line.splitn(3, ' ').collect();
    match parts[..] {
        [version, status, reason]
            if is_version(version)
                && status.len() == 3
                && status.bytes().all(|b| b.is_ascii_digit())
                && reason.chars().all(is_field_char) =>
        {
            Ok([version, status, reason].map(str::to_owned))
        }
        _ => Err(format!("malformed status line {line:?}")),
    }
}

fn field_lines<'a>(lines: impl Iterator<Item = &'a str>) -> Result<Fields, String> {
    let mut fields = Vec::new();
    for line in lines {
        let (name, value) = line
            .split_once(':')
            .ok_or_else(|| format!("field line without colon {line:?}"))?;
        if !is_token(name) {
            return Err(format!("field name is no token {line:?}"));
        }
        if !value.chars().all(is_field_char) {
            return Err(format!("control character in field value {line:?}"));
        }
        fields.push((name.to_owned(), value.trim_matches([' ', '\t']).to_owned()));
    }
    Ok(Fields(fields))
}

fn framing(kind: Kind, start: &[String; 3], fields: &Fields) -> Result<Framing, String> {
    let codings = fields.list("transfer-encoding");
    let lengths = fields.all("content-length");
    if !codings.is_empty() && !lengths.is_empty() {
        return Err("both Content-Length and Transfer-Encoding".into());
    }
    let request = matches!(kind, Kind::Request);
    if !request {
        let status = start[1].as_str();
        if matches!(kind, Kind::HeadResponse)
            || status.starts_with('1')
            || matches!(status, "204" | "304")
        {
            return Ok(Framing::Empty);
        }
    }
    match (&codings[..], &lengths[..]) {
        ([], []) if fields.has("transfer-encoding") => Err("an empty Transfer-Encoding".into()),
        ([], []) => Ok(if request {
            Framing::Empty
        } else {
            Framing::Close
        }),
        ([one], []) if one == "chunked" => Ok(Framing::Chunked),
        (_, []) if codings.iter().filter(|c| *c == "chunked").count() > 1 => {
            Err(format!("transfer coding {codings:?}"))
        }
        (_, []) if request && codings.last().is_none_or(|last| last != "chunked") => {
            Err(format!("transfer coding {codings:?}"))
        }
        (_, []) if codings.last().is_some_and(|last| last == "chunked") => Ok(Framing::Chunked),
        (_, []) => Ok(Framing::Close),
        (_, [one]) if !one.is_empty() && one.bytes().all(|b| b.is_ascii_digit()) => one
            .parse()
            .map(Framing::Length)
            .map_err(|e| format!("Content-Length {one:?}: {e}")),
        _ => Err(format!("Content-Length {lengths:?}")),
    }
}

type Chunked = Option<(Vec<u8>, Fields, usize)>;

/// Body, trailers and bytes used of a chunked body.
fn parse_chunked(bytes: &[u8]) -> Result<Chunked, String> {
    let (mut at, mut body) = (0, Vec::new());
    loop {
        let Some(line) = bytes[at..].windows(2).position(|w| w == b"\r\n") else {
            return match bytes[at..].contains(&b'\n') {
                true => Err(format!(
                    "a bare LF in chunk size \"{}\"",
                    clip(&bytes[at..])
                )),
                false => Ok(None),
            };
        };
        let text = latin1(&bytes[at..at + line]);
        let size = text.split(';').next().unwrap_or_default();
        let hex = !size.is_empty() && size.bytes().all(|b| b.is_ascii_hexdigit());
        let size = usize::from_str_radix(size, 16)
            .ok()
            .filter(|_| hex && text.chars().all(is_field_char));
        let size = size.ok_or_else(|| format!("malformed chunk size {text:?}"))?;
        at += line + 2;
        if size == 0 {
            break;
        }
        let Some(data) = at.checked_add(size).and_then(|end| bytes.get(at..end)) else {
            return Ok(None);
        };
        body.extend_from_slice(data);
        at += size;
        match bytes.get(at..at + 2) {
            Some(b"\r\n") => at += 2,
            Some(_) => return Err("chunk data without CRLF".into()),
            None => return Ok(None),
        }
    }
    if bytes[at..].starts_with(b"\r\n") {
        return Ok(Some((body, Fields::default(), at + 2)));
    }
    let Some(len) = bytes[at..].windows(4).position(|w| w == b"\r\n\r\n") else {
        return Ok(None);
    };
    let text = latin1(&bytes[at..at + len]);
    Ok(Some((body, field_lines(text.split("\r\n"))?, at + len + 4)))
}

fn is_version(text: &str) -> bool {
    matches!(text, "HTTP/1.0" | "HTTP/1.1")
}

fn is_token(text: &str) -> bool {
    !text.is_empty()
        && text
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&b))
}

fn is_field_char(c: char) -> bool {
    c == '\t' || (c >= ' ' && c != '\x7f')
}

fn latin1(bytes: &[u8]) -> String {
    bytes.iter().map(|&b| char::from(b)).collect()
}

/// The first bytes of something received, printable.
pub(crate) fn clip(bytes: &[u8]) -> String {
    match bytes.get(..300) {
        Some(first) => format!("{}… {} bytes", first.escape_ascii(), bytes.len()),
        None => bytes.escape_ascii().to_string(),
    }
}
