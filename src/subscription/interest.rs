//! A named reason to want an event.

use serde::{Deserialize, Serialize};

use super::bounds::{FILTERS_MAX, NAME_LENGTH_MAX, hold};
use super::filter::all_pass;
use super::places::Places;
use super::{Filter, SubscriptionError};

/// A named reason to want an event: at least one of its conditions holds, each of them a
/// list of filters that all pass. An endpoint's interests can be told apart and changed
/// one by one, which its filters cannot.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "StoredInterest")]
pub struct Interest {
    number: u64,
    name: String,
    any_of: Vec<Vec<Filter>>,
}

/// An interest as it is stored, which may break a rule.
#[derive(Deserialize)]
struct StoredInterest {
    number: u64,
    name: String,
    any_of: Vec<Vec<Filter>>,
}

impl TryFrom<StoredInterest> for Interest {
    type Error = SubscriptionError;
    fn try_from(stored: StoredInterest) -> Result<Self, SubscriptionError> {
        Self::new(stored.number, stored.name, stored.any_of)
    }
}

impl Interest {
    /// An interest whose `number` tells it from the others of its endpoint.
    ///
    /// # Errors
    /// When there is no condition, or one of the bounds of
    /// [`subscription`](crate::subscription) is passed.
    pub fn new(
        number: u64,
        name: impl Into<String>,
        any_of: impl Into<Vec<Vec<Filter>>>,
    ) -> Result<Self, SubscriptionError> {
        let any_of = any_of.into();
        if any_of.is_empty() {
            return Err(SubscriptionError::of("interest.any_of", "must hold at least one condition"));
        }
        let name = name.into();
        let short = name.chars().count() <= NAME_LENGTH_MAX;
        hold(short, "interest.name", "must be at most 255 characters long")?;
        let few = any_of.iter().all(|condition| condition.len() <= FILTERS_MAX);
        hold(few, "interest.any_of", "must hold at most 64 filters in each condition")?;
        Ok(Self { number, name, any_of })
    }

    /// What tells it from the others of its endpoint.
    #[must_use]
    pub const fn number(&self) -> u64 {
        self.number
    }

    /// A label for people.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Its conditions.
    #[must_use]
    pub fn any_of(&self) -> &[Vec<Filter>] {
        &self.any_of
    }

    pub(super) fn takes(&self, payload: &Places<'_>) -> bool {
        self.any_of.iter().any(|condition| all_pass(condition, payload))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::subscription::Subscription;

    #[test]
    fn of_several_interests_one_is_enough_and_of_none_nothing_is_wanted() {
        let is = |pointer: &str, value: &str| Filter::equals(pointer, [value.into()]).unwrap();
        let coupon = vec![is("/event", "Custom"), is("/name", "Coupon")];
        let interests = [
            Interest::new(1, "coupons and clicks", [coupon, vec![is("/event", "Click")]]).unwrap(),
            Interest::new(2, "errors", [vec![is("/event", "Error")]]).unwrap(),
        ];
        let all = || Subscription::to_all().filtered(is("/site", "1"));
        for (payload, wanted) in [
            (r#"{"site":"1","event":"Custom","name":"Coupon"}"#, true),
            (r#"{"site":"1","event":"Custom","name":"Other"}"#, false),
            (r#"{"site":"1","event":"Click"}"#, true),
            (r#"{"site":"1","event":"Error"}"#, true),
            (r#"{"site":"2","event":"Error"}"#, false),
            (r#"{"site":"1","event":"Else"}"#, false),
        ] {
            assert_eq!(all().among(interests.clone()).takes_payload(payload.as_bytes()), wanted, "{payload}");
            assert!(!all().among([]).takes_payload(payload.as_bytes()));
        }
        assert_eq!(Interest::new(1, "x", []).unwrap_err().field, "interest.any_of");
        let stored = serde_json::to_string(&all().among(interests)).unwrap();
        let read: Subscription = serde_json::from_str(&stored).unwrap();
        assert_eq!(serde_json::to_string(&read).unwrap(), stored);
        let before = serde_json::to_string(&Subscription::to_all()).unwrap();
        assert_eq!(before, r#"{"events":["*"],"scope":null,"filters":[]}"#, "as it was stored before");
    }
}
