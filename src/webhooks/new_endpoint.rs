//! Endpoints that are not registered yet.

use crate::endpoint::{Endpoint, EndpointError, Headers, Overrides, check_name};
use crate::id::{EndpointId, IdError, ProfileName, TenantId};
use crate::secret::{Secret, SecretSet};
use crate::subscription::Subscription;

/// An endpoint that a host is about to register. It gets every event of its tenant unless
/// [`events`](Self::events) or [`subscription`](Self::subscription) is set.
#[derive(Debug, Clone)]
pub struct NewEndpoint {
    pub(super) id: Option<EndpointId>,
    pub(super) tenant: TenantId,
    pub(super) url: Url,
    pub(super) profile: ProfileName,
    pub(super) name: String,
    pub(super) secret: NewSecret,
    pub(super) subscription: Subscription,
    pub(super) headers: Headers,
    pub(super) overrides: Overrides,
    pub(super) enabled: bool,
}

/// A URL that is not checked yet, and may be a credential.
#[derive(Clone)]
pub(super) struct Url(pub(super) String);

impl std::fmt::Debug for Url {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Url(***)")
    }
}

/// What happens to an endpoint's secrets.
#[derive(Debug, Clone)]
pub(super) enum NewSecret {
    AsBefore,
    None,
    Are(Vec<Secret>),
}

impl NewSecret {
    /// The secrets of an endpoint that had none before.
    pub(super) fn first(&self) -> SecretSet {
        match self {
            Self::Are(current) => SecretSet { current: current.clone(), ..SecretSet::none() },
            Self::AsBefore | Self::None => SecretSet::none(),
        }
    }
}

impl NewEndpoint {
    /// Creates an endpoint of `tenant` at `url` with the profile named `profile`.
    ///
    /// # Errors
    /// If a name breaks its rule. The URL is checked by the profile when the endpoint is
    /// registered.
    pub fn new(
        tenant: impl AsRef<str>,
        url: impl Into<String>,
        profile: impl AsRef<str>,
    ) -> Result<Self, EndpointError> {
        Ok(Self {
            id: None,
            tenant: TenantId::new(tenant)?,
            url: Url(url.into()),
            profile: profile_name(profile.as_ref())?,
            name: String::new(),
            secret: NewSecret::AsBefore,
            subscription: Subscription::to_all(),
            headers: Headers::none(),
            overrides: Overrides::none(),
            enabled: true,
        })
    }

    /// Sets the endpoint's id, unique among all tenants. Registering it again is then refused
    /// as [`Taken`](super::RegisterError::Taken). Without this call each registration creates
    /// a new id.
    ///
    /// # Errors
    /// If the id breaks its rule.
    pub fn id(mut self, id: impl AsRef<str>) -> Result<Self, EndpointError> {
        self.id = Some(EndpointId::new(id)?);
        Ok(self)
    }

    /// Sets a label for people: at most 255 characters, none of them a control character.
    ///
    /// # Errors
    /// If the name breaks that rule.
    pub fn name(mut self, name: impl Into<String>) -> Result<Self, EndpointError> {
        let name = name.into();
        check_name(&name)?;
        self.name = name;
        Ok(self)
    }

    /// Sets the secret that signs. If the profile has several schemes, call it once for each
    /// form of secret: see [`Schemes`](crate::sign::Schemes).
    ///
    /// # Errors
    /// If it is blank or too long. Its scheme may require more at registration.
    pub fn secret(mut self, secret: impl Into<Vec<u8>>) -> Result<Self, EndpointError> {
        let secret = Secret::new(secret)?;
        match &mut self.secret {
            NewSecret::Are(secrets) => secrets.push(secret),
            NewSecret::AsBefore | NewSecret::None => self.secret = NewSecret::Are(vec![secret]),
        }
        Ok(self)
    }

    /// Sets that the endpoint has no secret: an update removes the secrets that it had.
    #[must_use]
    pub fn without_secret(mut self) -> Self {
        self.secret = NewSecret::None;
        self
    }

    /// Sets another URL. An update keeps the secrets and headers of the old one.
    #[must_use]
    pub fn url(mut self, url: impl Into<String>) -> Self {
        self.url = Url(url.into());
        self
    }

    /// Sets the event types that the endpoint wants: `*`, a prefix such as `order.*`, or exact
    /// types.
    ///
    /// # Errors
    /// If there is no pattern, or if one has none of these three forms.
    pub fn events<P: AsRef<str>>(self, patterns: impl IntoIterator<Item = P>) -> Result<Self, EndpointError> {
        Ok(self.subscription(Subscription::to(patterns)?))
    }

    /// Sets the whole subscription, with scope and filters.
    #[must_use]
    pub fn subscription(mut self, subscription: Subscription) -> Self {
        self.subscription = subscription;
        self
    }

    /// Sets the host's own headers, sent with every request.
    #[must_use]
    pub fn headers(mut self, headers: Headers) -> Self {
        self.headers = headers;
        self
    }

    /// Sets the settings in which the endpoint differs from its profile.
    #[must_use]
    pub fn overrides(mut self, overrides: Overrides) -> Self {
        self.overrides = overrides;
        self
    }

    /// Registers the endpoint disabled: nothing is routed to it until it is enabled.
    #[must_use]
    pub const fn disabled(self) -> Self {
        self.enabled(false)
    }

    /// Sets whether events are routed to it.
    #[must_use]
    pub const fn enabled(mut self, enabled: bool) -> Self {
        self.enabled = enabled;
        self
    }
}

/// The stored endpoint, for an update that changes a part of it. Its secrets do not change.
impl From<&Endpoint> for NewEndpoint {
    fn from(endpoint: &Endpoint) -> Self {
        Self {
            id: Some(endpoint.id.clone()),
            tenant: endpoint.tenant.clone(),
            url: Url(endpoint.url.expose().to_owned()),
            profile: endpoint.profile.clone(),
            name: endpoint.name.clone(),
            secret: NewSecret::AsBefore,
            subscription: endpoint.subscription.clone(),
            headers: endpoint.headers.clone(),
            overrides: endpoint.overrides.clone(),
            enabled: endpoint.enabled,
        }
    }
}

/// The profile's name as a person typed it. If it has capitals, hyphens or spaces, the error
/// suggests the same words in the form of a name.
fn profile_name(text: &str) -> Result<ProfileName, IdError> {
    ProfileName::new(text).map_err(|error| {
        let meant = text.trim().to_ascii_lowercase().replace(['-', ' '], "_");
        let suggestion = ProfileName::new(meant).ok().map(String::from);
        IdError { suggestion, ..error }
    })
}
