//! Resolves an endpoint against its profile: computes everything that sending needs, once per
//! version of the endpoint.

use std::sync::Arc;
use std::time::Duration;

use http::HeaderMap;

use crate::endpoint::{Endpoint, NotSendable};
use crate::id::HostName;
use crate::policy::rate::{Limit, LimitKey, LimitScope};
use crate::policy::retry::RetryPolicy;
use crate::profile::{Profile, Signing};
use crate::secret::Secrets;
use crate::sign::Signer;

/// An endpoint, and the values that result from it and its profile.
#[derive(Debug)]
pub(crate) struct Resolved {
    /// The endpoint as it was loaded.
    pub(crate) endpoint: Arc<Endpoint>,
    /// What sending needs, or why nothing can be sent.
    sendable: Result<Box<Sendable>, NotSendable>,
}

/// Everything that sending to an endpoint needs.
#[derive(Debug)]
pub(crate) struct Sendable {
    /// The endpoint as it was loaded.
    pub(crate) endpoint: Arc<Endpoint>,
    /// The endpoint's profile.
    pub(crate) profile: Arc<Profile>,
    /// Signs with every scheme that the endpoint has a secret for.
    pub(crate) signer: Signer,
    /// The headers that every request has.
    pub(crate) headers: HeaderMap,
    /// When a failed attempt is retried.
    pub(crate) retry: RetryPolicy,
    /// The rate limits, each with the key of the log that counts its starts.
    pub(crate) limits: Vec<(LimitKey, Limit)>,
    /// Whether its host belongs to its profile's service. Only then may its responses, or a limit
    /// of its host, hold other endpoints.
    pub(crate) on_service: bool,
    /// The time limit of one attempt.
    pub(crate) timeout: Duration,
    /// The most requests in flight.
    pub(crate) width: u32,
}

impl Resolved {
    /// Resolves an endpoint against its profile. `None` means that this process does not know the
    /// profile.
    #[must_use]
    pub(crate) fn new(endpoint: Arc<Endpoint>, profile: Option<&Arc<Profile>>) -> Self {
        let sendable = match profile {
            None => Err(NotSendable::UnknownProfile { profile: endpoint.profile.clone() }),
            Some(profile) => sendable(&endpoint, profile).map(Box::new),
        };
        Self { endpoint, sendable }
    }

    /// What sending needs, if the endpoint's configuration allows it. A test ping needs nothing
    /// more, and ignores whether the endpoint is enabled.
    ///
    /// # Errors
    /// The reason why nothing can be sent.
    pub(crate) fn sendable(&self) -> Result<&Sendable, NotSendable> {
        self.sendable.as_deref().map_err(NotSendable::clone)
    }
}

fn sendable(endpoint: &Arc<Endpoint>, profile: &Arc<Profile>) -> Result<Sendable, NotSendable> {
    endpoint.url.judge(&profile.urls).map_err(NotSendable::Blocked)?;
    let secrets = match &endpoint.secrets {
        Secrets::Open(secrets) => secrets,
        Secrets::Sealed { why, .. } => return Err(NotSendable::Sealed(*why)),
    };
    if secrets.current.is_empty() && profile.signing == Signing::Required {
        return Err(NotSendable::NoSecret);
    }
    let signer = Signer::new(&profile.schemes, secrets).map_err(NotSendable::Secret)?;
    let overrides = &endpoint.overrides;
    let mut headers = endpoint.headers.as_map().clone();
    headers.extend(profile.headers.clone());
    Ok(Sendable {
        endpoint: Arc::clone(endpoint),
        signer,
        headers,
        retry: overrides.retry_or(&profile.retry).clone(),
        limits: keyed(overrides.limits_or(&profile.limits), endpoint),
        on_service: profile.service.contains(endpoint.url.host()),
        timeout: overrides.timeout_or(profile.timeout),
        width: width(endpoint, profile),
        profile: Arc::clone(profile),
    })
}

/// The width in effect for an endpoint of this profile.
#[must_use]
pub(crate) fn width(endpoint: &Endpoint, profile: &Profile) -> u32 {
    endpoint.overrides.width_or(profile.width).get()
}

fn keyed(limits: &[Limit], endpoint: &Endpoint) -> Vec<(LimitKey, Limit)> {
    let host: &HostName = endpoint.url.host();
    limits
        .iter()
        .map(|limit| {
            let of = match limit.scope() {
                LimitScope::Endpoint => endpoint.id.as_str(),
                LimitScope::Tenant => endpoint.tenant.as_str(),
                LimitScope::Host => host.as_str(),
                LimitScope::Global => "",
            };
            (LimitKey { scope: limit.scope(), of: of.to_owned() }, *limit)
        })
        .collect()
}
