//! What the settings of the built-in integrations have in common: a form's errors are reported
//! all at once, and only the endpoints of one profile are shown.
//!
//! | system | its settings page | who decides |
//! |---|---|---|
//! | LiveSession | [`LiveSessionAdmin`](super::live_session::admin::LiveSessionAdmin): endpoints of websites, and alerts that route events to them | the actor's role |
//! | X-Webhook (Botble Live Chat) | [`XWebhookAdmin`](super::x_webhook::admin::XWebhookAdmin): name, URL, secret, events, on and off, test | the actor's permissions |
//! | LiveChat | [`live_chat::admin`](super::live_chat::admin): the Configuration API's webhook calls | the caller's token |
//!
//! The first two keep everything in the endpoints themselves, which the store keeps. The host
//! must authenticate a person before it creates an actor: these types check only what an actor
//! may do.

pub(super) mod endpoints;

use std::fmt;

use crate::endpoint::EndpointError;
use crate::error::StoreError;
use crate::webhooks::{RegisterError, TestError};

/// Why nothing was changed.
#[derive(Debug, Clone, thiserror::Error)]
#[non_exhaustive]
pub enum AdminError {
    /// The actor is not allowed to do that.
    #[error("forbidden: asks for {needs}")]
    Forbidden {
        /// The role or permission that the actor lacks.
        needs: &'static str,
    },
    /// The form has errors.
    #[error("{}", listed(.0))]
    Invalid(Vec<Problem>),
    /// The tenant has no such endpoint or alert.
    #[error("the tenant has no such endpoint or alert")]
    NotFound,
    /// [`Webhooks`](crate::Webhooks) refused the endpoint.
    #[error(transparent)]
    Register(RegisterError),
    /// A test could not be made.
    #[error(transparent)]
    Test(TestError),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// One error in a form.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Problem {
    /// The field, such as `url` or `events[1].kind`.
    pub field: String,
    /// The rule that the field breaks.
    pub rule: String,
}

impl AdminError {
    /// The errors of a form; empty if something else went wrong.
    #[must_use]
    pub fn problems(&self) -> &[Problem] {
        match self {
            Self::Invalid(problems) => problems,
            _ => &[],
        }
    }
}

impl From<RegisterError> for AdminError {
    fn from(error: RegisterError) -> Self {
        match error {
            RegisterError::Endpoint(error) => Self::Invalid(vec![Problem::from(&error)]),
            RegisterError::NotFound => Self::NotFound,
            RegisterError::Store(error) => Self::Store(error),
            other => Self::Register(other),
        }
    }
}

impl From<EndpointError> for AdminError {
    fn from(error: EndpointError) -> Self {
        Self::Invalid(vec![Problem::from(&error)])
    }
}

/// Splits the text of endpoint errors, which is `field: rule`.
impl From<&EndpointError> for Problem {
    fn from(error: &EndpointError) -> Self {
        let text = error.to_string();
        match text.split_once(": ") {
            Some((field, rule)) => Self { field: field.to_owned(), rule: rule.to_owned() },
            None => Self { field: "endpoint".to_owned(), rule: text },
        }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.field, self.rule)
    }
}

fn listed(problems: &[Problem]) -> String {
    problems.iter().map(Problem::to_string).collect::<Vec<_>>().join("; ")
}

/// The mistakes of a form, as they are found.
#[derive(Default)]
pub(super) struct Problems(Vec<Problem>);

impl Problems {
    /// Notes a mistake unless the rule holds.
    pub(super) fn hold(&mut self, holds: bool, field: impl Into<String>, rule: impl Into<String>) {
        if !holds {
            self.0.push(Problem { field: field.into(), rule: rule.into() });
        }
    }

    /// Adds what a check of [`Webhooks`](crate::Webhooks) found, unless it is not an error in
    /// the form.
    pub(super) fn note<T, E: Into<AdminError>>(&mut self, checked: Result<T, E>) -> Result<(), AdminError> {
        match checked.map_err(Into::into) {
            Ok(_) => Ok(()),
            Err(AdminError::Invalid(problems)) => {
                self.0.extend(problems);
                Ok(())
            }
            Err(other) => Err(other),
        }
    }

    pub(super) fn none(self) -> Result<(), AdminError> {
        if self.0.is_empty() { Ok(()) } else { Err(AdminError::Invalid(self.0)) }
    }
}
