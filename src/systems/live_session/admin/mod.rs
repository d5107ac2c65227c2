//! LiveSession's webhook settings: endpoints, each of one website, and alerts.
//!
//! An endpoint gets nothing until it has an alert. Alerts are stored where routing reads them:
//! each is an [`Interest`] of its endpoint's subscription, with the type `session.event` and
//! the website as its scope. An alert therefore takes effect with the endpoint's next version,
//! is removed with its endpoint, and needs no separate table.

mod alert;

use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::endpoint::{Endpoint, EndpointError};
use crate::id::{EndpointId, Scope, TenantId};
use crate::profile::Profile;
use crate::secret::Secret;
use crate::subscription::{Interest, Subscription};
use crate::systems::live_session::payload::SESSION_EVENT;
use crate::webhooks::{NewEndpoint, Webhooks};

use crate::systems::settings::endpoints::Endpoints;
use crate::systems::settings::{AdminError, Problems};

pub use alert::{ALERTS_MAX, Alert, AlertEvent, AlertForm, AlertId, AlertProvider, CONDITIONS_MAX};

/// The only version of LiveSession's bodies.
const VERSION: &str = "v1.0";

/// Manages the endpoints of the profile `live_session`, and their alerts.
///
/// Every actor of an account may read. Only an owner or an admin may change something.
#[derive(Debug, Clone)]
pub struct LiveSessionAdmin {
    endpoints: Endpoints,
}

/// The person who makes a request, and the person's account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Actor {
    /// The account of the person.
    pub account: TenantId,
    /// The person's role in the account.
    pub role: Role,
}

/// A role in an account.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "String", into = "String")]
#[non_exhaustive]
pub enum Role {
    /// May change webhook settings.
    Owner,
    /// May change webhook settings.
    Admin,
    /// Any other role; may not change webhook settings.
    Other(String),
}

/// The form in which an endpoint is entered.
#[derive(Clone, Deserialize)]
pub struct EndpointForm {
    /// The URL that requests are sent to, with http or https.
    pub url: String,
    /// The id of the website whose events it gets.
    pub website_id: String,
    /// The version of the bodies: `v1.0`.
    #[serde(default = "version")]
    pub version: String,
    /// The secret that signs. A new endpoint must have one; in an edit, `None` keeps the
    /// present secret.
    #[serde(default)]
    pub secret: Option<String>,
}

impl LiveSessionAdmin {
    /// Manages endpoints through this [`Webhooks`].
    #[must_use]
    pub fn new(webhooks: Webhooks) -> Self {
        Self { endpoints: Endpoints::new(webhooks, Profile::live_session().name) }
    }

    /// Lists the account's endpoints, in the order of their ids. The website of an endpoint is
    /// the scope of its subscription.
    ///
    /// # Errors
    /// If the store fails.
    pub async fn list(&self, actor: &Actor) -> Result<Vec<Arc<Endpoint>>, AdminError> {
        Ok(self.endpoints.all(&actor.account).await?)
    }

    /// Creates an endpoint. It gets nothing before it has an alert.
    ///
    /// # Errors
    /// If the actor is not allowed to, if the form has errors, if the account already has an
    /// endpoint with that URL (`DuplicateUrl`), or if the store fails.
    pub async fn create(&self, actor: &Actor, form: EndpointForm) -> Result<Arc<Endpoint>, AdminError> {
        actor.may_change()?;
        let mut problems = self.problems_of(&form)?;
        problems.hold(form.secret.is_some(), "secret", "must be set, since every request is signed");
        problems.none()?;
        let new = self.endpoints.blank(&actor.account, &form.url)?;
        let new = form.fill(new, Vec::new())?;
        Ok(self.endpoints.webhooks.register(new).await?)
    }

    /// Changes an endpoint. Its id and its alerts do not change.
    ///
    /// # Errors
    /// Those of [`create`](Self::create). Also if there is no such endpoint.
    pub async fn edit(
        &self,
        actor: &Actor,
        id: &EndpointId,
        form: EndpointForm,
    ) -> Result<Arc<Endpoint>, AdminError> {
        actor.may_change()?;
        self.problems_of(&form)?.none()?;
        self.endpoints
            .change(&actor.account, id, |before| {
                let interests = before.subscription.interests().unwrap_or_default().to_vec();
                form.fill(NewEndpoint::from(before).url(form.url.as_str()), interests)
            })
            .await
    }

    /// Enables or disables an endpoint.
    ///
    /// # Errors
    /// If the actor is not allowed to, if there is no such endpoint, or if the store fails.
    pub async fn set_enabled(
        &self,
        actor: &Actor,
        id: &EndpointId,
        enabled: bool,
    ) -> Result<Arc<Endpoint>, AdminError> {
        actor.may_change()?;
        self.endpoints
            .change(&actor.account, id, |before| Ok(NewEndpoint::from(before).enabled(enabled)))
            .await
    }

    /// Removes an endpoint with its alerts.
    ///
    /// # Errors
    /// If the actor is not allowed to, if there is no such endpoint, or if the store fails.
    pub async fn delete(&self, actor: &Actor, id: &EndpointId) -> Result<(), AdminError> {
        actor.may_change()?;
        self.endpoints.remove(&actor.account, id).await
    }

    /// Lists the account's alerts by endpoint, the oldest first.
    ///
    /// # Errors
    /// If the store fails.
    pub async fn alerts(&self, actor: &Actor) -> Result<Vec<Alert>, AdminError> {
        let endpoints = self.endpoints.all(&actor.account).await?;
        Ok(endpoints.iter().flat_map(|endpoint| Alert::all_of(endpoint)).collect())
    }

    /// Creates an alert, which selects events for an endpoint.
    ///
    /// # Errors
    /// If the actor is not allowed to, if the form has errors, if there is no such endpoint or
    /// it already has [`ALERTS_MAX`] alerts, or if the store fails.
    pub async fn create_alert(&self, actor: &Actor, form: AlertForm) -> Result<Alert, AdminError> {
        actor.may_change()?;
        let id = form.check()?;
        let endpoint = self
            .endpoints
            .change(&actor.account, &id, |before| {
                // A version is written over once, so its number tells this alert from all
                // that this endpoint ever had.
                let interest = form.interest(before.version)?;
                let mut interests = before.subscription.interests().unwrap_or_default().to_vec();
                interests.push(interest);
                let mut problems = Problems::default();
                problems.hold(interests.len() <= ALERTS_MAX, "webhook_id", "must have at most 100 alerts");
                problems.none()?;
                Ok(with_interests(before, interests))
            })
            .await?;
        Alert::all_of(&endpoint).pop().ok_or(AdminError::NotFound)
    }

    /// Changes an alert's name and events. It stays with its endpoint: to move it, create a
    /// new one there and delete this one.
    ///
    /// # Errors
    /// If the actor is not allowed to, if the form has errors, if there is no such alert, or
    /// if the store fails.
    pub async fn edit_alert(
        &self,
        actor: &Actor,
        id: &AlertId,
        form: AlertForm,
    ) -> Result<Alert, AdminError> {
        actor.may_change()?;
        let endpoint = form.check()?;
        let mut problems = Problems::default();
        problems.hold(
            endpoint == id.endpoint,
            "webhook_id",
            "must be the endpoint that the alert belongs to",
        );
        problems.none()?;
        let endpoint = self
            .change_alerts(actor, id, |interests, at| {
                interests[at] = form.interest(id.number)?;
                Ok(())
            })
            .await?;
        let changed = Alert::all_of(&endpoint).into_iter().find(|alert| alert.alert_id == *id);
        changed.ok_or(AdminError::NotFound)
    }

    /// Deletes an alert.
    ///
    /// # Errors
    /// If the actor is not allowed to, if there is no such alert, or if the store fails.
    pub async fn delete_alert(&self, actor: &Actor, id: &AlertId) -> Result<(), AdminError> {
        actor.may_change()?;
        self.change_alerts(actor, id, |interests, at| {
            interests.remove(at);
            Ok(())
        })
        .await
        .map(|_| ())
    }

    async fn change_alerts(
        &self,
        actor: &Actor,
        id: &AlertId,
        change: impl Fn(&mut Vec<Interest>, usize) -> Result<(), AdminError>,
    ) -> Result<Arc<Endpoint>, AdminError> {
        self.endpoints
            .change(&actor.account, &id.endpoint, |before| {
                let mut interests = before.subscription.interests().unwrap_or_default().to_vec();
                let at = interests.iter().position(|interest| interest.number() == id.number);
                change(&mut interests, at.ok_or(AdminError::NotFound)?)?;
                Ok(with_interests(before, interests))
            })
            .await
    }

    fn problems_of(&self, form: &EndpointForm) -> Result<Problems, AdminError> {
        let mut problems = Problems::default();
        problems.note(self.endpoints.webhooks.check_url(&self.endpoints.profile, &form.url))?;
        let scope = "must be 1 to 128 visible ASCII characters";
        problems.hold(Scope::new(&form.website_id).is_ok(), "website_id", scope);
        problems.hold(form.version == VERSION, "version", "must be v1.0");
        if let Some(secret) = &form.secret {
            problems.note(Secret::new(secret.as_str()).map_err(EndpointError::from))?;
        }
        Ok(problems)
    }
}

impl EndpointForm {
    /// A form for an endpoint of that website.
    #[must_use]
    pub fn new(url: impl Into<String>, website_id: impl Into<String>) -> Self {
        Self { url: url.into(), website_id: website_id.into(), version: version(), secret: None }
    }

    /// Sets the secret that signs.
    #[must_use]
    pub fn secret(mut self, secret: impl Into<String>) -> Self {
        self.secret = Some(secret.into());
        self
    }

    fn fill(&self, new: NewEndpoint, interests: Vec<Interest>) -> Result<NewEndpoint, AdminError> {
        let website = Scope::new(&self.website_id).map_err(EndpointError::from)?;
        let new = new.subscription(session_events()?.within(website).among(interests));
        match &self.secret {
            Some(secret) => Ok(new.secret(secret.as_str())?),
            None => Ok(new),
        }
    }
}

impl fmt::Debug for EndpointForm {
    /// Shows neither URL nor secret: both may be credentials.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EndpointForm").field("website_id", &self.website_id).finish_non_exhaustive()
    }
}

impl Actor {
    /// A person of that account with this role.
    #[must_use]
    pub const fn new(account: TenantId, role: Role) -> Self {
        Self { account, role }
    }

    fn may_change(&self) -> Result<(), AdminError> {
        match self.role {
            Role::Owner | Role::Admin => Ok(()),
            Role::Other(_) => Err(AdminError::Forbidden { needs: "the role of an owner or an admin" }),
        }
    }
}

impl From<String> for Role {
    /// Exactly `Owner` and `Admin`, in any case; every other word is another role.
    fn from(word: String) -> Self {
        match word.to_ascii_lowercase().as_str() {
            "owner" => Self::Owner,
            "admin" => Self::Admin,
            _ => Self::Other(word),
        }
    }
}

impl From<Role> for String {
    fn from(role: Role) -> Self {
        match role {
            Role::Owner => "Owner".to_owned(),
            Role::Admin => "Admin".to_owned(),
            Role::Other(word) => word,
        }
    }
}

fn version() -> String {
    VERSION.to_owned()
}

fn session_events() -> Result<Subscription, AdminError> {
    Ok(Subscription::to([SESSION_EVENT]).map_err(EndpointError::from)?)
}

fn with_interests(endpoint: &Endpoint, interests: Vec<Interest>) -> NewEndpoint {
    let subscription = endpoint.subscription.clone().among(interests);
    NewEndpoint::from(endpoint).subscription(subscription)
}
