//! What is stored beside the endpoints: registrations, and licenses by client id.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;

use crate::error::StoreError;
use crate::systems::live_chat::payload::License;

use super::caller::ClientId;
use super::registration::Registration;
use super::switch::LicenseRow;

/// Stores rows. A host with a database implements it with two small tables: one of
/// registrations by (owner, id), one of licenses by (owner, license).
#[async_trait]
pub trait Rows: Send + Sync {
    /// Adds a registration, unless its owner already has `most` for its action: then nothing
    /// is written, and the answer is `false`. This must be one atomic step, so that two calls
    /// at once cannot both take the last place.
    async fn add(&self, registration: &Registration, most: usize) -> Result<bool, StoreError>;

    /// Removes a registration. It is not an error if there is none.
    async fn remove(&self, owner: &ClientId, id: &str) -> Result<(), StoreError>;

    /// Lists all registrations of an owner, in the order of their ids.
    async fn registrations(&self, owner: &ClientId) -> Result<Vec<Registration>, StoreError>;

    /// Writes an owner's row about a license, and replaces the previous row.
    async fn put_license(&self, owner: &ClientId, row: &LicenseRow) -> Result<(), StoreError>;

    /// Lists all licenses that an owner has a row about, in the order of their numbers.
    async fn licenses(&self, owner: &ClientId) -> Result<Vec<LicenseRow>, StoreError>;
}

/// Rows in this process's memory. Nothing survives it.
#[derive(Default)]
pub struct MemoryRows(Mutex<Tables>);

#[derive(Default)]
struct Tables {
    registrations: BTreeMap<(ClientId, String), Registration>,
    licenses: BTreeMap<(ClientId, License), LicenseRow>,
}

impl MemoryRows {
    /// Creates an empty set of rows.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Each call writes one row, so a panic leaves nothing half written.
    fn tables(&self) -> MutexGuard<'_, Tables> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl Rows for MemoryRows {
    async fn add(&self, registration: &Registration, most: usize) -> Result<bool, StoreError> {
        let mut tables = self.tables();
        let (owner, action) = (&registration.webhook.owner_client_id, &registration.webhook.action);
        let same_action = tables
            .registrations
            .values()
            .filter(|other| other.webhook.owner_client_id == *owner && other.webhook.action == *action);
        if same_action.count() >= most {
            return Ok(false);
        }
        tables.registrations.insert((owner.clone(), registration.id.clone()), registration.clone());
        Ok(true)
    }

    async fn remove(&self, owner: &ClientId, id: &str) -> Result<(), StoreError> {
        self.tables().registrations.remove(&(owner.clone(), id.to_owned()));
        Ok(())
    }

    async fn registrations(&self, owner: &ClientId) -> Result<Vec<Registration>, StoreError> {
        let tables = self.tables();
        let own = tables.registrations.iter().filter(|((other, _), _)| other == owner);
        Ok(own.map(|(_, registration)| registration.clone()).collect())
    }

    async fn put_license(&self, owner: &ClientId, row: &LicenseRow) -> Result<(), StoreError> {
        self.tables().licenses.insert((owner.clone(), row.license.clone()), row.clone());
        Ok(())
    }

    async fn licenses(&self, owner: &ClientId) -> Result<Vec<LicenseRow>, StoreError> {
        let tables = self.tables();
        let own = tables.licenses.iter().filter(|((other, _), _)| other == owner);
        Ok(own.map(|(_, row)| row.clone()).collect())
    }
}

impl fmt::Debug for MemoryRows {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let tables = self.tables();
        f.debug_struct("MemoryRows")
            .field("registrations", &tables.registrations.len())
            .field("licenses", &tables.licenses.len())
            .finish()
    }
}
