//! A real receiver on loopback, whose answers a test controls.
//!
//! ```no_run
//! # async fn example() -> std::io::Result<()> {
//! use hookpost::testing::{Answer, Receiver};
//!
//! let receiver = Receiver::start().await?;
//! receiver.next([Answer::status(503).header("retry-after", "1"), Answer::reset()]);
//! // … two misdeeds, then 200 for whatever comes to `receiver.url("/hook")`
//! let requests = receiver.wait_for(3).await;
//! assert_eq!(requests[0].body, requests[2].body);
//! # Ok(())
//! # }
//! ```
//!
//! It can also be used as a request bin: its `Display` shows each request with the answer it
//! got and, if there is a verifier, the result of the verification. Values of headers and JSON
//! keys that may be credentials are omitted.

mod answer;
mod connection;
mod masking;
mod received;

use std::collections::VecDeque;
use std::fmt;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::{AbortHandle, JoinSet};

use crate::sign::Verifier;
use crate::time::Timestamp;

pub use answer::Answer;
pub use received::Received;

/// A receiver on its own port. It answers `200` until told otherwise, keeps all requests, and
/// stops when this value is dropped.
///
/// Its sockets are real, so it cannot be used under paused time.
pub struct Receiver {
    address: SocketAddr,
    log: Arc<Log>,
    accepting: AbortHandle,
}

impl Receiver {
    /// Opens a port on `127.0.0.1` and answers on it from a task of this runtime.
    ///
    /// # Errors
    /// If the system has no free port.
    pub async fn start() -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let address = listener.local_addr()?;
        let log = Arc::new(Log::new());
        let accepting = tokio::spawn(accept(listener, Arc::clone(&log))).abort_handle();
        Ok(Self { address, log, accepting })
    }

    /// The URL to send to; `path` begins with a slash.
    #[must_use]
    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// The address that it listens on.
    #[must_use]
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Gives every request this answer from now on.
    pub fn always(&self, answer: impl Into<Answer>) {
        let answer = answer.into();
        self.answer_by(move |_| answer.clone());
    }

    /// Uses a function of the request to choose the answer from now on.
    pub fn answer_by(&self, decide: impl Fn(&Received) -> Answer + Send + Sync + 'static) {
        self.log.book().decide = Arc::new(decide);
    }

    /// Verifies every request with this verifier from now on, before its answer is chosen. The
    /// result is in [`Received::verdict`].
    pub fn verify_with(&self, verifier: Verifier) {
        self.log.book().verifier = Some(Arc::new(verifier));
    }

    /// Answers 200 to verified requests from now on, and 401 to all others.
    pub fn refuse_unverified(&self) {
        self.answer_by(|request| Answer::status(if request.is_verified() { 200 } else { 401 }));
    }

    /// Gives the next requests these answers first, in the order of their arrival.
    pub fn next<A: Into<Answer>>(&self, answers: impl IntoIterator<Item = A>) {
        self.log.book().next.extend(answers.into_iter().map(Into::into));
    }

    /// All requests so far, in the order in which they were complete.
    #[must_use]
    pub fn requests(&self) -> Vec<Received> {
        self.log.book().entries.iter().map(|(request, _)| request.clone()).collect()
    }

    /// Waits until there are `count` requests, and returns all of them. A request counts when
    /// it has arrived; its answer may not be sent yet.
    pub async fn wait_for(&self, count: usize) -> Vec<Received> {
        let mut arrivals = self.log.arrivals.subscribe();
        // It ends with an error only after its sender, which this value owns.
        arrivals.wait_for(|arrived| *arrived >= count).await.ok();
        self.requests()
    }

    /// The number of connections opened so far.
    #[must_use]
    pub fn connections(&self) -> usize {
        self.log.book().connections
    }

    /// Everything received that was not a complete request, one line each.
    #[must_use]
    pub fn faults(&self) -> Vec<String> {
        self.log.book().faults.clone()
    }
}

impl Drop for Receiver {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

/// Shows each request with its answer; credentials are masked.
impl fmt::Display for Receiver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let book = self.log.book();
        for (request, answer) in &book.entries {
            let answer = answer.as_ref().map_or_else(|| "undecided".to_owned(), Answer::to_string);
            writeln!(f, "{request}\n→ {answer}\n")?;
        }
        book.faults.iter().try_for_each(|fault| writeln!(f, "{fault}"))
    }
}

impl fmt::Debug for Receiver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let book = self.log.book();
        f.debug_struct("Receiver")
            .field("address", &self.address)
            .field("connections", &book.connections)
            .field("requests", &book.entries.len())
            .field("faults", &book.faults)
            .finish_non_exhaustive()
    }
}

/// What the receiver and its connections share.
struct Log {
    book: Mutex<Book>,
    arrivals: watch::Sender<usize>,
}

struct Book {
    connections: usize,
    /// Each request with its answer, once that is decided.
    entries: Vec<(Received, Option<Answer>)>,
    faults: Vec<String>,
    verifier: Option<Arc<Verifier>>,
    next: VecDeque<Answer>,
    decide: Arc<dyn Fn(&Received) -> Answer + Send + Sync>,
}

impl Log {
    fn new() -> Self {
        let book = Book {
            connections: 0,
            entries: Vec::new(),
            faults: Vec::new(),
            verifier: None,
            next: VecDeque::new(),
            decide: Arc::new(|_| Answer::ok()),
        };
        Self { book: Mutex::new(book), arrivals: watch::Sender::new(0) }
    }

    fn book(&self) -> MutexGuard<'_, Book> {
        self.book.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Judges a request, writes it down and decides its answer. A test's own function is
    /// called outside the lock: it may ask the receiver.
    fn record(&self, mut request: Received) -> Answer {
        let verifier = self.book().verifier.clone();
        request.verdict = verifier.map(|verifier| {
            let now = Timestamp::from(SystemTime::now());
            verifier.verify(&request.header_map(), &request.body, now).map(|verified| verified.proof())
        });
        let mut book = self.book();
        let order = book.entries.len();
        request.order = order;
        book.entries.push((request.clone(), None));
        let (scripted, decide) = (book.next.pop_front(), Arc::clone(&book.decide));
        drop(book);
        let answer = scripted.unwrap_or_else(|| decide(&request));
        let mut book = self.book();
        book.entries[order].1 = Some(answer.clone());
        self.arrivals.send_replace(book.entries.len());
        answer
    }

    fn fault(&self, connection: usize, what: &str) {
        self.book().faults.push(format!("connection {connection}: {what}"));
    }
}

/// Accepts until it is aborted, and its connections with it.
async fn accept(listener: TcpListener, log: Arc<Log>) {
    let mut connections = JoinSet::new();
    loop {
        match listener.accept().await {
            Ok((stream, _)) => {
                let number = {
                    let mut book = log.book();
                    book.connections += 1;
                    book.connections - 1
                };
                let log = Arc::clone(&log);
                connections.spawn(async move { connection::serve(stream, number, &log).await });
            }
            // Out of descriptors, as a rule: it passes when some are closed.
            Err(_) => tokio::time::sleep(Duration::from_millis(5)).await,
        }
        while connections.try_join_next().is_some() {}
    }
}
