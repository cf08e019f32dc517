//! Rules on requests that wait for a body (`wait-for-body`).

use std::future::poll_fn;

use http::{Request, StatusCode};
use lb_http::{
    Client,
    exchange::Failure,
    page::Pages,
    rules::{Answer, RequestRules, Verdict, Wait},
    server::{Incoming, ReadError},
    transaction::Transaction,
};
use tokio::time::timeout;

/// Applies the rules, and waits where they say so.
pub(super) async fn apply(
    rules: &RequestRules,
    request: &mut Request<Incoming>,
    transaction: &mut Transaction,
    pages: &Pages,
) -> Verdict {
    let mut verdict = rules.apply(request, transaction, pages);
    while let Verdict::Wait(wait) = verdict {
        // In a box: few requests are waited for.
        verdict = match Box::pin(come(request, &wait)).await {
            Ok(()) => rules.resume(&wait, request, transaction, pages),
            Err((status, failure)) => {
                // The rest of it is not to be read.
                if let Some(client) = request.extensions().get::<Client>() {
                    client.close();
                }
                let response = pages.response(status);
                return Verdict::Answer(Answer { response, failure });
            }
        };
    }
    verdict
}

/// Ends when as much has come as is waited for.
async fn come(request: &mut Request<Incoming>, wait: &Wait) -> Result<(), (StatusCode, Failure)> {
    let body = request.body_mut();
    let come = poll_fn(|cx| body.poll_ahead(cx, wait.at_least));
    Err(match timeout(wait.time, come).await {
        Ok(Ok(())) => return Ok(()),
        Ok(Err(ReadError::Timeout)) | Err(_) => (StatusCode::REQUEST_TIMEOUT, Failure::BodyTimeout),
        Ok(Err(ReadError::TooLarge)) => (StatusCode::PAYLOAD_TOO_LARGE, Failure::BodyTooLarge),
        Ok(Err(ReadError::Disconnected)) => (StatusCode::BAD_REQUEST, Failure::Client),
        Ok(Err(_)) => (StatusCode::BAD_REQUEST, Failure::InvalidBody),
    })
}
