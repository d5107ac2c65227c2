//! What a customer gets to see: endpoints, and refusals.

use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use hookpost::{Endpoint, RegisterError};
use serde_json::{Value, json};

/// An endpoint as its customer sees it.
pub(crate) fn visible(endpoint: &Endpoint) -> Value {
    let events: Vec<_> = endpoint.subscription.patterns().collect();
    let (id, url, version) = (endpoint.id.as_str(), endpoint.url.expose(), endpoint.version);
    json!({"id": id, "url": url, "events": events, "enabled": endpoint.enabled, "version": version})
}

/// A status, and a text that tells the customer which rule was broken.
pub(crate) struct Refusal(pub(crate) StatusCode, pub(crate) String);

impl<E: Into<RegisterError>> From<E> for Refusal {
    fn from(error: E) -> Self {
        let error = error.into();
        let status = match &error {
            RegisterError::Endpoint(_) => StatusCode::UNPROCESSABLE_ENTITY,
            RegisterError::Conflict { .. } => StatusCode::CONFLICT,
            RegisterError::NotFound => StatusCode::NOT_FOUND,
            other => {
                eprintln!("{other}"); // For the log: this is not the customer's fault.
                return Self(StatusCode::INTERNAL_SERVER_ERROR, String::new());
            }
        };
        Self(status, error.to_string())
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        (self.0, self.1).into_response()
    }
}
