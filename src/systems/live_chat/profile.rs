//! LiveChat, by version of its API.

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
    /// LiveChat's dialect in the stable version of its API; see [`live_chat_at`](Self::live_chat_at).
    #[must_use]
    pub fn live_chat() -> Self {
        Self { name: ProfileName::preset("live_chat"), ..Self::live_chat_at(ApiVersion::STABLE) }
    }

    /// LiveChat's dialect in one version: http and https, the secret key in the body and
    /// no signature, 200 alone is success, 10 seconds to answer, three more attempts
    /// within a minute even if each of them times out.
    ///
    /// The history keeps nothing of what a receiver answers: it could be the body, and
    /// with it the key.
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

    /// What the profile of a version is called. Its version stays when the stable one moves on.
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
