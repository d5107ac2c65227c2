//! The actions that webhooks can be registered for, by version, and the filters of each: the
//! tables under "Triggering actions" of the Configuration API, versions 3.3 to 3.6.

use super::ApiVersion;
use ApiVersion::{V3_3, V3_4, V3_5, V3_6};

/// An action of a version. A received body may contain other actions: see
/// [`Payload::Unknown`](super::Payload::Unknown).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Action {
    name: &'static str,
    since: ApiVersion,
    until: ApiVersion,
    about: About,
}

/// The subject of an action, which determines its filters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum About {
    Chat,
    /// An event in a chat, which has an author.
    Authored,
    /// A customer's session, which may have a chat.
    Session,
    Routing,
    /// The one configuration action that 3.3 has.
    AgentDeleted,
    Customer,
    Configuration,
}

/// A filter of a registration.
#[cfg(feature = "tokio")]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub(in crate::systems) enum FilterName {
    /// The users in the chat.
    ChatPresence,
    /// The author of the event.
    AuthorType,
    /// Whether the owner's application began the chat.
    OnlyMyChats,
    /// The application that caused the action.
    SourceType,
    /// The agents that the action is about.
    AgentIds,
}

#[cfg(feature = "tokio")]
impl FilterName {
    /// The key of the filter in a registration.
    #[must_use]
    pub(in crate::systems) const fn as_str(self) -> &'static str {
        match self {
            Self::ChatPresence => "chat_presence",
            Self::AuthorType => "author_type",
            Self::OnlyMyChats => "only_my_chats",
            Self::SourceType => "source_type",
            Self::AgentIds => "agent_ids",
        }
    }
}

impl Action {
    /// The actions of a version.
    pub fn all(version: ApiVersion) -> impl Iterator<Item = Self> {
        ACTIONS.into_iter().filter(move |action| action.since <= version && version <= action.until)
    }

    /// The action with that name in a version.
    #[must_use]
    pub fn named(name: &str, version: ApiVersion) -> Option<Self> {
        Self::all(version).find(|action| action.name == name)
    }

    /// The name of the action, which is the event's type.
    #[must_use]
    pub const fn name(self) -> &'static str {
        self.name
    }

    /// The filters that a registration for the action may have.
    #[cfg(feature = "tokio")]
    #[must_use]
    pub(in crate::systems) fn filters(self, version: ApiVersion) -> Vec<FilterName> {
        let knows_sources = version >= V3_4;
        let own: &[FilterName] = match self.about {
            About::Chat => &[FilterName::ChatPresence, FilterName::OnlyMyChats],
            About::Authored => &[FilterName::ChatPresence, FilterName::AuthorType, FilterName::OnlyMyChats],
            About::Session => &[FilterName::ChatPresence],
            About::Routing if knows_sources => &[FilterName::AgentIds],
            About::AgentDeleted if !knows_sources => &[FilterName::AgentIds],
            About::Routing | About::AgentDeleted | About::Customer | About::Configuration => &[],
        };
        let source = knows_sources.then_some(FilterName::SourceType);
        own.iter().copied().chain(source).collect()
    }

    /// Whether a registration for the action may request additional data.
    #[must_use]
    pub const fn has_additional_data(self) -> bool {
        !matches!(self.about, About::AgentDeleted | About::Customer)
    }
}

const fn action(name: &'static str, since: ApiVersion, until: ApiVersion, about: About) -> Action {
    Action { name, since, until, about }
}

const ACTIONS: [Action; 44] = [
    action("incoming_chat", V3_3, V3_6, About::Chat),
    action("chat_deactivated", V3_3, V3_6, About::Chat),
    action("chat_access_granted", V3_3, V3_3, About::Chat),
    action("chat_access_revoked", V3_3, V3_3, About::Chat),
    action("chat_access_updated", V3_4, V3_6, About::Chat),
    action("chat_transferred", V3_3, V3_6, About::Chat),
    action("user_added_to_chat", V3_3, V3_6, About::Chat),
    action("user_removed_from_chat", V3_3, V3_6, About::Chat),
    action("incoming_event", V3_3, V3_6, About::Authored),
    action("event_updated", V3_3, V3_6, About::Authored),
    action("event_deleted", V3_6, V3_6, About::Chat),
    action("incoming_rich_message_postback", V3_3, V3_6, About::Chat),
    action("chat_properties_updated", V3_3, V3_6, About::Chat),
    action("chat_properties_deleted", V3_3, V3_6, About::Chat),
    action("thread_properties_updated", V3_3, V3_6, About::Chat),
    action("thread_properties_deleted", V3_3, V3_6, About::Chat),
    action("event_properties_updated", V3_3, V3_6, About::Chat),
    action("event_properties_deleted", V3_3, V3_6, About::Chat),
    action("thread_tagged", V3_3, V3_6, About::Chat),
    action("thread_untagged", V3_3, V3_6, About::Chat),
    action("thread_summary_set", V3_6, V3_6, About::Chat),
    action("events_marked_as_seen", V3_3, V3_6, About::Chat),
    action("customer_session_fields_updated", V3_3, V3_6, About::Session),
    action("incoming_customer", V3_3, V3_5, About::Customer),
    action("routing_status_set", V3_3, V3_6, About::Routing),
    action("agent_deleted", V3_3, V3_6, About::AgentDeleted),
    action("agent_created", V3_4, V3_6, About::Configuration),
    action("agent_approved", V3_4, V3_6, About::Configuration),
    action("agent_updated", V3_4, V3_6, About::Configuration),
    action("agent_suspended", V3_4, V3_6, About::Configuration),
    action("agent_unsuspended", V3_4, V3_6, About::Configuration),
    action("auto_access_added", V3_4, V3_4, About::Configuration),
    action("auto_access_updated", V3_4, V3_4, About::Configuration),
    action("auto_access_deleted", V3_4, V3_4, About::Configuration),
    action("auto_accesses_updated", V3_5, V3_6, About::Configuration),
    action("bot_created", V3_4, V3_6, About::Configuration),
    action("bot_updated", V3_4, V3_6, About::Configuration),
    action("bot_deleted", V3_4, V3_6, About::Configuration),
    action("group_created", V3_4, V3_6, About::Configuration),
    action("group_updated", V3_4, V3_6, About::Configuration),
    action("group_deleted", V3_4, V3_6, About::Configuration),
    action("tag_created", V3_5, V3_6, About::Configuration),
    action("tag_deleted", V3_5, V3_6, About::Configuration),
    action("tag_updated", V3_5, V3_6, About::Configuration),
];
