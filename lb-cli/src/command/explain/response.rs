//! The way back: captures, rules on responses, `stick`, compression.
//!
//! What a server answers cannot be known. It is taken to be 200 without a field, or what the command line says.

use http::{Response, StatusCode, response::Parts};
use lb_http::{
    Client,
    fetch::{ResponseView, View},
    page::Pages,
    rules::{Answer, ResponseRules},
    stick::Use,
    transaction::{Slot, VariableScope},
};

use super::{Case, Sheet, captures, request::Header, rules, stick};
use crate::{
    log,
    plan::{Backend, Frontend, Rules},
};

/// A response on its way to the client.
pub(super) struct Told {
    head: Parts,
    /// It is a server's, and no page of this process.
    of_server: bool,
    /// The command line tells of it.
    given: bool,
}

impl Told {
    /// What a server answers.
    pub(super) fn of_server(status: Option<StatusCode>, headers: &[Header]) -> Self {
        let mut response = Response::new(());
        *response.status_mut() = status.unwrap_or_default();
        for header in headers {
            header.append_to(response.headers_mut());
        }
        Self {
            head: response.into_parts().0,
            of_server: true,
            given: status.is_some() || !headers.is_empty(),
        }
    }

    /// What this process answers itself.
    pub(super) fn own<B>(response: Response<B>) -> Self {
        Self {
            head: response.into_parts().0,
            of_server: false,
            given: false,
        }
    }
}

/// Tells what becomes of `told` on its way through the backend, if there is one, and the frontend.
pub(super) fn explain(
    frontend: &Frontend,
    backend: Option<&Backend>,
    told: Told,
    case: &mut Case,
    sheet: &mut Sheet,
) {
    let own = |backend: &&Backend| frontend.model().name.span() == backend.model().name.span();
    let lists = backend.filter(|backend| !own(backend));
    let lists = lists.map(Backend::rules).into_iter();
    let lists: Vec<&Rules> = lists.chain([frontend.rules()]).collect();
    let mut way = Way {
        pages: backend.map_or_else(
            || (**frontend.pages()).clone(),
            |backend| backend.pages().clone().or(frontend.pages()),
        ),
        head: told.head,
        client: case.request.extensions().get().cloned(),
        case,
        sheet,
    };
    let after = lists.iter().any(|rules| !rules.after_response.is_empty());
    let of_server = told.of_server.then_some(backend).flatten();
    let Some(backend) = of_server else {
        if after {
            way.sheet.blank();
            way.through_all(&lists);
            way.tell_answer();
        }
        return;
    };
    let capture = frontend.logging().capture();
    let compression = backend.compression().or(frontend.compression());
    let stores = |rule: &lb_http::stick::Rule| rule.usage() == Use::StoreResponse;
    let nothing = !after
        && !told.given
        && capture.response.is_empty()
        && compression.is_none()
        && lists.iter().all(|rules| rules.response.is_empty())
        && !backend
            .stick()
            .is_some_and(|s| s.rules().iter().any(stores));
    if nothing {
        return;
    }
    way.sheet.blank();
    let status = way.head.status;
    let told = match told.given {
        true => status.to_string(),
        false => {
            format!("{status} without a field, taken for granted: see --status, --response-header")
        }
    };
    way.sheet.row("response", told);
    way.tell_fields();
    log::capture_response(
        capture,
        &way.head.headers,
        &mut way.case.transaction.captures,
    );
    captures::tell(
        &capture.response,
        Slot::Response,
        "response",
        way.case,
        way.sheet,
    );
    way.tell_stick(backend);
    way.case.transaction.forget(VariableScope::Request);
    for rules in &lists {
        if way.through("http_response", &rules.response) {
            break;
        }
    }
    way.through_all(&lists);
    if let Some(compression) = compression {
        let text = match compression.negotiate(&way.case.request) {
            None => "none: the client takes none of its codings".to_owned(),
            Some(coding) => {
                let length = way.head.headers.get(http::header::CONTENT_LENGTH);
                let length = length.and_then(|length| length.to_str().ok()?.parse().ok());
                match compression.begin(coding, &mut way.head, length) {
                    Some(_) => coding.as_str().to_owned(),
                    None => format!("{}, but not for this response", coding.as_str()),
                }
            }
        };
        way.sheet.row("compression", text);
    }
    way.tell_answer();
}

/// A response among the rules.
struct Way<'a> {
    pages: Pages,
    head: Parts,
    client: Option<Client>,
    case: &'a mut Case,
    sheet: &'a mut Sheet,
}

impl Way<'_> {
    /// Applies the rules on all responses.
    fn through_all(&mut self, lists: &[&Rules]) {
        for rules in lists {
            self.through("http_after_response", &rules.after_response);
        }
    }

    /// Applies a list of rules and tells of each; does it put another response in the place of this one?
    fn through(&mut self, label: &str, rules: &ResponseRules) -> bool {
        let mut traces = Vec::new();
        let answer = rules.apply_traced(
            &mut self.head,
            self.client.as_ref(),
            &mut self.case.transaction,
            &self.pages,
            &mut traces,
        );
        rules::tell(label, &traces, self.sheet);
        let replaced = answer.is_some();
        if let Some(Answer { response, .. }) = answer {
            self.head = response.into_parts().0;
        }
        replaced
    }

    /// What a table learns of the response.
    fn tell_stick(&mut self, backend: &Backend) {
        let mut view = View::default().client(self.client.as_ref());
        view.response = Some(ResponseView::new(&self.head));
        stick::tell(
            backend,
            |rule| rule.usage() == Use::StoreResponse,
            &view,
            self.sheet,
        );
    }

    fn tell_answer(&mut self) {
        let closes = self
            .head
            .extensions
            .get::<lb_http::server::Hangup>()
            .is_some();
        let text = match closes {
            true => "none: the connection is closed".to_owned(),
            false => self.head.status.to_string(),
        };
        self.sheet.row("answer", text);
        self.tell_fields();
    }

    fn tell_fields(&mut self) {
        for (name, value) in &self.head.headers {
            let value = value.as_bytes().escape_ascii();
            self.sheet.row("", format!("{name}: {value}"));
        }
    }
}
