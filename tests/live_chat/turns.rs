//! Calls that write at once.

use std::sync::Arc;
use std::time::Duration;

use hookpost::async_trait;
use hookpost::error::StoreError;
use hookpost::systems::live_chat::admin::{
    AccessToken, Caller, ClientId, LicenseRow, LiveChatAdmin, MemoryRows, NewWebhook, Registration, Rows,
    Rules,
};
use hookpost::systems::live_chat::payload::ApiVersion;
use hookpost::testing::SeededEntropy;
use tokio::sync::Semaphore;
use tokio::time::timeout;

use super::scene::{bearer, webhook};
use super::world::World;

const V: ApiVersion = ApiVersion::STABLE;

/// Rows whose licenses are written only while the gate is open.
struct Gated {
    rows: MemoryRows,
    gate: Semaphore,
}

#[async_trait]
impl Rows for Gated {
    async fn add(&self, registration: &Registration, most: usize) -> Result<bool, StoreError> {
        self.rows.add(registration, most).await
    }

    async fn remove(&self, owner: &ClientId, id: &str) -> Result<(), StoreError> {
        self.rows.remove(owner, id).await
    }

    async fn registrations(&self, owner: &ClientId) -> Result<Vec<Registration>, StoreError> {
        self.rows.registrations(owner).await
    }

    async fn put_license(&self, owner: &ClientId, row: &LicenseRow) -> Result<(), StoreError> {
        self.gate.acquire().await.unwrap().forget();
        self.rows.put_license(owner, row).await
    }

    async fn licenses(&self, owner: &ClientId) -> Result<Vec<LicenseRow>, StoreError> {
        self.rows.licenses(owner).await
    }
}

#[tokio::test(start_paused = true)]
async fn an_owner_whose_rows_are_slow_keeps_no_other_owner_waiting() {
    let world = World::new();
    let rows = Arc::new(Gated { rows: MemoryRows::new(), gate: Semaphore::new(0) });
    let live_chat = LiveChatAdmin::new(world.webhooks.clone(), rows.clone(), Rules::current())
        .entropy(Arc::new(SeededEntropy::new(11)));
    let slow = bearer();
    let other: ClientId = "cl_other".into();
    let quick = Caller { token: AccessToken::Bearer { client_id: other.clone() }, ..bearer() };
    let enabling = live_chat.calls(&slow, V);
    let mut enabling = Box::pin(enabling.enable_license_webhooks(None));
    assert!(futures_util::poll!(&mut enabling).is_pending());

    let second = Duration::from_secs(1);
    let registering = NewWebhook { owner_client_id: other, ..webhook("incoming_chat") };
    let registered = timeout(second, live_chat.calls(&quick, V).register_webhook(registering)).await;
    registered.expect("another owner does not wait").unwrap();

    let same = live_chat.calls(&slow, V);
    let same = same.register_webhook(webhook("incoming_chat"));
    let mut same = Box::pin(same);
    assert!(futures_util::poll!(&mut same).is_pending(), "one owner's calls take turns");
    rows.gate.add_permits(1);
    enabling.await.unwrap();
    same.await.unwrap();
}
