//! Standard Webhooks.

use std::sync::Arc;
use std::time::Duration;

use crate::id::ProfileName;
use crate::policy::egress::SchemePolicy;
use crate::policy::outcome::ByStatus;
use crate::policy::retry::{RetryPolicy, Schedule};
use crate::wire::envelope::Verbatim;
use crate::wire::scheme::Scheme;

use super::{
    HOOKPOST, OnEnable, OnRecovery, PROBE_GAP_MAX, Profile, Signing, WIDTH, hours, minutes, user_agent, web,
};

impl Profile {
    /// Standard Webhooks: https alone, the payload as published, always signed, eight
    /// attempts over about 28 hours, disabling after five days of failures alone.
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
            envelope: Arc::new(Verbatim),
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
}
