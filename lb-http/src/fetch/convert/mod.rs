//! Converters: what a sample passes through, `path,lower`.
//!
//! Each takes samples of one type and gives samples of one type. What does not fit is turned into the other type as
//! HAProxy turns it; what cannot be turned is a mistake that is found when the expression is compiled.

mod date;
mod encode;
mod hash;
mod json;
mod jwt;
mod keep;
mod map;
mod number;
mod part;
mod text;
mod work;

use std::{fmt, sync::Arc};

use lb_core::condition::{Call, ConditionError, Sample, SampleType};

pub(super) use self::work::Work;
use self::work::{Buffer, v4};
use super::{registry::Registry, table_converters::TableConverter, view::View};

/// What runs; false if the sample cannot be converted, which is as if there were none.
type Run = dyn Fn(&mut Work, &View<'_>) -> bool + Send + Sync;

/// One converter, ready to run.
#[derive(Clone)]
pub(super) struct Converter {
    input: SampleType,
    /// `None`: what it was given.
    output: Option<SampleType>,
    run: Arc<Run>,
}

/// The converters of an expression, in order.
#[derive(Clone, Debug)]
pub(super) struct Chain {
    converters: Box<[Converter]>,
    output: SampleType,
    /// What letters the last of them leaves.
    case: Option<Case>,
}

/// The letters of a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Case {
    /// Only small ones.
    Lower,
    /// Only capital ones.
    Upper,
}

impl fmt::Debug for Converter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} to {:?}", self.input, self.output)
    }
}

/// HAProxy's others: those that stand alone, then those that come in families.
const NOT_BUILT: &[&str] = &[
    "add_item",
    "aes_gcm_dec",
    "be2dec",
    "be2hex",
    "capture-req",
    "capture-res",
    "cut_crlf",
    "debug",
    "fix_is_valid",
    "fix_tag_value",
    "htonl",
    "mqtt_field_value",
    "mqtt_is_valid",
    "nbsrv",
    "protobuf",
    "srv_queue",
    "ungrpc",
    "us_ltime",
    "us_utime",
    "uuid",
    "wt6",
    "x509_v_err_str",
];
const FAMILIES: &[&str] = &["ms_", "table_"];

/// Gives a call its meaning, or `None` if its name is another's.
type Resolve = fn(&Call, &Arc<Registry>) -> Option<Result<Converter, ConditionError>>;

/// The names each file has, and what they mean.
const FILES: &[(&[&str], Resolve)] = &[
    (text::NAMES, |call, _| text::resolve(call)),
    (part::NAMES, |call, _| part::resolve(call)),
    (encode::NAMES, |call, _| encode::resolve(call)),
    (number::NAMES, number::resolve),
    (hash::NAMES, |call, _| hash::resolve(call)),
    (date::NAMES, |call, _| date::resolve(call)),
    (json::NAMES, |call, _| json::resolve(call)),
    (jwt::NAMES, jwt::resolve),
    (keep::NAMES, keep::resolve),
    (map::NAMES, map::resolve),
    (&["in_table"], |call, registry| in_table(call, registry)),
];

/// What tables know of the sample.
fn in_table(call: &Call, registry: &Registry) -> Option<Result<Converter, ConditionError>> {
    let table = TableConverter::resolve(call, registry).transpose()?;
    Some(table.map(|table| {
        let output = table.output();
        Converter::new(SampleType::Any, output, move |work, _| {
            let known = table.convert(&work.sample());
            work.set(known)
        })
    }))
}

impl Converter {
    pub(super) fn new(
        input: SampleType,
        output: SampleType,
        run: impl Fn(&mut Work, &View<'_>) -> bool + Send + Sync + 'static,
    ) -> Self {
        Self {
            input,
            output: Some(output),
            run: Arc::new(run),
        }
    }

    /// One that gives what it was given.
    fn passing(run: impl Fn(&mut Work, &View<'_>) -> bool + Send + Sync + 'static) -> Self {
        Self {
            input: SampleType::Any,
            output: None,
            run: Arc::new(run),
        }
    }

    fn resolve(call: &Call, registry: &Arc<Registry>) -> Result<Self, ConditionError> {
        let name = call.name.as_str();
        let found = FILES
            .iter()
            .find_map(|(_, resolve)| resolve(call, registry));
        if let Some(found) = found {
            return found;
        }
        let is_known = NOT_BUILT.contains(&name) || FAMILIES.iter().any(|f| name.starts_with(f));
        let error = |message| ConditionError::new(call.span, message);
        Err(match is_known {
            true => error(format!(
                "the converter `{name}` is HAProxy's, and not built yet"
            )),
            false => error(format!("there is no converter `{name}`")).suggest(
                name,
                FILES.iter().flat_map(|(names, _)| names.iter().copied()),
            ),
        })
    }
}

impl Chain {
    /// Compiles the converters that stand after a fetch of type `from`.
    pub(super) fn compile(
        calls: &[Call],
        from: SampleType,
        registry: &Arc<Registry>,
    ) -> Result<Self, ConditionError> {
        let mut output = from;
        let mut converters = Vec::with_capacity(calls.len());
        for call in calls {
            let converter = Converter::resolve(call, registry)?;
            if !output.casts_to(converter.input) {
                let message = format!(
                    "the {output} before `{}` cannot be turned into the {} that it takes",
                    call.name, converter.input
                );
                return Err(ConditionError::new(call.span, message));
            }
            output = converter.output.unwrap_or(output);
            converters.push(converter);
        }
        Ok(Self {
            converters: converters.into(),
            output,
            case: calls.last().and_then(|call| match call.name.as_str() {
                "lower" => Some(Case::Lower),
                "upper" | "hex" => Some(Case::Upper),
                _ => None,
            }),
        })
    }

    pub(super) fn output(&self) -> SampleType {
        self.output
    }

    pub(super) fn is_empty(&self) -> bool {
        self.converters.is_empty()
    }

    /// The letters that are left, if only some are.
    pub(super) fn case(&self) -> Option<Case> {
        self.case
    }

    /// Hands over the converted sample, if there still is one.
    pub(super) fn convert(
        &self,
        sample: Sample<'_>,
        view: &View<'_>,
        visit: &mut dyn FnMut(Sample<'_>) -> bool,
    ) -> bool {
        if self.converters.is_empty() {
            return visit(sample);
        }
        let mut work = Work::new(sample);
        let mut all = self.converters.iter();
        all.all(|converter| work.cast(converter.input) && (converter.run)(&mut work, view))
            && visit(work.sample())
    }
}

fn missing(call: &Call, what: &str) -> ConditionError {
    ConditionError::new(call.span, format!("`{}` needs {what}", call.name))
}

fn wrong(call: &Call, n: usize, message: impl Into<String>) -> ConditionError {
    let span = call.args.get(n).map_or(call.span, |arg| arg.span);
    ConditionError::new(span, message)
}

/// The text of an argument that must be there.
fn required<'c>(call: &'c Call, n: usize, what: &str) -> Result<&'c str, ConditionError> {
    call.arg(n)
        .map(|arg| arg.text.as_str())
        .ok_or_else(|| missing(call, what))
}
