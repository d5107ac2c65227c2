//! Standard Webhooks.

use std::sync::Arc;
use std::time::Duration;

use crate::id::ProfileName;
use crate::policy::egress::SchemePolicy;
use crate::policy::outcome::ByStatus;
use crate::policy::retry::{RetryPolicy, Schedule};
use crate::wire::envelope::{Standard, Verbatim};
use crate::wire::scheme::Scheme;

use super::{
    HOOKPOST, OnEnable, OnRecovery, PROBE_GAP_MAX, Profile, Signing, WIDTH, hours, minutes, user_agent, web,
};

impl Profile {
    /// Standard Webhooks: https alone, a body of type, timestamp and data, always signed,
    /// eight attempts over about 28 hours, disabling after five days of failures alone.
    ///
    /// The payload stands in `data` as it was published, so it must be JSON: an event of
    /// another content type fails as `unrenderable`. [`standard_raw`](Self::standard_raw)
    /// sends any bytes. Receivers read the body as a
    /// [`StandardEvent`](crate::payload::StandardEvent).
    #[must_use]
    pub fn standard() -> Self {
        let schedule = Schedule::preset_list(vec![
            Duration::from_secs(5),
            minutes(5),
            minutes(30),
            hours(2),
            hours(5),
            hours(10),
            hours(10),
        ]);
        Self {
            name: ProfileName::preset("standard"),
            envelope: Arc::new(Standard),
            schemes: Scheme::standard().into(),
            signing: Signing::Required,
            headers: user_agent(HOOKPOST),
            classifier: Arc::new(ByStatus::any_2xx()),
            retry: RetryPolicy::preset(schedule, 20, None, None),
            limits: Vec::new(),
            service: Vec::new(),
            urls: web(SchemePolicy::HttpsOnly),
            unique_urls: false,
            timeout: Duration::from_secs(15),
            width: WIDTH,
            keep_body: 1024,
            probe_gap_max: PROBE_GAP_MAX,
            disable_after: Some(hours(5 * 24)),
            on_enable: OnEnable::Send,
            on_recovery: OnRecovery::CatchUp,
        }
    }
    /// [`standard`](Self::standard) with the payload alone as the body, under its own
    /// content type. No header carries the event's type: put it into the payload where
    /// the receiver needs it.
    #[must_use]
    pub fn standard_raw() -> Self {
        Self::raw(Self::standard())
    }

    /// The profile `standard_raw` that belongs to a host's own `standard`.
    pub(crate) fn raw(standard: Self) -> Self {
        Self { name: ProfileName::preset("standard_raw"), envelope: Arc::new(Verbatim), ..standard }
    }
}
