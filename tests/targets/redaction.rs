//! A URL that is a credential never shows.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use hookpost::backend::Transport;
use hookpost::notice::Notice;
use hookpost::policy::egress::{AddressPolicy, EndpointUrl, UrlPolicy};
use hookpost::policy::outcome::{NotSent, Outcome, Unknown};
use hookpost::profile::{Occasion, Request};
use hookpost::stores::memory::MemoryStore;
use hookpost::testing::{Answer, Receiver};
use hookpost::transports::ReqwestTransport;
use hookpost::{NewEndpoint, NewEvent, Profile, Webhooks};

use super::scene::{ROUTING_KEY, at, event, targets};
use super::world::acme;

/// Says how each request prints, and sends none.
#[derive(Default)]
struct Printing {
    printed: Mutex<Vec<String>>,
    outcomes: Mutex<Vec<Outcome>>,
}

#[hookpost::async_trait]
impl Transport for Printing {
    async fn send(&self, request: Request) -> (Outcome, Duration) {
        let printed = format!("{request:?} {request:#?}");
        self.printed.lock().unwrap().push(printed);
        let outcome = self.outcomes.lock().unwrap().pop().unwrap_or(Outcome::NotSent(NotSent::Refused));
        (outcome, Duration::ZERO)
    }
}

fn canaries(text: &str) -> Vec<&str> {
    text.split_whitespace().filter(|word| word.to_lowercase().contains("canary")).collect()
}

#[tokio::test]
async fn ft11_nothing_that_tells_of_a_failing_send_shows_more_than_the_host() {
    for (profile, url) in targets() {
        let name = profile.name.to_string();
        let transport = Arc::new(Printing::default());
        let failures = [
            Outcome::NotSent(NotSent::Tls),
            Outcome::Unknown(Unknown::Timeout),
            Outcome::Response(super::scene::answer(500, &[], "")),
        ];
        transport.outcomes.lock().unwrap().extend(failures);
        let heard = Arc::new(Mutex::new(Vec::new()));
        let log = Arc::clone(&heard);
        let store = Arc::new(MemoryStore::new());
        let host = EndpointUrl::from_stored(url).unwrap().host().to_string();
        let site = host.rmatch_indices('.').nth(1).map_or(&*host, |(dot, _)| &host[dot..]);
        let webhooks = Webhooks::builder(store, transport.clone())
            .observer(Arc::new(move |notice: &Notice<'_>| log.lock().unwrap().push(format!("{notice:?}"))))
            .profile(profile)
            .build()
            .unwrap();
        let new = NewEndpoint::new("acme", url, &name).unwrap().id("e-1").unwrap().secret(ROUTING_KEY);
        let new =
            if name == "pagerduty" { new.unwrap() } else { NewEndpoint::new("acme", url, &name).unwrap() };
        let mut said = vec![format!("{new:?} {new:#?}"), format!("{webhooks:?}")];
        let endpoint = webhooks.register(new).await.unwrap();
        said.push(format!("{endpoint:?} {endpoint:#?}"));
        webhooks.publish(NewEvent::json("acme", "order.paid", "{}").unwrap()).await.unwrap();
        for _ in 0..4 {
            said.push(format!("{:?}", webhooks.tick().await));
        }
        let report = webhooks.test(&acme(), &endpoint.id).await;
        said.push(format!("{report:?}"));
        let page = hookpost::history::PageAfter::first(10);
        let found =
            webhooks.deliveries(&acme(), hookpost::history::Selection::default(), page).await.unwrap();
        for delivery in &found.deliveries {
            said.push(format!("{delivery:?} {:?}", webhooks.attempts(&acme(), &delivery.id).await.unwrap()));
        }
        let printed = transport.printed.lock().unwrap().clone();
        assert!(!printed.is_empty() && printed.iter().all(|request| request.contains(site)), "{printed:?}");
        said.extend(printed);
        said.extend(heard.lock().unwrap().clone());
        for text in &said {
            assert_eq!(canaries(text), [""; 0], "{name}");
        }
    }
}

#[test]
fn no_credential_in_a_hosts_first_label_and_no_payload_prints() {
    let shown = |url: &str| format!("{:?}", EndpointUrl::parse(url, &UrlPolicy::https_only()).unwrap());
    assert_eq!(
        shown("https://canary4711.m.pipedream.example/x"),
        "EndpointUrl(https://….pipedream.example/…)"
    );
    assert_eq!(shown("https://acme.example/canary"), "EndpointUrl(https://acme.example/…)");
    assert_eq!(shown("https://8.8.8.8/canary"), "EndpointUrl(https://8.8.8.8/…)");
    let new = NewEvent::json("acme", "order.paid", r#"{"card":"canary"}"#).unwrap();
    assert_eq!(canaries(&format!("{new:?} {:?}", event("bl_02_message_received"))), [""; 0]);
    assert!(format!("{new:?}").contains("payload_bytes: 17"));
}

#[test]
fn ft11_neither_a_written_body_nor_a_refused_url_prints_a_credential() {
    for (profile, url) in targets() {
        let rendered = profile.envelope.render(&event("bl_02_message_received"), &at(url), Occasion::Event);
        assert_eq!(canaries(&format!("{rendered:?}")), [""; 0], "{}", profile.name);
        for bad in [format!("{url}#x"), url.replace("https://", "https://canary@"), format!("{url}\\")] {
            let error = EndpointUrl::parse(&bad, &UrlPolicy::https_only()).unwrap_err();
            assert_eq!(canaries(&format!("{error} {error:?}")), [""; 0]);
        }
    }
}

#[tokio::test]
async fn ft11_a_send_that_fails_on_a_real_socket_says_nothing_of_its_path() {
    let addresses = AddressPolicy::public_only().danger_allow_loopback();
    let transport =
        ReqwestTransport::builder().addresses(addresses.clone()).plain_http_only().build().unwrap();
    let receiver = Receiver::start().await.unwrap();
    receiver.always(Answer::reset());
    let heard = Arc::new(Mutex::new(Vec::new()));
    let log = Arc::clone(&heard);
    let store = Arc::new(MemoryStore::new());
    let slack = Profile { urls: UrlPolicy::http_and_https(), ..Profile::slack() };
    let webhooks = Webhooks::builder(store, Arc::new(transport))
        .addresses(addresses)
        .observer(Arc::new(move |notice: &Notice<'_>| log.lock().unwrap().push(format!("{notice:?}"))))
        .profile(slack)
        .build()
        .unwrap();
    let url = receiver.url("/services/T0/B0/canary?token=canary");
    let endpoint = webhooks.register(NewEndpoint::new("acme", url, "slack").unwrap()).await.unwrap();
    let report = webhooks.test(&acme(), &endpoint.id).await.unwrap();
    webhooks.publish(NewEvent::json("acme", "order.paid", "{}").unwrap()).await.unwrap();
    let tick = webhooks.tick().await.unwrap();
    let said = format!("{report:?} {tick:?} {endpoint:?} {:?}", heard.lock().unwrap());
    assert!(!report.success && said.contains("127.0.0.1"));
    assert_eq!(canaries(&said), [""; 0]);
}
