//! LiveChat's webhooks: what arrives, what is sent, and which actions there are.
//!
//! A [`Webhook`] is a view: the body's bytes stay whole beside it, so that an action
//! or a key of tomorrow is relayed and stored untouched. Only two things make a body
//! unreadable: it is no JSON object, or it names no action. A payload of an action
//! that is not known here is [`Payload::Unknown`], one of another shape than the
//! documented is [`Payload::Misshapen`]; neither is an error, since LiveChat sends
//! again whatever is not answered with 200.
//!
//! An [`Occurrence`] is the sender's side: what happened on a license, with the facts
//! that filters ask about. An [`AppWebhook`] is the other envelope, by which the
//! Developer Console tells that an application was installed.

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

pub use action::{Action, FilterName};
pub use answers::{Answers, Reception};
pub use app::{AppEvent, AppWebhook};
pub use by_action::{Misshapen, Payload};
pub use chat::{
    Access, ActiveChat, Chat, ChatAccess, ChatEnded, ChatTransferred, EventDeleted, EventInChat, EventsSeen,
    IncomingChat, Postback, Properties, PropertiesDeleted, PropertiesUpdated, Queue, RichMessagePostback,
    SessionFieldsUpdated, Summary, TagOnThread, Thread, ThreadSummary, TransferTarget, User, UserAdded,
    UserRemoved,
};
pub use configuration::{
    Agent, AutoAccess, Bot, Customer, Group, Hours, RoutingStatusSet, Tag, WorkDay, WorkScheduler,
};
pub use event::{Event, EventContent, File, FormAnswer, FormField};
pub use license::License;
pub use occurrence::{AuthorType, CHAT_PRESENCE_USER_IDS, CHAT_PROPERTIES, Occurrence};
pub use version::{ApiVersion, UnsupportedVersion};
pub use webhook::{AdditionalData, ReadError, Requester, Webhook};

pub(crate) use occurrence::{Recorded, RecordedParts};
