//! What an operator and an embedder rely on: history, shutdown, capacity, limits,
//! dropped futures, suspects, retention, and that no secret is printed.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod world;

use std::num::NonZeroU32;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use hookpost::backend::Clock;
use hookpost::delivery::{AttemptResult, FailReason, Gate, State};
use hookpost::history::{Class, Disabled, LaneStatus, PageAfter, Selection, StateFilter};
use hookpost::policy::outcome::{NotSent, Unknown};
use hookpost::stores::memory::MemoryStore;
use hookpost::testing::{Behaviour, Reply, ScriptedTransport, VirtualClock};
use hookpost::transports::ReqwestTransport;
use hookpost::webhooks::RunError;
use hookpost::{Headers, NewEndpoint, NewEvent, Overrides, PublishError, Webhooks};
use world::{START, World, acme, endpoint, hours, id, url};

impl World {
    async fn queue(&self, of: &str) -> LaneStatus {
        self.webhooks.queue(&acme(), &id(of)).await.unwrap().unwrap()
    }
}

const DELIVERED: State = State::Delivered { confirmed: true };

#[tokio::test(start_paused = true)]
async fn fg2_each_attempt_is_in_the_history_with_its_time_result_and_body() {
    let world = World::new();
    world.endpoint("e", "live_session").await;
    let busy = Reply::status(503).body("x".repeat(5000)).after(Duration::from_millis(250));
    world.transport.otherwise(Behaviour::sequence([
        busy,
        Reply::reset(),
        Reply::not_sent(NotSent::Refused),
        Reply::status(302).body("not kept"),
        Reply::ok(),
    ]));
    world.publish("k").await;
    world.run_for(Duration::from_secs(30)).await;
    let pending = world.deliveries().await[0].clone();
    assert_eq!((pending.state, pending.attempts), (State::Pending, 1));
    assert_eq!(pending.due_at, Some(START + Duration::from_millis(60_250)));
    world.run_for(hours(1)).await;

    let delivery = world.deliveries().await[0].clone();
    assert_eq!((delivery.state, delivery.attempts, delivery.due_at), (DELIVERED, 5, None));
    let log = world.webhooks.attempts(&acme(), &delivery.id).await.unwrap().unwrap();
    let status = |code| AttemptResult::Status(http::StatusCode::from_u16(code).unwrap());
    let seen: Vec<_> = log.attempts.iter().map(|a| (a.number, a.attempt.result, a.attempt.success)).collect();
    assert_eq!(
        seen,
        [
            (1, status(503), false),
            (2, AttemptResult::Unknown(Unknown::Reset), false),
            (3, AttemptResult::NotSent(NotSent::Refused), false),
            (4, status(302), false),
            (5, status(200), true),
        ]
    );
    assert_eq!(log.attempts[0].attempt.took, Duration::from_millis(250));
    assert!(log.attempts[0].attempt.body.len() <= 1024 && !log.attempts[0].attempt.body.is_empty());
    assert!(log.attempts[3].attempt.body.is_empty(), "nothing is kept of a redirect");
}

#[tokio::test(start_paused = true)]
async fn no_more_requests_are_in_flight_than_the_engine_has_slots() {
    let world = World::with(|builder| builder.concurrency(4));
    let tenants = ["one", "two", "three"];
    for tenant in tenants {
        let new = NewEndpoint::new(tenant, url(tenant), "standard")
            .and_then(|new| new.secret("whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY="));
        world.webhooks.register(new.unwrap()).await.unwrap();
    }
    world.transport.otherwise(Reply::ok().after(Duration::from_millis(10)));
    for tenant in tenants.iter().cycle().take(150) {
        world.webhooks.publish(NewEvent::json(tenant, "k", "{}").unwrap()).await.unwrap();
    }
    world.run_for(Duration::from_secs(10)).await;
    let sent = world.sent();
    let in_flight_at = |moment| {
        let begun = sent.iter().filter(|exchange| exchange.began_at <= moment);
        begun.filter(|exchange| exchange.ended_at.is_none_or(|ended| ended > moment)).count()
    };
    let most = sent.iter().map(|exchange| in_flight_at(exchange.began_at)).max();
    assert_eq!((sent.len(), most), (150, Some(4)));
}

#[tokio::test(start_paused = true)]
async fn fg6_shutdown_lets_what_is_in_flight_end_and_gives_the_rest_back() {
    let world = World::with(|builder| builder.concurrency(100));
    let wide = Overrides::none().width(NonZeroU32::new(200).unwrap()).unwrap();
    world.webhooks.register(endpoint("e", "live_session").overrides(wide)).await.unwrap();
    world.transport.otherwise(Reply::ok().after(Duration::from_secs(5)));
    for _ in 0..300 {
        world.publish("k").await;
    }
    world.run_for(Duration::from_secs(1)).await;
    let sent = world.sent().len();
    // A new endpoint's lane is doubtful: half of the slots, and half of them for one tenant.
    assert_eq!(sent, 25);
    let stats = world.webhooks.stats(None).await.unwrap();
    assert_eq!((stats.delivered, stats.pending), (sent as u64, 300 - sent as u64));
    assert_eq!(stats.oldest_due, Some(START), "what waited is due as before, not after a lease");
    world.run_for(hours(1)).await;
    assert_eq!(world.sent().len(), 300, "nothing was sent twice");
}

#[tokio::test(start_paused = true)]
async fn fg6_after_the_grace_shutdown_cuts_and_records_what_may_have_arrived() {
    let world = World::with(|builder| builder.shutdown_grace(Duration::from_secs(2)));
    world.endpoint("e", "live_session").await;
    world.transport.otherwise(Behaviour::sequence([Reply::hang(), Reply::ok()]));
    world.publish("k").await;
    let began = tokio::time::Instant::now();
    world.run_for(Duration::from_secs(1)).await;
    assert!(began.elapsed() <= Duration::from_secs(4), "{:?}", began.elapsed());
    let delivery = world.deliveries().await[0].clone();
    assert_eq!((delivery.state, delivery.attempts), (State::Pending, 0), "a cut burns no attempt");
    let log = world.webhooks.attempts(&acme(), &delivery.id).await.unwrap().unwrap();
    assert_eq!(log.attempts[0].attempt.result, AttemptResult::Unknown(Unknown::Aborted));
    world.run_for(Duration::from_secs(5)).await;
    assert_eq!(world.states().await, [DELIVERED]);
}

#[tokio::test(start_paused = true)]
async fn fg7_a_full_store_says_so_and_keeps_nothing_of_what_it_refused() {
    let clock = Arc::new(VirtualClock::starting_at(START));
    let store = Arc::new(MemoryStore::with_capacity(clock.clone(), 3));
    let transport = Arc::new(ScriptedTransport::new(clock.clone()));
    let webhooks = Webhooks::builder(store, transport)
        .profiles(hookpost::Profile::systems())
        .clock(clock)
        .build()
        .unwrap();
    webhooks.register(endpoint("e", "live_session")).await.unwrap();
    let event = |n: u32| NewEvent::json("acme", "k", "{}").unwrap().id(format!("e{n}")).unwrap();
    for n in 0..3 {
        webhooks.publish(event(n)).await.unwrap();
    }
    assert!(matches!(webhooks.publish(event(3)).await, Err(PublishError::Full { limit: 3 })));
    let fourth = "e3".parse().unwrap();
    assert!(webhooks.event(&acme(), &fourth).await.unwrap().is_none());
}

#[tokio::test(start_paused = true)]
async fn fg9_an_oversized_payload_is_refused_with_its_size_and_the_limit() {
    let world = World::with(|builder| builder.payload_max(10));
    let event = |text: &str| NewEvent::json("acme", "k", text.to_owned()).unwrap();
    let error = world.webhooks.publish(event("\"1234567890\"")).await.unwrap_err();
    assert_eq!(error.to_string(), "payload: must be at most 10 bytes (got 12)");
    assert_eq!(world.webhooks.stats(None).await.unwrap().unrouted, 0);
    assert!(world.webhooks.publish(event("\"12345678\"")).await.is_ok());
}

/// Waits for a future without any runtime.
fn block_on<T>(what: impl Future<Output = T>) -> T {
    let mut what = std::pin::pin!(what);
    loop {
        if let Poll::Ready(done) = what.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
            return done;
        }
    }
}

#[test]
fn an_engine_without_a_runtime_is_an_error_and_no_panic() {
    let world = World::new();
    let run = || world.webhooks.run(std::future::ready(()));
    assert_eq!(block_on(run()), Err(RunError::NoRuntime));
    let without_a_timer = tokio::runtime::Builder::new_current_thread().build().unwrap();
    assert_eq!(without_a_timer.block_on(run()), Err(RunError::NoRuntime));
    let whole = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    assert_eq!(whole.block_on(run()), Ok(()), "the handle can still be run");
}

#[test]
fn a_round_without_a_runtime_is_our_own_fault_and_no_attempt() {
    let clock = Arc::new(hookpost::os::SystemClock::new());
    let transport = ReqwestTransport::builder().plain_http_only().danger_allow_local().build().unwrap();
    let webhooks = Webhooks::builder(Arc::new(MemoryStore::with_clock(clock)), Arc::new(transport))
        .profiles(hookpost::Profile::systems());
    let webhooks = webhooks.danger_allow_local().build().unwrap();
    block_on(async {
        let new = NewEndpoint::new("acme", "http://127.0.0.1:9/", "x_webhook").unwrap();
        webhooks.register(new).await.unwrap();
        webhooks.publish(NewEvent::json("acme", "k", "{}").unwrap()).await.unwrap();
        webhooks.tick().await.unwrap();
        let page = PageAfter::first(10);
        let deliveries = webhooks.deliveries(&acme(), Selection::default(), page).await.unwrap().deliveries;
        assert_eq!((deliveries[0].state, deliveries[0].attempts), (State::Pending, 0));
    });
}

#[test]
fn fg10_tick_works_under_a_hosts_own_block_on_without_any_runtime() {
    #[derive(Debug)]
    struct AtOnce;
    #[hookpost::async_trait]
    impl hookpost::backend::Transport for AtOnce {
        async fn send(
            &self,
            _: hookpost::profile::Request,
        ) -> (hookpost::policy::outcome::Outcome, Duration) {
            let response = hookpost::policy::outcome::Response {
                status: http::StatusCode::NO_CONTENT,
                headers: http::HeaderMap::new(),
                body: bytes::Bytes::new(),
                cut: false,
            };
            (hookpost::policy::outcome::Outcome::Response(response), Duration::ZERO)
        }
    }
    let clock = Arc::new(hookpost::os::SystemClock::new());
    let webhooks = Webhooks::builder(Arc::new(MemoryStore::with_clock(clock)), Arc::new(AtOnce))
        .profiles(hookpost::Profile::systems())
        .build()
        .unwrap();
    block_on(async {
        webhooks.register(endpoint("e", "standard")).await.unwrap();
        for _ in 0..5 {
            webhooks.publish(NewEvent::json("acme", "k", "{}").unwrap()).await.unwrap();
        }
        let tick = webhooks.tick().await.unwrap();
        assert_eq!((tick.claimed, tick.sent, tick.succeeded), (5, 5, 5));
        assert_eq!(webhooks.tick().await.unwrap().next_due, None, "nothing is left to come back for");
    });
}

#[tokio::test(start_paused = true)]
async fn publishing_again_under_one_id_or_key_adds_nothing_and_other_content_is_refused() {
    let world = World::new();
    world.endpoint("e", "live_session").await;
    let event =
        |text: &str| NewEvent::json("acme", "k", text.to_owned()).unwrap().idempotency_key("key-1").unwrap();
    let first = world.webhooks.publish(event("1")).await.unwrap();
    assert_eq!(world.webhooks.publish(event("1")).await.unwrap(), first);
    match world.webhooks.publish(event("2")).await {
        Err(PublishError::KeyReused { id }) => assert_eq!(id, first),
        other => panic!("{other:?}"),
    }
    world.run_for(Duration::from_secs(5)).await;
    assert_eq!(world.sent().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn an_engine_that_is_dropped_mid_flight_loses_nothing() {
    let world = World::new();
    world.endpoint("e", "live_session").await;
    world.transport.otherwise(Behaviour::sequence([Reply::hang(), Reply::ok()]));
    world.publish("k").await;
    let dropped =
        tokio::time::timeout(Duration::from_secs(1), world.webhooks.run(std::future::pending::<()>())).await;
    assert!(dropped.is_err());
    assert_eq!(world.states().await, [State::Pending]);
    world.run_for(Duration::from_secs(60)).await;
    let delivery = world.deliveries().await[0].clone();
    assert_eq!((delivery.state, delivery.attempts), (DELIVERED, 1));
    let log = world.webhooks.attempts(&acme(), &delivery.id).await.unwrap().unwrap();
    assert_eq!(log.silent.len(), 1, "the lease that ended without a word is kept");
}

#[tokio::test(start_paused = true)]
async fn a_delivery_that_kills_each_process_is_given_up_and_the_others_arrive() {
    let world = World::new();
    world.endpoint("e", "live_session").await;
    world.endpoint("poison", "live_session").await;
    world.transport.at(world::url("poison"), Reply::hang());
    world.publish("k").await;
    for _ in 0..10 {
        // The process dies whenever it is sending the poison: a dropped run is a death.
        let seen = world.sent_to("poison").len();
        let death = async {
            while world.sent_to("poison").len() == seen {
                world.transport.wait_for(world.sent().len() + 1).await;
            }
        };
        tokio::select! {
            () = death => {}
            _ = world.webhooks.run(tokio::time::sleep(Duration::from_secs(600))) => {}
        }
    }
    let states = world.states().await;
    assert!(states.contains(&State::Failed(FailReason::Abandoned)), "{states:?}");
    assert!(states.contains(&DELIVERED), "{states:?}");
    let poison = world.sent_to("poison").len();
    assert_eq!(poison, 5, "two deaths in company and three alone");
}

#[tokio::test(start_paused = true)]
async fn a_panicking_transport_costs_an_attempt_and_nothing_else() {
    let world = World::new();
    world.endpoint("e", "live_session").await;
    world.endpoint("f", "live_session").await;
    world.transport.at(
        world::url("e"),
        Behaviour::by(|_, before| if before == 0 { panic!("canary") } else { Reply::ok() }),
    );
    world.publish("k").await;
    world.run_for(hours(1)).await;
    assert_eq!(world.states().await, [DELIVERED, DELIVERED]);
}

#[tokio::test(start_paused = true)]
async fn each_class_is_kept_as_long_as_it_is_set_and_what_is_pending_for_ever() {
    let kept = [(Class::Delivered, 1), (Class::Failed, 2), (Class::Cancelled, 3), (Class::Unmatched, 4)];
    let world = World::with(|builder| {
        kept.into_iter().fold(builder, |builder, (class, days)| builder.keep(class, hours(24 * days)))
    });
    world.endpoint("ok", "x_webhook").await;
    world.endpoint("down", "x_webhook").await;
    world.endpoint("cancelled", "live_session").await;
    world.endpoint("paused", "standard").await;
    world.transport.at(world::url("down"), Reply::status(500));
    for name in ["cancelled", "paused"] {
        world.webhooks.pause(&acme(), &id(name)).await.unwrap();
    }
    let unmatched = NewEvent::json("nobody", "k", "{}").unwrap();
    let unmatched = world.webhooks.publish(unmatched).await.unwrap();
    world.publish("k").await;
    world.run_for(hours(1)).await;
    world.webhooks.purge(&acme(), &id("cancelled"), PageAfter::first(10)).await.unwrap();
    world.run_for(hours(1)).await;
    let nobody = "nobody".parse().unwrap();
    let mut left = Vec::new();
    for _ in 0..5 {
        let stats = world.webhooks.stats(None).await.unwrap();
        let event = world.webhooks.event(&nobody, &unmatched).await.unwrap().is_some();
        left.push((stats.delivered, stats.failed, stats.cancelled, event, stats.pending));
        world.run_for(hours(24)).await;
    }
    assert_eq!(
        left,
        [(1, 1, 1, true, 1), (0, 1, 1, true, 1), (0, 0, 1, true, 1), (0, 0, 0, true, 1), (0, 0, 0, false, 1)]
    );
}

#[tokio::test(start_paused = true)]
async fn a_second_engine_of_one_handle_is_refused_and_a_later_one_is_not() {
    let world = World::new();
    let (webhooks, second) = (world.webhooks.clone(), world.webhooks.clone());
    let first = tokio::spawn(async move { webhooks.run(tokio::time::sleep(Duration::from_secs(5))).await });
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert!(second.run(std::future::ready(())).await.is_err());
    first.await.unwrap().unwrap();
    second.run(std::future::ready(())).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn dead_letters_are_a_view_with_their_reasons_in_pages() {
    let world = World::new();
    world.endpoint("e", "x_webhook").await;
    world.transport.otherwise(Reply::status(500));
    for _ in 0..25 {
        world.publish("k").await;
    }
    world.run_for(hours(24)).await;
    let dead =
        Selection { state: Some(StateFilter::Failed(Some(FailReason::Exhausted))), ..Selection::default() };
    let (mut page, mut sizes) = (PageAfter::first(10), Vec::new());
    loop {
        let found = world.webhooks.deliveries(&acme(), dead.clone(), page).await.unwrap();
        sizes.push(found.deliveries.len());
        page.after = found.more_after;
        if page.after.is_none() {
            break;
        }
    }
    assert_eq!(sizes.iter().sum::<usize>(), 25, "{sizes:?}");
    assert!(sizes.iter().all(|size| *size <= 10));
}

#[tokio::test(start_paused = true)]
async fn the_queue_of_a_paused_endpoint_says_so_and_who_else_is_paused() {
    let world = World::new();
    world.endpoint("e", "live_session").await;
    world.webhooks.pause(&acme(), &id("e")).await.unwrap();
    world.publish("k").await;
    world.run_for(hours(1)).await;
    let queue = world.queue("e").await;
    assert!(world.webhooks.endpoint(&acme(), &id("e")).await.unwrap().unwrap().enabled);
    assert_eq!((queue.paused, queue.tenant_paused, queue.disabled), (true, false, None));
    assert_eq!((queue.held, queue.streak, queue.oldest_due), (None, 0, Some(START)));
    world.webhooks.pause_tenant(&acme()).await.unwrap();
    world.webhooks.resume(&acme(), &id("e")).await.unwrap();
    let queue = world.queue("e").await;
    assert_eq!((queue.paused, queue.tenant_paused), (false, true));
    world.webhooks.resume_tenant(&acme()).await.unwrap();
    world.run_for(hours(1)).await;
    let queue = world.queue("e").await;
    assert_eq!((queue.tenant_paused, queue.oldest_due), (false, None), "it has arrived");
}

#[tokio::test(start_paused = true)]
async fn the_queue_of_a_failing_endpoint_says_since_when_and_until_when_it_is_held() {
    let world = World::new();
    let endpoint = world.endpoint("e", "live_session").await;
    world.transport.otherwise(Reply::status(500));
    world.publish("k").await;
    for _ in 0..100 {
        world.run_for(Duration::from_secs(5)).await;
        if world.sent().len() == 3 {
            break;
        }
    }
    let queue = world.queue("e").await;
    let hold = queue.held.unwrap();
    assert_eq!(hold.gate, Gate::Lane(endpoint.id.clone()));
    assert_eq!((queue.streak, queue.width, queue.failing_since), (3, 1, Some(START)));
    world.publish("k").await;
    let just_before = hold.until - Duration::from_secs(2);
    world.run_for(just_before.since(world.clock.now())).await;
    assert_eq!(world.sent().len(), 3, "nothing is sent before the hold's end");
    world.run_for(Duration::from_secs(5)).await;
    assert!(world.sent().len() > 3, "a probe is sent at the hold's end");
    world.transport.otherwise(Reply::ok());
    world.run_for(hours(8)).await;
    let queue = world.queue("e").await;
    assert_eq!((queue.held, queue.streak, queue.failing_since, queue.oldest_due), (None, 0, None, None));
}

#[tokio::test(start_paused = true)]
async fn the_queue_of_a_disabled_endpoint_says_who_disabled_it_and_why() {
    let world = World::new();
    for name in ["gone", "off"] {
        world.endpoint(name, "live_session").await;
    }
    world.transport.at(url("gone"), Reply::status(410));
    world.publish("k").await;
    world.run_for(Duration::from_secs(5)).await;
    world.webhooks.disable(&acme(), &id("off")).await.unwrap();
    let why = "it answered that it is gone".to_owned();
    assert_eq!(world.queue("gone").await.disabled, Some(Disabled::ByEngine { why }));
    assert_eq!(world.queue("off").await.disabled, Some(Disabled::ByHost));
    for name in ["gone", "off"] {
        world.webhooks.enable(&acme(), &id(name)).await.unwrap();
        assert_eq!(world.queue(name).await.disabled, None);
    }
}

#[tokio::test(start_paused = true)]
async fn another_tenants_a_removed_and_an_unknown_endpoint_have_no_queue() {
    let world = World::new();
    world.endpoint("e", "live_session").await;
    world.publish("k").await;
    let (other, e) = ("other".parse().unwrap(), id("e"));
    assert_eq!(world.webhooks.queue(&other, &e).await.unwrap(), None);
    assert_eq!(world.webhooks.queue(&acme(), &id("nobody")).await.unwrap(), None);
    assert!(world.webhooks.queue(&acme(), &e).await.unwrap().is_some());
    world.webhooks.remove(&acme(), &e).await.unwrap();
    assert_eq!(world.webhooks.queue(&acme(), &e).await.unwrap(), None);
}

#[tokio::test(start_paused = true)]
async fn an_endpoint_of_a_hosts_own_directory_has_a_queue_from_its_first_delivery_on() {
    let (world, hosts) = World::on_a_directory_of_the_hosts_own();
    hosts.register(endpoint("e", "live_session")).await.unwrap();
    assert_eq!(world.webhooks.queue(&acme(), &id("e")).await.unwrap(), None);
    world.transport.otherwise(Reply::status(500));
    world.publish("k").await;
    world.run_for(Duration::from_secs(5)).await;
    let queue = world.queue("e").await;
    assert_eq!((queue.disabled, queue.streak, queue.failing_since), (None, 1, Some(START)));
    hosts.disable(&acme(), &id("e")).await.unwrap();
    assert_eq!(world.queue("e").await.disabled, Some(Disabled::ByHost));
}

#[tokio::test(start_paused = true)]
async fn fg15_no_public_type_prints_a_secret_a_header_value_or_a_urls_path() {
    let world = World::new();
    let new =
        hookpost::NewEndpoint::new("acme", "https://shop.example/canary-path?canary=query", "live_session")
            .and_then(|new| new.id("e"))
            .and_then(|new| new.secret("canary-secret"))
            .unwrap()
            .headers(Headers::none().with("authorization", "canary-header").unwrap());
    let mut printed = vec![format!("{new:?} {new:#?}")];
    let endpoint = world.webhooks.register(new).await.unwrap();
    printed.push(format!("{endpoint:?} {endpoint:#?} {:?}", world.webhooks));
    let duplicate =
        hookpost::NewEndpoint::new("acme", "https://shop.example/canary-path?canary=query", "live_session");
    let error = world.webhooks.register(duplicate.unwrap().secret("canary").unwrap()).await.unwrap_err();
    printed.push(format!("{error} {error:?}"));
    assert!(printed.iter().all(|text| !text.contains("canary")), "{printed:?}");
}

#[tokio::test(start_paused = true)]
async fn a_host_that_ticks_prunes_what_retention_no_longer_keeps() {
    let world = World::with(|builder| builder.keep(Class::Delivered, hours(1)));
    world.endpoint("e", "standard").await;
    world.publish("k").await;
    while world.states().await != [DELIVERED] {
        world.webhooks.tick().await.unwrap();
    }
    tokio::time::advance(hours(2)).await;
    world.webhooks.tick().await.unwrap();
    assert!(world.deliveries().await.is_empty());
}
