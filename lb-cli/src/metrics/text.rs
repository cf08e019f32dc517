//! Prometheus' text format, version 0.0.4, and OpenMetrics 1.0, which differ in little.

use std::fmt::{Display, Write as _};

use crate::run::{BOUNDS, Time};

/// How the metrics are written.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Format {
    /// Prometheus' own, version 0.0.4.
    #[default]
    Prometheus,
    /// OpenMetrics 1.0.
    OpenMetrics,
}

impl Format {
    /// What a client that sends this `Accept` gets.
    pub fn of(accept: &str) -> Self {
        let mut media = accept.split(',');
        let wanted = media.any(|range| {
            let mut parts = range.split(';').map(str::trim);
            let name = parts.next().unwrap_or_default();
            let refused = |part: &str| {
                let zero = part.strip_prefix("q=").and_then(|q| q.parse::<f32>().ok());
                zero.is_some_and(|q| q <= 0.0)
            };
            name.eq_ignore_ascii_case("application/openmetrics-text") && !parts.any(refused)
        });
        match wanted {
            true => Self::OpenMetrics,
            false => Self::Prometheus,
        }
    }

    /// Its `Content-Type`.
    pub const fn content_type(self) -> &'static str {
        match self {
            Self::Prometheus => "text/plain; version=0.0.4; charset=utf-8",
            Self::OpenMetrics => "application/openmetrics-text; version=1.0.0; charset=utf-8",
        }
    }
}

/// What kind of figure a family has.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Kind {
    Counter,
    Gauge,
    Histogram,
}

/// Names and values of labels.
pub(super) type Labels<'a> = &'a [(&'a str, &'a str)];

/// Writes families, one after the other.
pub(super) struct Writer {
    out: String,
    format: Format,
}

impl Writer {
    pub(super) fn new(format: Format) -> Self {
        let out = String::with_capacity(64 * 1024);
        Self { out, format }
    }

    /// Begins a family; the name of a counter ends with `_total`.
    pub(super) fn family(&mut self, name: &str, kind: Kind, help: &str) {
        let kind = match kind {
            Kind::Counter => "counter",
            Kind::Gauge => "gauge",
            Kind::Histogram => "histogram",
        };
        // There, the ending is the sample's and not the family's.
        let name = match self.format {
            Format::OpenMetrics if kind == "counter" => name.strip_suffix("_total").unwrap_or(name),
            _ => name,
        };
        // Writing to a String cannot fail.
        let _ = write!(self.out, "# HELP {name} {help}\n# TYPE {name} {kind}\n");
    }

    pub(super) fn sample(&mut self, name: &str, labels: Labels<'_>, value: impl Display) {
        self.out.push_str(name);
        self.labels(labels, None);
        // Writing to a String cannot fail.
        let _ = writeln!(self.out, " {value}");
    }

    /// A family of one sample.
    pub(super) fn one(&mut self, name: &str, kind: Kind, help: &str, value: impl Display) {
        self.family(name, kind, help);
        self.sample(name, &[], value);
    }

    /// What one member of a family of histograms has, in seconds.
    pub(super) fn histogram(&mut self, name: &str, labels: Labels<'_>, time: &Time) {
        let mut count = 0;
        let bounds = BOUNDS.iter().map(|micros| bound(*micros));
        let bounds = bounds.chain(["+Inf".to_owned()]);
        for (bound, each) in bounds.zip(time.buckets()) {
            count += each;
            let _ = write!(self.out, "{name}_bucket");
            self.labels(labels, Some(&bound));
            let _ = writeln!(self.out, " {count}");
        }
        for (end, value) in [("_sum", seconds(time.sum())), ("_count", count.to_string())] {
            let _ = write!(self.out, "{name}{end}");
            self.labels(labels, None);
            let _ = writeln!(self.out, " {value}");
        }
    }

    fn labels(&mut self, labels: Labels<'_>, bound: Option<&str>) {
        let bound = bound.map(|bound| ("le", bound));
        let mut open = '{';
        for (name, value) in labels.iter().copied().chain(bound) {
            self.out.push(open);
            self.out.push_str(name);
            self.out.push_str("=\"");
            for c in value.chars() {
                match c {
                    '\\' => self.out.push_str("\\\\"),
                    '"' => self.out.push_str("\\\""),
                    '\n' => self.out.push_str("\\n"),
                    c => self.out.push(c),
                }
            }
            self.out.push('"');
            open = ',';
        }
        if open == ',' {
            self.out.push('}');
        }
    }

    pub(super) fn finish(mut self) -> String {
        if self.format == Format::OpenMetrics {
            self.out.push_str("# EOF\n");
        }
        self.out
    }
}

/// Microseconds as seconds, with all that they have.
pub(super) fn seconds(micros: u64) -> String {
    let (whole, rest) = (micros / 1_000_000, micros % 1_000_000);
    let text = format!("{whole}.{rest:06}");
    let short = text.trim_end_matches('0');
    short.trim_end_matches('.').to_owned()
}

/// A bucket's: OpenMetrics wants a point in it, and one name in both formats is one series.
fn bound(micros: u64) -> String {
    let text = seconds(micros);
    match text.contains('.') {
        true => text,
        false => text + ".0",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_counter_is_named_as_its_format_wants() {
        let text = |format| {
            let mut out = Writer::new(format);
            out.family("a_total", Kind::Counter, "What it is.");
            out.sample("a_total", &[("p", "x\"\\\ny"), ("s", "1")], 5);
            out.finish()
        };
        let sample = "a_total{p=\"x\\\"\\\\\\ny\",s=\"1\"} 5\n";
        assert_eq!(
            text(Format::Prometheus),
            format!("# HELP a_total What it is.\n# TYPE a_total counter\n{sample}")
        );
        assert_eq!(
            text(Format::OpenMetrics),
            format!("# HELP a What it is.\n# TYPE a counter\n{sample}# EOF\n")
        );
    }

    #[test]
    fn times_are_seconds() {
        for (micros, text) in [
            (0, "0"),
            (1, "0.000001"),
            (2_500, "0.0025"),
            (10_000_000, "10"),
            (u64::MAX, "18446744073709.551615"),
        ] {
            assert_eq!(seconds(micros), text);
        }
        assert_eq!(
            (bound(500), bound(1_000_000)),
            ("0.0005".to_owned(), "1.0".to_owned())
        );
    }

    #[test]
    fn who_asks_for_openmetrics_gets_it() {
        for accept in [
            "application/openmetrics-text",
            "application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75,text/plain;version=0.0.4;q=0.5,*/*;q=0.1",
        ] {
            assert_eq!(Format::of(accept), Format::OpenMetrics, "{accept}");
        }
        for accept in [
            "",
            "*/*",
            "text/plain;version=0.0.4",
            "application/openmetrics-text;q=0, */*",
        ] {
            assert_eq!(Format::of(accept), Format::Prometheus, "{accept}");
        }
    }
}
