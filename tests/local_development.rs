//! One switch for receivers on this machine and in private networks.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod sqlite_file;

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use hookpost::backend::Backend;
use hookpost::id::{EndpointId, TenantId};
use hookpost::os::SystemClock;
use hookpost::policy::egress::{AddressPolicy, EndpointUrl, UrlPolicy};
use hookpost::stores::memory::MemoryStore;
use hookpost::stores::sqlite::SqliteStore;
use hookpost::testing::{Receiver, ScriptedTransport};
use hookpost::{NewEndpoint, NewEvent, Profile, Webhooks};
use sqlite_file::TempFile;

const SECRET: &str = "whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=";
const LOCAL: [&str; 8] = [
    "http://receiver:8080/hooks",
    "https://receiver/hooks",
    "http://localhost:3000/",
    "http://my-receiver-1/",
    "http://host.docker.internal:81/",
    "http://127.0.0.1:9/",
    "http://172.18.0.2/",
    "http://[::1]:8080/",
];

fn memory() -> Arc<dyn Backend> {
    Arc::new(MemoryStore::new())
}

fn endpoint(id: &str, url: &str, profile: &str) -> NewEndpoint {
    NewEndpoint::new("acme", url, profile).unwrap().id(id).unwrap().secret(SECRET).unwrap()
}

#[tokio::test]
async fn every_profile_takes_local_urls_where_the_switch_is_set_and_none_where_it_is_not() {
    let local = Webhooks::danger_local(memory()).unwrap().profile(Profile::slack());
    let local = local.profile(Profile::x_webhook()).build().unwrap();
    let transport = Arc::new(ScriptedTransport::new(Arc::new(SystemClock::new())));
    let public = Webhooks::builder(memory(), transport)
        .profiles(hookpost::Profile::systems())
        .profile(Profile::slack())
        .build()
        .unwrap();
    for (profile, named) in [("standard", "s"), ("x_webhook", "x"), ("slack", "c")] {
        for (number, url) in LOCAL.into_iter().enumerate() {
            let id = format!("{named}-{number}");
            assert!(public.register(endpoint(&id, url, profile)).await.is_err(), "{profile}: {url}");
            let registered = local.register(endpoint(&id, url, profile)).await;
            assert!(registered.is_ok(), "{profile}: {url}: {:?}", registered.err());
        }
    }
}

#[tokio::test]
async fn a_name_of_one_label_is_read_back_from_a_file() {
    let file = TempFile::new();
    let open = || Arc::new(SqliteStore::open(file.path()).unwrap());
    let webhooks = Webhooks::danger_local(open()).unwrap().build().unwrap();
    webhooks.register(endpoint("e", LOCAL[0], "standard")).await.unwrap();
    drop(webhooks);
    let again = Webhooks::danger_local(open()).unwrap().build().unwrap();
    let (tenant, id): (TenantId, EndpointId) = ("acme".parse().unwrap(), "e".parse().unwrap());
    let read = again.endpoint(&tenant, &id).await.unwrap().unwrap();
    assert_eq!(read.url.expose(), LOCAL[0]);

    // Without the switch it stays where it is and gets nothing.
    let transport = Arc::new(ScriptedTransport::new(Arc::new(SystemClock::new())));
    let public =
        Webhooks::builder(open(), transport.clone()).profiles(hookpost::Profile::systems()).build().unwrap();
    public.publish(NewEvent::json("acme", "order.paid", "{}").unwrap()).await.unwrap();
    for _ in 0..3 {
        public.tick().await.unwrap();
    }
    assert!(transport.exchanges().is_empty());
}

#[tokio::test]
async fn an_event_reaches_a_receiver_on_this_machine_by_its_name() {
    let receiver = Receiver::start().await.unwrap();
    let port = receiver.address().port();
    let webhooks = Webhooks::danger_local(memory()).unwrap().build().unwrap();
    webhooks.register(endpoint("e", &format!("http://localhost:{port}/hooks"), "standard")).await.unwrap();
    webhooks.publish(NewEvent::json("acme", "order.paid", "{}").unwrap()).await.unwrap();
    tokio::time::timeout(Duration::from_secs(30), async {
        while receiver.requests().is_empty() {
            webhooks.tick().await.unwrap();
        }
    })
    .await
    .unwrap();
}

#[test]
fn without_the_switch_a_name_of_one_label_stays_refused() {
    for policy in [UrlPolicy::https_only(), UrlPolicy::http_and_https()] {
        for url in ["https://receiver/", "https://com/", "https://a:8443/x", "https://localhost/"] {
            assert!(EndpointUrl::parse(url, &policy).is_err(), "{url}");
        }
    }
    let error = EndpointUrl::parse("https://receiver/", &UrlPolicy::https_only()).unwrap_err();
    assert!(error.to_string().starts_with("host must be a full name of at least two labels; "), "{error}");
    for odd in ["http://0x7f/", "http://127/", "http://-a/", "http://a_b/", "http://a./", "http:///"] {
        let local = UrlPolicy::http_and_https().danger_allow_local();
        assert!(EndpointUrl::parse(odd, &local).is_err(), "{odd}");
    }
}

#[test]
fn the_switch_opens_private_networks_and_not_where_clouds_keep_credentials() {
    let local = AddressPolicy::public_only().danger_allow_local();
    for (address, open) in [
        ("127.0.0.1", true),
        ("10.1.2.3", true),
        ("172.31.255.255", true),
        ("192.168.65.254", true),
        ("::1", true),
        ("fd00:ec2::254", false),
        ("fd20:ce::254", false),
        ("::ffff:10.0.0.1", true),
        ("8.8.8.8", true),
        ("169.254.169.254", false),
        ("172.32.0.1", true),
        ("0.0.0.0", false),
        ("100.64.0.1", false),
        ("224.0.0.1", false),
        ("fe80::1", false),
        ("255.255.255.255", false),
    ] {
        assert_eq!(local.judge(address.parse::<IpAddr>().unwrap()).is_ok(), open, "{address}");
    }
    let denied = local.deny("10.0.0.0/8".parse().unwrap());
    assert!(denied.judge("10.1.2.3".parse().unwrap()).is_err(), "what is denied stays so");
}
