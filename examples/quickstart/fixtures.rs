//! The published events: two of a website and two of a chat, from the project's own fixtures.

use serde::Deserialize;
use serde_json::value::RawValue;

/// An event to publish.
pub struct Fixture {
    pub id: &'static str,
    pub kind: &'static str,
    /// A whole request body, as the system sends it.
    body: &'static str,
}

macro_rules! file {
    ($name:literal) => {
        include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/systems/", $name))
    };
}

pub const JS_ERROR: Fixture =
    Fixture { id: "js-error", kind: "session.event", body: file!("ls_01_jserror.json") };
pub const COUPON: Fixture = Fixture { id: "coupon", kind: "session.event", body: file!("ls_06_custom.json") };
pub const STARTED: Fixture =
    Fixture { id: "started", kind: "conversation.started", body: file!("bl_01_conversation_started.json") };
pub const MESSAGE: Fixture =
    Fixture { id: "message", kind: "message.received", body: file!("bl_02_message_received.json") };

/// In the order of their publishing.
pub const ALL: [Fixture; 4] = [JS_ERROR, COUPON, STARTED, MESSAGE];

impl Fixture {
    /// What the host publishes: the part of the body that its envelope wraps, to the byte.
    pub fn payload(&self) -> serde_json::Result<&'static str> {
        serde_json::from_str(self.body).map(|Wrapped { payload }| payload.get())
    }
}

/// LiveSession calls it `payload`, X-Webhook `data`.
#[derive(Deserialize)]
struct Wrapped<'a> {
    #[serde(borrow, alias = "data")]
    payload: &'a RawValue,
}
