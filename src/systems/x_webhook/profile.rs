//! The profile of X-Webhook, as used by Botble Live Chat.

use std::sync::Arc;
use std::time::Duration;

use crate::id::ProfileName;
use crate::policy::egress::SchemePolicy;
use crate::policy::outcome::ByStatus;
use crate::policy::retry::{RetryPolicy, Schedule};
use crate::profile::{
    HOOKPOST, OnEnable, OnRecovery, PROBE_GAP_MAX, Profile, Signing, WIDTH, minutes, user_agent, web,
};
use crate::sign::Scheme;

use super::XWebhook;

impl Profile {
    /// The profile of X-Webhook: only https, a signature only if a secret is set, 10 seconds
    /// to answer, three attempts a minute apart. Enabling an endpoint again cancels its
    /// pending deliveries.
    #[must_use]
    pub fn x_webhook() -> Self {
        let schedule = Schedule::preset_list(vec![minutes(1), minutes(1)]);
        Self {
            name: ProfileName::preset("x_webhook"),
            envelope: Arc::new(XWebhook),
            schemes: Scheme::x_webhook().into(),
            signing: Signing::Optional,
            headers: user_agent(HOOKPOST),
            classifier: Arc::new(ByStatus::any_2xx()),
            retry: RetryPolicy::preset(schedule, 0, None, None),
            limits: Vec::new(),
            service: Vec::new(),
            urls: web(SchemePolicy::HttpsOnly),
            url_of_another: None,
            unique_urls: false,
            timeout: Duration::from_secs(10),
            width: WIDTH,
            keep_body: 1024,
            probe_gap_max: PROBE_GAP_MAX,
            disable_after: None,
            on_enable: OnEnable::Cancel,
            on_recovery: OnRecovery::KeepGaps,
        }
    }
}
