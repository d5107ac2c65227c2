//! Rows that fail half way: what is refused then, and how it is completed.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use async_trait::async_trait;
use hookpost::error::{StoreError, StoreErrorKind};
use hookpost::systems::live_chat::admin::{
    ClientId, LicenseRow, LiveChatAdmin, MemoryRows, Registration, Rows, Rules,
};
use hookpost::systems::live_chat::payload::ApiVersion;

use super::scene::{Scene, bearer, ended, kind, license, mine, webhook};

/// Rows that can be written and, while they are down, not be read.
#[derive(Default)]
struct Flaky {
    rows: MemoryRows,
    down: AtomicBool,
}

impl Flaky {
    fn readable(&self) -> Result<(), StoreError> {
        if self.down.load(Ordering::SeqCst) {
            return Err(StoreError::new(StoreErrorKind::Unavailable, "the rows are down"));
        }
        Ok(())
    }
}

#[async_trait]
impl Rows for Flaky {
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
        self.rows.put_license(owner, row).await
    }
    async fn licenses(&self, owner: &ClientId) -> Result<Vec<LicenseRow>, StoreError> {
        self.readable()?;
        self.rows.licenses(owner).await
    }
}

#[tokio::test(start_paused = true)]
async fn a_failing_store_is_internal_and_the_same_call_completes_it_later() {
    let rows = Arc::new(Flaky::default());
    let mut scene = Scene::new(Rules::tutorial());
    scene.live_chat =
        Arc::new(LiveChatAdmin::new(scene.world.webhooks.clone(), rows.clone(), Rules::tutorial()));
    let caller = bearer();
    let calls = scene.calls(&caller, ApiVersion::STABLE);
    calls.enable_license_webhooks(None).await.unwrap();

    rows.down.store(true, Ordering::SeqCst);
    let refusal = calls.register_webhook(webhook("chat_deactivated")).await.unwrap_err();
    assert_eq!(refusal.kind.as_str(), "internal");
    assert_eq!(refusal.message, "Internal server error", "what failed is the host's to know");
    assert!(std::error::Error::source(&refusal).unwrap().to_string().contains("the rows are down"));
    assert_eq!(kind(calls.disable_license_webhooks(None).await), "internal");

    rows.down.store(false, Ordering::SeqCst);
    // It could not be taken back, so it is listed; enabling again completes it.
    let listed = calls.list_webhooks(&mine()).await.unwrap();
    assert_eq!((listed.len(), scene.happens(&ended()).await.len()), (1, 0));
    calls.enable_license_webhooks(None).await.unwrap();
    assert_eq!(scene.happens(&ended()).await.len(), 1);
    calls.unregister_webhook(&mine(), &listed[0].id).await.unwrap();
    assert_eq!(scene.happens_on(&license(), &ended()).await.len(), 0);
}
