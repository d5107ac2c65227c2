//! Which events an endpoint wants: a value and a pure predicate.

mod interest;
mod pointer;

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::event::Event;
use crate::id::{EventType, Scope};

use pointer::pointed;

pub use interest::Interest;

/// A subscription that asks for nothing, or for something unwritable.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{field}: {rule}")]
pub struct SubscriptionError {
    /// The field that is wrong.
    pub field: &'static str,
    /// The rule it breaks.
    pub rule: &'static str,
}

const EVENTS_RULE: &str = "names at least one pattern: *, a type, or a type's beginning and .*";

/// The events an endpoint wants.
///
/// ```
/// use hookpost::Subscription;
///
/// let orders = Subscription::to(["order.*", "refund.made"])?;
/// assert!(orders.wants_type(&"order.paid".parse()?));
/// assert!(!orders.wants_type(&"orders".parse()?));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Subscription {
    events: Vec<Pattern>,
    scope: Option<Scope>,
    filters: Vec<Filter>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    interests: Option<Vec<Interest>>,
}

impl Subscription {
    /// Every event of the tenant.
    #[must_use]
    pub fn to_all() -> Self {
        Self { events: vec![Pattern::All], scope: None, filters: Vec::new(), interests: None }
    }

    /// The events of these types: `*`, an exact type, or `order.*`.
    ///
    /// # Errors
    /// When there is no pattern, or one is neither of the three.
    pub fn to<P: AsRef<str>>(patterns: impl IntoIterator<Item = P>) -> Result<Self, SubscriptionError> {
        let events =
            patterns.into_iter().map(|text| Pattern::parse(text.as_ref())).collect::<Result<Vec<_>, _>>()?;
        if events.is_empty() {
            return Err(SubscriptionError { field: "events", rule: EVENTS_RULE });
        }
        Ok(Self { events, scope: None, filters: Vec::new(), interests: None })
    }

    /// Only events of this scope.
    #[must_use]
    pub fn within(mut self, scope: Scope) -> Self {
        self.scope = Some(scope);
        self
    }

    /// Only events whose payload passes this filter too.
    #[must_use]
    pub fn filtered(mut self, filter: Filter) -> Self {
        self.filters.push(filter);
        self
    }

    /// Only events that at least one of these interests takes too: of none, no event.
    #[must_use]
    pub fn among(mut self, interests: impl Into<Vec<Interest>>) -> Self {
        self.interests = Some(interests.into());
        self
    }

    /// Whether it wants this event.
    #[must_use]
    pub fn wants(&self, event: &Event) -> bool {
        self.wants_type(&event.kind)
            && self.scope.as_ref().is_none_or(|scope| event.scope.as_ref() == Some(scope))
            && self.takes_payload(&event.payload)
    }

    /// Whether it wants events of this type.
    #[must_use]
    pub fn wants_type(&self, kind: &EventType) -> bool {
        self.events.iter().any(|pattern| pattern.matches(kind.as_str()))
    }

    /// The scope it is narrowed to.
    #[must_use]
    pub const fn scope(&self) -> Option<&Scope> {
        self.scope.as_ref()
    }

    /// The exact types among its patterns, for an envelope that names the first one.
    pub fn exact_types(&self) -> impl Iterator<Item = &EventType> {
        self.events.iter().filter_map(|pattern| match pattern {
            Pattern::Exact(kind) => Some(kind),
            Pattern::All | Pattern::Under(_) => None,
        })
    }

    /// The interests that it is narrowed to; `None` where it is narrowed to none.
    #[must_use]
    pub fn interests(&self) -> Option<&[Interest]> {
        self.interests.as_deref()
    }

    fn takes_payload(&self, payload: &[u8]) -> bool {
        if self.filters.is_empty() && self.interests.is_none() {
            return true;
        }
        serde_json::from_slice::<&RawValue>(payload).is_ok_and(|payload| {
            all_pass(&self.filters, payload)
                && self.interests.as_ref().is_none_or(|any| any.iter().any(|one| one.takes(payload)))
        })
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
enum Pattern {
    All,
    /// The part before `.*`.
    Under(String),
    Exact(EventType),
}

impl Pattern {
    fn parse(text: &str) -> Result<Self, SubscriptionError> {
        let refused = |_| SubscriptionError { field: "events", rule: EVENTS_RULE };
        if text == "*" {
            Ok(Self::All)
        } else if let Some(start) = text.strip_suffix(".*") {
            EventType::new(start).map(|start| Self::Under(start.into())).map_err(refused)
        } else {
            EventType::new(text).map(Self::Exact).map_err(refused)
        }
    }

    fn matches(&self, kind: &str) -> bool {
        match self {
            Self::All => true,
            Self::Under(start) => {
                kind.strip_prefix(start.as_str()).is_some_and(|rest| rest.len() > 1 && rest.starts_with('.'))
            }
            Self::Exact(exact) => exact.as_str() == kind,
        }
    }
}

impl TryFrom<String> for Pattern {
    type Error = SubscriptionError;
    fn try_from(text: String) -> Result<Self, SubscriptionError> {
        Self::parse(&text)
    }
}

impl From<Pattern> for String {
    fn from(pattern: Pattern) -> Self {
        match pattern {
            Pattern::All => "*".to_owned(),
            Pattern::Under(start) => start + ".*",
            Pattern::Exact(kind) => kind.into(),
        }
    }
}

/// A condition on a JSON payload: the value at a path is one of these, or none of these.
///
/// The payload may be nested as deep and hold numbers as large as it likes. One that is
/// not JSON passes no filter.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Filter {
    pointer: String,
    any_of: Vec<serde_json::Value>,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    lacks: bool,
}

impl Filter {
    /// The value at `pointer` (RFC 6901, such as `/visitor/plan`) is one of `any_of`.
    ///
    /// # Errors
    /// When the pointer does not begin with `/`, or no value is given.
    pub fn equals(
        pointer: impl Into<String>,
        any_of: impl Into<Vec<serde_json::Value>>,
    ) -> Result<Self, SubscriptionError> {
        let (pointer, any_of) = (pointer.into(), any_of.into());
        if !pointer.starts_with('/') {
            return Err(SubscriptionError { field: "filter.pointer", rule: "begins with /" });
        }
        if any_of.is_empty() {
            return Err(SubscriptionError { field: "filter.any_of", rule: "holds at least one value" });
        }
        Ok(Self { pointer, any_of, lacks: false })
    }

    /// There is no value at `pointer`, or it is none of `none_of`.
    ///
    /// # Errors
    /// As for [`equals`](Self::equals).
    pub fn lacks(
        pointer: impl Into<String>,
        none_of: impl Into<Vec<serde_json::Value>>,
    ) -> Result<Self, SubscriptionError> {
        Ok(Self { lacks: true, ..Self::equals(pointer, none_of)? })
    }

    /// Where it looks.
    #[must_use]
    pub fn pointer(&self) -> &str {
        &self.pointer
    }

    /// What it compares with.
    #[must_use]
    pub fn values(&self) -> &[serde_json::Value] {
        &self.any_of
    }

    fn passes(&self, payload: &RawValue) -> bool {
        pointed(payload, &self.pointer).is_ok_and(|found| {
            let value = found.and_then(|found| serde_json::from_str(found.get()).ok());
            value.is_some_and(|value| self.any_of.contains(&value)) != self.lacks
        })
    }
}

fn all_pass(filters: &[Filter], payload: &RawValue) -> bool {
    filters.iter().all(|filter| filter.passes(payload))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_match_whole_segments() {
        let under = Subscription::to(["order.*"]).unwrap();
        for (kind, wanted) in [
            ("order.paid", true),
            ("order.item.added", true),
            ("order", false),
            ("orders.paid", false),
            ("order.", false),
        ] {
            assert_eq!(under.wants_type(&EventType::new(kind).unwrap()), wanted, "{kind}");
        }
        assert!(Subscription::to_all().wants_type(&EventType::new("anything").unwrap()));
    }

    #[test]
    fn an_empty_or_unwritable_subscription_is_refused_by_field() {
        for patterns in [vec![], vec![""], vec!["a*"], vec!["*.b"], vec![".*"], vec!["a b"]] {
            assert_eq!(Subscription::to(&patterns).unwrap_err().field, "events", "{patterns:?}");
        }
        assert_eq!(Filter::equals("a", [true.into()]).unwrap_err().field, "filter.pointer");
        assert_eq!(Filter::equals("/a", []).unwrap_err().field, "filter.any_of");
    }

    #[test]
    fn filters_see_the_payload_and_fail_closed() {
        let filtered = |filter| Subscription::to_all().filtered(filter);
        let vip = filtered(Filter::equals("/visitor/plan", ["pro".into()]).unwrap());
        let others = filtered(Filter::lacks("/visitor/plan", ["pro".into()]).unwrap());
        for (payload, is_vip, is_other) in [
            (&br#"{"visitor":{"plan":"pro"}}"#[..], true, false),
            (br#"{"visitor":{"plan":"free"}}"#, false, true),
            (br#"{"visitor":["pro"]}"#, false, true),
            (br"{}", false, true),
            (br"7", false, true),
            (br#"{"visitor":{"\ud800":1,"plan":"free"}}"#, false, false),
            (b"{\"a\":\"\xff\"}", false, false),
            (b"\xff", false, false),
        ] {
            let text = String::from_utf8_lossy(payload);
            assert_eq!(
                (vip.takes_payload(payload), others.takes_payload(payload)),
                (is_vip, is_other),
                "{text}"
            );
        }
    }

    #[test]
    fn depth_and_numbers_beside_the_way_do_not_matter() {
        let deep = format!("{}{}", "[".repeat(10_000), "]".repeat(10_000));
        let payload = format!(r#"{{"huge":1e999,"deep":{deep},"name":"x"}}"#);
        let named = Subscription::to_all().filtered(Filter::equals("/name", ["x".into()]).unwrap());
        assert!(named.takes_payload(payload.as_bytes()));
    }
}
