//! Why nothing can be sent to an endpoint.

use std::borrow::Cow;
use std::error::Error;
use std::fmt;

use crate::id::ProfileName;
use crate::policy::egress::UrlError;
use crate::secret::{SecretError, WhySealed};

use super::Unreadable;

/// Why nothing can be sent to an endpoint in its present state.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum NotSendable {
    /// This process does not know the endpoint's profile.
    UnknownProfile {
        /// The name of the profile.
        profile: ProfileName,
    },
    /// The endpoint's URL breaks its profile's policy.
    Blocked(UrlError),
    /// The endpoint's secrets are sealed and could not be opened.
    Sealed(WhySealed),
    /// The endpoint's profile signs every request, and the endpoint has no secret.
    NoSecret,
    /// One of the endpoint's secrets breaks the rule of its scheme.
    Secret(SecretError),
    /// A field of the endpoint cannot be read.
    Unreadable(Unreadable),
    /// The endpoint's profile cannot write a request for this event.
    Unrenderable {
        /// What breaks the rule, such as `payload`; `event` if the envelope names nothing.
        field: &'static str,
        /// The rule, such as `must be one JSON value in UTF-8`.
        rule: &'static str,
    },
}

impl NotSendable {
    /// The reason in words, as it is shown in a notice about the endpoint.
    #[must_use]
    pub fn why(&self) -> Cow<'static, str> {
        match self {
            Self::UnknownProfile { profile } => {
                format!("its profile {profile} is not known to this process").into()
            }
            Self::Blocked(_) => "its URL breaks its profile's policy".into(),
            Self::Sealed(why) => why.as_str().into(),
            Self::NoSecret => "its profile signs and it has no secret".into(),
            Self::Secret(_) => "its secret breaks its scheme's rule".into(),
            Self::Unreadable(Unreadable { field, why, .. }) => format!("its {field} {why}").into(),
            Self::Unrenderable { field, rule } => format!("{field}: {rule}").into(),
        }
    }
}

impl fmt::Display for NotSendable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "nothing can be sent to the endpoint: {}", self.why())
    }
}

impl Error for NotSendable {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Blocked(error) => Some(error),
            Self::Secret(error) => Some(error),
            _ => None,
        }
    }
}
