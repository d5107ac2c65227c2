//! The three profiles, each a preset with parts replaced: plain http is allowed, and the gaps
//! are seconds instead of minutes. They keep the names of the presets and so replace them.

use std::time::Duration;

use hookpost::policy::egress::UrlPolicy;
use hookpost::policy::retry::{RetryPolicy, Schedule};
use hookpost::{Invalid, Profile};

/// LiveSession: 1, 2, 4, 8, then 10 s between attempts, for 480 s.
pub fn live_session() -> Result<Profile, Invalid> {
    let schedule = Schedule::exponential(seconds(1), 2, seconds(10))?;
    let preset = Profile::live_session();
    Ok(Profile { retry: RetryPolicy::new(schedule).window(seconds(480))?, ..preset })
}

/// X-Webhook: three attempts, a second apart.
pub fn x_webhook() -> Result<Profile, Invalid> {
    let schedule = Schedule::list([seconds(1), seconds(1)])?;
    let urls = UrlPolicy::http_and_https();
    Ok(Profile { retry: RetryPolicy::new(schedule), urls, ..Profile::x_webhook() })
}

/// Standard Webhooks: three attempts instead of eight.
pub fn standard() -> Result<Profile, Invalid> {
    let schedule = Schedule::list([seconds(1), seconds(2)])?;
    let urls = UrlPolicy::http_and_https();
    Ok(Profile { retry: RetryPolicy::new(schedule), urls, ..Profile::standard() })
}

const fn seconds(count: u64) -> Duration {
    Duration::from_secs(count)
}
