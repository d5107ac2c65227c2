//! Whose names are looked up, and what mute names of one tenant cost the others: over real
//! sockets, with the system's resolver asking a function of the test's.
#![cfg(feature = "reqwest")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr};
use std::sync::{Arc, Condvar, Mutex};
use std::time::Duration;

use hookpost::async_trait;
use hookpost::backend::{ResolveError, Resolver};
use hookpost::id::HostName;
use hookpost::os::{SystemResolver, current_tenant};
use hookpost::policy::egress::{AddressPolicy, UrlPolicy};
use hookpost::stores::memory::MemoryStore;
use hookpost::testing::Receiver;
use hookpost::transports::ReqwestTransport;
use hookpost::{NewEndpoint, NewEvent, Profile, Webhooks};

const SECRET: &str = "whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=";

fn sender(resolver: impl Resolver + 'static) -> Webhooks {
    let loopback = AddressPolicy::public_only().danger_allow_loopback();
    let transport = ReqwestTransport::builder()
        .addresses(loopback.clone())
        .resolver(resolver)
        .plain_http_only()
        .build()
        .unwrap();
    let store = MemoryStore::new();
    Webhooks::builder(Arc::new(store), Arc::new(transport))
        .profile(Profile { urls: UrlPolicy::http_and_https(), ..Profile::standard() })
        .addresses(loopback)
        .build()
        .unwrap()
}

async fn register(webhooks: &Webhooks, tenant: &str, host: &str, receiver: &Receiver) {
    let url = format!("http://{host}:{}/{tenant}", receiver.address().port());
    let new = NewEndpoint::new(tenant, url, "standard").and_then(|new| new.secret(SECRET)).unwrap();
    webhooks.register(new).await.unwrap();
}

async fn publish(webhooks: &Webhooks, tenant: &str) {
    webhooks.publish(NewEvent::json(tenant, "order.paid", "{}").unwrap()).await.unwrap();
}

/// Writes down for whom each name was looked up.
#[derive(Clone, Default)]
struct Asked(Arc<Mutex<BTreeMap<String, Option<String>>>>);

#[async_trait]
impl Resolver for Asked {
    async fn resolve(&self, host: &HostName) -> Result<Vec<IpAddr>, ResolveError> {
        // What is asked after a pause, which a task of the client's may poll, counts.
        tokio::time::sleep(Duration::from_millis(1)).await;
        let tenant = current_tenant().map(|tenant| tenant.to_string());
        self.0.lock().unwrap().insert(host.to_string(), tenant);
        Ok(vec![Ipv4Addr::LOCALHOST.into()])
    }
}

#[tokio::test]
async fn a_resolver_of_the_hosts_own_knows_for_whom_it_is_asked() {
    let (receiver, asked) = (Receiver::start().await.unwrap(), Asked::default());
    let webhooks = sender(asked.clone());
    let tenants: Vec<String> = (0..20).map(|number| format!("t{number}")).collect();
    for tenant in &tenants {
        register(&webhooks, tenant, &format!("{tenant}.example"), &receiver).await;
    }
    let all_arrived = async {
        futures_util::future::join_all(tenants.iter().map(|tenant| publish(&webhooks, tenant))).await;
        drop(receiver.wait_for(tenants.len()).await);
    };
    webhooks.run(all_arrived).await.unwrap();
    let expected = tenants.iter().map(|tenant| (format!("{tenant}.example"), Some(tenant.clone())));
    assert_eq!(*asked.0.lock().unwrap(), expected.collect());
    assert_eq!(current_tenant(), None);
}

/// Names under `mute.example` hang until this is dropped.
#[derive(Default)]
struct Mute {
    hanging: Mutex<Option<usize>>,
    changed: Condvar,
}

impl Mute {
    fn look_up(&self, host: &HostName) -> Vec<IpAddr> {
        if host.as_str().ends_with(".mute.example") {
            let mut hanging = self.hanging.lock().unwrap();
            *hanging = hanging.map(|count| count + 1);
            drop(self.changed.wait_while(hanging, |hanging| hanging.is_some()).unwrap());
        }
        vec![Ipv4Addr::LOCALHOST.into()]
    }
}

struct Hanging(Arc<Mute>);

impl Hanging {
    fn count(&self) -> usize {
        self.0.hanging.lock().unwrap().unwrap_or_default()
    }
}

impl Drop for Hanging {
    fn drop(&mut self) {
        *self.0.hanging.lock().unwrap() = None;
        self.0.changed.notify_all();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn names_that_never_answer_keep_no_other_tenant_waiting() {
    let mute = Hanging(Arc::new(Mute { hanging: Mutex::new(Some(0)), ..Mute::default() }));
    let names = Arc::clone(&mute.0);
    let resolver = SystemResolver::by(move |host| Ok(names.look_up(host)));
    let receiver = Receiver::start().await.unwrap();
    // More of them are asked for than may be looked up, before the engine asks for any.
    let mallory = |number: usize| HostName::new(format!("n{number}.mute.example")).unwrap();
    for number in 0..200 {
        let resolver = resolver.clone();
        tokio::spawn(async move { resolver.resolve(&mallory(number)).await });
    }
    while mute.count() < 64 {
        tokio::task::yield_now().await;
    }
    let webhooks = sender(resolver);
    for number in 0..300 {
        register(&webhooks, "mallory", mallory(number).as_str(), &receiver).await;
    }
    for victim in ["first", "second"] {
        register(&webhooks, victim, "victim.example", &receiver).await;
    }
    let arrived = async {
        publish(&webhooks, "mallory").await;
        for (count, victim) in [(1, "first"), (2, "second")] {
            publish(&webhooks, victim).await;
            let paths: Vec<_> =
                receiver.wait_for(count).await.iter().map(|request| request.path().to_owned()).collect();
            assert_eq!(paths[count - 1], format!("/{victim}"));
        }
    };
    tokio::select! {
        ended = webhooks.run(std::future::pending::<()>()) => ended.unwrap(),
        () = arrived => {}
        () = tokio::time::sleep(Duration::from_secs(30)) => panic!("they wait for mallory's names"),
    }
    let failed = webhooks.stats(Some(&"first".parse().unwrap())).await.unwrap().failed;
    assert_eq!(failed, 0);
}
