//! The profile of X-Webhook, as used by Botble Live Chat.

use std::sync::Arc;
use std::time::Duration;

use crate::error::BoxError;
use crate::policy::retry::{RetryPolicy, Schedule};
use crate::profile::{OnEnable, OnRecovery, Profile, Signing};
use crate::sign::Scheme;

use super::envelope::XWebhook;

/// What [`Profile::x_webhook`] returns.
pub(crate) fn profile() -> Result<Profile, BoxError> {
    Ok(Profile {
        name: "x_webhook".parse()?,
        envelope: Arc::new(XWebhook),
        schemes: Scheme::x_webhook().into(),
        signing: Signing::Optional,
        retry: RetryPolicy::new(Schedule::list([Duration::from_secs(60); 2])?),
        timeout: Duration::from_secs(10),
        disable_after: None,
        on_enable: OnEnable::Cancel,
        on_recovery: OnRecovery::KeepGaps,
        ..Profile::standard()
    })
}
