//! How a frontend logs: which layouts its lines are written in, and which targets get them.

use lb_core::condition::Word;
use lb_http::{
    fetch::{HttpVocabulary, Place},
    format::{Alias, Format},
};

use super::problem;
use crate::{
    config::{
        Config, Diagnostics, Spanned,
        model::{self, Capture, FrontendLog, LogFormat, LogTarget},
    },
    log::{Layout, Level},
};

/// All targets of a configuration, each once; their places in it are their numbers.
#[derive(Debug, Default)]
pub struct LogTargets {
    all: Vec<LogTarget>,
    /// The numbers of those of `[global]`.
    global: Vec<usize>,
}

/// How a frontend logs.
#[derive(Debug, Default)]
pub struct Logging {
    outputs: Vec<Output>,
    error: Option<Format>,
    capture: Capture,
    slots: (usize, usize),
    asap: bool,
    samples: bool,
    counts: bool,
    sources: bool,
}

/// A layout, and who gets lines of it.
#[derive(Debug)]
pub struct Output {
    /// How a line is written.
    pub layout: Layout,
    /// The numbers of the targets.
    pub targets: Vec<usize>,
}

impl LogTargets {
    /// Those that are `known` already keep their numbers, used or not.
    pub(super) fn of(config: &Config, known: &[LogTarget]) -> Self {
        let mut targets = Self {
            all: known.to_vec(),
            global: Vec::new(),
        };
        for target in &config.global.log {
            // The same one twice gets every line twice, as it is asked for.
            let mut numbers = 0..targets.all.len();
            let known =
                numbers.find(|at| targets.all[*at] == *target && !targets.global.contains(at));
            targets.global.push(known.unwrap_or(targets.all.len()));
            if known.is_none() {
                targets.all.push(target.clone());
            }
        }
        for log in config.frontends.iter().filter_map(|one| one.log.as_ref()) {
            for target in log {
                if let FrontendLog::Target(target) = target
                    && !targets.all.contains(target)
                {
                    targets.all.push(target.clone());
                }
            }
        }
        targets
    }

    /// Every target, by number.
    pub fn all(&self) -> &[LogTarget] {
        &self.all
    }

    /// The numbers of those that also get messages of the process.
    pub fn global(&self) -> &[usize] {
        &self.global
    }

    /// The numbers of a frontend's targets.
    fn numbers(&self, log: Option<&[FrontendLog]>) -> Vec<usize> {
        let Some(log) = log else {
            return self.global.clone();
        };
        let mut numbers: Vec<usize> = Vec::new();
        for one in log {
            match one {
                FrontendLog::Global => numbers.extend(&self.global),
                FrontendLog::Target(target) => {
                    numbers.extend(self.all.iter().position(|known| known == target));
                }
            }
        }
        numbers
    }
}

impl Logging {
    pub(super) fn compile(
        model: &model::Frontend,
        targets: &LogTargets,
        vocabulary: &HttpVocabulary,
        diagnostics: &mut Diagnostics,
    ) -> Self {
        let vocabulary = vocabulary.at(Place::Log);
        let mut by_format: Vec<(&LogFormat, Vec<usize>)> = Vec::new();
        for number in targets.numbers(model.log.as_deref()) {
            let own = targets.all[number].format.as_ref();
            let format = own.unwrap_or(&model.log_format);
            match by_format.iter_mut().find(|(known, _)| *known == format) {
                Some((_, numbers)) => numbers.push(number),
                None => by_format.push((format, vec![number])),
            }
        }
        if by_format.iter().all(|(used, _)| **used != model.log_format) {
            // Nobody uses it, and what is wrong with it is wrong all the same.
            layout(&model.log_format, &vocabulary, diagnostics);
        }
        let outputs = by_format.into_iter().filter_map(|(format, targets)| {
            let layout = layout(format, &vocabulary, diagnostics)?;
            Some(Output { layout, targets })
        });
        let outputs: Vec<_> = outputs.collect();
        let error = model.error_log_format.as_ref();
        let error = error.and_then(|text| format(text, &vocabulary, diagnostics));
        let formats = || outputs.iter().filter_map(|output| output.layout.format());
        let counts = |format: &Format| {
            let mut aliases = format.aliases();
            aliases.any(|alias| matches!(alias, Alias::LogCounter | Alias::RequestCounter))
        };
        let sources = |format: &Format| {
            let mut aliases = format.aliases();
            aliases.any(|alias| matches!(alias, Alias::BackendSourceIp | Alias::BackendSourcePort))
        };
        Self {
            sources: formats().any(sources),
            samples: formats().any(Format::has_samples),
            counts: formats().any(counts),
            slots: (model.capture.request.len(), model.capture.response.len()),
            capture: model.capture.clone(),
            asap: model.logasap,
            error,
            outputs,
        }
    }

    /// The layouts of its lines; none if it has no targets.
    pub fn outputs(&self) -> &[Output] {
        &self.outputs
    }

    /// Has it a target that takes lines of this level?
    pub(super) fn takes(&self, targets: &LogTargets, level: Level) -> bool {
        let mut numbers = self.outputs.iter().flat_map(|output| &output.targets);
        numbers.any(|number| level <= targets.all[*number].level)
    }

    /// The targets of lines of connections without a request.
    pub fn targets(&self) -> impl Iterator<Item = &[usize]> {
        self.outputs.iter().map(|output| output.targets.as_slice())
    }

    /// How lines of connections look that ended before any request; `None`: as HAProxy has them.
    pub fn error(&self) -> Option<&Format> {
        self.error.as_ref()
    }

    /// What is kept of messages.
    pub fn capture(&self) -> &Capture {
        &self.capture
    }

    /// Adds the slots that rules on requests fill, behind those of fields.
    #[must_use]
    pub(super) fn with_slots(mut self, request: usize) -> Self {
        self.slots.0 += request;
        self
    }

    /// How many fields are kept of requests and of responses.
    pub fn slots(&self) -> (usize, usize) {
        self.slots
    }

    /// Are lines written when the response begins?
    pub fn asap(&self) -> bool {
        self.asap
    }

    /// Has any format samples, which are to be kept while they are there?
    pub fn has_samples(&self) -> bool {
        self.samples
    }

    /// Does any format tell this side's address of connections to servers?
    pub fn tells_source(&self) -> bool {
        self.sources
    }

    /// Does any format number its lines?
    pub fn has_counters(&self) -> bool {
        self.counts
    }
}

fn layout(
    format: &LogFormat,
    vocabulary: &HttpVocabulary,
    diagnostics: &mut Diagnostics,
) -> Option<Layout> {
    Some(match format {
        LogFormat::HaProxy => Layout::HaProxy,
        LogFormat::Combined => Layout::combined(),
        LogFormat::Json => Layout::Json,
        LogFormat::Text(text) => Layout::Format(self::format(text, vocabulary, diagnostics)?),
    })
}

/// Compiles a log-format string.
fn format(
    text: &Spanned<String>,
    vocabulary: &HttpVocabulary,
    diagnostics: &mut Diagnostics,
) -> Option<Format> {
    let format = Format::parse_line(&Word::whole(text), vocabulary)
        .map_err(|error| problem::of_condition(text, [error], diagnostics))
        .ok()?;
    if format.aliases().any(|alias| alias == Alias::UniqueId) {
        let message = "`%ID` is not supported by this version of lb yet";
        if !diagnostics.has_error_at(text.span()) {
            diagnostics.error(text.span(), message);
        }
        return None;
    }
    Some(format)
}
