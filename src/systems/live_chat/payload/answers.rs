//! What to answer to LiveChat.

use http::StatusCode;

/// The result of receiving a webhook.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Reception {
    /// The webhook was handled.
    Handled,
    /// The webhook is authentic, but nothing handles its action.
    Unhandled,
    /// The secret key is missing or wrong.
    WrongKey,
    /// The body is not a webhook.
    Unreadable,
    /// Handling the action failed.
    Failed,
}

/// The status for each result. LiveChat sends again everything that is not answered with 200,
/// so an action that nothing handles is answered with 200: sending it again would not help.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Answers {
    wrong_key: StatusCode,
    always_ok: bool,
}

impl Default for Answers {
    fn default() -> Self {
        Self { wrong_key: StatusCode::UNAUTHORIZED, always_ok: false }
    }
}

impl Answers {
    /// 401 for a wrong key, 400 for a body that is not a webhook, 500 for a failure, and 200
    /// for everything else.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Answers 403 to a wrong key.
    #[must_use]
    pub const fn wrong_key_forbidden(mut self) -> Self {
        self.wrong_key = StatusCode::FORBIDDEN;
        self
    }

    /// Answers 200 to everything: nothing is ever sent again, and the sender never learns of a
    /// failure.
    #[must_use]
    pub const fn always_ok(mut self) -> Self {
        self.always_ok = true;
        self
    }

    /// The status for this result.
    #[must_use]
    pub const fn status(&self, reception: Reception) -> StatusCode {
        if self.always_ok {
            return StatusCode::OK;
        }
        match reception {
            Reception::Handled | Reception::Unhandled => StatusCode::OK,
            Reception::WrongKey => self.wrong_key,
            Reception::Unreadable => StatusCode::BAD_REQUEST,
            Reception::Failed => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }
}
