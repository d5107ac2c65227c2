//! Resolves names with the operating system.

mod answer;
mod look_ups;
mod turns;

use std::fmt;
use std::io;
use std::net::{IpAddr, ToSocketAddrs};
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;

use crate::backend::{ResolveError, Resolver};
use crate::id::HostName;

use self::look_ups::{LookUp, LookUps};
use self::turns::Limits;
use super::current_tenant;

/// With the engine's default settings, at most 8 requests per second to unproven endpoints can
/// begin and hang on their names. `getaddrinfo` by default gives up on a name server that does not
/// answer after 10 s. So this many concurrent look-ups are rarely all in use.
const LIMITS: Limits =
    Limits { turns: 128, patience: Duration::from_secs(5), silence: Duration::from_secs(30) };
/// How long a caller waits for its turn.
const TURN_WAIT: Duration = Duration::from_secs(1);

/// Resolves names with the operating system (`getaddrinfo`), at most 128 names at once.
///
/// A look-up blocks a thread, and a look-up that hangs cannot be stopped. Each look-up has a thread
/// of its own, and the look-ups are shared among the tenants that the engine sends for:
///
/// * A tenant has at most half of the look-ups, and less while other tenants have some. The next
///   look-up goes to the tenant that has the fewest. A caller that gets none within a second gets
///   [`ResolveError::Busy`].
/// * A name that several callers need is looked up once, even for several tenants.
/// * If a name has no answer after 5 s, its callers get [`ResolveError::Timeout`]. Until 30 s after
///   its look-up began, new callers get that error at once, unless the look-up still ends with an
///   answer.
///
/// Names are looked up as absolute names, so that a search domain cannot turn a public name into
/// an internal one. Absolute names end with a dot; names in the hosts file are found only by
/// systems that ignore that dot. `localhost` is looked up without it.
#[derive(Clone)]
pub struct SystemResolver {
    look_ups: Arc<LookUps>,
}

impl SystemResolver {
    /// Creates a resolver with its own limits on look-ups.
    #[must_use]
    pub fn new() -> Self {
        Self::by(|host| look_up(&absolute(host)))
    }

    /// Creates a resolver that calls `look_up` in place of `getaddrinfo`, within the same limits.
    /// The function may block its thread.
    ///
    /// ```
    /// use hookpost::os::SystemResolver;
    /// use std::net::{IpAddr, Ipv4Addr};
    ///
    /// let everything_is_here = SystemResolver::by(|_| Ok(vec![Ipv4Addr::LOCALHOST.into()]));
    /// # let _it = everything_is_here;
    /// ```
    #[must_use]
    pub fn by(look_up: impl Fn(&HostName) -> io::Result<Vec<IpAddr>> + Send + Sync + 'static) -> Self {
        Self::within(LIMITS, TURN_WAIT, Box::new(look_up))
    }

    fn within(limits: Limits, turn_wait: Duration, look_up: Box<LookUp>) -> Self {
        Self { look_ups: Arc::new(LookUps::new(look_up, limits, turn_wait)) }
    }
}

impl Default for SystemResolver {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for SystemResolver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SystemResolver").finish_non_exhaustive()
    }
}

#[async_trait]
impl Resolver for SystemResolver {
    async fn resolve(&self, host: &HostName) -> Result<Vec<IpAddr>, ResolveError> {
        self.look_ups.look_up(current_tenant(), host).await
    }
}

fn look_up(name: &str) -> io::Result<Vec<IpAddr>> {
    Ok((name, 0).to_socket_addrs()?.map(|address| address.ip()).collect())
}

fn absolute(host: &HostName) -> String {
    let name = host.as_str();
    let this_machine = name == "localhost" || name.ends_with(".localhost");
    if this_machine { name.to_owned() } else { format!("{name}.") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_absolute_but_those_of_this_machine() {
        for (name, asked) in
            [("example.com", "example.com."), ("localhost", "localhost"), ("a.localhost", "a.localhost")]
        {
            assert_eq!(absolute(&HostName::new(name).unwrap()), asked);
        }
    }

    #[tokio::test]
    async fn this_machine_resolves_to_itself() {
        let answer = SystemResolver::new().resolve(&HostName::new("localhost").unwrap()).await.unwrap();
        assert!(!answer.is_empty());
        assert!(answer.iter().all(IpAddr::is_loopback), "{answer:?}");
    }
}
