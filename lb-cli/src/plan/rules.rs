//! The rules of a section, compiled.

use lb_core::condition::Scope;
use lb_http::{
    fetch::HttpVocabulary,
    rules::{RequestRules, ResponseRules, RuleError, Section},
};

use super::problem;
use crate::config::{
    Diagnostics,
    model::{self, Rule, read_file},
};

/// The rules of a frontend or a backend.
#[derive(Debug, Default)]
pub struct Rules {
    /// On requests.
    pub request: RequestRules,
    /// On the responses of servers.
    pub response: ResponseRules,
    /// On all responses.
    pub after_response: ResponseRules,
}

/// The named conditions of a section, for the places its texts stand at.
pub(super) struct Scopes {
    pub(super) request: Scope<HttpVocabulary>,
    pub(super) response: Scope<HttpVocabulary>,
}

impl Rules {
    /// Those of the section that `section` describes.
    pub(super) fn compile(
        model: &model::Rules,
        section: Section<'_>,
        scopes: &Scopes,
        diagnostics: &mut Diagnostics,
    ) -> Self {
        let mut told = |rules: &[Rule], errors: Vec<RuleError>| {
            for error in errors {
                problem::of_condition(&rules[error.rule].0, [error.source], diagnostics);
            }
        };
        let texts = |rules: &[Rule]| -> Vec<String> {
            rules.iter().map(|rule| rule.0.to_string()).collect()
        };
        let section = section.files(&read_file).waits();
        let response = &model.http_response;
        let response = ResponseRules::compile_in(&texts(response), &scopes.response, section)
            .map_err(|errors| told(response, errors))
            .unwrap_or_default();
        let after = &model.http_after_response;
        let after_response = ResponseRules::compile_after(&texts(after), &scopes.response, section)
            .map_err(|errors| told(after, errors))
            .unwrap_or_default();
        let request = &model.http_request;
        let request = RequestRules::compile_in(&texts(request), &scopes.request, section)
            .map_err(|errors| told(request, errors))
            .unwrap_or_default();
        Self {
            request,
            response,
            after_response,
        }
    }
}
