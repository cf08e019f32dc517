//! What a response must look like: HAProxy's `http-check expect`.

use std::str::FromStr;

use lb_core::health::{Status, Verdict};
use memchr::memmem;
use regex::bytes::Regex;

use super::response::Response;

/// A condition on a response, in HAProxy's words:
///
/// | condition | holds if |
/// |---|---|
/// | `status 200,201,300-310` | the status code is one of these |
/// | `rstatus ^2` | the regular expression is found in the status code |
/// | `string OK` | the body contains the text |
/// | `rstring ^OK` | the regular expression is found in the body |
/// | `hdr name N` | the header is there |
/// | `hdr name N value V` | one of its values, which commas separate, is this |
/// | `fhdr name N value V` | its value as a whole is this |
///
/// A leading `!` turns it round. `-m str`, `beg`, `end`, `sub` or `reg` before
/// the name or value of a header says how to compare it. A text of several words
/// may be quoted or just written; names of headers ignore case.
///
/// ```
/// use lb_http::check::Expect;
///
/// let expect: Expect = "! rstring SQL error".parse()?;
/// assert!("status 2xx".parse::<Expect>().is_err());
/// # Ok::<_, lb_http::check::ParseExpectError>(())
/// ```
#[derive(Clone, Debug)]
pub struct Expect {
    negated: bool,
    condition: Condition,
}

#[derive(Clone, Debug)]
enum Condition {
    Status(Vec<(u16, u16)>),
    StatusRegex(Regex),
    Body(Box<[u8]>),
    BodyRegex(Regex),
    Header {
        name: Matcher,
        value: Option<Matcher>,
        /// Commas separate values (`hdr`, and not `fhdr`).
        split: bool,
    },
}

#[derive(Clone, Debug)]
enum Matcher {
    Exact(Box<[u8]>),
    Begins(Box<[u8]>),
    Ends(Box<[u8]>),
    Contains(Box<[u8]>),
    Regex(Regex),
}

/// Why a text is no condition.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ParseExpectError {
    /// It does not begin with a known kind.
    #[error("`{0}` is not one of status, rstatus, string, rstring, hdr, fhdr")]
    Kind(String),
    /// There is nothing to compare with.
    #[error("`{0}` needs a pattern")]
    NoPattern(String),
    /// A status code that is none.
    #[error("`{0}` is not a status code or a range of them, such as 200-399")]
    Status(String),
    /// The regular expression is not understood.
    #[error("`{pattern}` is not a regular expression")]
    Regex {
        /// As written.
        pattern: String,
        /// What is wrong with it.
        source: regex::Error,
    },
    /// `hdr` and `fhdr` are written differently.
    #[error("after `hdr`, expected `name [-m METHOD] NAME [value [-m METHOD] VALUE]`, found `{0}`")]
    Header(String),
    /// A quote that does not end.
    #[error("a quote does not end")]
    Quote,
}

impl FromStr for Expect {
    type Err = ParseExpectError;

    fn from_str(text: &str) -> Result<Self, ParseExpectError> {
        let text = text.trim();
        let (negated, text) = match text.strip_prefix('!') {
            Some(rest) => (true, rest.trim_start()),
            None => (false, text),
        };
        let (kind, pattern) = text.split_once([' ', '\t']).unwrap_or((text, ""));
        let pattern = pattern.trim();
        let required = || match pattern.is_empty() {
            true => Err(ParseExpectError::NoPattern(kind.to_owned())),
            false => unquote(pattern),
        };
        let condition = match kind {
            "status" => Condition::Status(
                required()?
                    .split(',')
                    .map(status_range)
                    .collect::<Result<_, _>>()?,
            ),
            "rstatus" => Condition::StatusRegex(regex(&required()?, false)?),
            "string" => Condition::Body(required()?.into_bytes().into()),
            "rstring" => Condition::BodyRegex(regex(&required()?, false)?),
            "hdr" | "fhdr" => header(pattern, kind == "hdr")?,
            other => return Err(ParseExpectError::Kind(other.to_owned())),
        };
        Ok(Self { negated, condition })
    }
}

impl Expect {
    /// `Ok` if the condition holds, the verdict if it does not, `None` if that
    /// depends on more of the body.
    pub(super) fn judge(&self, response: &Response<'_>) -> Option<Result<(), Verdict>> {
        let holds = match &self.condition {
            Condition::Status(ranges) => ranges
                .iter()
                .any(|(first, last)| (*first..=*last).contains(&response.code)),
            Condition::StatusRegex(regex) => regex.is_match(response.code.to_string().as_bytes()),
            Condition::Header { name, value, split } => response
                .headers()
                .any(|header| matches(header, name, value.as_ref(), *split)),
            Condition::Body(_) | Condition::BodyRegex(_) => return self.judge_body(response),
        };
        Some(match holds != self.negated {
            true => Ok(()),
            false => Err(Verdict::new(Status::L7Status)
                .with_code(response.code)
                .with_info(response.reason)),
        })
    }

    /// A text decides as soon as it is found; a regular expression sees the
    /// whole body, since what comes later may undo a match.
    fn judge_body(&self, response: &Response<'_>) -> Option<Result<(), Verdict>> {
        let (body, whole) = (&*response.body, response.is_whole);
        let found = match &self.condition {
            Condition::Body(text) => memmem::find(body, text).is_some(),
            Condition::BodyRegex(regex) => whole && regex.is_match(body),
            _ => return None,
        };
        let complaint = match (found, self.negated) {
            (false, _) if !whole => return None,
            _ if body.is_empty() => "HTTP content check could not find a response body",
            (true, true) => "HTTP check matched unwanted content",
            (false, false) => "HTTP content check did not match",
            (true, false) | (false, true) => return Some(Ok(())),
        };
        Some(Err(Verdict::new(Status::L7Response).with_info(complaint)))
    }
}

fn matches(
    header: &httparse::Header<'_>,
    name: &Matcher,
    value: Option<&Matcher>,
    split: bool,
) -> bool {
    if !name.is_match(header.name.to_ascii_lowercase().as_bytes()) {
        return false;
    }
    let Some(value) = value else {
        return true;
    };
    match split {
        true => header
            .value
            .split(|byte| *byte == b',')
            .any(|part| value.is_match(part.trim_ascii())),
        false => value.is_match(header.value.trim_ascii()),
    }
}

impl Matcher {
    fn new(method: &str, pattern: &str, is_name: bool) -> Result<Self, ParseExpectError> {
        let text = match is_name {
            true => pattern.to_ascii_lowercase(),
            false => pattern.to_owned(),
        };
        let bytes = text.into_bytes().into_boxed_slice();
        Ok(match method {
            "str" => Self::Exact(bytes),
            "beg" => Self::Begins(bytes),
            "end" => Self::Ends(bytes),
            "sub" => Self::Contains(bytes),
            "reg" => Self::Regex(regex(pattern, is_name)?),
            other => return Err(ParseExpectError::Header(format!("-m {other}"))),
        })
    }

    fn is_match(&self, text: &[u8]) -> bool {
        match self {
            Self::Exact(pattern) => text == &**pattern,
            Self::Begins(pattern) => text.starts_with(pattern),
            Self::Ends(pattern) => text.ends_with(pattern),
            Self::Contains(pattern) => memmem::find(text, pattern).is_some(),
            Self::Regex(regex) => regex.is_match(text),
        }
    }
}

fn status_range(text: &str) -> Result<(u16, u16), ParseExpectError> {
    let wrong = || ParseExpectError::Status(text.trim().to_owned());
    let code = |text: &str| {
        let code = text.trim().parse().ok();
        code.filter(|code| (100..=999).contains(code))
            .ok_or_else(wrong)
    };
    let (first, last) = text.split_once('-').unwrap_or((text, text));
    let (first, last) = (code(first)?, code(last)?);
    match first <= last {
        true => Ok((first, last)),
        false => Err(wrong()),
    }
}

fn regex(pattern: &str, ignore_case: bool) -> Result<Regex, ParseExpectError> {
    regex::bytes::RegexBuilder::new(pattern)
        .case_insensitive(ignore_case)
        .build()
        .map_err(|source| ParseExpectError::Regex {
            pattern: pattern.to_owned(),
            source,
        })
}

/// `name [-m METHOD] NAME [value [-m METHOD] VALUE]`
fn header(text: &str, split: bool) -> Result<Condition, ParseExpectError> {
    let words = words(text)?;
    let mut words = words.iter().map(String::as_str).peekable();
    let mut matcher = |keyword: &str| {
        match words.next() {
            None => return Ok(None),
            Some(word) if word == keyword => {}
            Some(other) => return Err(ParseExpectError::Header(other.to_owned())),
        }
        let missing = || ParseExpectError::Header("the end".to_owned());
        let method = match words.next_if(|word| *word == "-m") {
            Some(_) => words.next().ok_or_else(missing)?,
            None => "str",
        };
        let pattern = words.next().ok_or_else(missing)?;
        Matcher::new(method, pattern, keyword == "name").map(Some)
    };
    let name = matcher("name")?.ok_or_else(|| ParseExpectError::NoPattern("hdr".to_owned()))?;
    let value = matcher("value")?;
    match words.next() {
        Some(word) => Err(ParseExpectError::Header(word.to_owned())),
        None => Ok(Condition::Header { name, value, split }),
    }
}

/// A text that is quoted as a whole, or as it is.
fn unquote(text: &str) -> Result<String, ParseExpectError> {
    match text.starts_with(['"', '\'']) {
        true => words(text).map(|words| words.join(" ")),
        false => Ok(text.replace("\\ ", " ")),
    }
}

/// Words between blanks; quotes and backslashes protect blanks.
fn words(text: &str) -> Result<Vec<String>, ParseExpectError> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut quote = None;
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        match (quote, c) {
            (Some(open), c) if c == open => quote = None,
            (None, '"' | '\'') => {
                quote = Some(c);
                word.get_or_insert_default();
            }
            (None, ' ' | '\t') => words.extend(word.take()),
            (None | Some('"'), '\\') => match chars.next() {
                Some(c @ ('\\' | '"' | '\'' | ' ')) => word.get_or_insert_default().push(c),
                other => {
                    let word = word.get_or_insert_default();
                    word.push('\\');
                    word.extend(other);
                }
            },
            _ => word.get_or_insert_default().push(c),
        }
    }
    words.extend(word);
    match quote {
        Some(_) => Err(ParseExpectError::Quote),
        None => Ok(words),
    }
}
