//! The profile of LiveSession.

use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use http::{HeaderMap, HeaderValue, header};

use crate::error::BoxError;
use crate::policy::egress::UrlPolicy;
use crate::policy::rate::{Limit, LimitScope};
use crate::policy::retry::{RetryPolicy, Schedule};
use crate::profile::{OnRecovery, Profile};
use crate::sign::Scheme;

use super::envelope::LiveSession;

const HOUR: Duration = Duration::from_secs(3600);

/// What [`Profile::live_session`] returns.
pub(crate) fn profile() -> Result<Profile, BoxError> {
    let starts = NonZeroU32::try_from(1000)?;
    let user_agent = HeaderValue::from_static("LiveSessionWebhooks/1.0");
    Ok(Profile {
        name: "live_session".parse()?,
        envelope: Arc::new(LiveSession),
        schemes: Scheme::live_session().into(),
        headers: HeaderMap::from_iter([(header::USER_AGENT, user_agent)]),
        retry: RetryPolicy::new(Schedule::doubling(60, 600))
            .jitter_percent(10)?
            .window(8 * HOUR)?
            .age_max(24 * HOUR)?,
        limits: vec![
            Limit::per_minute(LimitScope::Tenant, starts),
            Limit::per_minute(LimitScope::Endpoint, starts),
        ],
        urls: UrlPolicy::http_and_https(),
        unique_urls: true,
        timeout: Duration::from_secs(10),
        disable_after: None,
        on_recovery: OnRecovery::KeepGaps,
        ..Profile::standard()
    })
}
