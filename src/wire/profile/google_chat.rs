//! Google Chat's incoming webhooks.

use std::sync::Arc;

use http::StatusCode;

use crate::id::ProfileName;
use crate::policy::outcome::ByStatus;
use crate::policy::rate::{Limit, LimitScope};
use crate::wire::envelope::GoogleChat;

use super::{Profile, at_least_one, chat};

impl Profile {
    /// Google Chat's incoming webhooks: key and token in the URL are the credential, 60
    /// requests in any minute per space. A retry of what was posted posts nothing.
    #[must_use]
    pub fn google_chat() -> Self {
        let refused = [StatusCode::BAD_REQUEST, StatusCode::PAYLOAD_TOO_LARGE];
        let gone = [StatusCode::UNAUTHORIZED, StatusCode::FORBIDDEN, StatusCode::NOT_FOUND];
        Self {
            classifier: Arc::new(ByStatus::any_2xx().rejects(refused).gone_at(gone)),
            limits: vec![Limit::per_minute(LimitScope::Endpoint, at_least_one(60))],
            ..chat(ProfileName::preset("google_chat"), Arc::new(GoogleChat::default()))
        }
    }
}
