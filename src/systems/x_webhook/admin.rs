//! The settings of X-Webhook, as in the admin area of Botble Live Chat: name, URL, secret,
//! events, enabled or disabled, and a test.

use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use serde::Deserialize;

use crate::endpoint::{Endpoint, EndpointError};
use crate::error::Invalid;
use crate::id::{EndpointId, EventType, TenantId};
use crate::profile::Profile;
use crate::secret::Secret;
use crate::subscription::{Filter, Subscription};
use crate::systems::x_webhook::payload::{CONVERSATION_STARTED, MESSAGE_RECEIVED};
use crate::webhooks::{NewEndpoint, TestError, TestReport, Webhooks};

use crate::systems::settings::endpoints::Endpoints;
use crate::systems::settings::{AdminError, Problems};

const NAME_MAX: usize = 255;

/// Manages the endpoints of the profile `x_webhook`.
#[derive(Debug, Clone)]
pub struct XWebhookAdmin {
    endpoints: Endpoints,
    /// The names that a form may hold.
    events: Vec<String>,
}

/// The person who makes a request, and the person's site.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SiteUser {
    /// The site of the person.
    pub tenant: TenantId,
    /// What the person may do there.
    pub permissions: BTreeSet<Permission>,
}

/// A permission of a person.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Permission {
    /// May list endpoints.
    Index,
    /// May create endpoints.
    Create,
    /// May edit and test endpoints.
    Edit,
    /// May delete endpoints.
    Destroy,
}

/// The form in which an endpoint is entered.
#[derive(Clone, Default, Deserialize)]
pub struct Form {
    /// A label for people, such as `Slack Notifications`: 1 to 255 characters.
    pub name: String,
    /// The URL that requests are sent to, with https.
    pub url: String,
    /// The secret that signs. An empty text means no secret; in an edit, `None` keeps the
    /// present secret.
    #[serde(default)]
    pub secret: Option<String>,
    /// The events that the endpoint gets: at least one of the known ones. A test sends the
    /// first.
    pub events: Vec<String>,
    /// Whether the endpoint is enabled.
    pub enabled: bool,
    /// Whether the endpoint also gets messages that the site's own people wrote. In the
    /// system's description a *visitor* sends a message, so the default is that it does not.
    #[serde(default)]
    pub admin_messages: bool,
}

impl XWebhookAdmin {
    /// Manages endpoints through this [`Webhooks`]. The known events are `message.received`
    /// and `conversation.started`.
    #[must_use]
    pub fn new(webhooks: Webhooks) -> Self {
        let events = [MESSAGE_RECEIVED, CONVERSATION_STARTED].map(str::to_owned);
        Self { endpoints: Endpoints::new(webhooks, Profile::x_webhook().name), events: events.into() }
    }

    /// Adds an event that the host publishes to the known ones.
    #[must_use]
    pub fn with_event(mut self, event: EventType) -> Self {
        self.events.push(event.into());
        self
    }

    /// Lists the site's endpoints, in the order of their ids.
    ///
    /// # Errors
    /// If the actor is not allowed to, or if the store fails.
    pub async fn list(&self, actor: &SiteUser) -> Result<Vec<Arc<Endpoint>>, AdminError> {
        actor.must(Permission::Index)?;
        Ok(self.endpoints.all(&actor.tenant).await?)
    }

    /// Creates an endpoint.
    ///
    /// # Errors
    /// If the actor is not allowed to, if the form has errors (all are reported), or if the
    /// store fails.
    pub async fn create(&self, actor: &SiteUser, form: Form) -> Result<Arc<Endpoint>, AdminError> {
        actor.must(Permission::Create)?;
        self.check(&form)?;
        let new = self.endpoints.blank(&actor.tenant, &form.url)?;
        Ok(self.endpoints.webhooks.register(form.fill(new)?).await?)
    }

    /// Changes an endpoint.
    ///
    /// # Errors
    /// Those of [`create`](Self::create). Also if there is no such endpoint.
    pub async fn edit(
        &self,
        actor: &SiteUser,
        id: &EndpointId,
        form: Form,
    ) -> Result<Arc<Endpoint>, AdminError> {
        actor.must(Permission::Edit)?;
        self.check(&form)?;
        let change = |before: &Endpoint| form.fill(NewEndpoint::from(before).url(form.url.as_str()));
        self.endpoints.change(&actor.tenant, id, change).await
    }

    /// Deletes an endpoint.
    ///
    /// # Errors
    /// If the actor is not allowed to, if there is no such endpoint, or if the store fails.
    pub async fn delete(&self, actor: &SiteUser, id: &EndpointId) -> Result<(), AdminError> {
        actor.must(Permission::Destroy)?;
        self.endpoints.remove(&actor.tenant, id).await
    }

    /// Sends one test event now, whether or not the endpoint is enabled, and returns the
    /// result. The request is signed as usual and not repeated, and it does not affect the
    /// endpoint's health.
    ///
    /// # Errors
    /// If the actor is not allowed to, if there is no such endpoint, if nothing can be sent to
    /// it in its present state, or if the store fails. A failure of the receiver is not an
    /// error.
    pub async fn test(&self, actor: &SiteUser, id: &EndpointId) -> Result<TestReport, AdminError> {
        actor.must(Permission::Edit)?;
        self.endpoints.one(&actor.tenant, id).await?;
        self.endpoints.webhooks.test(&actor.tenant, id).await.map_err(|error| match error {
            TestError::NotFound => AdminError::NotFound,
            TestError::Store(error) => AdminError::Store(error),
            other => AdminError::Test(other),
        })
    }

    fn check(&self, form: &Form) -> Result<(), AdminError> {
        let mut problems = Problems::default();
        let name = form.name.trim();
        let plain = !name.chars().any(char::is_control) && name.chars().count() <= NAME_MAX;
        let rule = "must be 1 to 255 characters, none of them a control character";
        problems.hold(plain && !name.is_empty(), "name", rule);
        problems.note(self.endpoints.webhooks.check_url(&self.endpoints.profile, &form.url))?;
        if let Some(secret) = form.secret.as_deref().filter(|secret| !secret.is_empty()) {
            problems.note(Secret::new(secret).map_err(EndpointError::from))?;
        }
        problems.hold(!form.events.is_empty(), "events", "must name at least one event");
        for (at, event) in form.events.iter().enumerate() {
            let rule = format!("must be one of {}", self.events.join(", "));
            problems.hold(self.events.contains(event), format!("events[{at}]"), rule);
        }
        problems.none()
    }
}

impl Form {
    fn fill(&self, new: NewEndpoint) -> Result<NewEndpoint, AdminError> {
        let mut subscription = Subscription::to(&self.events).map_err(EndpointError::from)?;
        if !self.admin_messages {
            let by_admin = Filter::lacks("/is_from_admin", [true.into()]);
            subscription = subscription.filtered(by_admin.map_err(EndpointError::from)?);
        }
        let new = new.name(self.name.trim())?.subscription(subscription).enabled(self.enabled);
        match self.secret.as_deref() {
            None => Ok(new),
            Some("") => Ok(new.without_secret()),
            Some(secret) => Ok(new.secret(secret)?),
        }
    }
}

impl fmt::Debug for Form {
    /// Shows neither URL nor secret: both may be credentials.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Form")
            .field("name", &self.name)
            .field("events", &self.events)
            .field("enabled", &self.enabled)
            .finish_non_exhaustive()
    }
}

impl SiteUser {
    /// A person of that site with these permissions.
    #[must_use]
    pub fn new(tenant: TenantId, permissions: impl IntoIterator<Item = Permission>) -> Self {
        Self { tenant, permissions: permissions.into_iter().collect() }
    }

    fn must(&self, permission: Permission) -> Result<(), AdminError> {
        if self.permissions.contains(&permission) {
            Ok(())
        } else {
            Err(AdminError::Forbidden { needs: permission.key() })
        }
    }
}

impl Permission {
    /// All permissions.
    pub const ALL: [Self; 4] = [Self::Index, Self::Create, Self::Edit, Self::Destroy];

    /// The key of the permission in the system.
    #[must_use]
    pub const fn key(self) -> &'static str {
        match self {
            Self::Index => "live-chat.webhooks.index",
            Self::Create => "live-chat.webhooks.create",
            Self::Edit => "live-chat.webhooks.edit",
            Self::Destroy => "live-chat.webhooks.destroy",
        }
    }
}

/// The text is not the key of a permission.
const UNKNOWN: Invalid =
    Invalid { field: "permission", rule: "must be live-chat.webhooks. and index, create, edit or destroy" };

impl FromStr for Permission {
    type Err = Invalid;
    fn from_str(key: &str) -> Result<Self, Invalid> {
        Self::ALL.into_iter().find(|permission| permission.key() == key).ok_or(UNKNOWN)
    }
}
