//! An application with its webhooks, on virtual time.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use hookpost::systems::live_chat::admin::{
    AccessToken, AdditionalPart, ApiError, Caller, Calls, ClientId, Filters, LiveChatAdmin, MemoryRows,
    NewWebhook, Rules, TokenScope, WebhookType,
};
use hookpost::systems::live_chat::payload::{ApiVersion, AppWebhook, License, Occurrence};
use hookpost::testing::SeededEntropy;
use hookpost::{Secret, Webhooks};
use serde_json::Value;

use super::world::World;

pub(crate) const SECRET: &str = "lc_key_R4t";
pub(crate) const ORGANIZATION: &str = "4b1c7e7a-6f0c-4f6e-9c2b-2b9b2f1d9a10";

pub(crate) struct Scene {
    pub(crate) world: World,
    pub(crate) live_chat: Arc<LiveChatAdmin>,
}

impl Scene {
    pub(crate) fn new(rules: Rules) -> Self {
        let world = World::new();
        let live_chat = Arc::new(live_chat(world.webhooks.clone(), rules));
        Self { world, live_chat }
    }

    /// Registers under the stable version and gives the id.
    pub(crate) async fn register(&self, webhook: NewWebhook) -> String {
        self.calls(&bearer(), ApiVersion::STABLE).register_webhook(webhook).await.unwrap()
    }

    pub(crate) fn calls<'a>(&'a self, caller: &'a Caller, version: ApiVersion) -> Calls<'a> {
        self.live_chat.calls(caller, version)
    }

    pub(crate) async fn enable(&self) {
        self.calls(&bearer(), ApiVersion::STABLE).enable_license_webhooks(None).await.unwrap();
    }

    pub(crate) async fn disable(&self) {
        self.calls(&bearer(), ApiVersion::STABLE).disable_license_webhooks(None).await.unwrap();
    }

    /// Publishes on the license and gives the bodies that were sent because of it.
    pub(crate) async fn happens(&self, occurrence: &Occurrence) -> Vec<Value> {
        self.happens_on(&license(), occurrence).await
    }

    pub(crate) async fn happens_on(&self, license: &License, occurrence: &Occurrence) -> Vec<Value> {
        let before = self.world.sent().len();
        self.world.webhooks.publish(occurrence.on(license).unwrap()).await.unwrap();
        self.world.run_for(Duration::from_secs(1)).await;
        let sent = self.world.sent();
        sent[before..].iter().map(|exchange| serde_json::from_slice(&exchange.body).unwrap()).collect()
    }

    pub(crate) async fn endpoints(&self) -> usize {
        let tenant = license().organization;
        self.world.webhooks.endpoints(&tenant, None, 100).await.unwrap().endpoints.len()
    }
}

pub(crate) fn live_chat(webhooks: Webhooks, rules: Rules) -> LiveChatAdmin {
    let rows = Arc::new(MemoryRows::new());
    LiveChatAdmin::new(webhooks, rows, rules).entropy(Arc::new(SeededEntropy::new(11)))
}

pub(crate) fn license() -> License {
    License { id: 100_200_300, organization: ORGANIZATION.parse().unwrap() }
}

pub(crate) fn mine() -> ClientId {
    "cl_abc".into()
}

/// The application itself, which may do everything with its webhooks.
pub(crate) fn bearer() -> Caller {
    Caller {
        token: AccessToken::Bearer { client_id: mine() },
        license: license(),
        owns: BTreeSet::from(["cl_abc".into(), "cl_second".into()]),
        scopes: BTreeSet::from(TokenScope::ALL),
    }
}

/// A person of the organization.
pub(crate) fn personal() -> Caller {
    Caller { token: AccessToken::Personal, ..bearer() }
}

pub(crate) fn webhook(action: &str) -> NewWebhook {
    NewWebhook {
        action: action.to_owned(),
        secret_key: Secret::new(SECRET).unwrap(),
        url: "https://tagger.example/hooks".to_owned(),
        owner_client_id: mine(),
        kind: WebhookType::License,
        description: None,
        additional_data: Vec::<AdditionalPart>::new(),
        filters: Filters::default(),
    }
}

pub(crate) fn ended() -> Occurrence {
    Occurrence::new("chat_deactivated", r#"{"chat_id":"C1","thread_id":"T1"}"#).unwrap()
}

pub(crate) fn fixture(start: &str) -> Bytes {
    let (_, body) = fixtures().into_iter().find(|(name, _)| name.starts_with(start)).unwrap();
    body
}

/// All bodies of LiveChat's, by file name.
pub(crate) fn fixtures() -> Vec<(String, Bytes)> {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/systems");
    let mut found: Vec<_> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter_map(|path| {
            let name = path.file_name()?.to_str()?.to_owned();
            name.starts_with("lc_").then(|| (name, Bytes::from(std::fs::read(path).unwrap())))
        })
        .collect();
    found.sort();
    found
}

/// What the Developer Console says when the application is installed, or was.
pub(crate) fn application(event: &str) -> AppWebhook {
    let body = String::from_utf8(fixture("lc_19").to_vec()).unwrap();
    AppWebhook::read(&Bytes::from(body.replace("application_installed", event))).unwrap()
}

/// The documented type of a refusal.
pub(crate) fn kind<T: std::fmt::Debug>(answer: Result<T, ApiError>) -> &'static str {
    answer.unwrap_err().kind.as_str()
}
