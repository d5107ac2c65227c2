//! What to answer LiveChat with.

use http::StatusCode;

/// How a receiver fared with a webhook.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Reception {
    /// It was dealt with.
    Handled,
    /// Authentic, and nobody here deals with its action.
    Unhandled,
    /// The secret key is missing or wrong.
    WrongKey,
    /// The body is no webhook.
    Unreadable,
    /// Whoever deals with the action failed.
    Failed,
}

/// Which status says what. LiveChat sends again whatever is not answered with 200, so an
/// action that nobody here knows is 200: sent again it would be no better known.
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
    /// 401 to a wrong key, 400 to no webhook, 500 to a failure, 200 to all else.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// 403 to a wrong key.
    #[must_use]
    pub const fn wrong_key_forbidden(mut self) -> Self {
        self.wrong_key = StatusCode::FORBIDDEN;
        self
    }

    /// 200 to everything: nothing is ever sent again, and nobody learns why.
    #[must_use]
    pub const fn always_ok(mut self) -> Self {
        self.always_ok = true;
        self
    }

    /// The status for this reception.
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
