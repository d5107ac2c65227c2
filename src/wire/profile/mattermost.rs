//! Mattermost's incoming webhooks.

use std::sync::Arc;

use http::StatusCode;

use crate::id::ProfileName;
use crate::policy::outcome::ByStatus;
use crate::wire::envelope::Mattermost;

use super::{Profile, chat};

impl Profile {
    /// Mattermost's incoming webhooks: the URL is the credential. A server in one's own
    /// network needs an address policy, of builder and transport, that lets it through.
    #[must_use]
    pub fn mattermost() -> Self {
        let refused = [StatusCode::BAD_REQUEST, StatusCode::FORBIDDEN, StatusCode::PAYLOAD_TOO_LARGE];
        let gone = [StatusCode::UNAUTHORIZED, StatusCode::NOT_FOUND];
        Self {
            classifier: Arc::new(ByStatus::any_2xx().rejects(refused).gone_at(gone)),
            ..chat(ProfileName::preset("mattermost"), Arc::new(Mattermost::default()))
        }
    }
}
