//! What the tenant `mallory` does.

use std::time::Duration;

use hookpost::backend::Clock;
use hookpost::history::{PageAfter, Selection, StateFilter};
use hookpost::os::SystemClock;
use hookpost::{NewEndpoint, NewEvent, Overrides};

use crate::stage::{CHAT, PROFILE, SECRET, SILENT, Stage};

/// Every case by its name.
pub(crate) const CASES: [(&str, Attack); 11] = [
    ("long_url", Attack::LongUrl),
    ("unreadable_row", Attack::UnreadableRow),
    ("history", Attack::History { queries: 32, rows: 30_000 }),
    ("forged_limit", Attack::ForgedLimit { victims: "discord.com", mallory: "evil.example" }),
    ("forged_limit_shared", Attack::ForgedLimit { victims: "shared.example", mallory: "shared.example" }),
    ("silent_names_100", Attack::SilentNames { endpoints: 100 }),
    ("silent_names_1000", Attack::SilentNames { endpoints: 1_000 }),
    ("global_limit", Attack::OwnLimit { scope: "global" }),
    ("host_limit", Attack::OwnLimit { scope: "host" }),
    ("hanging_100", Attack::Hanging { endpoints: 100 }),
    ("hanging_1000", Attack::Hanging { endpoints: 1_000 }),
];

#[derive(Clone, Copy)]
pub(crate) enum Attack {
    /// A URL whose stored form is longer than a URL may be.
    LongUrl,
    /// A row that no reader takes for an endpoint, written past the library.
    UnreadableRow,
    /// Searches that find nothing, many at once.
    History { queries: usize, rows: usize },
    /// An answer that claims a limit on every endpoint of its service.
    ForgedLimit { victims: &'static str, mallory: &'static str },
    /// Endpoints under names that nobody answers for, each of which holds one of the look-ups
    /// that the system's resolver makes at once.
    SilentNames { endpoints: usize },
    /// A limit of one start per day, of the endpoint's own, with a scope beyond it.
    OwnLimit { scope: &'static str },
    /// Endpoints that accept and never answer.
    Hanging { endpoints: usize },
}

impl Attack {
    /// The host that the victims' endpoints are at.
    pub(crate) const fn victims_host(self) -> &'static str {
        match self {
            Self::ForgedLimit { victims, .. } => victims,
            Self::OwnLimit { .. } => "shared.example",
            _ => "victim.example",
        }
    }

    /// What has to be there before the engine starts.
    pub(crate) async fn prepare(self, stage: &Stage) {
        match self {
            Self::History { rows, .. } => {
                register(stage, "mallory-0", &url(stage, "mallory.example", "/victim"), PROFILE).await;
                let (tenant, id) = ("mallory".parse().unwrap(), "mallory-0".parse().unwrap());
                stage.webhooks.pause(&tenant, &id).await.unwrap();
                let publishers: Vec<_> = (0..64)
                    .map(|_| {
                        let webhooks = stage.webhooks.clone();
                        tokio::spawn(async move {
                            for _ in 0..rows / 64 {
                                webhooks.publish(event()).await.unwrap();
                            }
                        })
                    })
                    .collect();
                for publisher in publishers {
                    publisher.await.unwrap();
                }
            }
            Self::SilentNames { endpoints } => {
                for n in 0..endpoints {
                    let url = url(stage, &format!("n{n}{SILENT}"), "/victim");
                    register(stage, &format!("mallory-{n}"), &url, PROFILE).await;
                }
            }
            Self::Hanging { endpoints } => {
                for n in 0..endpoints {
                    let url = url(stage, &format!("m{n}.mallory.example"), "/mute");
                    register(stage, &format!("mallory-{n}"), &url, PROFILE).await;
                }
            }
            Self::LongUrl | Self::UnreadableRow | Self::ForgedLimit { .. } | Self::OwnLimit { .. } => {}
        }
    }

    /// Begins, and goes on by itself. Says whether the library refused it.
    pub(crate) async fn begin(self, stage: &Stage) -> bool {
        let accepted = match self {
            Self::LongUrl => {
                let start = url(stage, "mallory.example", "?");
                let long = format!("{start}{}", "a".repeat(8_000 - start.len()));
                register(stage, "mallory-0", &long, PROFILE).await
            }
            Self::UnreadableRow => {
                register(stage, "mallory-0", &url(stage, "mallory.example", "/victim"), PROFILE).await;
                // It is due after the row has been changed.
                let soon = SystemClock::new().now() + Duration::from_secs(2);
                stage.webhooks.publish(event().not_before(soon)).await.unwrap();
                let db = rusqlite::Connection::open(&stage.file).unwrap();
                db.busy_timeout(Duration::from_secs(5)).unwrap();
                let bad =
                    "UPDATE hookpost_endpoint SET url = 'http://127.0.0.1:8080#x' WHERE id = 'mallory-0'";
                db.execute(bad, []).unwrap() == 1
            }
            Self::History { queries, .. } => {
                for _ in 0..queries {
                    tokio::spawn(search_for_ever(stage.webhooks.clone()));
                }
                return false;
            }
            Self::ForgedLimit { mallory, .. } => {
                register(stage, "mallory-0", &url(stage, mallory, "/limit"), CHAT).await
            }
            Self::OwnLimit { scope } => {
                let limit = format!(r#"{{"scope":"{scope}","starts":1,"window_us":86400000000}}"#);
                let limits = format!(r#"{{"limits":[{limit}]}}"#);
                let new = new_endpoint("mallory-0", &url(stage, "shared.example", "/victim"), PROFILE);
                match serde_json::from_str::<Overrides>(&limits) {
                    Ok(overrides) => stage.webhooks.register(new.overrides(overrides)).await.is_ok(),
                    Err(_) => false,
                }
            }
            Self::SilentNames { .. } | Self::Hanging { .. } => true,
        };
        tokio::spawn(publish_for_ever(stage.webhooks.clone()));
        tokio::time::sleep(Duration::from_secs(1)).await;
        !accepted
    }
}

async fn publish_for_ever(webhooks: hookpost::Webhooks) {
    let mut beat = tokio::time::interval(Duration::from_millis(500));
    loop {
        beat.tick().await;
        let webhooks = webhooks.clone();
        tokio::spawn(async move { webhooks.publish(event()).await });
    }
}

async fn search_for_ever(webhooks: hookpost::Webhooks) {
    let tenant = "mallory".parse().unwrap();
    let selection = Selection { state: Some(StateFilter::Cancelled(None)), ..Selection::default() };
    let mut page = PageAfter::first(100);
    loop {
        match webhooks.deliveries(&tenant, selection.clone(), page).await {
            Ok(found) => page.after = found.more_after,
            Err(_) => tokio::time::sleep(Duration::from_millis(10)).await,
        }
    }
}

fn event() -> NewEvent {
    NewEvent::json("mallory", "order.paid", r#"{"of":"mallory"}"#).unwrap()
}

fn url(stage: &Stage, host: &str, target: &str) -> String {
    format!("http://{host}:{}{target}", stage.receivers.port())
}

async fn register(stage: &Stage, id: &str, url: &str, profile: &str) -> bool {
    stage.webhooks.register(new_endpoint(id, url, profile)).await.is_ok()
}

fn new_endpoint(id: &str, url: &str, profile: &str) -> NewEndpoint {
    let new = NewEndpoint::new("mallory", url, profile).and_then(|new| new.id(id)).unwrap();
    if profile == PROFILE { new.secret(SECRET).unwrap() } else { new }
}
