//! Checks an endpoint against the rules of its profile.

use crate::endpoint::{Endpoint, EndpointError, Generation, Headers};
use crate::id::{EndpointId, ProfileName};
use crate::notice::Part;
use crate::policy::egress::EndpointUrl;
use crate::profile::{Profile, Signing};
use crate::secret::{SECRETS_MAX, Secret, SecretSet, Secrets};
use crate::sequence::Sequence;
use crate::sign::{Schemes, Signer};
use crate::time::Timestamp;

use super::Webhooks;
use super::builder::longest_timeout;
use super::new_endpoint::{NewEndpoint, NewSecret};
use super::register_error::RegisterError;

impl Webhooks {
    /// Checks everything about the endpoint itself that [`register`](Self::register) checks,
    /// and writes nothing.
    ///
    /// # Errors
    /// If the endpoint breaks a rule of its profile.
    pub fn check(&self, new: NewEndpoint) -> Result<(), RegisterError> {
        let id = new.id.clone().map_or_else(|| EndpointId::new("new"), Ok).map_err(EndpointError::from)?;
        let secrets = new.secret.first();
        self.checked(new, id, secrets, Timestamp::EPOCH).map(|_| ())
    }

    /// Checks whether an endpoint of this profile may have this URL, and returns the URL in
    /// its normal form.
    ///
    /// # Errors
    /// Names the rule of the profile or of the allowed addresses that the URL breaks, or the
    /// built-in target that the URL belongs to. Whether another endpoint has the URL is
    /// checked only when an endpoint is written.
    pub fn check_url(&self, profile: &ProfileName, url: &str) -> Result<EndpointUrl, RegisterError> {
        let profile = self.profile(profile)?;
        let url = EndpointUrl::parse(url, &profile.urls).map_err(EndpointError::Url)?;
        if let Some(other) = profile.url_of_another.and_then(|of| of(&profile.name, &url)) {
            return Err(RegisterError::AnothersUrl { profile: profile.name.clone(), other });
        }
        if url.judge_literal(&self.parts.settings.addresses).is_err() {
            let rule = "must name a public address; Webhooks::danger_local takes others, for development";
            return Err(EndpointError::Field { field: "url", rule }.into());
        }
        Ok(url)
    }

    /// Checks everything that the profile requires of an endpoint.
    pub(super) fn checked(
        &self,
        new: NewEndpoint,
        id: EndpointId,
        secrets: SecretSet,
        since: Timestamp,
    ) -> Result<Endpoint, RegisterError> {
        let profile = self.profile(&new.profile)?;
        let url = self.check_url(&new.profile, &new.url.0)?;
        if let NewSecret::Are(secrets) = &new.secret {
            check_forms(secrets, &profile.schemes)?;
        }
        self.parts.guard.call(Part::Envelope, || {
            check_secrets(&secrets, &profile)?;
            check_headers(&new.headers, &profile)
        })??;
        new.subscription.check().map_err(EndpointError::from)?;
        let longest = longest_timeout(self.parts.settings.lease);
        if new.overrides.timeout_or(profile.timeout) > longest {
            return Err(RegisterError::TimeoutTooLong { longest });
        }
        Ok(Endpoint {
            id,
            tenant: new.tenant,
            name: new.name,
            url,
            profile: new.profile,
            secrets: Secrets::Open(secrets),
            subscription: new.subscription,
            headers: new.headers,
            overrides: new.overrides,
            enabled: new.enabled,
            since,
            began: Sequence::START,
            version: 0,
            generation: Generation::UNKNOWN,
        })
    }
}

pub(super) fn check_secrets(secrets: &SecretSet, profile: &Profile) -> Result<(), RegisterError> {
    let refuse = |rule| Err(EndpointError::Field { field: "secret", rule }.into());
    let (schemes, current) = (&profile.schemes, &secrets.current);
    if let Err(error) = profile.envelope.check_secrets(current) {
        return refuse(error.rule);
    }
    if current.is_empty() && profile.signing == Signing::Required {
        return refuse("must be set, since its profile signs every request");
    }
    if current.len() + secrets.retiring.len() > SECRETS_MAX {
        return refuse("must be one of at most 10 that are in force at once");
    }
    let is_text = |secret: &Secret| std::str::from_utf8(secret.expose()).is_ok();
    if profile.envelope.carries_secret() && !current.iter().all(is_text) {
        return refuse("must be UTF-8, since its profile writes it into the body");
    }
    Signer::new(schemes, secrets).map(drop).map_err(|error| EndpointError::Secret(error).into())
}

/// Secrets that are handed in belong to a scheme each. Those that an endpoint has may be
/// left over from a scheme that its profile gave up.
pub(super) fn check_forms(new: &[Secret], schemes: &Schemes) -> Result<(), EndpointError> {
    for (at, secret) in new.iter().enumerate() {
        let form = schemes.form_of(secret);
        if form.is_none() && !schemes.is_empty() {
            return Err(schemes.misread(secret).into());
        }
        if new[..at].iter().any(|other| schemes.form_of(other) == form) {
            let rule = "must be one for each form that the profile's schemes ask for";
            return Err(EndpointError::Field { field: "secret", rule });
        }
    }
    Ok(())
}

fn check_headers(headers: &Headers, profile: &Profile) -> Result<(), RegisterError> {
    let rule = "its name belongs to its profile";
    let own = |name: &http::HeaderName| {
        profile.headers.contains_key(name)
            || profile.schemes.header_names().any(|own| own == name)
            || profile.envelope.header_names().contains(name)
    };
    match headers.as_map().keys().find(|name| own(name)) {
        Some(name) => Err(EndpointError::Header { name: name.to_string(), rule }.into()),
        None => Ok(()),
    }
}
