//! An endpoint before it is registered.

use crate::endpoint::{Endpoint, EndpointError, Headers, Overrides, check_name};
use crate::id::{EndpointId, IdError, ProfileName, TenantId};
use crate::secret::{Secret, SecretSet};
use crate::subscription::Subscription;

/// An endpoint as a host hands it in. It wants every event of its tenant until
/// [`events`](Self::events) says otherwise.
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

/// What becomes of an endpoint's secrets.
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
    /// An endpoint of `tenant` at `url`, spoken to in `profile`'s dialect.
    ///
    /// # Errors
    /// When a name breaks its rule. The URL is judged by its profile, when the
    /// endpoint is registered.
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

    /// Brings an id of the host's own, unique over all tenants, so that registering it
    /// again is refused as [`Taken`](super::RegisterError::Taken). Without one, each
    /// registration draws a new one.
    ///
    /// # Errors
    /// When the id breaks its rule.
    pub fn id(mut self, id: impl AsRef<str>) -> Result<Self, EndpointError> {
        self.id = Some(EndpointId::new(id)?);
        Ok(self)
    }

    /// A label for people: at most 255 characters, none of them a control character.
    ///
    /// # Errors
    /// When it breaks that rule.
    pub fn name(mut self, name: impl Into<String>) -> Result<Self, EndpointError> {
        let name = name.into();
        check_name(&name)?;
        self.name = name;
        Ok(self)
    }

    /// The secret that signs. Where its profile has several schemes, call it once for
    /// each form of their secrets: see [`Schemes`](crate::sign::Schemes).
    ///
    /// # Errors
    /// When it is blank or too long. Its scheme may ask for more at registration.
    pub fn secret(mut self, secret: impl Into<Vec<u8>>) -> Result<Self, EndpointError> {
        let secret = Secret::new(secret)?;
        match &mut self.secret {
            NewSecret::Are(secrets) => secrets.push(secret),
            NewSecret::AsBefore | NewSecret::None => self.secret = NewSecret::Are(vec![secret]),
        }
        Ok(self)
    }

    /// No secret from now on: an update drops what the endpoint had.
    #[must_use]
    pub fn without_secret(mut self) -> Self {
        self.secret = NewSecret::None;
        self
    }

    /// Another URL. An update keeps the secrets and headers that the old one had.
    #[must_use]
    pub fn url(mut self, url: impl Into<String>) -> Self {
        self.url = Url(url.into());
        self
    }

    /// The types it wants: `*`, `order.*` or exact ones.
    ///
    /// # Errors
    /// When there is none, or one is neither of the three.
    pub fn events<P: AsRef<str>>(self, patterns: impl IntoIterator<Item = P>) -> Result<Self, EndpointError> {
        Ok(self.subscription(Subscription::to(patterns)?))
    }

    /// What it wants, with scope and filters.
    #[must_use]
    pub fn subscription(mut self, subscription: Subscription) -> Self {
        self.subscription = subscription;
        self
    }

    /// Headers of the host's own.
    #[must_use]
    pub fn headers(mut self, headers: Headers) -> Self {
        self.headers = headers;
        self
    }

    /// What it sets instead of its profile.
    #[must_use]
    pub fn overrides(mut self, overrides: Overrides) -> Self {
        self.overrides = overrides;
        self
    }

    /// Registers it switched off: nothing is routed to it until it is enabled.
    #[must_use]
    pub const fn disabled(self) -> Self {
        self.enabled(false)
    }

    /// Whether events are routed to it.
    #[must_use]
    pub const fn enabled(mut self, enabled: bool) -> Self {
        self.enabled = enabled;
        self
    }
}

/// The endpoint as it stands, for an update that changes a part of it. Its secrets stay
/// where they are.
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

/// The profile's name that a person typed. The error suggests the same words in the form of a
/// name, where they were typed in capitals, or with hyphens or spaces between them.
fn profile_name(text: &str) -> Result<ProfileName, IdError> {
    ProfileName::new(text).map_err(|error| {
        let meant = text.trim().to_ascii_lowercase().replace(['-', ' '], "_");
        let suggestion = ProfileName::new(meant).ok().map(String::from);
        IdError { suggestion, ..error }
    })
}
