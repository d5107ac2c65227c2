//! Names by the operating system's own lookup.

use std::io;
use std::net::{IpAddr, ToSocketAddrs};
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use tokio::sync::Semaphore;
use tokio::task::spawn_blocking;
use tokio::time::timeout;

use crate::error::BoxError;
use crate::id::HostName;
use crate::seam::{ResolveError, Resolver};

/// How many lookups run at once. They block a thread each, and nothing can stop one
/// that hangs: without a bound, slow names would take every thread of the runtime's
/// blocking pool, the store's included.
const LOOKUPS: usize = 64;
/// How long a caller waits for an answer, its turn included.
const DEADLINE: Duration = Duration::from_secs(5);

/// Asks the operating system (`getaddrinfo`), at most 64 names at once and for 5 s.
///
/// Names are looked up as absolute ones, so that no search domain turns a public name
/// into a neighbour's. Those of the hosts file are found only by systems that ignore
/// the dot this needs; `localhost` is asked for without it.
#[derive(Debug, Clone)]
pub struct SystemResolver {
    turns: Arc<Semaphore>,
    deadline: Duration,
}

impl SystemResolver {
    /// A resolver with its own bound on lookups.
    #[must_use]
    pub fn new() -> Self {
        Self { turns: Arc::new(Semaphore::new(LOOKUPS)), deadline: DEADLINE }
    }
}

impl Default for SystemResolver {
    fn default() -> Self {
        Self::new()
    }
}

#[async_trait]
impl Resolver for SystemResolver {
    async fn resolve(&self, host: &HostName) -> Result<Vec<IpAddr>, ResolveError> {
        let name = absolute(host);
        let lookup = async {
            let turn = Arc::clone(&self.turns).acquire_owned().await.map_err(failed)?;
            let answers = spawn_blocking(move || {
                // The turn ends with the thread's work, not with the caller's patience.
                let _turn = turn;
                look_up(&name)
            });
            answers.await.map_err(failed)?.map_err(refusal)
        };
        match timeout(self.deadline, lookup).await {
            Ok(Ok(addresses)) if addresses.is_empty() => Err(ResolveError::NoAddress),
            Ok(answer) => answer,
            Err(_) => Err(ResolveError::Timeout),
        }
    }
}

fn failed(error: impl Into<BoxError>) -> ResolveError {
    ResolveError::Failed(error.into())
}

/// The standard library passes on what `getaddrinfo` says by text alone. These are the
/// texts for "no such name" and "no address" of glibc, musl, the BSDs, macOS and Windows.
const NO_SUCH_NAME: [&str; 6] = [
    "Name or service not known",
    "No address associated with hostname",
    "Name does not resolve",
    "Name has no usable address",
    "nodename nor servname provided, or not known",
    "No such host is known",
];

fn refusal(error: io::Error) -> ResolveError {
    let text = error.to_string();
    if NO_SUCH_NAME.iter().any(|known| text.contains(known)) {
        ResolveError::NoAddress
    } else {
        failed(error)
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

    #[test]
    fn a_definite_answer_is_told_from_a_failure() {
        let of =
            |text: &str| refusal(io::Error::other(format!("failed to lookup address information: {text}")));
        for text in NO_SUCH_NAME {
            assert!(matches!(of(text), ResolveError::NoAddress), "{text}");
        }
        for text in ["Temporary failure in name resolution", "System error", ""] {
            assert!(matches!(of(text), ResolveError::Failed(_)), "{text}");
        }
    }

    #[tokio::test]
    async fn this_machine_resolves_to_itself() {
        let answer = SystemResolver::new().resolve(&HostName::new("localhost").unwrap()).await.unwrap();
        assert!(!answer.is_empty());
        assert!(answer.iter().all(IpAddr::is_loopback), "{answer:?}");
    }

    #[tokio::test]
    async fn who_gets_no_turn_is_told_so_after_the_deadline() {
        let resolver =
            SystemResolver { turns: Arc::new(Semaphore::new(0)), deadline: Duration::from_millis(10) };
        let answer = resolver.resolve(&HostName::new("localhost").unwrap()).await;
        assert!(matches!(answer, Err(ResolveError::Timeout)));
    }
}
