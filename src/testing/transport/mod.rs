//! A transport without sockets, whose targets a test controls.
//!
//! ```
//! use hookpost::testing::{Behaviour, Reply, ScriptedTransport, VirtualClock};
//! use hookpost::{Timestamp, policy::outcome::Unknown};
//! use std::sync::Arc;
//!
//! let clock = Arc::new(VirtualClock::starting_at(Timestamp::from_unix_seconds(1_700_000_000)));
//! let transport = ScriptedTransport::new(clock);
//! transport.at("https://shop.example/hook", Reply::status(503).header("retry-after", "5"));
//! transport.at_host("flaky.example", Behaviour::sequence([Reply::reset(), Reply::ok()]));
//! assert!(transport.exchanges().is_empty());
//! ```

mod behaviour;

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use http::HeaderMap;
use tokio::sync::watch;

use crate::backend::{Clock, IntoShared, Transport};
use crate::policy::outcome::{Outcome, Unknown};
use crate::profile::Request;
use crate::time::Timestamp;

pub use behaviour::{Behaviour, Reply};

/// Answers requests as it was told, in tokio's time, and keeps all of them. A target without
/// instructions answers `200`.
pub struct ScriptedTransport {
    clock: Arc<dyn Clock>,
    book: Mutex<Book>,
    starts: watch::Sender<usize>,
}

#[derive(Default)]
struct Book {
    exchanges: Vec<Exchange>,
    by_url: BTreeMap<String, Target>,
    by_host: BTreeMap<String, Target>,
    others: Target,
}

#[derive(Default)]
struct Target {
    behaviour: Behaviour,
    before: usize,
}

/// One request and its result.
#[derive(Clone, PartialEq)]
#[non_exhaustive]
pub struct Exchange {
    /// The number of the request in the order in which requests began, from 0.
    pub order: usize,
    /// The whole URL.
    pub url: String,
    /// The host of the URL.
    pub host: String,
    /// The headers.
    pub headers: HeaderMap,
    /// The body.
    pub body: Bytes,
    /// The timeout of the request.
    pub timeout: Duration,
    /// When the request began, by the transport's clock.
    pub began_at: Timestamp,
    /// When the request ended; `None` while it is in flight, or if it was dropped.
    pub ended_at: Option<Timestamp>,
    /// The outcome; `None` while `ended_at` is.
    pub outcome: Option<Outcome>,
}

impl ScriptedTransport {
    /// Creates a transport that answers `200` to everything and reads the time from `clock`.
    #[must_use]
    pub fn new<How>(clock: impl IntoShared<dyn Clock, How>) -> Self {
        Self { clock: clock.into_shared(), book: Mutex::default(), starts: watch::Sender::new(0) }
    }

    /// Sets how the target at exactly this URL behaves from now on.
    pub fn at(&self, url: impl Into<String>, behaviour: impl Into<Behaviour>) {
        self.book().by_url.insert(url.into(), Target::new(behaviour));
    }

    /// Sets how every target at this host behaves from now on, unless its URL has its own
    /// behaviour.
    pub fn at_host(&self, host: impl Into<String>, behaviour: impl Into<Behaviour>) {
        self.book().by_host.insert(host.into(), Target::new(behaviour));
    }

    /// Sets how all other targets behave from now on.
    pub fn otherwise(&self, behaviour: impl Into<Behaviour>) {
        self.book().others = Target::new(behaviour);
    }

    /// All requests so far, in the order in which they began.
    #[must_use]
    pub fn exchanges(&self) -> Vec<Exchange> {
        self.book().exchanges.clone()
    }

    /// The requests to one URL so far.
    #[must_use]
    pub fn exchanges_with(&self, url: &str) -> Vec<Exchange> {
        self.book().exchanges.iter().filter(|exchange| exchange.url == url).cloned().collect()
    }

    /// Waits until `count` requests have begun, and returns all of them.
    pub async fn wait_for(&self, count: usize) -> Vec<Exchange> {
        let mut starts = self.starts.subscribe();
        // It ends with an error only after its sender, which this value owns.
        starts.wait_for(|begun| *begun >= count).await.ok();
        self.exchanges()
    }

    fn book(&self) -> MutexGuard<'_, Book> {
        self.book.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Records the request and decides its reply.
    fn begin(&self, request: Request) -> (usize, Reply) {
        let mut book = self.book();
        let exchange = Exchange {
            order: book.exchanges.len(),
            url: request.url.expose().to_owned(),
            host: request.url.host().as_str().to_owned(),
            headers: request.headers,
            body: request.body,
            timeout: request.timeout,
            began_at: self.clock.now(),
            ended_at: None,
            outcome: None,
        };
        let order = exchange.order;
        book.exchanges.push(exchange.clone());
        let (behaviour, before) = book.target(&exchange).next();
        drop(book);
        self.starts.send_replace(order + 1);
        (order, behaviour.decide(&exchange, before))
    }

    fn end(&self, order: usize, outcome: &Outcome) {
        let now = self.clock.now();
        if let Some(exchange) = self.book().exchanges.get_mut(order) {
            exchange.ended_at = Some(now);
            exchange.outcome = Some(outcome.clone());
        }
    }
}

#[async_trait]
impl Transport for ScriptedTransport {
    async fn send(&self, request: Request) -> (Outcome, Duration) {
        let (timeout, body_max) = (request.timeout, request.response_body_max);
        let (order, reply) = self.begin(request);
        let (took, mut outcome) = match reply.outcome {
            Some(outcome) if reply.after < timeout => (reply.after, outcome),
            Some(_) | None => (timeout, Outcome::Unknown(Unknown::Timeout)),
        };
        if !took.is_zero() {
            tokio::time::sleep(took).await;
        }
        if let Outcome::Response(response) = &mut outcome
            && response.body.len() > body_max
        {
            response.body.truncate(body_max);
            response.cut = true;
        }
        self.end(order, &outcome);
        (outcome, took)
    }
}

impl Book {
    fn target(&mut self, exchange: &Exchange) -> &mut Target {
        let own = self.by_url.get_mut(&exchange.url);
        own.or_else(|| self.by_host.get_mut(&exchange.host)).unwrap_or(&mut self.others)
    }
}

impl Target {
    fn new(behaviour: impl Into<Behaviour>) -> Self {
        Self { behaviour: behaviour.into(), before: 0 }
    }

    fn next(&mut self) -> (Behaviour, usize) {
        self.before += 1;
        (self.behaviour.clone(), self.before - 1)
    }
}

/// Shows one line without headers, body and path, which may be credentials.
impl fmt::Debug for Exchange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "#{} {} {}: ", self.order, self.began_at, self.host)?;
        match &self.outcome {
            None => f.write_str("no end"),
            Some(Outcome::Response(response)) => write!(f, "{}", response.status.as_u16()),
            Some(Outcome::NotSent(why)) => write!(f, "not sent, {}", why.as_str()),
            Some(Outcome::Unknown(why)) => write!(f, "unknown, {}", why.as_str()),
        }
    }
}

impl fmt::Debug for ScriptedTransport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(&self.book().exchanges).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::egress::{EndpointUrl, PortPolicy, SchemePolicy, UrlPolicy};
    use crate::policy::outcome::NotSent;
    use crate::testing::VirtualClock;

    const BASE: Timestamp = Timestamp::from_unix_seconds(1_700_000_000);

    fn transport() -> ScriptedTransport {
        ScriptedTransport::new(Arc::new(VirtualClock::starting_at(BASE)))
    }

    fn request(url: &str) -> Request {
        let policy = UrlPolicy {
            schemes: SchemePolicy::HttpsOnly,
            ports: PortPolicy::WebAndHigh,
            danger_local_names: false,
        };
        Request {
            url: EndpointUrl::parse(url, &policy).unwrap(),
            headers: HeaderMap::new(),
            body: Bytes::from_static(b"body"),
            timeout: Duration::from_secs(10),
            response_body_max: 4,
        }
    }

    fn status(outcome: &Outcome) -> u16 {
        match outcome {
            Outcome::Response(response) => response.status.as_u16(),
            other => panic!("{other:?}"),
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_reply_after_the_deadline_is_a_timeout_at_the_deadline() {
        let transport = transport();
        let cases = [
            (Reply::ok().after(Duration::from_secs(3)), 3, None),
            (Reply::ok().after(Duration::from_secs(10)), 10, Some(Unknown::Timeout)),
            (Reply::hang(), 10, Some(Unknown::Timeout)),
            (Reply::reset().after(Duration::from_secs(1)), 1, Some(Unknown::Reset)),
        ];
        for (reply, seconds, unknown) in cases {
            transport.otherwise(reply);
            let (outcome, took) = transport.send(request("https://a.example/")).await;
            assert_eq!(took, Duration::from_secs(seconds));
            match unknown {
                Some(why) => assert_eq!(outcome, Outcome::Unknown(why)),
                None => assert_eq!(status(&outcome), 200),
            }
        }
        let ends: Vec<_> = transport.exchanges().iter().map(|it| it.ended_at).collect();
        assert_eq!(ends, [3, 13, 23, 24].map(|seconds| Some(BASE + Duration::from_secs(seconds))));
    }

    #[tokio::test(start_paused = true)]
    async fn each_target_counts_its_own_requests() {
        let transport = transport();
        let flaky = || Behaviour::sequence([Reply::status(500), Reply::status(503), Reply::ok()]);
        transport.at("https://a.example/1", flaky());
        transport.at("https://a.example/2", flaky());
        transport.otherwise(Reply::not_sent(NotSent::Refused));
        let mut statuses = Vec::new();
        for url in
            ["https://a.example/1", "https://a.example/2", "https://a.example/1", "https://a.example/1"]
        {
            statuses.push(status(&transport.send(request(url)).await.0));
        }
        statuses.push(status(&transport.send(request("https://a.example/1")).await.0));
        assert_eq!(statuses, [500, 500, 503, 200, 200]);
        let (outcome, _) = transport.send(request("https://a.example/3")).await;
        assert_eq!(outcome, Outcome::NotSent(NotSent::Refused));
    }

    #[tokio::test(start_paused = true)]
    async fn a_dropped_request_is_kept_without_an_end() {
        let transport = transport();
        transport.otherwise(Reply::hang());
        let sending = transport.send(request("https://a.example/"));
        assert!(tokio::time::timeout(Duration::from_secs(2), sending).await.is_err());
        let exchange = &transport.exchanges()[0];
        assert_eq!((exchange.ended_at, &exchange.outcome), (None, &None));
        assert_eq!((exchange.began_at, exchange.body.as_ref()), (BASE, &b"body"[..]));
    }

    #[tokio::test(start_paused = true)]
    async fn no_more_of_a_body_comes_back_than_the_request_asks_for() {
        let transport = transport();
        transport.otherwise(Reply::ok().body("12345"));
        let (outcome, _) = transport.send(request("https://a.example/")).await;
        let Outcome::Response(response) = outcome else { panic!("{outcome:?}") };
        assert_eq!((response.body.as_ref(), response.cut), (&b"1234"[..], true));
    }

    #[tokio::test(start_paused = true)]
    async fn a_seed_decides_the_same_way_twice() {
        let run = || async {
            let transport = transport();
            transport.otherwise(Behaviour::seeded(9, |random, _, _| Reply::status(random.u16(200..600))));
            let mut statuses = Vec::new();
            for _ in 0..20 {
                statuses.push(status(&transport.send(request("https://a.example/")).await.0));
            }
            statuses
        };
        let first = run().await;
        assert_eq!(first, run().await);
        assert!(first.windows(2).any(|pair| pair[0] != pair[1]));
    }

    #[tokio::test(start_paused = true)]
    async fn waiting_ends_when_a_request_begins() {
        let transport = transport();
        transport.otherwise(Reply::hang());
        let (_, exchanges) =
            tokio::join!(transport.send(request("https://a.example/")), transport.wait_for(1));
        assert_eq!((exchanges.len(), exchanges[0].ended_at), (1, None));
    }
}
