//! Compares unsigned headers with the signed body.

use http::HeaderName;

use super::payload::XWebhookBody;
use crate::sign::HeaderLookup;
use crate::systems::body::{Moment, PayloadError};

impl XWebhookBody {
    /// Checks that the request's `X-Webhook-Event` and `X-Webhook-Timestamp` match the body.
    /// The signature covers neither header, so a strict receiver trusts only the body, and
    /// rejects a request whose headers differ. A timestamp may be written in another form if
    /// it is the same time.
    ///
    /// # Errors
    /// If a header is missing, occurs twice, or differs.
    pub fn check_headers(&self, headers: &(impl HeaderLookup + ?Sized)) -> Result<(), PayloadError> {
        let event = only(headers, "x-webhook-event");
        if event.as_deref() != Some(self.event()) {
            return Err(PayloadError::field("header x-webhook-event", "must be the body's event"));
        }
        let at = only(headers, "x-webhook-timestamp").and_then(|text| text.parse::<Moment>().ok());
        if at.map(|moment| moment.at()) != Some(self.timestamp.at()) {
            return Err(PayloadError::field("header x-webhook-timestamp", "must be the body's timestamp"));
        }
        Ok(())
    }
}

fn only(headers: &(impl HeaderLookup + ?Sized), name: &'static str) -> Option<String> {
    let name = HeaderName::from_static(name);
    let mut values = headers.values(&name);
    let first = String::from_utf8(values.next()?.as_ref().to_vec()).ok();
    if values.next().is_some() { None } else { first }
}
