//! The profile of LiveChat, by version of its API.

use std::sync::Arc;
use std::time::Duration;

use http::StatusCode;

use crate::error::BoxError;
use crate::policy::egress::UrlPolicy;
use crate::policy::outcome::ByStatus;
use crate::policy::retry::{RetryPolicy, Schedule};
use crate::profile::{OnRecovery, Profile};
use crate::sign::Schemes;

use super::envelope::LiveChat;
use super::payload::ApiVersion;

/// What [`Profile::live_chat`] returns.
pub(crate) fn profile() -> Result<Profile, BoxError> {
    Ok(Profile { name: "live_chat".parse()?, ..profile_at(ApiVersion::STABLE)? })
}

/// What [`Profile::live_chat_at`] returns.
pub(crate) fn profile_at(version: ApiVersion) -> Result<Profile, BoxError> {
    let schedule = Schedule::list([5, 10, 10].map(Duration::from_secs))?;
    Ok(Profile {
        name: name(version).parse()?,
        envelope: Arc::new(LiveChat { version }),
        schemes: Schemes::none(),
        classifier: Arc::new(ByStatus::exactly(StatusCode::OK)),
        retry: RetryPolicy::new(schedule).window(Duration::from_secs(60))?,
        urls: UrlPolicy::http_and_https(),
        timeout: Duration::from_secs(10),
        keep_body: 0,
        disable_after: None,
        on_recovery: OnRecovery::KeepGaps,
        ..Profile::standard()
    })
}

/// The name of a version's profile. It keeps its version when the stable version changes.
pub(crate) const fn name(version: ApiVersion) -> &'static str {
    match version {
        ApiVersion::V3_3 => "live_chat_v3_3",
        ApiVersion::V3_4 => "live_chat_v3_4",
        ApiVersion::V3_5 => "live_chat_v3_5",
        ApiVersion::V3_6 => "live_chat_v3_6",
    }
}
