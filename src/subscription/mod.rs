//! Which events an endpoint wants: a value and a pure predicate.
//!
//! A subscription is bounded, since each event of its tenant is held against it:
//!
//! | what | at most |
//! |---|---|
//! | patterns | [`PATTERNS_MAX`] |
//! | filters of a subscription, and of each condition of an interest | [`FILTERS_MAX`] |
//! | filters in all, those of interests included | [`FILTERS_IN_ALL_MAX`] |
//! | values of a filter | [`FILTER_VALUES_MAX`] |
//! | levels of nesting in a filter's value | [`FILTER_DEPTH_MAX`] |
//! | a filter's pointer | [`POINTER_LENGTH_MAX`] bytes, [`POINTER_STEPS_MAX`] steps |
//! | interests | [`INTERESTS_MAX`] |
//! | optional parts | [`PARTS_MAX`] |
//! | name of an interest or a part | [`NAME_LENGTH_MAX`] characters |
//! | all of it, as JSON | [`SUBSCRIPTION_BYTES_MAX`] bytes |

mod bounds;
mod filter;
mod identity;
mod interest;
mod literals;
mod number;
mod places;
#[cfg(test)]
mod pointer;
mod scan;
mod text;
mod wanted;
#[cfg(test)]
pub(crate) mod work;

use serde::{Deserialize, Serialize};

use crate::event::Event;
use crate::id::{EventType, Scope};

use bounds::hold;
use filter::all_pass;

pub use bounds::{
    FILTER_DEPTH_MAX, FILTER_VALUES_MAX, FILTERS_IN_ALL_MAX, FILTERS_MAX, INTERESTS_MAX, NAME_LENGTH_MAX,
    PARTS_MAX, PATTERNS_MAX, POINTER_LENGTH_MAX, POINTER_STEPS_MAX, SUBSCRIPTION_BYTES_MAX,
};
pub use filter::Filter;
pub use interest::Interest;

pub(crate) use places::Places;

/// A subscription that asks for nothing, or for something unwritable.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{field}: {rule}{}", quoted(found.as_deref()))]
#[non_exhaustive]
pub struct SubscriptionError {
    /// The field that is wrong.
    pub field: &'static str,
    /// The rule it breaks.
    pub rule: &'static str,
    /// The beginning of what was given instead, where that is a pattern or a pointer.
    pub found: Option<String>,
}

impl SubscriptionError {
    const fn of(field: &'static str, rule: &'static str) -> Self {
        Self { field, rule, found: None }
    }

    /// The same where it helps to see which of several texts is wrong.
    fn found(field: &'static str, rule: &'static str, text: &str) -> Self {
        Self { found: Some(text.chars().take(FOUND_LENGTH_MAX).collect()), ..Self::of(field, rule) }
    }
}

/// How much of a wrong text an error quotes.
const FOUND_LENGTH_MAX: usize = 64;

/// What was given, escaped, for the end of an error.
fn quoted(found: Option<&str>) -> String {
    found.map(|text| format!(" (got {text:?})")).unwrap_or_default()
}

const NO_PATTERN: &str = "must name at least one pattern";
const PATTERN_RULE: &str =
    "must each be *, a type such as order.paid, or the beginning of types and .*, such as order.*";

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
#[serde(try_from = "StoredSubscription")]
pub struct Subscription {
    events: Vec<Pattern>,
    scope: Option<Scope>,
    filters: Vec<Filter>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    parts: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    interests: Option<Vec<Interest>>,
}

/// A subscription as it is stored, which may break a rule.
#[derive(Deserialize)]
struct StoredSubscription {
    events: Vec<Pattern>,
    scope: Option<Scope>,
    filters: Vec<Filter>,
    #[serde(default)]
    parts: Vec<String>,
    #[serde(default)]
    interests: Option<Vec<Interest>>,
}

impl TryFrom<StoredSubscription> for Subscription {
    type Error = SubscriptionError;
    fn try_from(stored: StoredSubscription) -> Result<Self, SubscriptionError> {
        let StoredSubscription { events, scope, filters, parts, interests } = stored;
        let subscription = Self { events, scope, filters, parts, interests };
        subscription.check()?;
        Ok(subscription)
    }
}

impl Subscription {
    /// Every event of the tenant.
    #[must_use]
    pub fn to_all() -> Self {
        Self {
            events: vec![Pattern::All],
            scope: None,
            filters: Vec::new(),
            parts: Vec::new(),
            interests: None,
        }
    }

    /// The events of these types: `*`, an exact type, or `order.*`.
    ///
    /// # Errors
    /// When there is no pattern, or one is neither of the three.
    pub fn to<P: AsRef<str>>(patterns: impl IntoIterator<Item = P>) -> Result<Self, SubscriptionError> {
        let events =
            patterns.into_iter().map(|text| Pattern::parse(text.as_ref())).collect::<Result<Vec<_>, _>>()?;
        if events.is_empty() {
            return Err(SubscriptionError::of("events", NO_PATTERN));
        }
        Ok(Self { events, scope: None, filters: Vec::new(), parts: Vec::new(), interests: None })
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

    /// Also the optional parts of these names, for an envelope that has such parts and
    /// sends each to whom asked for it.
    #[must_use]
    pub fn including<P: Into<String>>(mut self, parts: impl IntoIterator<Item = P>) -> Self {
        self.parts.extend(parts.into_iter().map(Into::into));
        self
    }

    /// Whether it asks for the optional part of this name.
    #[must_use]
    pub fn includes(&self, part: &str) -> bool {
        self.parts.iter().any(|own| own == part)
    }

    /// Only events that at least one of these interests takes too: of none, no event.
    #[must_use]
    pub fn among(mut self, interests: impl Into<Vec<Interest>>) -> Self {
        self.interests = Some(interests.into());
        self
    }

    /// Whether it keeps the bounds of [`subscription`](crate::subscription). It is checked
    /// when an endpoint is registered, written to a store, or read from one.
    ///
    /// # Errors
    /// Names the field and the bound that it passes.
    pub fn check(&self) -> Result<(), SubscriptionError> {
        hold(!self.events.is_empty(), "events", NO_PATTERN)?;
        hold(self.events.len() <= PATTERNS_MAX, "events", "must be at most 256 patterns")?;
        hold(self.filters.len() <= FILTERS_MAX, "filters", "must be at most 64")?;
        hold(self.parts.len() <= PARTS_MAX, "parts", "must be at most 64")?;
        let short = self.parts.iter().all(|part| part.chars().count() <= NAME_LENGTH_MAX);
        hold(short, "parts", "must have names of at most 255 characters")?;
        let interests = self.interests.as_deref().unwrap_or_default();
        hold(interests.len() <= INTERESTS_MAX, "interests", "must be at most 100")?;
        let of_interests = interests.iter().flat_map(Interest::any_of).map(Vec::len).sum::<usize>();
        let few = self.filters.len() + of_interests <= FILTERS_IN_ALL_MAX;
        hold(few, "interests", "must have at most 4096 filters in all")?;
        let bytes = serde_json::to_vec(self).map_or(usize::MAX, |json| json.len());
        hold(bytes <= SUBSCRIPTION_BYTES_MAX, "subscription", "must be at most 256 KiB as JSON")
    }

    /// Whether it wants this event.
    #[must_use]
    pub fn wants(&self, event: &Event) -> bool {
        self.wants_kind_of(event) && self.takes(&Places::of(&event.payload, self))
    }

    /// Whether it wants this event for what it is, before its payload is looked at.
    pub(crate) fn wants_kind_of(&self, event: &Event) -> bool {
        self.wants_type(&event.kind)
            && self.scope.as_ref().is_none_or(|scope| event.scope.as_ref() == Some(scope))
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

    /// Its patterns, as they were given: `*`, exact types, and those such as `order.*`.
    pub fn patterns(&self) -> impl Iterator<Item = &str> {
        self.events.iter().map(Pattern::as_str)
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

    /// Whether it asks something of a payload.
    fn looks_at_payloads(&self) -> bool {
        !self.filters.is_empty() || self.interests.is_some()
    }

    /// Its filters, and those of its interests.
    pub(crate) fn filters_in_all(&self) -> impl Iterator<Item = &Filter> {
        let of_interests = self.interests.iter().flatten().flat_map(Interest::any_of).flatten();
        self.filters.iter().chain(of_interests)
    }

    /// About how many bytes it takes in memory.
    #[cfg(feature = "tokio")]
    pub(crate) fn bytes(&self) -> usize {
        let texts = self.patterns().chain(self.parts.iter().map(String::as_str));
        let of_texts: usize = texts.map(|text| size_of::<String>() + text.len()).sum();
        size_of::<Self>() + of_texts + self.filters_in_all().map(Filter::bytes).sum::<usize>()
    }

    /// Whether it takes a payload, which was read for it.
    pub(crate) fn takes(&self, payload: &Places<'_>) -> bool {
        !self.looks_at_payloads()
            || (payload.is_json()
                && all_pass(&self.filters, payload)
                && self.interests.as_ref().is_none_or(|any| any.iter().any(|one| one.takes(payload))))
    }

    #[cfg(test)]
    fn takes_payload(&self, payload: &[u8]) -> bool {
        self.takes(&Places::of(payload, self))
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
enum Pattern {
    All,
    /// The whole pattern, `.*` included.
    Under(String),
    Exact(EventType),
}

impl Pattern {
    fn parse(text: &str) -> Result<Self, SubscriptionError> {
        let refused = |_| SubscriptionError::found("events", PATTERN_RULE, text);
        if text == "*" {
            Ok(Self::All)
        } else if let Some(start) = text.strip_suffix(".*") {
            EventType::new(start).map(|_| Self::Under(text.to_owned())).map_err(refused)
        } else {
            EventType::new(text).map(Self::Exact).map_err(refused)
        }
    }

    fn matches(&self, kind: &str) -> bool {
        match self {
            Self::All => true,
            Self::Under(pattern) => {
                let begins = kind.strip_prefix(pattern.trim_end_matches('*'));
                begins.is_some_and(|rest| !rest.is_empty())
            }
            Self::Exact(exact) => exact.as_str() == kind,
        }
    }

    fn as_str(&self) -> &str {
        match self {
            Self::All => "*",
            Self::Under(pattern) => pattern,
            Self::Exact(kind) => kind.as_str(),
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
        pattern.as_str().to_owned()
    }
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
    fn a_subscription_gives_its_patterns_back_as_they_were_given() {
        let given = ["order.*", "*", "refund.made", "a.b.*"];
        let subscription = Subscription::to(given).unwrap();
        assert_eq!(subscription.patterns().collect::<Vec<_>>(), given);
        let stored = serde_json::to_value(&subscription).unwrap();
        assert_eq!(stored["events"], serde_json::json!(given));
        assert_eq!(Subscription::to_all().patterns().collect::<Vec<_>>(), ["*"]);
    }

    #[test]
    fn an_empty_or_unwritable_subscription_is_refused_by_field() {
        for patterns in [vec![], vec![""], vec!["a*"], vec!["*.b"], vec![".*"], vec!["a b"]] {
            assert_eq!(Subscription::to(&patterns).unwrap_err().field, "events", "{patterns:?}");
        }
        assert_eq!(Filter::equals("a", [true.into()]).unwrap_err().field, "filter.pointer");
        assert_eq!(
            Subscription::to::<&str>([]).unwrap_err().to_string(),
            "events: must name at least one pattern"
        );
        assert_eq!(Filter::equals("/a", []).unwrap_err().field, "filter.any_of");
    }

    #[test]
    fn the_pattern_or_pointer_that_is_wrong_is_quoted() {
        let error = Subscription::to(["order.*", "order*"]).unwrap_err();
        assert!(error.to_string().starts_with("events: must each be *, "), "{error}");
        assert!(error.to_string().ends_with(r#"such as order.* (got "order*")"#), "{error}");
        let error = Subscription::to(["a\u{1b}[2J".to_owned() + &"x".repeat(500)]).unwrap_err();
        assert!(
            error.to_string().ends_with(&format!("(got \"a\\u{{1b}}[2J{}\")", "x".repeat(59))),
            "{error}"
        );
        let error = Filter::equals("$.order.id", [7.into()]).unwrap_err();
        assert_eq!(error.to_string(), r#"filter.pointer: must begin with / (got "$.order.id")"#);
        let read = serde_json::from_str::<Subscription>(r#"{"events":["a*"],"scope":null,"filters":[]}"#);
        assert!(read.unwrap_err().to_string().contains(r#"(got "a*")"#));
    }

    #[test]
    fn a_subscription_is_stored_as_before_where_it_says_nothing_new() {
        let stored = r#"{"events":["a"],"scope":null,"filters":[{"pointer":"/a","any_of":[true]}]}"#;
        let read: Subscription = serde_json::from_str(stored).unwrap();
        assert_eq!(serde_json::to_string(&read).unwrap(), stored);
        let newer = read
            .filtered(Filter::lacks("/b", [serde_json::Value::Null]).unwrap())
            .including(["chat_properties"]);
        let again: Subscription = serde_json::from_str(&serde_json::to_string(&newer).unwrap()).unwrap();
        assert_eq!(again, newer);
        assert!(again.includes("chat_properties") && !again.includes("chat"));
    }
}
