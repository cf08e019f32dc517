//! Log-format strings as rules take them: what they ask for must be known while the request waits.

use std::io::Write as _;

use http::Version;
use lb_core::condition::{ConditionError, Word};

use crate::{
    fetch::{HttpVocabulary, Place, View},
    format::{Alias, Format},
};

/// A text with samples in it, as in `set-header X-Client %[src]:%cp`.
///
/// Of the names of log lines it may have those of the client, of the target and of the status; any other is an error,
/// since a request has neither its server nor its timers yet.
#[derive(Debug, Clone)]
pub struct Text(Format);

impl Text {
    /// Compiles the text of one word.
    ///
    /// # Errors
    /// The first mistake, with its place; a name whose value is not known yet.
    pub fn parse(word: &Word, vocabulary: &HttpVocabulary) -> Result<Self, ConditionError> {
        let format = Format::parse(word, vocabulary)?;
        let unknown = |alias: &Alias| !is_known(*alias, vocabulary.place());
        let found = format.aliases().find(unknown);
        match found {
            None => Ok(Self(format)),
            Some(alias) => {
                let message = format!("`%{}` is of log lines: it is not known yet", alias.name());
                Err(ConditionError::new(word.span(), message)
                    .help("here there are %ci %cp %fi %fp %pid; on requests %HM %HP %HPO %HQ %HU %HV %r; on responses %ST"))
            }
        }
    }

    /// Always the same text.
    #[must_use]
    pub fn fixed(text: &[u8]) -> Self {
        Self(Format::fixed(text))
    }

    /// The text, if it is always the same.
    #[must_use]
    pub fn as_fixed(&self) -> Option<&[u8]> {
        self.0.as_fixed()
    }

    /// Appends the text for what is seen.
    pub fn write(&self, out: &mut Vec<u8>, view: &View<'_>) {
        self.0.write(out, view, &mut |out, alias, style| {
            let mut text = Vec::new();
            write(&mut text, view, alias);
            style.text(out, &text);
        });
    }

    /// The text for what is seen.
    #[must_use]
    pub fn text(&self, view: &View<'_>) -> Vec<u8> {
        let mut text = Vec::new();
        self.write(&mut text, view);
        text
    }
}

fn is_known(alias: Alias, place: Place) -> bool {
    match alias {
        Alias::ClientIp
        | Alias::ClientPort
        | Alias::FrontendIp
        | Alias::FrontendPort
        | Alias::Pid => true,
        Alias::Method
        | Alias::UriPath
        | Alias::Path
        | Alias::Query
        | Alias::Uri
        | Alias::Version
        | Alias::Request => place == Place::Request,
        Alias::Status => place == Place::Response,
        _ => false,
    }
}

fn write(out: &mut Vec<u8>, view: &View<'_>, alias: Alias) {
    let address = match alias {
        Alias::ClientIp | Alias::ClientPort => view.source(),
        Alias::FrontendIp | Alias::FrontendPort => view.destination(),
        _ => None,
    };
    // Writing to a Vec cannot fail.
    let _ = match (alias, address) {
        (Alias::ClientIp | Alias::FrontendIp, Some(address)) => write!(out, "{}", address.ip()),
        (Alias::ClientPort | Alias::FrontendPort, Some(address)) => {
            write!(out, "{}", address.port())
        }
        (Alias::Pid, _) => write!(out, "{}", std::process::id()),
        (Alias::Status, _) => {
            let status = view.response.map(|response| response.status);
            write!(out, "{}", status.unwrap_or_default().as_u16())
        }
        _ => Ok(()),
    };
    let Some(request) = &view.request else { return };
    let version = match request.version {
        Version::HTTP_10 => "HTTP/1.0",
        Version::HTTP_2 => "HTTP/2.0",
        Version::HTTP_3 => "HTTP/3.0",
        _ => "HTTP/1.1",
    };
    match alias {
        Alias::Method => out.extend_from_slice(request.method.as_str().as_bytes()),
        Alias::Uri => request.with_url(|url| out.extend_from_slice(url)),
        Alias::UriPath => request.with_url(|url| {
            let end = url.iter().position(|byte| *byte == b'?');
            out.extend_from_slice(&url[..end.unwrap_or(url.len())]);
        }),
        Alias::Path => out.extend_from_slice(request.path().unwrap_or_default().as_bytes()),
        Alias::Query => {
            if let Some(query) = request.query() {
                out.push(b'?');
                out.extend_from_slice(query.as_bytes());
            }
        }
        Alias::Version => out.extend_from_slice(version.as_bytes()),
        Alias::Request => {
            out.extend_from_slice(request.method.as_str().as_bytes());
            out.push(b' ');
            request.with_url(|url| out.extend_from_slice(url));
            out.push(b' ');
            out.extend_from_slice(version.as_bytes());
        }
        _ => {}
    }
}
