//! The receiving side: the code that a web framework's handler would call with a request.

use hookpost::systems::x_webhook::payload::XWebhookBody;
use hookpost::{Timestamp, Verifier};
use http::{HeaderMap, StatusCode};

/// The event of a request, or the status to refuse it with. Whoever gets an event answers
/// 2xx, also to one that they do not know: the sender would only repeat it.
pub fn receive(
    verifier: &Verifier,
    headers: &HeaderMap,
    body: &[u8],
    now: Timestamp,
) -> Result<XWebhookBody, StatusCode> {
    let proven = verifier.verify(headers, body, now).map_err(|_| StatusCode::UNAUTHORIZED)?;
    let body = XWebhookBody::read(proven.body()).map_err(|_| StatusCode::BAD_REQUEST)?;
    body.check_headers(headers).map_err(|_| StatusCode::BAD_REQUEST)?;
    Ok(body)
}
