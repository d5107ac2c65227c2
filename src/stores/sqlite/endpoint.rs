//! Reads and writes endpoints as rows.

use std::sync::Arc;

use rusqlite::Row;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::backend::{Cipher, Sealed};
use crate::delivery::EventMeta;
use crate::endpoint::{Endpoint, Headers, Unreadable, WhyUnreadable};
use crate::error::{StoreError, StoreErrorKind};
use crate::id::{EndpointId, HostName, TenantId};
use crate::policy::egress::EndpointUrl;
use crate::secret::Secrets;
use crate::subscription::Subscription;

use super::failure::Failure;
use super::row;
use super::sealed::{self, Binding, Seal};
use super::subscriptions::Subscriptions;

/// The columns whose values may be large.
const SEALED: usize = 8;
const SUBSCRIPTION: usize = 9;
const OVERRIDES: usize = 10;

/// Reads the URL of a row. Its profile checked it when it was written, so only the syntax is
/// checked here.
fn read_url(text: &str) -> Result<EndpointUrl, Failure> {
    EndpointUrl::from_stored(text).map_err(|_| Failure::stored("endpoint's url"))
}

/// The host of the URL of a row. An endpoint whose URL cannot be read also has a lane, and may be
/// paused: its lane gets a host that no URL can have.
pub(super) fn host(row: &Row<'_>, column: usize) -> HostName {
    let url = row::text(row, column).and_then(read_url);
    url.map_or_else(|_| HostName::of_unreadable(), |url| url.host().clone())
}

/// A setting as JSON text.
pub(super) fn json(setting: &impl Serialize) -> Result<String, StoreError> {
    serde_json::to_string(setting).map_err(|error| {
        StoreError::new(StoreErrorKind::Invalid, "endpoint: a setting cannot be written as JSON")
            .with_source(error)
    })
}

/// The parts that reading rows of endpoints needs.
pub(super) struct EndpointReader {
    cipher: Arc<dyn Cipher>,
    subscriptions: Subscriptions,
}

impl EndpointReader {
    pub(super) fn new(cipher: Arc<dyn Cipher>) -> Self {
        Self { cipher, subscriptions: Subscriptions::default() }
    }

    pub(super) const fn cipher(&self) -> &Arc<dyn Cipher> {
        &self.cipher
    }

    /// Reads an endpoint from a row of an `endpoint*` statement. If it cannot be read, that is the
    /// result for this endpoint alone, and the other rows of the statement are still read.
    pub(super) fn read(&self, row: &Row<'_>, id: EndpointId) -> Result<Arc<Endpoint>, Unreadable> {
        self.read_with(row, id, self.subscription(row))
    }

    /// Like [`read`](Self::read), for routing an event. `None` if the endpoint certainly does not
    /// want it: it is disabled, or does not subscribe to events of this type or scope.
    pub(super) fn read_subscriber(
        &self,
        row: &Row<'_>,
        id: EndpointId,
        event: &EventMeta,
    ) -> Option<Result<Arc<Endpoint>, Unreadable>> {
        if row.get::<_, bool>(11).is_ok_and(|enabled| !enabled) {
            return None;
        }
        let subscription = self.subscription(row);
        let wants = |subscription: &Subscription| {
            subscription.wants_type(&event.kind)
                && subscription.scope().is_none_or(|scope| event.scope.as_ref() == Some(scope))
        };
        let may_want = subscription.as_ref().map_or(true, wants);
        may_want.then(|| self.read_with(row, id, subscription))
    }

    fn read_with(
        &self,
        row: &Row<'_>,
        id: EndpointId,
        subscription: Result<Subscription, Failure>,
    ) -> Result<Arc<Endpoint>, Unreadable> {
        let open = |tenant: &_, id: &_, seal: &_| sealed::open(&self.cipher, tenant, id, seal);
        Fields::of(row, id).endpoint(subscription, open)
    }

    fn subscription(&self, row: &Row<'_>) -> Result<Subscription, Failure> {
        self.subscriptions.read(row::text(row, SUBSCRIPTION)?)
    }
}

/// Reads the endpoint from a row that was just written, with these secrets and headers.
pub(super) fn read_back(
    row: &Row<'_>,
    id: EndpointId,
    secrets: (Secrets, Headers),
) -> Result<Arc<Endpoint>, Unreadable> {
    Fields::of(row, id).endpoint(setting(row, SUBSCRIPTION), |_, _, _| secrets)
}

/// How many bytes of an endpoint's row have to be read, apart from the fields of limited size.
pub(super) fn size(row: &Row<'_>) -> usize {
    let bytes = |column| row.get_ref(column).ok()?.as_bytes_or_null().ok()?.map(<[u8]>::len);
    [SEALED, SUBSCRIPTION, OVERRIDES].into_iter().filter_map(bytes).sum()
}

/// The columns of an endpoint's row, each read separately.
struct Fields<'a, 'row> {
    row: &'a Row<'row>,
    id: EndpointId,
    tenant: Option<TenantId>,
    url: Option<EndpointUrl>,
}

impl<'a, 'row> Fields<'a, 'row> {
    fn of(row: &'a Row<'row>, id: EndpointId) -> Self {
        let url = row::text(row, 5).and_then(read_url).ok();
        Self { row, id, tenant: row::name(row, 3).ok(), url }
    }

    fn endpoint(
        self,
        subscription: Result<Subscription, Failure>,
        open: impl FnOnce(&TenantId, &EndpointId, &Seal) -> (Secrets, Headers),
    ) -> Result<Arc<Endpoint>, Unreadable> {
        let tenant = self.tenant.clone().ok_or_else(|| self.broken("tenant"))?;
        let (secrets, headers) = open(&tenant, &self.id, &self.seal()?);
        let row = self.row;
        Ok(Arc::new(Endpoint {
            tenant,
            name: self.read("name", row::text(row, 4))?.to_owned(),
            url: self.url.clone().ok_or_else(|| self.broken("url"))?,
            profile: self.read("profile", row::name(row, 6))?,
            secrets,
            subscription: self.read("subscription", subscription)?,
            headers,
            overrides: self.read("overrides", setting(row, OVERRIDES))?,
            enabled: self.read("enabled", row.get(11).map_err(Failure::from))?,
            since: self.read("since", row::time(row, 12))?,
            began: self.read("began", row::sequence(row, 15))?,
            version: self.read("version", row.get(1).map_err(Failure::from).and_then(version))?,
            generation: self.read("generation", row::generation(row, 0, 14))?,
            id: self.id.clone(),
        }))
    }

    fn seal(&self) -> Result<Seal, Unreadable> {
        let row = self.row;
        let number = |column| row.get(column).map_err(Failure::from);
        let binding = Binding {
            registration: self.read("registration", number(0).map(Some))?,
            version: self.read("sealed_version", number(13).and_then(version))?,
        };
        let sealed = Sealed {
            key_id: self.read("key_id", row.get(7).map_err(Failure::from))?,
            bytes: self.read("sealed", row.get(SEALED).map_err(Failure::from))?,
        };
        Ok(Seal { sealed, binding })
    }

    fn read<T>(&self, field: &'static str, read: Result<T, Failure>) -> Result<T, Unreadable> {
        read.map_err(|_| self.broken(field))
    }

    fn broken(&self, field: &'static str) -> Unreadable {
        let (host, why) = (self.url.as_ref().map(|url| url.host().clone()), WhyUnreadable::Broken);
        Unreadable { id: self.id.clone(), tenant: self.tenant.clone(), field, why, host }
    }
}

/// Converts a version from a row.
pub(super) fn version(stored: i64) -> Result<u64, Failure> {
    u64::try_from(stored).map_err(|_| Failure::stored("endpoint's version"))
}

fn setting<T: DeserializeOwned>(row: &Row<'_>, column: usize) -> Result<T, Failure> {
    serde_json::from_str(row::text(row, column)?).map_err(|_| Failure::stored("endpoint's setting"))
}
