//! Endpoints as they stand in rows.

use std::sync::Arc;

use rusqlite::Row;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::endpoint::Endpoint;
use crate::error::{StoreError, StoreErrorKind};
use crate::policy::egress::EndpointUrl;
use crate::seam::{Cipher, Sealed};
use crate::subscription::Subscription;

use super::failure::Failure;
use super::row;
use super::sealed::{self, Binding, Seal};

/// A URL that a row keeps. Its profile judged it when it was written, so only the grammar
/// is checked here.
pub(super) fn read_url(text: &str) -> Result<EndpointUrl, Failure> {
    EndpointUrl::from_stored(text).map_err(|_| Failure::Stored("endpoint's url"))
}

/// A setting as JSON text.
pub(super) fn json(setting: &impl Serialize) -> Result<String, StoreError> {
    serde_json::to_string(setting).map_err(|error| {
        StoreError::new(StoreErrorKind::Invalid, "endpoint: a setting cannot be written as JSON")
            .with_source(error)
    })
}

/// Which events the endpoint of this row wants.
pub(super) fn subscription(row: &Row<'_>) -> Result<Subscription, Failure> {
    setting(row, 9, "endpoint's subscription")
}

/// The endpoint of the `endpoint*` statements' rows.
pub(super) fn read(row: &Row<'_>, cipher: &Arc<dyn Cipher>) -> Result<Arc<Endpoint>, Failure> {
    let (id, tenant) = (row::name(row, 2)?, row::name(row, 3)?);
    let binding = Binding { registration: row.get(0)?, version: version(row.get(13)?)? };
    let seal = Seal { sealed: Sealed { key_id: row.get(7)?, bytes: row.get(8)? }, binding };
    let (secrets, headers) = sealed::open(cipher, &tenant, &id, &seal)?;
    Ok(Arc::new(Endpoint {
        id,
        tenant,
        name: row.get(4)?,
        url: read_url(row::text(row, 5)?)?,
        profile: row::name(row, 6)?,
        secrets,
        subscription: subscription(row)?,
        headers,
        overrides: setting(row, 10, "endpoint's overrides")?,
        enabled: row.get(11)?,
        since: row::time(row, 12)?,
        version: version(row.get(1)?)?,
    }))
}

/// A version as it stands in a row.
pub(super) fn version(stored: i64) -> Result<u64, Failure> {
    u64::try_from(stored).map_err(|_| Failure::Stored("endpoint's version"))
}

fn setting<T: DeserializeOwned>(row: &Row<'_>, column: usize, what: &'static str) -> Result<T, Failure> {
    serde_json::from_str(row::text(row, column)?).map_err(|_| Failure::Stored(what))
}
