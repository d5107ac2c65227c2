//! LiveChat's webhooks: what is received, what is sent, and which actions there are.
//!
//! A [`LiveChatBody`] is a view: the bytes of the body are kept beside it, so that an action or a
//! key that is added later can be relayed and stored unchanged. A body can be unreadable only
//! because it is not a JSON object or does not name its action. A payload of an unknown action
//! is [`Payload::Unknown`], and one of another shape than documented is
//! [`Payload::Misshapen`]; neither is an error, since LiveChat sends again everything that is
//! not answered with 200.
//!
//! An [`Occurrence`] is what the sender publishes: what happened on a license, with the facts
//! that filters need. An [`AppWebhook`] is a webhook of the Developer Console, which reports
//! that an application was installed.

mod action;
mod answers;
mod app;
mod by_action;
mod chat;
mod configuration;
mod event;
mod license;
mod occurrence;
mod version;
mod webhook;

pub use action::Action;
pub use answers::{Answers, Reception};
pub use app::{AppEvent, AppWebhook};
pub use by_action::Payload;
pub use chat::{
    Access, ActiveChat, Chat, ChatProperties, Postback, Queue, Summary, Thread, TransferTarget, User,
};
pub use configuration::{Agent, AutoAccess, Bot, Customer, Group, Hours, Tag, WorkDay, WorkScheduler};
pub use event::{ChatEvent, EventContent, File, FormAnswer, FormField};
pub use license::License;
pub use occurrence::{AuthorType, CHAT_PRESENCE_USER_IDS, CHAT_PROPERTIES, Occurrence};
pub use version::ApiVersion;
pub use webhook::{AdditionalData, LiveChatBody, Requester};

#[cfg(feature = "tokio")]
pub(in crate::systems) use action::FilterName;
pub(crate) use occurrence::{Recorded, RecordedParts};
