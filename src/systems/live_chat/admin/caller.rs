//! The caller of the API, and the application that a call is for.

use std::collections::BTreeSet;
use std::fmt;

use serde::{Deserialize, Serialize};

use crate::systems::live_chat::payload::{ApiVersion, License};

use super::refusal::{ApiError, ErrorType};
use super::rules::{OwnerId, Rules};

/// The id of an application, as shown in the Developer Console.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ClientId(String);

impl ClientId {
    /// The id as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl<T: AsRef<str>> From<T> for ClientId {
    fn from(text: T) -> Self {
        Self(text.as_ref().to_owned())
    }
}

impl fmt::Display for ClientId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for ClientId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}

/// What a host knows of an access token, without the token itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Caller {
    /// The kind of token.
    pub token: AccessToken,
    /// The license that the token belongs to.
    pub license: License,
    /// The client ids that the caller's organization owns. For a bearer token, its own client
    /// id always counts as owned.
    pub owns: BTreeSet<ClientId>,
    /// What the token may do.
    pub scopes: BTreeSet<TokenScope>,
}

/// The kind of an access token.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum AccessToken {
    /// A personal access token, which belongs to a person.
    Personal,
    /// A bearer token, which belongs to an application.
    Bearer {
        /// The client id of the application.
        client_id: ClientId,
    },
}

/// What a token may do with webhooks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum TokenScope {
    /// `webhooks.configuration:rw`
    ConfigurationWrite,
    /// `webhooks.state:rw`, which includes reading.
    StateWrite,
    /// `webhooks.state:ro`
    StateRead,
}

impl TokenScope {
    /// All scopes.
    pub const ALL: [Self; 3] = [Self::ConfigurationWrite, Self::StateWrite, Self::StateRead];

    /// The scope as tokens name it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::ConfigurationWrite => "webhooks.configuration:rw",
            Self::StateWrite => "webhooks.state:rw",
            Self::StateRead => "webhooks.state:ro",
        }
    }
}

impl Caller {
    /// Refuses a caller with none of these scopes.
    pub(super) fn require(&self, any_of: &[TokenScope]) -> Result<(), ApiError> {
        let has = any_of.iter().any(|scope| self.scopes.contains(scope));
        if has { Ok(()) } else { Err(ApiError::new(ErrorType::Authorization)) }
    }

    /// Refuses a caller that names an application of another organization.
    pub(super) fn require_owner(&self, owner: &ClientId) -> Result<(), ApiError> {
        if owner.as_str().is_empty() {
            return Err(ApiError::validation("`owner_client_id` is required"));
        }
        let own = matches!(&self.token, AccessToken::Bearer { client_id } if client_id == owner);
        if own || self.owns.contains(owner) {
            return Ok(());
        }
        Err(ApiError::new(ErrorType::Authorization))
    }

    /// The application that a call about a license's state is for.
    pub(super) fn client(
        &self,
        given: Option<&ClientId>,
        version: ApiVersion,
        rules: &Rules,
    ) -> Result<ClientId, ApiError> {
        let client = match (&self.token, given) {
            (AccessToken::Personal, None) => {
                return Err(ApiError::validation(
                    "`owner_client_id` is required with a personal access token",
                ));
            }
            (AccessToken::Bearer { client_id }, None) => client_id,
            (AccessToken::Personal, Some(given)) => given,
            (AccessToken::Bearer { client_id }, Some(given)) => match rules.owner_id(version) {
                OwnerId::Ignored => client_id,
                OwnerId::Rejected => {
                    return Err(ApiError::validation(
                        "`owner_client_id` is for personal access tokens alone",
                    ));
                }
                OwnerId::Overrides => given,
            },
        };
        self.require_owner(client)?;
        Ok(client.clone())
    }
}
