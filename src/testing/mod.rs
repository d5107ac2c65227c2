//! Tools for the tests of a host: a real receiver on loopback, a clock and random numbers that
//! a test controls, a transport without sockets, and a store that fails.
//!
//! | to see | take |
//! |---|---|
//! | what really arrives over HTTP | [`Receiver`] |
//! | a request that a system of yours receives | [`Sender`], by any scheme |
//! | hours of retries in milliseconds | [`VirtualClock`] and [`ScriptedTransport`] under tokio's paused time |
//! | the same run twice | [`SeededEntropy`] |
//! | what a lost answer of the store does | [`FlakyStore`] |
//!
//! Never use a real socket under paused time: while the socket is the only thing to wait for,
//! tokio jumps to the next timer, and every timeout expires immediately. The stores may be
//! used: no time passes while SQLite works. An event that your own transaction publishes by
//! SQL gets the machine's time unless it contains `created_at`; if your clock shows another
//! time, set it.
//!
//! The following test covers a night of retries, for code of yours that publishes. With a
//! longer `poll` the engine wakes up less often while nothing is due; these wake-ups are what
//! takes real time:
//!
//! ```
//! use hookpost::stores::memory::MemoryStore;
//! use hookpost::testing::{Behaviour, Reply, ScriptedTransport, VirtualClock};
//! use hookpost::{NewEndpoint, NewEvent, Timestamp, Webhooks};
//! use std::sync::Arc;
//! use std::time::Duration;
//!
//! async fn pay(webhooks: &Webhooks) {
//!     let event = NewEvent::json("acme", "order.paid", r#"{"order":7}"#).unwrap();
//!     webhooks.publish(event).await.unwrap();
//! }
//!
//! # tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build()?.block_on(async {
//! // In a test: #[tokio::test(start_paused = true)]
//! let clock = Arc::new(VirtualClock::starting_at(Timestamp::from_unix_seconds(1_767_225_600)));
//! let transport = Arc::new(ScriptedTransport::new(clock.clone()));
//! let store = Arc::new(MemoryStore::new(clock.clone()));
//! let webhooks = Webhooks::builder(store, transport.clone())
//!     .clock(clock)
//!     .poll(Duration::from_secs(30))
//!     .build()
//!     .unwrap();
//! let endpoint = NewEndpoint::new("acme", "https://shop.example/hooks", "standard").unwrap();
//! let secret = "whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=";
//! webhooks.register(endpoint.secret(secret).unwrap()).await.unwrap();
//! transport.otherwise(Behaviour::by(|_, n| if n < 3 { Reply::status(503) } else { Reply::ok() }));
//!
//! pay(&webhooks).await;
//! webhooks.run(tokio::time::sleep(Duration::from_secs(8 * 3600))).await.unwrap();
//! assert_eq!(transport.exchanges().len(), 4);
//! # });
//! # Ok::<(), std::io::Error>(())
//! ```

pub mod clock;
pub mod entropy;
pub mod receiver;
pub mod sender;
pub mod store;
pub mod transport;

pub use clock::VirtualClock;
pub use entropy::SeededEntropy;
pub use receiver::{Answer, Received, Receiver};
pub use sender::{Sender, SenderError, Signed};
pub use store::{Faults, FlakyStore};
pub use transport::{Behaviour, Exchange, Reply, ScriptedTransport};
