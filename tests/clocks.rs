//! Wall clocks step; nothing is lost, expired, stolen or let through by it.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod sqlite_file;
mod world;

use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt;
use hookpost::backend::{Backend, Clock};
use hookpost::delivery::State;
use hookpost::history::{PageAfter, Selection};
use hookpost::id::TenantId;
use hookpost::os::SystemClock;
use hookpost::policy::rate::{Limit, LimitScope};
use hookpost::stores::memory::MemoryStore;
use hookpost::stores::sqlite::SqliteStore;
use hookpost::testing::{Behaviour, Reply, ScriptedTransport, SeededEntropy, VirtualClock};
use hookpost::{NewEvent, Profile, Timestamp, Webhooks};

use sqlite_file::TempFile;
use world::{Heard, acme, endpoint, hours, id, without_jitter};

const START: Timestamp = Timestamp::from_unix_seconds(1_767_225_600);

/// A clock as hosts write it, with nothing that processes share.
struct Plain(Arc<VirtualClock>);

impl Clock for Plain {
    fn now(&self) -> Timestamp {
        self.0.now()
    }

    fn elapsed(&self) -> Duration {
        self.0.elapsed()
    }
}

/// How the clocks of processes know how long the machine has been up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Uptime {
    Shared,
    Unknown,
}

/// One process: its own clock, on a store that others may share.
struct Process {
    clock: Arc<VirtualClock>,
    uptime: Uptime,
    transport: Arc<ScriptedTransport>,
    webhooks: Webhooks,
    heard: Arc<Heard>,
}

impl Process {
    fn on(store: Arc<dyn Backend>, clock: Arc<VirtualClock>) -> Self {
        Self::with(store, clock, Uptime::Shared)
    }

    fn with(store: Arc<dyn Backend>, clock: Arc<VirtualClock>, uptime: Uptime) -> Self {
        // Requests are timed on a clock that nothing sets.
        let transport = Arc::new(ScriptedTransport::new(Arc::new(clock.beside())));
        let heard = Arc::new(Heard::default());
        let limit = Limit::per_minute(LimitScope::Tenant, NonZeroU32::new(5).unwrap());
        let limited =
            Profile { name: "limited".parse().unwrap(), limits: vec![limit], ..Profile::live_session() };
        let webhooks = Webhooks::builder(store, transport.clone())
            .profiles(hookpost::Profile::systems())
            .clock(uptime.of(&clock))
            .entropy(Arc::new(SeededEntropy::new(7)))
            .observer(heard.clone())
            .profile(without_jitter(Profile::live_session()))
            .profile(without_jitter(Profile::x_webhook()))
            .profile(limited)
            .build()
            .unwrap();
        Self { clock, uptime, transport, webhooks, heard }
    }

    /// A process that opens that file.
    fn on_file(file: &TempFile, clock: Arc<VirtualClock>, uptime: Uptime) -> Self {
        Self::with(
            Arc::new(SqliteStore::builder(file.path()).clock(uptime.of(&clock)).open().unwrap()),
            clock,
            uptime,
        )
    }

    /// Another process on that file and machine, whose wall clock is so far ahead.
    fn beside(&self, file: &TempFile, ahead: Duration) -> Self {
        let clock = Arc::new(self.clock.beside());
        clock.jump_ahead(ahead);
        Self::on_file(file, clock, self.uptime)
    }

    async fn publish(&self) {
        self.webhooks.publish(NewEvent::json("acme", "k", r#"{"n":1}"#).unwrap()).await.unwrap();
    }

    /// Ticks until nothing more is claimed.
    async fn work_off(&self) {
        while self.webhooks.tick().await.unwrap().claimed > 0 {}
    }

    /// The same beside a request that takes its time, which stands still meanwhile: it would
    /// go on while a store's thread works and nothing else does.
    async fn work_off_at_once(&self) {
        let mut working = std::pin::pin!(self.work_off());
        while (&mut working).now_or_never().is_none() {
            tokio::task::yield_now().await;
        }
    }

    /// Waits until its first request has begun, without letting time pass.
    async fn has_sent(&self) {
        while self.sent() == 0 {
            tokio::task::yield_now().await;
        }
    }

    /// Ticks every five seconds for that long.
    async fn work_for(&self, time: Duration) {
        for _ in 0..time.as_secs() / 5 {
            tokio::time::advance(Duration::from_secs(5)).await;
            self.work_off().await;
        }
    }

    async fn states(&self) -> Vec<State> {
        let page = PageAfter::first(1000);
        let found = self.webhooks.deliveries(&acme(), Selection::default(), page).await.unwrap();
        found.deliveries.iter().map(|delivery| delivery.state).collect()
    }

    fn sent(&self) -> usize {
        self.transport.exchanges().len()
    }

    /// Seconds after the start at which requests began, by a clock that is right.
    fn began(&self) -> Vec<i64> {
        world::seconds(&self.transport.exchanges())
    }

    /// Minutes after the first request at which requests began, by a clock that is right.
    fn minutes(&self) -> Vec<i64> {
        let began = self.began();
        began.iter().map(|second| (second - began[0]) / 60).collect()
    }

    /// Publishes an event that nobody wants, and answers the time that it was given.
    async fn time_of_an_event(&self) -> Timestamp {
        let nobody = TenantId::new("nobody").unwrap();
        let event = self.webhooks.publish(NewEvent::json("nobody", "k", "{}").unwrap()).await.unwrap();
        self.webhooks.event(&nobody, &event).await.unwrap().unwrap().created_at
    }
}

impl Uptime {
    fn of(self, clock: &Arc<VirtualClock>) -> Arc<dyn Clock> {
        match self {
            Self::Shared => clock.clone(),
            Self::Unknown => Arc::new(Plain(clock.clone())),
        }
    }
}

/// A process on each kind of store.
fn on_both_stores(file: &TempFile) -> [Process; 2] {
    let clocks = [(); 2].map(|()| Arc::new(VirtualClock::starting_at(START)));
    let memory = Arc::new(MemoryStore::with_clock(clocks[0].clone()));
    let sqlite = Arc::new(SqliteStore::builder(file.path()).clock(clocks[1].clone()).open().unwrap());
    let [first, second] = clocks;
    [Process::on(memory, first), Process::on(sqlite, second)]
}

#[tokio::test(start_paused = true)]
async fn an_event_published_after_a_step_back_goes_to_the_endpoints_that_are_there() {
    for step in [Duration::from_secs(15), hours(1)] {
        let file = TempFile::new();
        for process in on_both_stores(&file) {
            process.webhooks.register(endpoint("e", "live_session")).await.unwrap();
            process.clock.jump_back(step);
            tokio::time::advance(Duration::from_secs(11)).await;
            process.publish().await;
            process.work_off().await;
            assert_eq!(process.sent(), 1, "set back by {step:?}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn an_event_published_before_an_endpoint_is_not_routed_to_it_whatever_the_clock_says() {
    let file = TempFile::new();
    for process in on_both_stores(&file) {
        let many = (0..70).map(|number| endpoint(&format!("e{number}"), "live_session"));
        for new in many {
            process.webhooks.register(new).await.unwrap();
        }
        // So many endpoints are not routed by the publisher: the event waits for an engine.
        process.publish().await;
        process.clock.jump_back(hours(1));
        tokio::time::advance(Duration::from_secs(11)).await;
        process.webhooks.register(endpoint("late", "live_session")).await.unwrap();
        tokio::time::advance(hours(1)).await;
        process.work_off().await;
        assert_eq!(process.sent(), 70);
        assert_eq!(process.transport.exchanges_with(&world::url("late")).len(), 0);
    }
}

#[tokio::test(start_paused = true)]
async fn an_imported_event_goes_to_the_endpoints_that_are_there_when_it_is_published() {
    let file = TempFile::new();
    // The other client of the file reads the machine's clock.
    let now = SystemClock::new().now();
    let clock = Arc::new(VirtualClock::starting_at(now + hours(1)));
    let store = Arc::new(SqliteStore::builder(file.path()).clock(clock.clone()).open().unwrap());
    let process = Process::on(store, clock);
    process.webhooks.register(endpoint("e", "live_session")).await.unwrap();
    let host = rusqlite::Connection::open(file.path()).unwrap();
    for created_at in [(now - hours(2)).to_string(), "2020-01-01T00:00:00Z".to_owned()] {
        let event = format!(r#"{{"tenant":"acme","type":"k","payload":"{{}}","created_at":"{created_at}"}}"#);
        host.execute("INSERT INTO hookpost_publish (event) VALUES (?1)", [event]).unwrap();
    }
    process.work_off().await;
    assert_eq!(process.sent(), 1, "both are routed; the one of 2020 is older than its profile allows");
    assert_eq!(process.webhooks.stats(Some(&acme())).await.unwrap().failed, 1);
}

#[tokio::test(start_paused = true)]
async fn what_was_pending_at_enabling_is_cancelled_and_what_follows_is_sent_whatever_the_clock_says() {
    for (back, ahead) in [(hours(1), Duration::ZERO), (Duration::ZERO, Duration::from_secs(50))] {
        let file = TempFile::new();
        for process in on_both_stores(&file) {
            let webhooks = &process.webhooks;
            webhooks.register(endpoint("e", "x_webhook")).await.unwrap();
            webhooks.pause(&acme(), &id("e")).await.unwrap();
            process.publish().await;
            webhooks.disable(&acme(), &id("e")).await.unwrap();
            process.clock.jump_back(back);
            process.clock.jump_ahead(ahead);
            tokio::time::advance(Duration::from_secs(11)).await;
            webhooks.enable(&acme(), &id("e")).await.unwrap();
            process.clock.jump_back(ahead);
            tokio::time::advance(Duration::from_secs(11)).await;
            process.publish().await;
            let all = Selection::default();
            webhooks.replay(&acme(), "again".parse().unwrap(), all, PageAfter::first(10)).await.unwrap();
            webhooks.resume(&acme(), &id("e")).await.unwrap();
            process.work_off().await;
            assert_eq!(process.sent(), 3, "the second event, and both replays");
        }
    }
}

const SECOND: Duration = Duration::from_secs(1);
const MINUTE: Duration = Duration::from_secs(60);
const DELIVERED: State = State::Delivered { confirmed: true };
/// When `live_session` tries, in minutes after its first attempt.
const SCHEDULE: [i64; 6] = [0, 1, 3, 7, 15, 25];

#[tokio::test(start_paused = true)]
async fn a_clock_that_is_wrong_for_minutes_expires_nothing_and_hastens_nothing() {
    for (wrong_for, ahead) in [(40, hours(48)), (300, hours(48)), (300, Duration::from_secs(90))] {
        let file = TempFile::new();
        for process in on_both_stores(&file) {
            process.webhooks.register(endpoint("e", "live_session")).await.unwrap();
            process.transport.otherwise(Reply::status(500));
            process.publish().await;
            process.work_for(5 * MINUTE).await;
            process.clock.jump_ahead(ahead);
            process.work_for(Duration::from_secs(wrong_for)).await;
            assert_eq!(process.states().await, [State::Pending], "{ahead:?} ahead");
            assert_eq!(process.heard.count("ClockJumped"), 1);
            process.clock.set_right();
            process.work_for(20 * MINUTE).await;
            assert_eq!(process.minutes(), SCHEDULE, "as without a jump");
            process.transport.otherwise(Reply::ok());
            process.work_for(10 * MINUTE).await;
            assert_eq!(process.states().await, [DELIVERED]);
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_clock_that_stays_where_it_was_set_is_followed_after_ten_minutes_and_nothing_ends_by_it() {
    for (back, ahead) in [(Duration::ZERO, hours(48)), (hours(1), Duration::ZERO)] {
        let file = TempFile::new();
        for process in on_both_stores(&file) {
            process.webhooks.register(endpoint("e", "live_session")).await.unwrap();
            process.transport.otherwise(Reply::status(500));
            process.publish().await;
            process.work_for(2 * MINUTE).await;
            process.clock.jump_ahead(ahead);
            process.clock.jump_back(back);
            process.work_for(9 * MINUTE).await;
            let apart = process.time_of_an_event().await.distance(process.clock.now());
            assert!(apart + SECOND > ahead + back, "{apart:?}");
            process.work_for(19 * MINUTE).await;
            assert_eq!(process.minutes(), SCHEDULE, "as without a step");
            assert!(process.time_of_an_event().await.distance(process.clock.now()) < SECOND);
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_process_that_starts_with_a_wrong_clock_says_so_and_lives_in_the_time_of_the_others() {
    for uptime in [Uptime::Shared, Uptime::Unknown] {
        let file = TempFile::new();
        let right = Process::on_file(&file, Arc::new(VirtualClock::starting_at(START)), uptime);
        right.webhooks.register(endpoint("e", "live_session")).await.unwrap();
        right.transport.otherwise(Behaviour::sequence([Reply::ok().after(3 * SECOND)]));
        right.publish().await;
        let wrong = right.beside(&file, hours(48));
        let ((), ()) = tokio::join!(right.work_off(), async {
            right.has_sent().await;
            wrong.work_off_at_once().await;
            assert_eq!(wrong.heard.count("ClockJumped"), 1);
            assert_eq!(wrong.sent(), 0, "the other one holds a lease");
        });
        assert_eq!(right.states().await, [DELIVERED]);

        // However long both live, the one that is right contradicts the other.
        for process in [&right, &wrong] {
            process.transport.otherwise(Reply::status(500));
        }
        right.publish().await;
        for _ in 0..200 {
            right.work_for(5 * SECOND).await;
            wrong.work_for(5 * SECOND).await;
        }
        assert!(right.states().await.contains(&State::Pending));
        for process in [&right, &wrong] {
            // What others have written is how those know that have no clock in common.
            let written_every = if uptime == Uptime::Shared { SECOND } else { 10 * SECOND };
            assert!(process.time_of_an_event().await.distance(right.clock.now()) < written_every);
        }
        assert_eq!(right.heard.count("ClockJumped"), 0);
    }
}

#[tokio::test(start_paused = true)]
async fn a_process_that_starts_anew_while_its_clock_is_wrong_expires_nothing() {
    for uptime in [Uptime::Shared, Uptime::Unknown] {
        let file = TempFile::new();
        let before = Process::on_file(&file, Arc::new(VirtualClock::starting_at(START)), uptime);
        before.webhooks.register(endpoint("e", "live_session")).await.unwrap();
        before.transport.otherwise(Reply::status(500));
        before.publish().await;
        before.work_for(MINUTE).await;
        before.clock.jump_ahead(hours(48));
        before.work_for(MINUTE).await;
        let after = before.beside(&file, hours(48));
        drop(before);
        after.transport.otherwise(Reply::status(500));
        after.work_for(MINUTE).await;
        assert!(after.heard.count("ClockJumped") >= 1);
        assert_eq!(after.states().await, [State::Pending]);
        after.clock.set_right();
        after.transport.otherwise(Reply::ok());
        after.work_for(10 * MINUTE).await;
        assert_eq!(after.states().await, [DELIVERED]);
    }
}

#[tokio::test(start_paused = true)]
async fn a_machine_that_starts_with_a_wrong_clock_says_so_and_expires_nothing_for_ten_minutes() {
    for (ahead, told) in [(hours(48), 1), (10 * MINUTE, 0)] {
        let file = TempFile::new();
        let before = Process::on_file(&file, Arc::new(VirtualClock::starting_at(START)), Uptime::Shared);
        before.webhooks.register(endpoint("e", "live_session")).await.unwrap();
        before.transport.otherwise(Reply::status(500));
        before.publish().await;
        before.work_for(MINUTE).await;
        drop(before);
        let after = Process::on_file(
            &file,
            Arc::new(VirtualClock::starting_at(START + MINUTE + ahead)),
            Uptime::Shared,
        );
        after.transport.otherwise(Reply::status(500));
        after.work_for(9 * MINUTE).await;
        assert_eq!(after.heard.count("ClockJumped"), told);
        assert_eq!(after.states().await, [State::Pending], "{ahead:?} ahead");
        after.work_for(12 * MINUTE).await;
        let expired = after.states().await != [State::Pending];
        assert_eq!(expired, ahead == hours(48), "now it is the time");
    }
}

#[tokio::test(start_paused = true)]
async fn starts_that_a_wrong_clock_granted_hold_nothing_for_longer_than_a_window() {
    for wrong_for in [Duration::from_secs(35), 20 * MINUTE] {
        let file = TempFile::new();
        for process in on_both_stores(&file) {
            process.webhooks.register(endpoint("e", "limited")).await.unwrap();
            process.clock.jump_ahead(hours(24));
            process.work_for(wrong_for).await;
            for _ in 0..7 {
                process.publish().await;
            }
            process.work_off().await;
            process.clock.set_right();
            assert_eq!(process.sent(), 5);
            process.work_for(65 * SECOND).await;
            assert_eq!(process.sent(), 7);
            for _ in 0..20 {
                process.publish().await;
            }
            process.work_for(15 * MINUTE).await;
            assert_eq!(process.sent(), 27);
            assert_within_the_limit(process.began());
        }
    }
}

#[tokio::test(start_paused = true)]
async fn processes_whose_clocks_differ_keep_one_limit_together() {
    for uptime in [Uptime::Shared, Uptime::Unknown] {
        for (skew, from) in [(30 * SECOND, 0), (30 * SECOND, 100), (hours(24), 0), (hours(24), 100)] {
            let file = TempFile::new();
            let first = Process::on_file(&file, Arc::new(VirtualClock::starting_at(START)), uptime);
            first.webhooks.register(endpoint("e", "limited")).await.unwrap();
            let skewed_from_the_start = if from == 0 { skew } else { Duration::ZERO };
            let (second, third) =
                (first.beside(&file, Duration::ZERO), first.beside(&file, skewed_from_the_start));
            let processes = [first, second, third];
            for _ in 0..100 {
                processes[0].publish().await;
            }
            for second in 0..400 {
                if second == from && from > 0 {
                    processes[2].clock.jump_ahead(skew);
                }
                tokio::time::advance(SECOND).await;
                processes[second % 3].work_off().await;
            }
            let began: Vec<_> = processes.iter().flat_map(Process::began).collect();
            assert!(began.len() >= 30, "{} starts", began.len());
            assert_within_the_limit(began);
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_lease_is_not_stolen_when_the_clocks_of_all_move() {
    for uptime in [Uptime::Shared, Uptime::Unknown] {
        let file = TempFile::new();
        let first = Process::on_file(&file, Arc::new(VirtualClock::starting_at(START)), uptime);
        first.webhooks.register(endpoint("e", "live_session")).await.unwrap();
        let second = first.beside(&file, Duration::ZERO);
        for process in [&first, &second] {
            process.clock.jump_ahead(hours(48));
        }
        for _ in 0..121 {
            tokio::time::advance(5 * SECOND).await;
            first.work_off().await;
            second.work_off().await;
        }
        // The time moves while a request is out.
        first.transport.otherwise(Behaviour::sequence([Reply::status(500).after(9 * SECOND)]));
        second.transport.otherwise(Reply::ok());
        first.publish().await;
        tokio::join!(first.work_off(), async {
            first.has_sent().await;
            for _ in 0..8 {
                tokio::time::sleep(SECOND).await;
                second.work_off_at_once().await;
            }
        });
        assert!(second.time_of_an_event().await.distance(second.clock.now()) < SECOND, "it has moved");
        assert_eq!((first.sent(), second.sent()), (1, 0), "the first one holds a lease");
        first.transport.otherwise(Reply::ok());
        for _ in 0..20 {
            tokio::time::advance(5 * SECOND).await;
            first.work_off().await;
            second.work_off().await;
        }
        assert_eq!(first.states().await, [DELIVERED]);
        let mut began: Vec<_> = first.began().into_iter().chain(second.began()).collect();
        began.sort_unstable();
        assert!(
            began.len() == 2 && (69..80).contains(&(began[1] - began[0])),
            "the retry kept its gap: {began:?}"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn a_hold_ends_when_it_should_whatever_the_clock_does() {
    for back in [false, true] {
        let file = TempFile::new();
        for process in on_both_stores(&file) {
            process.webhooks.register(endpoint("e", "live_session")).await.unwrap();
            let asks_for_half_an_hour = Reply::status(429).header("retry-after", "1800");
            process.transport.otherwise(Behaviour::sequence([asks_for_half_an_hour, Reply::ok()]));
            process.publish().await;
            process.work_off().await;
            assert_eq!(process.sent(), 1);
            let (ahead, behind) = if back { (0, 24) } else { (24, 0) };
            process.clock.jump_ahead(hours(ahead));
            process.clock.jump_back(hours(behind));
            process.work_for(29 * MINUTE).await;
            assert_eq!(process.sent(), 1, "the lane is held, and so is what waits in it");
            process.work_for(2 * MINUTE).await;
            assert_eq!(process.states().await, [DELIVERED]);
        }
    }
}

/// In any minute at most five.
fn assert_within_the_limit(mut began: Vec<i64>) {
    began.sort_unstable();
    for six in began.windows(6) {
        assert!(six[5] - six[0] >= 60, "six starts within a minute: {six:?}");
    }
}
