//! Endpoints as they stand in rows.

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

/// A URL that a row keeps. Its profile judged it when it was written, so only the grammar
/// is checked here.
fn read_url(text: &str) -> Result<EndpointUrl, Failure> {
    EndpointUrl::from_stored(text).map_err(|_| Failure::stored("endpoint's url"))
}

/// The host of the URL that a row keeps. An endpoint whose URL cannot be read has a lane
/// too, and may be paused: it is that of a host which no URL can have.
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

/// The endpoint of the `endpoint*` statements' rows. One that cannot be read is its own
/// answer: the other rows of the statement are read on.
pub(super) fn read(
    row: &Row<'_>,
    id: EndpointId,
    cipher: &Arc<dyn Cipher>,
) -> Result<Arc<Endpoint>, Unreadable> {
    read_with(row, id, |tenant, id, seal| sealed::open(cipher, tenant, id, seal))
}

/// As [`read`], where `open` answers for the secrets and the headers.
pub(super) fn read_with(
    row: &Row<'_>,
    id: EndpointId,
    open: impl FnOnce(&TenantId, &EndpointId, &Seal) -> (Secrets, Headers),
) -> Result<Arc<Endpoint>, Unreadable> {
    let url = row::text(row, 5).and_then(read_url).ok();
    let fields = Fields { row, id, tenant: row::name(row, 3).ok(), url };
    fields.endpoint(open)
}

/// Whether routing may pass the endpoint of this row over: it can be read that it is
/// disabled, or that it does not want events of this type or scope.
pub(super) fn may_be_passed_over(row: &Row<'_>, event: &EventMeta) -> bool {
    let wants = |subscription: &Subscription| {
        subscription.wants_type(&event.kind)
            && subscription.scope().is_none_or(|scope| event.scope.as_ref() == Some(scope))
    };
    row.get::<_, bool>(11).is_ok_and(|enabled| !enabled)
        || setting(row, 9).is_ok_and(|subscription| !wants(&subscription))
}

/// The columns of an endpoint's row, each read by itself.
struct Fields<'a, 'row> {
    row: &'a Row<'row>,
    id: EndpointId,
    tenant: Option<TenantId>,
    url: Option<EndpointUrl>,
}

impl Fields<'_, '_> {
    fn endpoint(
        self,
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
            subscription: self.read("subscription", setting(row, 9))?,
            headers,
            overrides: self.read("overrides", setting(row, 10))?,
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
            bytes: self.read("sealed", row.get(8).map_err(Failure::from))?,
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

/// A version as it stands in a row.
pub(super) fn version(stored: i64) -> Result<u64, Failure> {
    u64::try_from(stored).map_err(|_| Failure::stored("endpoint's version"))
}

fn setting<T: DeserializeOwned>(row: &Row<'_>, column: usize) -> Result<T, Failure> {
    serde_json::from_str(row::text(row, column)?).map_err(|_| Failure::stored("endpoint's setting"))
}
