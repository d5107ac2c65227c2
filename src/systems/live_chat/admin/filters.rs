//! The filters of a registration, and the subscription that they result in.

use serde::de::{DeserializeOwned, Deserializer, Error as _};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::subscription::{Filter, Subscription, SubscriptionError};
use crate::systems::live_chat::payload::{Action, ApiVersion, AuthorType, FilterName, Occurrence};

use super::caller::ClientId;
use super::refusal::ApiError;

/// The occurrences of its action that a registration wants. An occurrence must pass each
/// filter that is set.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Filters {
    /// Selects only events of customers, or only events of agents.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub author_type: Option<AuthorType>,
    /// If `true`, selects only chats that the owner's application began.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub only_my_chats: Option<bool>,
    /// Selects by the users in the chat.
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "object")]
    pub chat_presence: Option<ChatPresence>,
    /// Selects by the application that caused the action.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source_type: Option<Vec<SourceType>>,
    /// Selects by the agent that the action is about.
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "object")]
    pub agent_ids: Option<Members>,
}

/// Selects by the users in a chat.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ChatPresence {
    /// Selects by users of any kind.
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "object")]
    pub user_ids: Option<Members>,
    /// If `true`, selects only chats with a bot of the owner.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub my_bots: Option<bool>,
}

/// Selects by a list of values: either one that must match or one that must not.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Members {
    /// Matches if at least one of these is present.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub values: Option<Vec<String>>,
    /// Matches if none of these is present.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub exclude_values: Option<Vec<String>>,
}

/// The application that caused an action.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum SourceType {
    /// The owner's application.
    MyClient,
    /// Another application.
    OtherClients,
    /// No application.
    System,
}

impl Filters {
    /// Whether no filter is set.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// Refuses filters that the action does not have, and lists that contradict each other.
    pub(super) fn check(&self, action: Action, version: ApiVersion) -> Result<(), ApiError> {
        let known = action.filters(version);
        for name in self.names() {
            if !known.contains(&name) {
                let (filter, action) = (name.as_str(), action.name());
                return Err(ApiError::validation(format!("`filters.{filter}` is not for `{action}`")));
            }
        }
        let user_ids = self.chat_presence.iter().filter_map(|presence| presence.user_ids.as_ref());
        for (field, members) in user_ids
            .map(|ids| ("chat_presence.user_ids", ids))
            .chain(self.agent_ids.iter().map(|ids| ("agent_ids", ids)))
        {
            members.check(field)?;
        }
        if self.source_type.as_ref().is_some_and(Vec::is_empty) {
            return Err(ApiError::validation("`filters.source_type` names at least one source"));
        }
        Ok(())
    }

    /// Narrows the subscription by these filters for this owner.
    pub(super) fn narrow(
        &self,
        mut subscription: Subscription,
        owner: &ClientId,
    ) -> Result<Subscription, SubscriptionError> {
        let mine = [Value::from(owner.as_str())];
        let mut filters = Vec::new();
        if let Some(author) = self.author_type {
            let author = match author {
                AuthorType::Customer => "customer",
                AuthorType::Agent => "agent",
            };
            filters.push(Filter::equals(Occurrence::AUTHOR_TYPE, [author.into()])?);
        }
        if self.only_my_chats == Some(true) {
            filters.push(Filter::equals(Occurrence::CHAT_CLIENT_ID, mine.clone())?);
        }
        if let Some(presence) = &self.chat_presence {
            let users = presence.user_ids.as_ref();
            filters.extend(
                users
                    .and_then(|users| users.values.as_ref())
                    .map(|users| Filter::holds(Occurrence::PRESENT_USER_IDS, values(users)))
                    .transpose()?,
            );
            filters.extend(
                users
                    .and_then(|users| users.exclude_values.as_ref())
                    .map(|users| Filter::lacks(Occurrence::PRESENT_USER_IDS, values(users)))
                    .transpose()?,
            );
            if presence.my_bots == Some(true) {
                filters.push(Filter::holds(Occurrence::BOT_OWNER_CLIENT_IDS, mine.clone())?);
            }
        }
        if let Some(agents) = &self.agent_ids {
            filters.extend(
                agents
                    .values
                    .as_ref()
                    .map(|agents| Filter::equals(Occurrence::AGENT_ID, values(agents)))
                    .transpose()?,
            );
            filters.extend(
                agents
                    .exclude_values
                    .as_ref()
                    .map(|agents| Filter::lacks(Occurrence::AGENT_ID, values(agents)))
                    .transpose()?,
            );
        }
        if let Some(sources) = &self.source_type {
            filters.extend(by_source(sources, owner)?);
        }
        for filter in filters {
            subscription = subscription.filtered(filter);
        }
        Ok(subscription)
    }

    fn names(&self) -> impl Iterator<Item = FilterName> {
        [
            (self.author_type.is_some(), FilterName::AuthorType),
            (self.only_my_chats.is_some(), FilterName::OnlyMyChats),
            (self.chat_presence.is_some(), FilterName::ChatPresence),
            (self.source_type.is_some(), FilterName::SourceType),
            (self.agent_ids.is_some(), FilterName::AgentIds),
        ]
        .into_iter()
        .filter_map(|(set, name)| set.then_some(name))
    }
}

impl Members {
    fn check(&self, field: &str) -> Result<(), ApiError> {
        match (&self.values, &self.exclude_values) {
            (Some(_), Some(_)) => Err(ApiError::validation(format!(
                "`filters.{field}` has either `values` or `exclude_values`"
            ))),
            (Some(list), None) | (None, Some(list)) if list.is_empty() => {
                Err(ApiError::validation(format!("`filters.{field}` names at least one id")))
            }
            (None, None) => {
                Err(ApiError::validation(format!("`filters.{field}` has `values` or `exclude_values`")))
            }
            _ => Ok(()),
        }
    }
}

/// An object or nothing: a struct by itself would be read from a list of its fields too.
pub(super) fn object<'de, D, T>(deserializer: D) -> Result<Option<T>, D::Error>
where
    D: Deserializer<'de>,
    T: DeserializeOwned,
{
    let members = Option::<serde_json::Map<String, Value>>::deserialize(deserializer)?;
    members.map(|members| serde_json::from_value(members.into())).transpose().map_err(D::Error::custom)
}

/// Others are all but mine and none, so a list with them says who is left out.
fn by_source(sources: &[SourceType], owner: &ClientId) -> Result<Option<Filter>, SubscriptionError> {
    let named = |source| sources.contains(&source);
    let (mine, none) = (Value::from(owner.as_str()), Value::Null);
    let others = named(SourceType::OtherClients);
    let listed: Vec<_> = [(SourceType::MyClient, mine), (SourceType::System, none)]
        .into_iter()
        .filter(|(source, _)| named(*source) != others)
        .map(|(_, client)| client)
        .collect();
    if listed.is_empty() {
        return Ok(None);
    }
    let filter = if others { Filter::lacks } else { Filter::equals };
    filter(Occurrence::SOURCE_CLIENT_ID, listed).map(Some)
}

fn values(ids: &[String]) -> Vec<Value> {
    ids.iter().map(|id| Value::from(id.as_str())).collect()
}
