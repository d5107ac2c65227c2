//! A time as its sender wrote it.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::time::{Timestamp, TimestampError};

/// A time in RFC 3339, with its original text: `Z` and `+07:00` are kept apart.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Moment {
    text: String,
    at: Timestamp,
}

impl Moment {
    /// The time.
    #[must_use]
    pub const fn at(&self) -> Timestamp {
        self.at
    }

    /// The original text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }
}

/// Writes the form `2025-01-15T10:30:00+00:00`, in whole seconds.
impl From<Timestamp> for Moment {
    fn from(moment: Timestamp) -> Self {
        Self { text: moment.to_rfc3339_seconds(), at: Timestamp::from_unix_seconds(moment.unix_seconds()) }
    }
}

impl FromStr for Moment {
    type Err = TimestampError;
    fn from_str(text: &str) -> Result<Self, TimestampError> {
        Ok(Self { at: text.parse()?, text: text.to_owned() })
    }
}

impl TryFrom<String> for Moment {
    type Error = TimestampError;
    fn try_from(text: String) -> Result<Self, TimestampError> {
        Ok(Self { at: text.parse()?, text })
    }
}

impl From<Moment> for String {
    fn from(moment: Moment) -> Self {
        moment.text
    }
}

impl fmt::Display for Moment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl fmt::Debug for Moment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}
