//! How a line of a request is written.

use lb_core::condition::Word;
use lb_http::{
    fetch::HttpVocabulary,
    format::{Format, Kept},
};

use super::{Level, Line, LocalClock};

/// HAProxy's `option httplog clf`.
const COMBINED: &str = "%{+Q}o %{-Q}ci - - [%trg] %r %ST %B \"\" \"\" %cp %ms %ft %b %s %TR %Tw \
    %Tc %Tr %Ta %tsc %ac %fc %bc %sc %rc %sq %bq %CC %CS %hrl %hsl";

/// How a line of a request is written.
#[derive(Clone, Debug)]
pub enum Layout {
    /// HAProxy's HTTP log line.
    HaProxy,
    /// Its fields in an object.
    Json,
    /// By a log-format string.
    Format(Format),
}

impl Layout {
    /// HAProxy's Common Log Format.
    pub fn combined() -> Self {
        let format = Format::parse_line(&Word::whole(COMBINED), &HttpVocabulary::default());
        Self::Format(format.expect("HAProxy's own format is one"))
    }

    /// The format, if it is one.
    pub fn format(&self) -> Option<&Format> {
        match self {
            Self::Format(format) => Some(format),
            _ => None,
        }
    }

    /// Writes a line, without its end.
    pub fn write(
        &self,
        line: &Line<'_>,
        level: Level,
        kept: Option<&Kept>,
        out: &mut Vec<u8>,
        clock: &mut LocalClock,
    ) {
        match self {
            Self::HaProxy => line.write(out, clock),
            Self::Json => line.write_json(out, level, clock),
            Self::Format(format) => {
                let nothing = Kept::default();
                let kept = kept.unwrap_or(&nothing);
                format.write_line(out, &line.view, kept, &mut |out, alias, style| {
                    line.alias(out, clock, alias, style);
                });
            }
        }
    }
}
