//! `return`, `deny`, `tarpit`: a response that is made here.
//!
//! `[status N] [content-type T] [default-errorfiles | errorfile F | file F | lf-file F | string S | lf-string TEXT]
//! [hdr NAME TEXT]…`. Files are read when the rules are.

use bytes::Bytes;
use http::{HeaderName, HeaderValue, Response, StatusCode, header::CONTENT_TYPE};
use lb_core::condition::{ConditionError, Word};

use super::header::writable;
use crate::{
    fetch::View,
    page::{Page, Pages},
    rules::{compile::Words, text::Text, value::header_value},
};

/// A response in the making.
#[derive(Debug)]
pub(in crate::rules) struct Reply {
    status: StatusCode,
    content: Content,
    content_type: Option<HeaderValue>,
    fields: Box<[(HeaderName, Text)]>,
}

#[derive(Debug)]
enum Content {
    /// The page of the status, whatever the section says it is.
    ErrorPage,
    /// A whole response from a file.
    File(Page),
    Empty,
    Fixed(Bytes),
    Text(Text),
}

impl Reply {
    /// `return`: 200, and empty if nothing else is said.
    pub(super) fn parse_return(words: &mut Words<'_>) -> Result<Self, ConditionError> {
        Self::parse(StatusCode::OK, Content::Empty, words)
    }

    /// `deny` and `tarpit`: the page of the status.
    pub(super) fn parse_deny(
        status: StatusCode,
        words: &mut Words<'_>,
    ) -> Result<Self, ConditionError> {
        Self::parse(status, Content::ErrorPage, words)
    }

    fn parse(
        status: StatusCode,
        usual: Content,
        words: &mut Words<'_>,
    ) -> Result<Self, ConditionError> {
        let denies = matches!(usual, Content::ErrorPage);
        let mut reply = Self {
            status,
            content: usual,
            content_type: None,
            fields: Box::default(),
        };
        let mut fields = Vec::new();
        let mut has_status = false;
        let (mut content, mut typed): (Option<Word>, Option<Word>) = (None, None);
        while let Some(word) = words.peek().cloned() {
            let keyword = String::from_utf8_lossy(word.value()).into_owned();
            if matches!(keyword.as_str(), "status" | "deny_status")
                && std::mem::replace(&mut has_status, true)
            {
                return Err(ConditionError::new(
                    word.span(),
                    "there is a status already",
                ));
            }
            match keyword.as_str() {
                "status" => {
                    words.next();
                    reply.status = status_of(words)?;
                    // Observed: a page goes with `deny_status`, or with neither.
                    if content.is_none() {
                        reply.content = Content::Empty;
                    }
                }
                "deny_status" if denies => {
                    words.next();
                    reply.status = status_of(words)?;
                    if !Pages::has(reply.status) {
                        let message =
                            format!("there is no error page for {}", reply.status.as_u16());
                        return Err(ConditionError::new(words.last().span(), message)
                            .help("`status` takes any, and sends no page"));
                    }
                }
                "content-type" => {
                    words.next();
                    typed = Some(word);
                    let value = words.required("a media type")?.value();
                    reply.content_type = Some(header_value(value.to_vec()));
                }
                "hdr" => {
                    words.next();
                    let name = writable(words, false)?;
                    if name == CONTENT_TYPE {
                        let span = words.last().span();
                        return Err(ConditionError::new(
                            span,
                            "the word for this is `content-type`",
                        ));
                    }
                    fields.push((name, words.text("a value")?));
                }
                "errorfiles" => {
                    return Err(ConditionError::new(
                        word.span(),
                        "`errorfiles` is HAProxy's, and not built yet",
                    )
                    .help("`errorfile` takes one file"));
                }
                "default-errorfiles" | "errorfile" | "file" | "lf-file" | "string"
                | "lf-string" => {
                    words.next();
                    if content.is_some() {
                        let error = ConditionError::new(word.span(), "there is a content already");
                        return Err(error);
                    }
                    reply.content = read(&keyword, words)?;
                    content = Some(word);
                }
                _ => break,
            }
        }
        reply.fields = fields.into();
        reply.check(words, content.as_ref(), typed.as_ref())?;
        Ok(reply)
    }

    /// What HAProxy refuses, or warns of and ignores.
    fn check(
        &self,
        words: &Words<'_>,
        content: Option<&Word>,
        typed: Option<&Word>,
    ) -> Result<(), ConditionError> {
        let at = content.unwrap_or(words.last()).span();
        let own = matches!(self.content, Content::Fixed(_) | Content::Text(_));
        let is_bodiless = [204, 304].contains(&self.status.as_u16());
        if own && is_bodiless {
            let message = format!(
                "a response with status {} has no content",
                self.status.as_u16()
            );
            return Err(ConditionError::new(at, message));
        }
        if own && typed.is_none() {
            return Err(
                ConditionError::new(at, "the content needs a `content-type`")
                    .help("as in `return content-type text/plain string hello`"),
            );
        }
        if let (Some(typed), false) = (typed, own) {
            return Err(ConditionError::new(
                typed.span(),
                "there is no content that this could be the type of",
            ));
        }
        let is_page = matches!(self.content, Content::File(_))
            || (content.is_some() && matches!(self.content, Content::ErrorPage));
        if is_page && !self.fields.is_empty() {
            return Err(ConditionError::new(at, "an error page has its own headers")
                .help("HAProxy would leave out those of `hdr`"));
        }
        Ok(())
    }

    /// The response for what is seen.
    pub(in crate::rules) fn response(&self, view: &View<'_>, pages: &Pages) -> Response<Bytes> {
        let (mut response, is_own) = match &self.content {
            Content::File(page) => return page.response_to(self.status),
            Content::ErrorPage => match pages.find(self.status) {
                Some(response) => (response, false),
                None => (self.bare(Bytes::new()), true),
            },
            Content::Empty => (self.bare(Bytes::new()), true),
            Content::Fixed(text) => (self.bare(text.clone()), true),
            Content::Text(text) => (self.bare(text.text(view).into()), true),
        };
        let headers = response.headers_mut();
        for (name, text) in &self.fields {
            let value = text.text(view);
            // Observed: a field that would be empty is left out.
            if !value.is_empty() {
                headers.append(name.clone(), header_value(value));
            }
        }
        if let (Some(of), true) = (&self.content_type, is_own) {
            headers.insert(CONTENT_TYPE, of.clone());
        }
        response
    }

    fn bare(&self, body: Bytes) -> Response<Bytes> {
        let mut response = Response::new(body);
        *response.status_mut() = self.status;
        response
    }
}

fn read(keyword: &str, words: &mut Words<'_>) -> Result<Content, ConditionError> {
    Ok(match keyword {
        "default-errorfiles" => Content::ErrorPage,
        "string" => {
            let text = words.required("a text")?.value();
            Content::Fixed(Bytes::copy_from_slice(text))
        }
        "lf-string" => Content::Text(words.text("a text")?),
        _ => {
            let word = words.required("the name of a file")?;
            let bytes = words.read(word)?;
            match keyword {
                "file" => Content::Fixed(bytes.into()),
                "lf-file" => Content::Text(text_of(&bytes, word, words)?),
                _ => Content::File(
                    Page::parse(&bytes)
                        .map_err(|error| ConditionError::new(word.span(), error.to_string()))?,
                ),
            }
        }
    })
}

/// A file as a text with samples; its mistakes are told at its name.
fn text_of(bytes: &[u8], word: &Word, words: &Words<'_>) -> Result<Text, ConditionError> {
    let at = |message: String| ConditionError::new(word.span(), message);
    let text = std::str::from_utf8(bytes).map_err(|_| at("the file is not UTF-8".into()))?;
    Text::parse(&Word::whole(text), words.vocabulary).map_err(|error| {
        let line = 1 + text[..error.offset].matches('\n').count();
        at(format!("line {line} of the file: {}", error.message))
    })
}

/// The status of a response that is made here.
pub(super) fn status_of(words: &mut Words<'_>) -> Result<StatusCode, ConditionError> {
    let number = words.number("a status", 200, 599)?;
    let status = u16::try_from(number)
        .ok()
        .and_then(|n| StatusCode::from_u16(n).ok());
    Ok(status.expect("these numbers are statuses"))
}
