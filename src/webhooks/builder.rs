//! Builds a [`Webhooks`] from its parts. It reports all problems at once, starts no task and
//! reads nothing from the environment.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use crate::backend::{Backend, Clock, Directory, Entropy, IntoShared, Observer, Transport};
use crate::endpoint::TIMEOUT_MAX;
use crate::engine::{CONNECT_TIMEOUT, HostParts, MARGIN, Parts, STORE_TIMEOUT, Settings, caught};
use crate::history::Class;
use crate::notice::Notice;
use crate::os::{OsEntropy, SystemClock};
use crate::policy::egress::{AddressPolicy, UrlPolicy};
use crate::policy::retry::SPAN_MAX;
use crate::profile::Profile;

use super::Webhooks;

/// The most slots: more are of no use to one task.
const CONCURRENCY_MAX: usize = 10_000;
/// The largest payload: a larger one is not a webhook.
const PAYLOAD_MAX: usize = 64 * 1024 * 1024;
const PAYLOAD_DEFAULT: usize = 1024 * 1024;
const DAY: Duration = Duration::from_secs(24 * 3600);

/// Collects the parts of a [`Webhooks`].
#[must_use]
pub struct Builder {
    backend: Arc<dyn Backend>,
    transport: Arc<dyn Transport>,
    directory: Option<Arc<dyn Directory>>,
    clock: Arc<dyn Clock>,
    entropy: Arc<dyn Entropy>,
    observers: Vec<Arc<dyn Observer>>,
    profiles: Vec<Profile>,
    danger_local: bool,
    payload_max: Option<usize>,
    settings: Settings,
}

impl Webhooks {
    /// Starts a builder with the two parts that have no default. The profiles `standard` and
    /// `standard_raw` are known; [`Builder::profile`] and [`Builder::profiles`] add others.
    ///
    /// Each part of yours may be given by value, or in an `Arc` if you keep a handle on it.
    pub fn builder<S, T>(
        backend: impl IntoShared<dyn Backend, S>,
        transport: impl IntoShared<dyn Transport, T>,
    ) -> Builder {
        Builder {
            backend: backend.into_shared(),
            transport: transport.into_shared(),
            directory: None,
            clock: Arc::new(SystemClock::new()),
            entropy: Arc::new(OsEntropy),
            observers: Vec::new(),
            profiles: vec![Profile::standard()],
            danger_local: false,
            payload_max: None,
            settings: Settings {
                concurrency: 64,
                lease: Duration::from_secs(30),
                poll: Duration::from_secs(1),
                shutdown_grace: Duration::from_secs(20),
                payload_max: PAYLOAD_DEFAULT,
                route_chunk: 1000,
                retention: vec![
                    (Class::Delivered, 7 * DAY),
                    (Class::Failed, 90 * DAY),
                    (Class::Cancelled, 90 * DAY),
                    (Class::Unmatched, 7 * DAY),
                ],
                addresses: AddressPolicy::public_only(),
            },
        }
    }
}

impl Builder {
    /// Adds a profile, or replaces the profile with its name. Replacing `standard` also
    /// replaces `standard_raw`, which is the same profile with only the payload as the body,
    /// unless you add a `standard_raw` too.
    pub fn profile(mut self, profile: Profile) -> Self {
        self.profiles.retain(|known| known.name != profile.name);
        self.profiles.push(profile);
        self
    }

    /// Adds several profiles, such as `Profile::targets()` or `Profile::systems()`.
    ///
    /// ```
    /// use hookpost::Profile;
    /// use hookpost::webhooks::Builder;
    ///
    /// fn with_all_that_is_built_in(builder: Builder) -> Builder {
    ///     builder.profiles(Profile::targets()).profiles(Profile::systems())
    /// }
    /// ```
    pub fn profiles(self, profiles: impl IntoIterator<Item = Profile>) -> Self {
        profiles.into_iter().fold(self, Self::profile)
    }

    /// Reads endpoints from the host's own directory instead of the store's.
    pub fn directory<How>(mut self, directory: impl IntoShared<dyn Directory, How>) -> Self {
        self.directory = Some(directory.into_shared());
        self
    }

    /// Replaces the clocks of this machine.
    pub fn clock<How>(mut self, clock: impl IntoShared<dyn Clock, How>) -> Self {
        self.clock = clock.into_shared();
        self
    }

    /// Replaces the operating system's source of random numbers.
    pub fn entropy<How>(mut self, entropy: impl IntoShared<dyn Entropy, How>) -> Self {
        self.entropy = entropy.into_shared();
        self
    }

    /// Adds an observer. Each of them receives every notice, in the order in which they were
    /// added, such as one for the log and one for metrics.
    pub fn observer<How>(mut self, observer: impl IntoShared<dyn Observer, How>) -> Self {
        self.observers.push(observer.into_shared());
        self
    }

    /// Sets how many requests may be in flight at once; the default is 64.
    pub fn concurrency(mut self, requests: usize) -> Self {
        self.settings.concurrency = requests;
        self
    }

    /// Sets how long the engine may take to settle a claim; the default is 30 s. After a
    /// crash, claimed deliveries wait that long.
    ///
    /// It must be at least the longest timeout of all known profiles plus 11 s for connecting,
    /// the store and a margin: 26 s, since `standard` is always known and has 15 s. For a
    /// shorter lease, replace `standard` by a profile with a shorter timeout.
    pub fn lease(mut self, lease: Duration) -> Self {
        self.settings.lease = lease;
        self
    }

    /// Sets how long an idle engine sleeps at most before it looks for work of other
    /// processes; the default is 1 s.
    pub fn poll(mut self, poll: Duration) -> Self {
        self.settings.poll = poll;
        self
    }

    /// Sets how long shutdown waits for requests in flight; the default is 20 s.
    pub fn shutdown_grace(mut self, grace: Duration) -> Self {
        self.settings.shutdown_grace = grace;
        self
    }

    /// Sets the largest payload, in bytes, that this process publishes. The default is the
    /// limit of the store, or 1 MiB if the store has none. A limit set here must be within the
    /// limit of the store, which for a SQLite file is that of `SqliteBuilder::payload_max`.
    pub fn payload_max(mut self, bytes: usize) -> Self {
        self.payload_max = Some(bytes);
        self
    }

    /// Sets how long deliveries of a class are kept after they ended. The default is 7 days
    /// for delivered ones and unmatched events, and 90 days for failed and cancelled ones.
    pub fn keep(mut self, class: Class, kept: Duration) -> Self {
        self.settings.retention.retain(|(known, _)| *known != class);
        self.settings.retention.push((class, kept));
        self
    }

    /// Keeps deliveries of a class for ever.
    pub fn keep_for_ever(mut self, class: Class) -> Self {
        self.settings.retention.retain(|(known, _)| *known != class);
        self
    }

    /// Sets which addresses may be written in an endpoint's URL; by default only public ones.
    /// The transport checks again at each request, by its own policy.
    pub fn addresses(mut self, addresses: AddressPolicy) -> Self {
        self.settings.addresses = addresses;
        self
    }

    /// Allows endpoints of every profile to have URLs of this machine and of private networks,
    /// for development: http, any port, names such as `localhost` or `receiver`, and the
    /// addresses of [`AddressPolicy::danger_allow_local`]. The transport has its own policy;
    /// `Webhooks::danger_local` sets both.
    pub fn danger_allow_local(mut self) -> Self {
        self.danger_local = true;
        self
    }

    /// Builds the [`Webhooks`].
    ///
    /// # Errors
    /// Lists every problem of the configuration.
    pub fn build(mut self) -> Result<Webhooks, ConfigError> {
        if self.danger_local {
            self.settings.addresses = self.settings.addresses.danger_allow_local();
            for profile in &mut self.profiles {
                profile.urls = UrlPolicy::http_and_https().danger_allow_local();
            }
        }
        let of_store = caught(|| self.backend.payload_max()).flatten();
        self.settings.payload_max =
            self.payload_max.unwrap_or_else(|| of_store.unwrap_or(PAYLOAD_DEFAULT).min(PAYLOAD_MAX));
        let mut problems = settings_problems(&self.settings);
        problems.extend(payload_problem(self.payload_max, of_store));
        problems.extend(lease_problem(&self.profiles, self.settings.lease));
        for profile in &self.profiles {
            problems.extend(caught(|| profile_problems(profile, self.settings.lease)).unwrap_or_else(|| {
                vec![problem(format!("profile {}", profile.name), "must not panic when it is checked")]
            }));
        }
        if !problems.is_empty() {
            return Err(ConfigError { problems });
        }
        let host = HostParts {
            backend: self.backend,
            directory: self.directory,
            transport: self.transport,
            clock: self.clock,
            entropy: self.entropy,
            observer: Arc::new(All(self.observers)),
            profiles: with_standard_raw(self.profiles),
        };
        Ok(Webhooks { parts: Arc::new(Parts::new(host, self.settings)) })
    }
}

/// The observers of a host, each of which receives every notice.
struct All(Vec<Arc<dyn Observer>>);

impl Observer for All {
    fn notice(&self, notice: &Notice<'_>) {
        for observer in &self.0 {
            // One that panics keeps the notice from none of the others.
            caught(|| observer.notice(notice));
        }
    }
}

impl fmt::Debug for Builder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let profiles: Vec<_> = self.profiles.iter().map(|profile| &profile.name).collect();
        f.debug_struct("Builder")
            .field("profiles", &profiles)
            .field("settings", &self.settings)
            .finish_non_exhaustive()
    }
}

/// All problems of a configuration.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub struct ConfigError {
    problems: Vec<ConfigProblem>,
}

impl ConfigError {
    /// The problems, each with its field and rule.
    #[must_use]
    pub fn problems(&self) -> &[ConfigProblem] {
        &self.problems
    }
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (n, problem) in self.problems.iter().enumerate() {
            let separator = if n == 0 { "" } else { "; " };
            write!(f, "{separator}{}: {}", problem.field, problem.rule)?;
        }
        Ok(())
    }
}

/// One problem of a configuration.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct ConfigProblem {
    /// The setting, such as `lease` or `profile standard.timeout`.
    pub field: String,
    /// The rule that the setting breaks.
    pub rule: String,
}

fn problem(field: impl Into<String>, rule: impl Into<String>) -> ConfigProblem {
    ConfigProblem { field: field.into(), rule: rule.into() }
}

/// Adds the raw form of `standard`, unless the host gave one.
fn with_standard_raw(mut profiles: Vec<Profile>) -> Vec<Profile> {
    let is = |name: &'static str| move |profile: &&Profile| profile.name.as_str() == name;
    let standard = profiles.iter().find(is("standard")).cloned();
    if profiles.iter().find(is("standard_raw")).is_none() {
        profiles.extend(standard.map(Profile::raw));
    }
    profiles
}

fn settings_problems(settings: &Settings) -> Vec<ConfigProblem> {
    let span = |field: &str, span: Duration, least: Duration, most: Duration| {
        let rule = format!("must be between {least:?} and {most:?}");
        (span < least || span > most).then(|| problem(field, rule))
    };
    let (milli, hour) = (Duration::from_millis(1), Duration::from_secs(3600));
    let mut problems: Vec<_> = [
        span("lease", settings.lease, Duration::from_secs(1), hour),
        span("poll", settings.poll, milli, Duration::from_secs(60)),
        span("shutdown_grace", settings.shutdown_grace, Duration::ZERO, hour),
    ]
    .into_iter()
    .flatten()
    .collect();
    if !(1..=CONCURRENCY_MAX).contains(&settings.concurrency) {
        problems.push(problem("concurrency", format!("must be between 1 and {CONCURRENCY_MAX}")));
    }
    if !(1..=PAYLOAD_MAX).contains(&settings.payload_max) {
        problems.push(problem("payload_max", format!("must be between 1 and {PAYLOAD_MAX} bytes")));
    }
    if settings.poll > settings.lease {
        problems.push(problem("poll", "must not be longer than the lease"));
    }
    for (class, kept) in &settings.retention {
        if kept.is_zero() || *kept > 10 * SPAN_MAX {
            problems.push(problem(format!("keep {class:?}"), "must be between 1 ns and 3660 days"));
        }
    }
    problems
}

/// Refuses two different limits for one store, since the difference would not be noticed.
fn payload_problem(set: Option<usize>, of_store: Option<usize>) -> Option<ConfigProblem> {
    let of_store = of_store.filter(|of_store| set.is_some_and(|set| set > *of_store))?;
    let rule =
        format!("must be at most {of_store} bytes, which the store takes: set its own payload_max first");
    Some(problem("payload_max", rule))
}

/// One problem for all the profiles that a builder always knows.
fn lease_problem(profiles: &[Profile], lease: Duration) -> Option<ConfigProblem> {
    let too_long = profiles.iter().filter(|profile| profile.timeout > longest_timeout(lease));
    let slowest = too_long.filter(|profile| is_as_built_in(profile)).max_by_key(|profile| profile.timeout)?;
    let Profile { name, timeout, .. } = slowest;
    let rule = format!(
        "must be at least {:?}: the profile {name}, which is always known, has a timeout of {timeout:?}, beside \
         connecting ({CONNECT_TIMEOUT:?}), the store ({STORE_TIMEOUT:?}) and a margin ({MARGIN:?})",
        shortest_lease(*timeout)
    );
    Some(problem("lease", rule))
}

fn is_as_built_in(profile: &Profile) -> bool {
    let standard = Profile::standard();
    profile.name == standard.name && profile.timeout == standard.timeout
}

fn profile_problems(profile: &Profile, lease: Duration) -> Vec<ConfigProblem> {
    let field = |name: &str| format!("profile {}.{name}", profile.name);
    let mut problems: Vec<_> = match profile.check() {
        Ok(()) => Vec::new(),
        Err(errors) => errors.into_iter().map(|error| problem(field(error.field), error.rule)).collect(),
    };
    let longest = longest_timeout(lease);
    if profile.timeout > longest && !is_as_built_in(profile) {
        let at_most = if longest.is_zero() { String::new() } else { format!("at most {longest:?}, or ") };
        let rule = format!(
            "must leave room in the lease of {lease:?} for connecting ({CONNECT_TIMEOUT:?}), the store \
             ({STORE_TIMEOUT:?}) and a margin ({MARGIN:?}): {at_most}a lease of at least {:?}",
            shortest_lease(profile.timeout.min(TIMEOUT_MAX))
        );
        problems.push(problem(field("timeout"), rule));
    }
    problems
}

/// The longest total timeout that a lease covers.
pub(super) fn longest_timeout(lease: Duration) -> Duration {
    lease.saturating_sub(shortest_lease(Duration::ZERO))
}

/// The shortest lease that covers a total timeout.
pub(super) fn shortest_lease(timeout: Duration) -> Duration {
    timeout.saturating_add(CONNECT_TIMEOUT + STORE_TIMEOUT + MARGIN)
}
