//! Registers, changes and removes endpoints.

use std::sync::Arc;
use std::time::Duration;

use crate::decide::resolve;
use crate::delivery::{CancelReason, Gate, GateChange};
use crate::endpoint::{Endpoint, EndpointError, EndpointPage, Expected, Loaded, Put, Write};
use crate::error::StoreError;
use crate::history::{PageAfter, Replayed, Selection, StateFilter};
use crate::id::{EndpointId, ProfileName, TenantId};
use crate::notice::Part;
use crate::profile::Profile;
use crate::secret::{Secret, Secrets};
use crate::sequence::Sequence;

use super::Webhooks;
use super::new_endpoint::{NewEndpoint, NewSecret};
use super::register_error::RegisterError;
use super::rules::{check_forms, check_secrets};

impl Webhooks {
    /// Registers an endpoint; events published from now on are routed to it.
    ///
    /// # Errors
    /// If the endpoint breaks a rule of its profile, if its id is
    /// [`Taken`](RegisterError::Taken), if its profile allows each URL once and the tenant
    /// already has it, or if the store fails. Nothing is changed then.
    pub async fn register(&self, new: NewEndpoint) -> Result<Arc<Endpoint>, RegisterError> {
        let now = self.parts.clock.read().await?;
        let drawn = self.fresh_id(now)?;
        let id = match &new.id {
            Some(id) => id.clone(),
            None => EndpointId::new(drawn.as_str()).map_err(EndpointError::from)?,
        };
        let secrets = new.secret.first();
        let endpoint = self.checked(new, id, secrets, now)?;
        self.write(endpoint, Expected::Absent).await
    }

    /// Registers an endpoint unless the tenant already has one with its id, and returns the
    /// endpoint that is stored then. It never changes an endpoint: if `new` differs from the
    /// stored one, use [`update`](Self::update). A program can therefore register its
    /// endpoints at each start.
    ///
    /// # Errors
    /// Those of [`register`](Self::register). Also if `new` has no id, because each call would
    /// then register another endpoint.
    pub async fn ensure(&self, new: NewEndpoint) -> Result<Arc<Endpoint>, RegisterError> {
        let Some(id) = new.id.clone() else {
            let rule = "must be set, so that the endpoint is found again at the next start";
            return Err(EndpointError::Field { field: "id", rule }.into());
        };
        let tenant = new.tenant.clone();
        match self.register(new).await {
            Err(taken @ RegisterError::Taken { current: Some(_) }) => {
                self.endpoint(&tenant, &id).await?.ok_or(taken)
            }
            other => other,
        }
    }

    /// Replaces an endpoint that is at `version`. If `new` sets no secret, the endpoint keeps
    /// its secrets. Waiting deliveries are sent to the new URL. To change only a part, begin
    /// with `NewEndpoint::from` the stored endpoint.
    ///
    /// A new URL gets everything that the old one got: requests signed with the same secrets,
    /// the endpoint's headers and, in `live_chat`, the secret itself in the body. If another
    /// party may have set the URL, set a new secret and new headers in the same call.
    ///
    /// With another URL or another secret the endpoint begins anew: earlier failures no longer
    /// count, and the engine's hold ends. A late answer from the old URL settles its delivery
    /// and does not affect the endpoint's health.
    ///
    /// With another profile or other limits the engine's hold ends too, since it may come from
    /// a limit that no longer exists. A limit that still has no room holds the endpoint again.
    ///
    /// # Errors
    /// Those of [`register`](Self::register); `Conflict` if the stored version is another. If
    /// the store fails after the endpoint was written, only the hold of a limit remains, until
    /// [`lift`](Self::lift) ends it.
    pub async fn update(
        &self,
        id: &EndpointId,
        version: u64,
        new: NewEndpoint,
    ) -> Result<Arc<Endpoint>, RegisterError> {
        let before = self.read(&new.tenant, id).await?;
        // What is kept of it was read at this version: under another, it would be written
        // over what somebody else wrote in between.
        if before.version != version {
            return Err(RegisterError::Conflict { current: Some(before.version) });
        }
        let secrets = match (&new.secret, &before.secrets) {
            (NewSecret::Are(_) | NewSecret::None, _) => new.secret.first(),
            (NewSecret::AsBefore, Secrets::Open(secrets)) => secrets.clone(),
            (NewSecret::AsBefore, Secrets::Sealed { .. }) => return Err(RegisterError::Sealed),
        };
        let since = if before.enabled { before.since } else { self.parts.clock.read().await? };
        let endpoint = self.checked(new, id.clone(), secrets, since)?;
        let written = self.write(endpoint, Expected::Version(version)).await?;
        let profile = self.profile(&written.profile)?;
        let limits = before.overrides.limits_or(&profile.limits);
        if before.profile != written.profile || limits != written.overrides.limits_or(&profile.limits) {
            self.lift(&written.tenant, id).await?;
        }
        Ok(written)
    }

    /// Makes `secret` the current one from the next attempt on. If the scheme allows several
    /// signatures, the previous secrets also sign, for `overlap` at most. With an `overlap` of
    /// zero, only the new secret signs. Attempts that were prepared within the second before,
    /// here or in another process, may still be sent with the old secret. The secrets of other
    /// schemes do not change: a secret of a form that the endpoint does not have yet is added.
    ///
    /// # Errors
    /// Those of [`update`](Self::update). Also if more than
    /// [`SECRETS_MAX`](crate::secret::SECRETS_MAX) secrets would be in force.
    pub async fn rotate_secret(
        &self,
        tenant: &TenantId,
        id: &EndpointId,
        secret: Secret,
        overlap: Duration,
    ) -> Result<Arc<Endpoint>, RegisterError> {
        let now = self.parts.clock.read().await?;
        self.change(tenant, id, |endpoint, profile| {
            let Secrets::Open(secrets) = &endpoint.secrets else { return Err(RegisterError::Sealed) };
            check_forms(std::slice::from_ref(&secret), &profile.schemes)?;
            let secrets =
                profile.schemes.rotated(secrets.clone().kept_at(now), secret.clone(), now + overlap);
            self.parts.guard.call(Part::Envelope, || check_secrets(&secrets, profile))??;
            endpoint.secrets = Secrets::Open(secrets);
            Ok(())
        })
        .await
    }

    /// Disables an endpoint, even one that cannot be read. No events are routed to it, and
    /// waiting deliveries are not sent.
    ///
    /// # Errors
    /// If there is no such endpoint, or if the store fails.
    pub async fn disable(&self, tenant: &TenantId, id: &EndpointId) -> Result<(), RegisterError> {
        let there = self.parts.registry.switch_off(tenant, id).await?;
        self.parts.endpoints.cache.forget(id);
        if there { Ok(()) } else { Err(RegisterError::NotFound) }
    }

    /// Enables an endpoint again: events are routed to it from now on. Pending deliveries are
    /// sent, or cancelled if the profile says so. The endpoint begins anew, as with a new URL:
    /// earlier failures no longer count.
    ///
    /// # Errors
    /// If there is no such endpoint, or if the store fails.
    pub async fn enable(&self, tenant: &TenantId, id: &EndpointId) -> Result<Arc<Endpoint>, RegisterError> {
        let now = self.parts.clock.read().await?;
        self.change(tenant, id, |endpoint, _| {
            if !endpoint.enabled {
                endpoint.since = now;
            }
            endpoint.enabled = true;
            Ok(())
        })
        .await
    }

    /// Removes an endpoint and cancels its waiting deliveries. The answer to a request in
    /// flight settles its delivery. Returns whether the endpoint existed.
    ///
    /// If this process ends before everything is cancelled, the rest is cancelled when it is
    /// claimed.
    ///
    /// # Errors
    /// If the store fails.
    pub async fn remove(&self, tenant: &TenantId, id: &EndpointId) -> Result<bool, StoreError> {
        let _changed = self.nudge_at_the_end();
        let removed = self.parts.registry.remove(tenant, id).await?;
        self.parts.endpoints.cache.forget(id);
        if let Some(at) = removed {
            self.cancel_what_came_before(tenant, id, at).await?;
        }
        Ok(removed.is_some())
    }

    /// Cancels the deliveries that waited for an endpoint when it was removed at that place,
    /// but not those of an endpoint registered later under its id. It works in bounded steps,
    /// so that others can publish and settle in between.
    async fn cancel_what_came_before(
        &self,
        tenant: &TenantId,
        id: &EndpointId,
        removed: Sequence,
    ) -> Result<(), StoreError> {
        let selection = Selection {
            endpoint: Some(id.clone()),
            state: Some(StateFilter::Pending),
            born_before: Some(removed),
            ..Selection::default()
        };
        let now = self.parts.clock.read().await?;
        let reason = CancelReason::EndpointRemoved;
        let mut page = PageAfter::first(1000);
        loop {
            let step = self.parts.history.cancel(tenant, &selection, reason, now, page).await?;
            match step.more_after {
                Some(after) => page.after = Some(after),
                None => return Ok(()),
            }
        }
    }

    /// Looks up one endpoint; `None` if the tenant has none with that id.
    ///
    /// # Errors
    /// If the store fails, or if the endpoint cannot be read. The error then names the field,
    /// and [`endpoints`](Self::endpoints) lists the endpoint as unreadable. Such an endpoint
    /// can be disabled, paused and removed.
    pub async fn endpoint(
        &self,
        tenant: &TenantId,
        id: &EndpointId,
    ) -> Result<Option<Arc<Endpoint>>, StoreError> {
        match self.load(tenant, id).await? {
            Loaded::Found(endpoint) => Ok(Some(endpoint)),
            Loaded::Missing => Ok(None),
            Loaded::Unreadable(unreadable) => Err(unreadable.into()),
        }
    }

    /// Lists a page of a tenant's endpoints, in the order of their ids, after the given id: at
    /// most `limit`. Endpoints that cannot be read are listed separately.
    ///
    /// # Errors
    /// If the store fails.
    pub async fn endpoints(
        &self,
        tenant: &TenantId,
        after: Option<&EndpointId>,
        limit: usize,
    ) -> Result<EndpointPage, StoreError> {
        self.parts.registry.list(tenant, after, limit).await
    }

    /// Holds back an endpoint's deliveries until [`resume`](Self::resume). Events are still
    /// routed and kept. No claim that begins after this call has returned takes any of them.
    ///
    /// # Errors
    /// If there is no such endpoint, or if the store fails.
    pub async fn pause(&self, tenant: &TenantId, id: &EndpointId) -> Result<(), RegisterError> {
        self.gate_endpoint(tenant, id, GateChange::Pause).await
    }

    /// Ends a pause. Deliveries that became too old meanwhile fail without an attempt.
    ///
    /// # Errors
    /// If there is no such endpoint, or if the store fails.
    pub async fn resume(&self, tenant: &TenantId, id: &EndpointId) -> Result<(), RegisterError> {
        self.gate_endpoint(tenant, id, GateChange::Resume).await
    }

    /// Holds back all deliveries of a tenant.
    ///
    /// # Errors
    /// If the store fails.
    pub async fn pause_tenant(&self, tenant: &TenantId) -> Result<(), StoreError> {
        self.gate(Gate::Tenant(tenant.clone()), GateChange::Pause).await
    }

    /// Ends a tenant's pause.
    ///
    /// # Errors
    /// If the store fails.
    pub async fn resume_tenant(&self, tenant: &TenantId) -> Result<(), StoreError> {
        self.gate(Gate::Tenant(tenant.clone()), GateChange::Resume).await
    }

    /// Cancels one page of an endpoint's pending deliveries.
    ///
    /// # Errors
    /// If the store fails.
    pub async fn purge(
        &self,
        tenant: &TenantId,
        endpoint: &EndpointId,
        page: PageAfter,
    ) -> Result<Replayed, StoreError> {
        let selection = Selection { endpoint: Some(endpoint.clone()), ..Selection::default() };
        self.cancel(tenant, &selection, page).await
    }

    pub(super) async fn gate_endpoint(
        &self,
        tenant: &TenantId,
        id: &EndpointId,
        change: GateChange,
    ) -> Result<(), RegisterError> {
        if let Loaded::Missing = self.load(tenant, id).await? {
            return Err(RegisterError::NotFound);
        }
        Ok(self.gate(Gate::Lane(id.clone()), change).await?)
    }

    pub(super) async fn gate(&self, gate: Gate, change: GateChange) -> Result<(), StoreError> {
        let now = self.parts.clock.read().await?;
        let _changed = self.nudge_at_the_end();
        self.parts.store.gate(&[(gate, change)], now).await
    }

    /// What is stored under an id, if it belongs to this tenant.
    pub(super) async fn load(&self, tenant: &TenantId, id: &EndpointId) -> Result<Loaded, StoreError> {
        let found = self.parts.endpoints.directory.load(std::slice::from_ref(id)).await?.into_iter().next();
        Ok(match found {
            Some(Loaded::Found(endpoint)) if endpoint.tenant == *tenant => Loaded::Found(endpoint),
            Some(Loaded::Unreadable(unreadable)) if unreadable.tenant.as_ref() == Some(tenant) => {
                Loaded::Unreadable(unreadable)
            }
            _ => Loaded::Missing,
        })
    }

    async fn read(&self, tenant: &TenantId, id: &EndpointId) -> Result<Arc<Endpoint>, RegisterError> {
        match self.load(tenant, id).await? {
            Loaded::Found(endpoint) => Ok(endpoint),
            Loaded::Missing => Err(RegisterError::NotFound),
            Loaded::Unreadable(unreadable) => Err(RegisterError::Unreadable(unreadable)),
        }
    }

    /// Reads, changes and writes an endpoint, and starts again if another call wrote it in
    /// between.
    async fn change(
        &self,
        tenant: &TenantId,
        id: &EndpointId,
        change: impl Fn(&mut Endpoint, &Profile) -> Result<(), RegisterError>,
    ) -> Result<Arc<Endpoint>, RegisterError> {
        const TRIES: usize = 8;
        let mut current = None;
        for _ in 0..TRIES {
            let before = self.read(tenant, id).await?;
            let mut endpoint = Endpoint::clone(&before);
            change(&mut endpoint, &*self.profile(&before.profile)?)?;
            match self.write(endpoint, Expected::Version(before.version)).await {
                Err(RegisterError::Conflict { current: there }) => current = there,
                done => return done,
            }
        }
        Err(RegisterError::Conflict { current })
    }

    pub(super) fn profile(&self, name: &ProfileName) -> Result<Arc<Profile>, RegisterError> {
        self.parts.endpoints.cache.profile(name).cloned().ok_or_else(|| RegisterError::UnknownProfile {
            profile: name.clone(),
            known: self.parts.endpoints.cache.profiles().map(|profile| profile.name.clone()).collect(),
        })
    }

    async fn write(&self, endpoint: Endpoint, expected: Expected) -> Result<Arc<Endpoint>, RegisterError> {
        let profile = self.profile(&endpoint.profile)?;
        let write = Write {
            width: resolve::width(&endpoint, &profile),
            unique_url: profile.unique_urls,
            endpoint,
            expected,
        };
        // A wider lane, or one whose pause or hold ended, can be claimed then.
        let _changed = self.nudge_at_the_end();
        let put = self.parts.registry.put(&write).await?;
        self.parts.endpoints.cache.forget(&write.endpoint.id);
        match put {
            Put::Stored { version, began } => Ok(Arc::new(Endpoint { began, version, ..write.endpoint })),
            Put::Conflict { current } => Err(match expected {
                Expected::Absent => RegisterError::Taken { current },
                Expected::Version(_) => RegisterError::Conflict { current },
            }),
            Put::DuplicateUrl { endpoint } => Err(RegisterError::DuplicateUrl { endpoint }),
        }
    }
}
