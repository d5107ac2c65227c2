//! The profile of LiveSession.

use std::sync::Arc;
use std::time::Duration;

use http::HeaderValue;

use crate::id::ProfileName;
use crate::policy::egress::SchemePolicy;
use crate::policy::outcome::ByStatus;
use crate::policy::rate::{Limit, LimitScope};
use crate::policy::retry::{RetryPolicy, Schedule};
use crate::profile::{
    OnEnable, OnRecovery, PROBE_GAP_MAX, Profile, Signing, WIDTH, at_least_one, hours, user_agent, web,
};
use crate::sign::Scheme;

use super::LiveSession;

impl Profile {
    /// The profile of LiveSession: http and https, 1000 requests in any minute per tenant and
    /// per endpoint, retries after 1, 2, 4, 8 and then 10 minutes for 8 hours from the first
    /// attempt, never after 24 hours of age, and no disabling after long failure.
    #[must_use]
    pub fn live_session() -> Self {
        let schedule = Schedule::doubling(60, 600);
        Self {
            name: ProfileName::preset("live_session"),
            envelope: Arc::new(LiveSession),
            schemes: Scheme::live_session().into(),
            signing: Signing::Required,
            headers: user_agent(HeaderValue::from_static("LiveSessionWebhooks/1.0")),
            classifier: Arc::new(ByStatus::any_2xx()),
            retry: RetryPolicy::preset(schedule, 10, Some(hours(8)), Some(hours(24))),
            limits: vec![
                Limit::per_minute(LimitScope::Tenant, at_least_one(1000)),
                Limit::per_minute(LimitScope::Endpoint, at_least_one(1000)),
            ],
            service: Vec::new(),
            urls: web(SchemePolicy::HttpAndHttps),
            url_of_another: None,
            unique_urls: true,
            timeout: Duration::from_secs(10),
            width: WIDTH,
            keep_body: 1024,
            probe_gap_max: PROBE_GAP_MAX,
            disable_after: None,
            on_enable: OnEnable::Send,
            on_recovery: OnRecovery::KeepGaps,
        }
    }
}
