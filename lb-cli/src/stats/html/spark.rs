//! The last five minutes as a line, drawn by the page itself.

use std::fmt::{self, Write as _};

use super::text::{Grouped, Micros};
use crate::{
    run::{SPAN, Span, System},
    stats::{Row, Source},
};

/// How high a line may go, in the units of its own picture.
const HEIGHT: u64 = 20;

/// Spans that fit in one: as many as a [`Trace`](crate::run::Trace) keeps.
const WIDTH: usize = 60;

/// What is drawn.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Figure {
    /// Requests each second.
    Rate,
    /// How long they took on average.
    Time,
}

/// The spans of what a row is about.
pub(super) fn spans(system: &System, row: &Row) -> Vec<Span> {
    let backend = |at: usize| system.backends().get(at).map(|backend| backend.rates());
    let spans = match row.source {
        Source::Frontend(at) => {
            let frontend = system.frontends().get(at);
            frontend.map(|frontend| frontend.rates().trace.spans())
        }
        Source::Backend(at) => backend(at).map(|rates| rates.trace.spans()),
        Source::Server { backend: at, uid } => {
            backend(at).map(|rates| rates.server(uid).trace.spans())
        }
    };
    spans.unwrap_or_default()
}

/// Several as one: requests add up, and times by how many took them.
pub(super) fn sum(traces: &[Vec<Span>]) -> Vec<Span> {
    let length = traces.iter().map(Vec::len).max().unwrap_or(0);
    let span = |ago: usize| {
        let of_each = traces
            .iter()
            .filter_map(|trace| trace.iter().rev().nth(ago));
        let (requests, micros) = of_each.fold((0, 0), |(requests, micros), span| {
            let weight = u64::from(span.requests);
            (requests + weight, micros + weight * u64::from(span.micros))
        });
        let average = micros.checked_div(requests).unwrap_or(0);
        Span {
            requests: u32::try_from(requests).unwrap_or(u32::MAX),
            micros: u32::try_from(average).unwrap_or(u32::MAX),
        }
    };
    (0..length).rev().map(span).collect()
}

/// What the last span that says anything says; nothing if none does.
pub(super) fn last(spans: &[Span], figure: Figure) -> Option<u64> {
    match figure {
        Figure::Rate => spans
            .last()
            .map(|span| u64::from(span.requests).div_ceil(SPAN)),
        Figure::Time => {
            let timed = spans.iter().rev().take(12).find(|span| span.micros > 0);
            timed.map(|span| span.micros.into())
        }
    }
}

/// The line; nothing while there are no two points to draw it between.
pub(super) fn draw(out: &mut String, spans: &[Span], figure: Figure) -> fmt::Result {
    let value = |span: &Span| match figure {
        Figure::Rate => u64::from(span.requests),
        Figure::Time => u64::from(span.micros),
    };
    let top = spans.iter().map(value).max().unwrap_or(0);
    let (class, title) = match figure {
        Figure::Rate => (
            "r",
            format!("at most {} requests/s", Grouped(top.div_ceil(SPAN))),
        ),
        Figure::Time => ("w", format!("at most {}", Micros(top))),
    };
    write!(
        out,
        "<svg class=\"{class}\" viewBox=\"0 0 {} {HEIGHT}\" preserveAspectRatio=\"none\" role=\"img\">\
         <title>the last 5 minutes: {title}</title>",
        WIDTH - 1
    )?;
    // That nothing took any time is not a figure.
    let says = top > 0 || figure == Figure::Rate;
    if spans.len() > 1 && says {
        let from = WIDTH.saturating_sub(spans.len());
        let mut line = String::new();
        for (at, span) in spans.iter().enumerate() {
            // A unit from each edge, so that the line is as thick there.
            let height = (value(span) * (HEIGHT - 2)).checked_div(top).unwrap_or(0);
            write!(line, " {} {}", from + at, HEIGHT - 1 - height)?;
        }
        if figure == Figure::Rate {
            write!(
                out,
                "<path class=\"a\" d=\"M{from} {HEIGHT} L{line} {} {HEIGHT}z\"/>",
                WIDTH - 1
            )?;
        }
        write!(out, "<path class=\"l\" d=\"M{}\"/>", line.trim_start())?;
    }
    out.write_str("</svg>")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn span(requests: u32, micros: u32) -> Span {
        Span { requests, micros }
    }

    #[test]
    fn a_line_ends_at_the_right_and_reaches_the_top_once() {
        let mut out = String::new();
        let spans = [span(0, 0), span(10, 300), span(5, 100)];
        draw(&mut out, &spans, Figure::Rate).unwrap();
        assert!(out.contains("d=\"M57 19 58 1 59 10\""), "{out}");
        assert!(out.contains("at most 2 requests/s"), "{out}");
        let mut nothing = String::new();
        draw(&mut nothing, &[span(7, 7)], Figure::Time).unwrap();
        draw(&mut nothing, &[span(0, 0), span(0, 0)], Figure::Time).unwrap();
        assert!(!nothing.contains("<path"), "{nothing}");
    }

    #[test]
    fn traces_of_any_length_add_up() {
        let traces = [vec![span(1, 100)], vec![span(5, 10), span(3, 200)]];
        assert_eq!(sum(&traces), [span(5, 10), span(4, 175)]);
        assert_eq!(sum(&[]), []);
        assert_eq!(last(&sum(&traces), Figure::Rate), Some(1));
        assert_eq!(last(&[span(1, 9), span(0, 0)], Figure::Time), Some(9));
        assert_eq!(last(&[], Figure::Time), None);
    }
}
