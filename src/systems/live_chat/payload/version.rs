//! The versions of LiveChat's Configuration API, in the order of their release.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::error::Invalid;

/// A version under which webhooks are registered per client id. It determines which actions
/// exist and which keys surround a payload.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
#[non_exhaustive]
pub enum ApiVersion {
    /// 3.3: bodies contain a license.
    V3_3,
    /// 3.4: bodies contain an organization instead, and there is the filter `source_type`.
    V3_4,
    /// 3.5: tags, automatic accesses as one list, and URLs of at most 500 characters.
    V3_5,
    /// 3.6: `requester` beside the payload of configuration webhooks.
    V3_6,
}

const UNSUPPORTED: Invalid = Invalid { field: "version", rule: "must be one of 3.3, 3.4, 3.5 and 3.6" };

impl ApiVersion {
    /// All versions, the oldest first.
    pub const ALL: [Self; 4] = [Self::V3_3, Self::V3_4, Self::V3_5, Self::V3_6];
    /// The version that is used if none is named.
    pub const STABLE: Self = Self::V3_6;

    /// The number of the version, such as `3.6`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::V3_3 => "3.3",
            Self::V3_4 => "3.4",
            Self::V3_5 => "3.5",
            Self::V3_6 => "3.6",
        }
    }
}

impl fmt::Display for ApiVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Parses `3.6`, and `v3.6` as it is written in a path.
impl FromStr for ApiVersion {
    type Err = Invalid;
    fn from_str(text: &str) -> Result<Self, Invalid> {
        let number = text.strip_prefix('v').unwrap_or(text);
        Self::ALL.into_iter().find(|version| version.as_str() == number).ok_or(UNSUPPORTED)
    }
}

impl TryFrom<String> for ApiVersion {
    type Error = Invalid;
    fn try_from(text: String) -> Result<Self, Invalid> {
        text.parse()
    }
}

impl From<ApiVersion> for String {
    fn from(version: ApiVersion) -> Self {
        version.as_str().to_owned()
    }
}
