//! The resolver that the client uses: it returns only checked addresses.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use tokio::time::timeout;

use crate::backend::{ResolveError, Resolver};
use crate::error::BoxError;
use crate::id::HostName;
use crate::os::{current_tenant, on_behalf_of};
use crate::policy::egress::AddressPolicy;

/// How many addresses of a name are tried.
const TRIED: usize = 3;

/// Checks every answer of a resolver. There is no second look-up between check and connection,
/// so the addresses of a name cannot change in between.
pub(super) struct Guard {
    pub(super) resolver: Arc<dyn Resolver>,
    pub(super) addresses: Arc<AddressPolicy>,
    /// Shorter than the connect timeout, which also covers the look-up: so a name that does
    /// not resolve in time is distinguished from a peer that does not answer.
    pub(super) deadline: Duration,
}

impl Resolve for Guard {
    fn resolve(&self, name: Name) -> Resolving {
        let (resolver, addresses, deadline) =
            (Arc::clone(&self.resolver), Arc::clone(&self.addresses), self.deadline);
        // The client calls this within the request, and may go on with a connection that it
        // has begun to make in a task of its own.
        let tenant = current_tenant();
        Box::pin(async move {
            let host = HostName::new(name.as_str())?;
            let answers = on_behalf_of(tenant, timeout(deadline, resolver.resolve(&host)));
            let answers = answers.await.map_err(|_| ResolveError::Timeout)??;
            let judged = admit(&answers, &addresses)?;
            // Port 0 stands for the one in the URL.
            let sockets: Addrs = Box::new(judged.into_iter().map(|address| SocketAddr::new(address, 0)));
            Ok(sockets)
        })
    }
}

/// The addresses to try: none if one of them is forbidden, however many are not.
fn admit(answers: &[IpAddr], policy: &AddressPolicy) -> Result<Vec<IpAddr>, BoxError> {
    if answers.is_empty() {
        return Err(ResolveError::NoAddress.into());
    }
    answers.iter().try_for_each(|&address| policy.judge(address))?;
    Ok(few_of_both_families(answers))
}

/// The first few addresses, with at least one of the other IP family: if one family has no
/// route, a name with many such addresses can still be reached by the other.
fn few_of_both_families(answers: &[IpAddr]) -> Vec<IpAddr> {
    let leading_is_v6 = answers.first().is_some_and(IpAddr::is_ipv6);
    let mut few: Vec<IpAddr> = answers.iter().copied().take(TRIED).collect();
    let other = answers.iter().find(|address| address.is_ipv6() != leading_is_v6);
    if few.iter().all(|address| address.is_ipv6() == leading_is_v6)
        && let (Some(&other), Some(last)) = (other, few.last_mut())
    {
        *last = other;
    }
    few
}

#[cfg(test)]
mod tests {
    use async_trait::async_trait;
    use tokio::task::yield_now;

    use super::*;
    use crate::id::TenantId;
    use crate::policy::egress::ForbiddenAddress;

    fn addresses(texts: &[&str]) -> Vec<IpAddr> {
        texts.iter().map(|text| text.parse().unwrap()).collect()
    }

    #[test]
    fn one_forbidden_answer_refuses_the_whole_lookup() {
        let policy = AddressPolicy::public_only();
        assert_eq!(admit(&addresses(&["8.8.8.8"]), &policy).unwrap(), addresses(&["8.8.8.8"]));
        for answers in [
            ["8.8.8.8", "127.0.0.1"],
            ["127.0.0.1", "8.8.8.8"],
            ["8.8.8.8", "::1"],
            ["2606:4700:4700::1111", "169.254.169.254"],
            ["8.8.8.8", "::ffff:10.0.0.1"],
        ] {
            assert!(
                admit(&addresses(&answers), &policy).unwrap_err().is::<ForbiddenAddress>(),
                "{answers:?}"
            );
        }
        let mut many = vec!["8.8.8.8"; 500];
        many.push("10.0.0.1");
        assert!(admit(&addresses(&many), &policy).is_err(), "one that would not be tried counts too");
    }

    /// Takes a while, and is asked for one tenant's names alone.
    struct OnlyFor(TenantId);

    #[async_trait]
    impl Resolver for OnlyFor {
        async fn resolve(&self, _: &HostName) -> Result<Vec<IpAddr>, ResolveError> {
            yield_now().await;
            assert_eq!(current_tenant().as_ref(), Some(&self.0));
            Ok(addresses(&["8.8.8.8"]))
        }
    }

    #[tokio::test]
    async fn a_look_up_that_the_client_goes_on_with_in_another_task_still_knows_its_tenant() {
        let tenant = TenantId::new("acme").unwrap();
        let guard = Guard {
            resolver: Arc::new(OnlyFor(tenant.clone())),
            addresses: Arc::new(AddressPolicy::public_only()),
            deadline: Duration::from_secs(60),
        };
        let mut elsewhere = None;
        on_behalf_of(Some(tenant), async {
            elsewhere = Some(tokio::spawn(guard.resolve("a.example".parse().unwrap())));
        })
        .await;
        assert_eq!(elsewhere.unwrap().await.unwrap().unwrap().count(), 1);
    }

    #[test]
    fn no_answer_is_a_failed_lookup() {
        let error = admit(&[], &AddressPolicy::public_only()).unwrap_err();
        assert!(matches!(error.downcast_ref(), Some(ResolveError::NoAddress)));
    }

    #[test]
    fn three_addresses_are_tried_and_both_families_are_among_them() {
        let rows: [(&[&str], &[&str]); 5] = [
            (&["1.1.1.1"], &["1.1.1.1"]),
            (&["1.1.1.1", "1.1.1.2", "1.1.1.3", "1.1.1.4"], &["1.1.1.1", "1.1.1.2", "1.1.1.3"]),
            (&["2600::1", "2600::2", "2600::3", "1.1.1.1"], &["2600::1", "2600::2", "1.1.1.1"]),
            (&["1.1.1.1", "2600::1", "1.1.1.2", "2600::2"], &["1.1.1.1", "2600::1", "1.1.1.2"]),
            (&["2600::1", "1.1.1.1"], &["2600::1", "1.1.1.1"]),
        ];
        for (answers, tried) in rows {
            assert_eq!(few_of_both_families(&addresses(answers)), addresses(tried));
        }
    }
}
