//! What the observer was told of and what still holds, so that it hears of it again only once
//! something has changed.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::error::StoreErrorKind;
use crate::id::{EndpointId, Generation, TenantId};

/// More than this is not remembered: the observer may hear of it again.
const REMEMBERED: usize = 20_000;

/// What holds now, as the observer was told.
#[derive(Debug, Default)]
pub(crate) struct News(Mutex<BTreeMap<About, What>>);

/// What a notice is about.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum About {
    /// An endpoint that nothing can be sent to.
    Endpoint(EndpointId),
    /// A tenant whose endpoints cannot be read.
    Tenant(TenantId),
    /// What the store is called for and fails at.
    Store(&'static str),
}

/// What holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum What {
    /// Why nothing can be sent, to which generation of the endpoint.
    Held(Cow<'static, str>, Option<Generation>),
    /// What the failure means.
    Failed(StoreErrorKind),
}

impl News {
    /// Whether the observer was not told that this holds.
    pub(crate) fn is_new(&self, about: About, what: What) -> bool {
        let mut told = self.told();
        if told.get(&about) == Some(&what) {
            return false;
        }
        if told.len() >= REMEMBERED {
            told.clear();
        }
        told.insert(about, what);
        true
    }

    /// It holds no longer: when it does again, that is news. Says whether it held.
    pub(crate) fn is_over(&self, about: impl FnOnce() -> About) -> bool {
        let mut told = self.told();
        // Mostly nothing holds, and this is asked of every request.
        !told.is_empty() && told.remove(&about()).is_some()
    }

    /// Whether the observer was told that an endpoint is held, and why.
    pub(crate) fn was_told_why(&self, endpoint: &EndpointId, why: &str) -> bool {
        let told = self.told();
        matches!(told.get(&About::Endpoint(endpoint.clone())), Some(What::Held(held, _)) if held == why)
    }

    fn told(&self) -> MutexGuard<'_, BTreeMap<About, What>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_told_is_news_once_and_again_when_it_changed_or_was_over() {
        let news = News::default();
        let about = || About::Store("claim");
        let fails = |kind| news.is_new(about(), What::Failed(kind));
        assert!(fails(StoreErrorKind::Unavailable));
        assert!(!fails(StoreErrorKind::Unavailable));
        assert!(fails(StoreErrorKind::Full));
        assert!(news.is_new(About::Store("settle"), What::Failed(StoreErrorKind::Full)));
        assert!(!fails(StoreErrorKind::Full));
        assert!(news.is_over(about) && !news.is_over(about));
        assert!(fails(StoreErrorKind::Full));
        let held = |generation| {
            news.is_new(About::Endpoint("e".parse().unwrap()), What::Held("why".into(), generation))
        };
        assert!(held(None) && !held(None));
        assert!(held(Some(Generation::UNKNOWN)) && news.was_told_why(&"e".parse().unwrap(), "why"));
    }

    #[test]
    fn a_bounded_number_of_things_is_remembered() {
        let news = News::default();
        for number in 0..=REMEMBERED {
            let endpoint = About::Endpoint(format!("e{number}").parse().unwrap());
            assert!(news.is_new(endpoint, What::Held("why".into(), None)));
        }
        assert!(news.told().len() <= REMEMBERED);
    }
}
