//! Content codings, and which of them a client takes: RFC 9110, 12.5.3.

use http::{HeaderMap, header::ACCEPT_ENCODING};

/// A content coding.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Coding {
    /// RFC 1952.
    Gzip,
    /// RFC 7932.
    Brotli,
    /// RFC 8878.
    Zstd,
}

impl Coding {
    /// As in `Content-Encoding`, and in the configuration.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Gzip => "gzip",
            Self::Brotli => "br",
            Self::Zstd => "zstd",
        }
    }

    /// The coding of a name, in any case; `x-gzip` is gzip.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        let is = |known: &str| name.eq_ignore_ascii_case(known);
        match () {
            () if is("gzip") || is("x-gzip") => Some(Self::Gzip),
            () if is("br") => Some(Self::Brotli),
            () if is("zstd") => Some(Self::Zstd),
            () => None,
        }
    }

    /// Of those `offered`, in the order of preference, the one that the client likes best; `None` if it takes none, or
    /// would rather have no coding.
    pub(super) fn accepted(headers: &HeaderMap, offered: &[Self]) -> Option<Self> {
        let mut best: Option<(Self, u16)> = None;
        for coding in offered.iter().copied() {
            let quality = quality(headers, coding.as_str()).or_else(|| match coding {
                Self::Gzip => quality(headers, "x-gzip"),
                _ => None,
            });
            let quality = quality.or_else(|| self::quality(headers, "*")).unwrap_or(0);
            if quality > best.map_or(0, |(_, best)| best) {
                best = Some((coding, quality));
            }
        }
        let (coding, liked) = best?;
        let plain = quality(headers, "identity").unwrap_or(0);
        (plain <= liked).then_some(coding)
    }
}

/// The weight of `name` in thousandths.
fn quality(headers: &HeaderMap, name: &str) -> Option<u16> {
    let values = headers.get_all(ACCEPT_ENCODING).iter();
    let items = values
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','));
    let mut items = items;
    items.find_map(|item| {
        let (coding, parameters) = item.split_once(';').unwrap_or((item, ""));
        coding
            .trim()
            .eq_ignore_ascii_case(name)
            .then(|| weight(parameters))
    })
}

/// `q=0.5` as 500; what cannot be read is 0, and nothing is 1000.
fn weight(parameters: &str) -> u16 {
    let parameters = parameters.trim();
    if parameters.is_empty() {
        return 1000;
    }
    let value = parameters
        .strip_prefix(['q', 'Q'])
        .and_then(|rest| rest.trim_start().strip_prefix('='));
    let parsed: Option<f32> = value.and_then(|value| value.trim().parse().ok());
    match parsed {
        // The cast is of a number between 0 and 1000.
        Some(value) if (0.0..=1.0).contains(&value) => (value * 1000.0).round() as u16,
        _ => 0,
    }
}
