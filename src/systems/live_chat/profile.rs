//! The profile of LiveChat, by version of its API.

use std::sync::Arc;
use std::time::Duration;

use http::StatusCode;

use crate::id::ProfileName;
use crate::policy::egress::SchemePolicy;
use crate::policy::outcome::ByStatus;
use crate::policy::retry::{RetryPolicy, Schedule};
use crate::profile::{
    HOOKPOST, OnEnable, OnRecovery, PROBE_GAP_MAX, Profile, Signing, WIDTH, minutes, user_agent, web,
};
use crate::sign::Schemes;

use super::LiveChat;
use super::payload::ApiVersion;

impl Profile {
    /// The profile of LiveChat in the stable version of its API; see
    /// [`live_chat_at`](Self::live_chat_at).
    #[must_use]
    pub fn live_chat() -> Self {
        Self { name: ProfileName::preset("live_chat"), ..Self::live_chat_at(ApiVersion::STABLE) }
    }

    /// The profile of LiveChat in one version: http and https, the secret key in the body and
    /// no signature, only 200 is a success, 10 seconds to answer, and three more attempts
    /// within a minute even if each of them times out.
    ///
    /// The history keeps nothing of a receiver's response: it could contain the body, and thus
    /// the key.
    #[must_use]
    pub fn live_chat_at(version: ApiVersion) -> Self {
        let schedule = Schedule::preset_list([5, 10, 10].map(Duration::from_secs).into());
        Self {
            name: Self::live_chat_name(version),
            envelope: Arc::new(LiveChat { version }),
            schemes: Schemes::none(),
            signing: Signing::Required,
            headers: user_agent(HOOKPOST),
            classifier: Arc::new(ByStatus::exactly(StatusCode::OK)),
            retry: RetryPolicy::preset(schedule, 0, Some(minutes(1)), None),
            limits: Vec::new(),
            service: Vec::new(),
            urls: web(SchemePolicy::HttpAndHttps),
            url_of_another: None,
            unique_urls: false,
            timeout: Duration::from_secs(10),
            width: WIDTH,
            keep_body: 0,
            probe_gap_max: PROBE_GAP_MAX,
            disable_after: None,
            on_enable: OnEnable::Send,
            on_recovery: OnRecovery::KeepGaps,
        }
    }

    /// The name of a version's profile. It keeps its version when the stable version changes.
    #[must_use]
    pub fn live_chat_name(version: ApiVersion) -> ProfileName {
        ProfileName::preset(match version {
            ApiVersion::V3_3 => "live_chat_v3_3",
            ApiVersion::V3_4 => "live_chat_v3_4",
            ApiVersion::V3_5 => "live_chat_v3_5",
            ApiVersion::V3_6 => "live_chat_v3_6",
        })
    }
}
