//! A cache of loaded endpoints. Each version of an endpoint is resolved against its profile
//! once.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures_util::future::join_all;

use crate::backend::Directory;
use crate::decide::prepare::Found;
use crate::decide::resolve::Resolved;
use crate::delivery::Claim;
use crate::endpoint::{Endpoint, Generation, Loaded, Unreadable, WhyUnreadable};
use crate::error::StoreErrorKind;
use crate::id::{EndpointId, ProfileName, TenantId};
use crate::profile::Profile;
use crate::secret::Secrets;

/// A request may start only if its endpoint was loaded at most this long ago.
pub(crate) const FRESH: Duration = Duration::from_secs(1);
/// The most endpoints that are cached. Others are loaded again by the next claim.
const REMEMBERED: usize = 20_000;
/// The approximate number of bytes that cached endpoints may take in memory.
const REMEMBERED_BYTES: usize = 64 * 1024 * 1024;

/// The profiles of this process, and the endpoints that were loaded lately.
pub(crate) struct EndpointCache {
    profiles: BTreeMap<ProfileName, Arc<Profile>>,
    known: Mutex<Known>,
}

#[derive(Default)]
struct Known {
    endpoints: Entries,
    /// Endpoints that one load did not find. If another load does not find them, they are gone.
    missing: BTreeSet<EndpointId>,
    /// The number of endpoint writes so far.
    writes: u64,
    /// The number of the write at which each endpoint was last forgotten.
    forgotten: BTreeMap<EndpointId, u64>,
    /// The number of a write at which every endpoint counts as forgotten.
    all_forgotten: u64,
}

#[derive(Default)]
struct Entries {
    by_id: BTreeMap<EndpointId, Remembered>,
    /// How many bytes of memory the endpoints take.
    bytes: usize,
}

/// When a load began. If an endpoint is written during the load, the load may return its old
/// state. Such an endpoint is used once and not cached.
#[derive(Clone, Copy)]
pub(crate) struct LoadBegan {
    at: Duration,
    writes: u64,
}

struct Remembered {
    resolved: Arc<Resolved>,
    at: Duration,
    bytes: usize,
}

/// The result of looking up one endpoint.
#[derive(Clone)]
pub(crate) enum CachedEndpoint {
    Found {
        resolved: Arc<Resolved>,
        loaded_at: Duration,
    },
    Missing,
    MissingAgain,
    Unreadable(Unreadable),
    /// The directory failed to load the endpoints of this tenant.
    Unreached,
}

/// The results of one look-up.
#[derive(Default)]
pub(crate) struct LookedUp {
    pub(crate) cached: BTreeMap<EndpointId, CachedEndpoint>,
    /// The errors of the directory. The endpoints that they concern are `Unreached`.
    pub(crate) failures: Vec<StoreErrorKind>,
}

impl CachedEndpoint {
    pub(crate) fn as_found(&self) -> Found<'_> {
        match self {
            Self::Found { resolved, .. } => Found::Endpoint(resolved),
            Self::Missing => Found::Missing,
            Self::MissingAgain => Found::MissingAgain,
            Self::Unreadable(unreadable) => Found::Unreadable(unreadable),
            Self::Unreached => Found::Unreached,
        }
    }

    /// The generation of the endpoint that was loaded.
    pub(crate) fn generation(&self) -> Option<Generation> {
        match self {
            Self::Found { resolved, .. } => Some(resolved.endpoint.generation),
            _ => None,
        }
    }
}

impl EndpointCache {
    pub(crate) fn new(profiles: BTreeMap<ProfileName, Arc<Profile>>) -> Self {
        Self { profiles, known: Mutex::default() }
    }

    pub(crate) fn profile(&self, name: &ProfileName) -> Option<&Arc<Profile>> {
        self.profiles.get(name)
    }

    pub(crate) fn profiles(&self) -> impl Iterator<Item = &Arc<Profile>> {
        self.profiles.values()
    }

    /// Looks up endpoints. None of the results was loaded longer than half of [`FRESH`] before
    /// `now`, which was read before this call. A call that fails is repeated tenant by tenant, so
    /// that one tenant's failure does not affect others.
    pub(crate) async fn look_up<'a>(
        &self,
        directory: &dyn Directory,
        wanted: impl Iterator<Item = (&'a TenantId, &'a EndpointId)>,
        now: Duration,
    ) -> LookedUp {
        let mut looked_up = LookedUp::default();
        let unknown = self.recall(wanted, now, &mut looked_up);
        if unknown.is_empty() {
            return looked_up;
        }
        let ids: Vec<_> = unknown.keys().cloned().collect();
        let began = self.begin_load(now);
        match directory.load(&ids).await {
            Ok(answer) => self.take(ids, answer, began, &mut looked_up),
            Err(error) => {
                let mut by_tenant: BTreeMap<TenantId, Vec<EndpointId>> = BTreeMap::new();
                for (id, tenant) in unknown {
                    by_tenant.entry(tenant).or_default().push(id);
                }
                if by_tenant.len() == 1 {
                    looked_up.fail(ids, error.kind());
                    return looked_up;
                }
                let loads = by_tenant.into_values().map(|ids| async move {
                    let answer = directory.load(&ids).await;
                    (ids, answer)
                });
                for (ids, answer) in join_all(loads).await {
                    match answer {
                        Ok(answer) => self.take(ids, answer, began, &mut looked_up),
                        Err(error) => looked_up.fail(ids, error.kind()),
                    }
                }
            }
        }
        looked_up
    }

    /// Answers from the cache, and returns the endpoints that have to be loaded.
    fn recall<'a>(
        &self,
        wanted: impl Iterator<Item = (&'a TenantId, &'a EndpointId)>,
        now: Duration,
        looked_up: &mut LookedUp,
    ) -> BTreeMap<EndpointId, TenantId> {
        let mut unknown = BTreeMap::new();
        let known = self.known();
        for (tenant, id) in wanted {
            match known.endpoints.get(id) {
                Some(loaded) if now.saturating_sub(loaded.at) <= FRESH / 2 => {
                    if !looked_up.cached.contains_key(id) {
                        looked_up.cached.insert(id.clone(), loaded.to_cached());
                    }
                }
                _ => {
                    unknown.insert(id.clone(), tenant.clone());
                }
            }
        }
        unknown
    }

    /// Stores the directory's answer. The directory may be a host's own: an invalid answer counts
    /// as no answer, and never as a missing endpoint.
    fn take(&self, ids: Vec<EndpointId>, answer: Vec<Loaded>, began: LoadBegan, looked_up: &mut LookedUp) {
        let complete = answer.len() == ids.len();
        let mut answer = answer.into_iter();
        for id in ids {
            let cached = match answer.next() {
                Some(Loaded::Found(endpoint)) if endpoint.id == id => self.remember(&endpoint, began),
                Some(Loaded::Unreadable(unreadable)) if unreadable.id == id => {
                    self.found_unreadable(&id);
                    CachedEndpoint::Unreadable(unreadable)
                }
                Some(Loaded::Missing) if complete => self.miss(&id),
                _ => CachedEndpoint::Unreadable(not_answered(&id)),
            };
            looked_up.cached.insert(id, cached);
        }
    }

    /// Notes that a load begins at `now`. Call it before the load.
    pub(crate) fn begin_load(&self, now: Duration) -> LoadBegan {
        LoadBegan { at: now, writes: self.known().writes }
    }

    /// Caches an endpoint that was just loaded.
    pub(crate) fn remember(&self, endpoint: &Arc<Endpoint>, began: LoadBegan) -> CachedEndpoint {
        let mut known = self.known();
        known.missing.remove(&endpoint.id);
        let same = known
            .endpoints
            .get(&endpoint.id)
            .filter(|loaded| is_as_before(&loaded.resolved.endpoint, endpoint));
        let resolved = if let Some(loaded) = same {
            Arc::clone(&loaded.resolved)
        } else {
            Arc::new(Resolved::new(Arc::clone(endpoint), self.profiles.get(&endpoint.profile)))
        };
        let loaded = Remembered { resolved, at: began.at, bytes: bytes(endpoint) };
        let cached = loaded.to_cached();
        if !known.was_forgotten_since(&endpoint.id, began) {
            known.endpoints.insert(endpoint.id.clone(), loaded);
        }
        cached
    }

    /// Removes an endpoint that has just been written from the cache. Loads that have already
    /// begun do not put it back.
    pub(crate) fn forget(&self, id: &EndpointId) {
        let mut known = self.known();
        known.endpoints.remove(id);
        known.writes += 1;
        let writes = known.writes;
        if known.forgotten.len() >= REMEMBERED {
            known.forgotten.clear();
            known.all_forgotten = writes;
        }
        known.forgotten.insert(id.clone(), writes);
    }

    fn found_unreadable(&self, id: &EndpointId) {
        let mut known = self.known();
        known.endpoints.remove(id);
        known.missing.remove(id);
    }

    fn miss(&self, id: &EndpointId) -> CachedEndpoint {
        let mut known = self.known();
        known.endpoints.remove(id);
        if known.missing.len() >= REMEMBERED {
            known.missing.clear();
        }
        if known.missing.insert(id.clone()) { CachedEndpoint::Missing } else { CachedEndpoint::MissingAgain }
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Entries {
    fn get(&self, id: &EndpointId) -> Option<&Remembered> {
        self.by_id.get(id)
    }

    fn insert(&mut self, id: EndpointId, loaded: Remembered) {
        self.remove(&id);
        if self.by_id.len() >= REMEMBERED || self.bytes + loaded.bytes > REMEMBERED_BYTES {
            *self = Self::default();
        }
        self.bytes += loaded.bytes;
        self.by_id.insert(id, loaded);
    }

    fn remove(&mut self, id: &EndpointId) {
        if let Some(loaded) = self.by_id.remove(id) {
            self.bytes -= loaded.bytes;
        }
    }
}

impl Known {
    fn was_forgotten_since(&self, id: &EndpointId, began: LoadBegan) -> bool {
        let last = self.forgotten.get(id).copied().unwrap_or(0).max(self.all_forgotten);
        last > began.writes
    }
}

impl LookedUp {
    /// The result if the endpoints of these deliveries could not be loaded in time.
    pub(super) fn unreached(work: &[Claim]) -> Self {
        let mut looked_up = Self::default();
        if !work.is_empty() {
            let ids = work.iter().map(|claim| claim.endpoint.clone()).collect();
            looked_up.fail(ids, StoreErrorKind::InDoubt);
        }
        looked_up
    }

    fn fail(&mut self, ids: Vec<EndpointId>, kind: StoreErrorKind) {
        self.failures.push(kind);
        self.cached.extend(ids.into_iter().map(|id| (id, CachedEndpoint::Unreached)));
    }
}

fn not_answered(id: &EndpointId) -> Unreadable {
    let why = WhyUnreadable::NotAnswered;
    Unreadable { id: id.clone(), tenant: None, field: "row", why, host: None }
}

impl Remembered {
    fn to_cached(&self) -> CachedEndpoint {
        CachedEndpoint::Found { resolved: Arc::clone(&self.resolved), loaded_at: self.at }
    }
}

/// About how many bytes an endpoint takes in memory.
fn bytes(endpoint: &Endpoint) -> usize {
    let headers = endpoint.headers.as_map().iter();
    let of_headers: usize = headers.map(|(name, value)| name.as_str().len() + value.len()).sum();
    size_of::<Endpoint>() + size_of::<Resolved>() + of_headers + endpoint.subscription.bytes()
}

/// Whether two loads returned the same endpoint. A version counts the writes of one registration.
/// A host's own directory may not count registrations, so the other fields that differ between
/// two endpoints with one id are compared as well.
fn is_as_before(before: &Endpoint, now: &Endpoint) -> bool {
    before.version == now.version
        && before.generation == now.generation
        && before.tenant == now.tenant
        && before.began == now.began
        && before.url.expose() == now.url.expose()
        && before.profile == now.profile
        && is_open(before)
}

/// Whether the secrets are open. Sealed ones may open at the next load without a new version.
const fn is_open(endpoint: &Endpoint) -> bool {
    matches!(endpoint.secrets, Secrets::Open(_))
}

#[cfg(test)]
mod tests {
    use crate::endpoint::{Headers, Overrides};
    use crate::policy::egress::EndpointUrl;
    use crate::secret::{SecretSet, WhySealed};
    use crate::sequence::Sequence;
    use crate::subscription::{Filter, Subscription};
    use crate::time::Timestamp;

    use super::*;

    fn endpoint() -> Endpoint {
        let profile = Profile::standard();
        Endpoint {
            id: "e".parse().unwrap(),
            tenant: "acme".parse().unwrap(),
            name: String::new(),
            url: EndpointUrl::parse("https://one.example/hook", &profile.urls).unwrap(),
            profile: profile.name,
            secrets: SecretSet::none().into(),
            subscription: Subscription::to_all(),
            headers: Headers::none(),
            overrides: Overrides::none(),
            enabled: true,
            since: Timestamp::EPOCH,
            began: Sequence::from_number(1),
            version: 1,
            generation: Generation::UNKNOWN,
        }
    }

    #[test]
    fn an_endpoint_that_is_written_while_it_is_loaded_is_not_remembered_as_it_was() {
        let endpoint_cache = EndpointCache::new(BTreeMap::new());
        let (endpoint, other) = (Arc::new(endpoint()), "other".parse().unwrap());
        let is_known = || endpoint_cache.known().endpoints.get(&endpoint.id).is_some();
        let began = endpoint_cache.begin_load(Duration::ZERO);
        endpoint_cache.forget(&endpoint.id);
        endpoint_cache.remember(&endpoint, began);
        assert!(!is_known(), "loaded before the write");
        let began = endpoint_cache.begin_load(Duration::ZERO);
        endpoint_cache.forget(&other);
        endpoint_cache.remember(&endpoint, began);
        assert!(is_known(), "another endpoint was written");
        let began = endpoint_cache.begin_load(Duration::ZERO);
        endpoint_cache.forget(&endpoint.id);
        for number in 0..REMEMBERED {
            endpoint_cache.forget(&format!("e{number}").parse().unwrap());
        }
        endpoint_cache.remember(&endpoint, began);
        assert!(!is_known(), "so many were written that not each is known");
    }

    #[test]
    fn what_is_remembered_takes_a_bounded_memory() {
        let values: Vec<_> = (0..1024).map(serde_json::Value::from).collect();
        let filter = Filter::equals("/a", values).unwrap();
        let endpoint_cache = EndpointCache::new(BTreeMap::new());
        let began = endpoint_cache.begin_load(Duration::ZERO);
        let known = || {
            let known = endpoint_cache.known();
            (known.endpoints.by_id.len(), known.endpoints.bytes)
        };
        let large = |number: usize| {
            let subscription = (0..32).fold(Subscription::to_all(), |all, _| all.filtered(filter.clone()));
            let id = format!("e{number}").parse().unwrap();
            Arc::new(Endpoint { id, subscription, ..endpoint() })
        };
        for number in 0..200 {
            endpoint_cache.remember(&large(number % 120), began);
            assert!(known().1 <= REMEMBERED_BYTES);
        }
        assert!((10..60).contains(&known().0), "1.6 MiB each: {known:?}", known = known());
        for number in 0..200 {
            endpoint_cache.forget(&large(number).id);
        }
        assert_eq!(known(), (0, 0));
    }

    #[test]
    fn an_endpoint_is_read_again_when_anything_tells_it_from_the_one_known() {
        let profile = Profile::standard();
        let url = |text: &str| EndpointUrl::parse(text, &profile.urls).unwrap();
        let known = endpoint();
        let is_known = |endpoint: Endpoint| is_as_before(&known, &endpoint);
        assert!(is_known(known.clone()));
        let sealed = Secrets::Sealed { key_id: "k".to_owned(), why: WhySealed::UnknownKey };
        assert!(!is_as_before(&Endpoint { secrets: sealed, ..known.clone() }, &known));
        for other in [
            Endpoint { version: 2, ..known.clone() },
            Endpoint { generation: Generation { registration: 2, renewal: 0 }, ..known.clone() },
            Endpoint { tenant: "other".parse().unwrap(), ..known.clone() },
            Endpoint { began: Sequence::from_number(2), ..known.clone() },
            Endpoint { url: url("https://two.example/hook"), ..known.clone() },
            Endpoint { profile: "live_session".parse().unwrap(), ..known.clone() },
        ] {
            assert!(!is_known(other.clone()), "{other:?}");
        }
    }
}
