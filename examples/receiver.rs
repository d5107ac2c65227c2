//! A receiver with axum that handles each event exactly once: a layer verifies requests, and
//! the event's id is stored in the transaction that writes the effect of the event.
//!
//! `cargo run --example receiver` sends it three orders. The response to one of them is lost
//! after the work was done, and the work for another fails half way: both arrive twice and are
//! counted once. At the end it sends requests that must be refused.

mod shown;
mod stage;

use std::collections::BTreeMap;
use std::error::Error;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use axum::extract::State;
use axum::routing::post;
use axum::{Json, Router};
use bytes::Bytes;
use hookpost::profile::StandardEvent;
use hookpost::receive::tower::VerifyLayer;
use hookpost::receive::{Deduplicator, Sighting, SqliteDeduplicator};
use hookpost::{NewEndpoint, NewEvent, Profile, Scheme, Secret, Timestamp, Verified, Verifier};
use http::StatusCode;
use rusqlite::{Connection, TransactionBehavior};
use serde::Deserialize;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use shown::{Expected, title};

const SECRET: &str = "whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=";
const ANSWER_IS_LOST: u64 = 2;
const WORK_FAILS: u64 = 3;

#[derive(Deserialize)]
struct Order {
    order: u64,
}

/// The receiver: its file, and how often each order came, to show it at the end.
#[derive(Clone)]
struct Shop {
    database: PathBuf,
    visits: Arc<Mutex<BTreeMap<u64, u64>>>,
}

/// Everything that stands between the network and the work.
fn routes(shop: Shop) -> Result<Router, Box<dyn Error>> {
    let verifier = Verifier::new(&Scheme::standard(), [Secret::new(SECRET)?])?;
    let guard = VerifyLayer::new(verifier)
        .body_limit(64 * 1024)
        .content_types(["application/json"])
        .on_refusal(|why| println!("refused: {why}"));
    Ok(Router::new().route("/hooks", post(paid)).layer(guard).with_state(shop))
}

/// Answers when the work is committed; whatever fails is a 500, and the sender comes again.
async fn paid(
    State(shop): State<Shop>,
    verified: Verified<Bytes>,
    Json(event): Json<StandardEvent<Order>>,
) -> StatusCode {
    let order = event.data;
    match tokio::task::spawn_blocking(move || shop.receive(&verified, order.order)).await {
        Ok(Ok(status)) => status,
        Ok(Err(why)) => {
            println!("order {} failed: {why}", order.order);
            StatusCode::INTERNAL_SERVER_ERROR
        }
        Err(_) => StatusCode::INTERNAL_SERVER_ERROR,
    }
}

impl Shop {
    /// The work and the memory of it, in one transaction: what makes this return before the
    /// commit undoes both.
    fn receive(&self, verified: &Verified<Bytes>, order: u64) -> Result<StatusCode, WorkFailed> {
        let is_first_visit = self.visit(order) == 1;
        let id = verified.id().ok_or("standard signs an id")?;
        let mut database = Connection::open(&self.database)?;
        database.busy_timeout(Duration::from_secs(5))?;
        let transaction = database.transaction_with_behavior(TransactionBehavior::Immediate)?;

        let seen = SqliteDeduplicator::within(&transaction, "shop");
        match seen.see(id, Timestamp::from(SystemTime::now()))? {
            Sighting::New(()) => {
                println!("order {order} is new");
                let pay = "UPDATE orders SET paid = paid + 1 WHERE number = ?1";
                transaction.execute(pay, [order.cast_signed()])?;
            }
            Sighting::Seen | Sighting::Underway => println!("order {order} is known"),
        }
        if is_first_visit && order == WORK_FAILS {
            return Err("the power went".into());
        }
        transaction.commit()?;

        let answer_is_lost = is_first_visit && order == ANSWER_IS_LOST;
        Ok(if answer_is_lost { StatusCode::BAD_GATEWAY } else { StatusCode::OK })
    }

    fn visit(&self, order: u64) -> u64 {
        let mut visits = self.visits.lock().unwrap_or_else(PoisonError::into_inner);
        let visits = visits.entry(order).or_default();
        *visits += 1;
        *visits
    }
}

type WorkFailed = Box<dyn Error + Send + Sync>;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let directory = std::env::temp_dir().join(format!("hookpost-receiver-{}", std::process::id()));
    std::fs::create_dir_all(&directory)?;
    let outcome = play(&directory.join("shop.db")).await;
    std::fs::remove_dir_all(&directory)?;
    outcome
}

async fn play(database: &Path) -> Result<(), Box<dyn Error>> {
    let own = Connection::open(database)?;
    own.execute_batch(
        "PRAGMA journal_mode = WAL;
         CREATE TABLE orders (number INTEGER PRIMARY KEY, paid INTEGER DEFAULT 0);
         INSERT INTO orders (number) VALUES (1), (2), (3);",
    )?;
    SqliteDeduplicator::create_table(&own)?;
    let shop = Shop { database: database.to_owned(), visits: Arc::default() };
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    let routes = routes(shop.clone())?;
    let serving = tokio::spawn(async move { axum::serve(listener, routes).await });

    title("three orders are paid");
    let delivered = send(&format!("http://{address}/hooks"), 1..=3).await?;
    title("strangers knock");
    let unsigned = knock(address, "POST", "content-length: 2", "{}").await?;
    let badly_signed = knock(address, "POST", BADLY_SIGNED, "{}").await?;
    let by_get = knock(address, "GET", "content-length: 0", "").await?;
    let too_large = knock(address, "POST", "content-length: 65537", "").await?;
    serving.abort();

    let paid = |number: i64| own.query_row(PAID, [number], |row| row.get::<_, i64>(0));
    let visits = shop.visits.lock().unwrap_or_else(PoisonError::into_inner);
    let mut expected = Expected::default();
    expected.that("every order arrives", delivered == 3);
    expected.that("one came once and is paid once", visits[&1] == 1 && paid(1)? == 1);
    expected.that("one whose answer was lost came twice and is paid once", visits[&2] == 2 && paid(2)? == 1);
    expected.that("one whose work failed came twice and is paid once", visits[&3] == 2 && paid(3)? == 1);
    expected.that("who proves nothing gets 401 and no reason", unsigned == Answer::empty(401));
    expected.that("whatever is wrong with his proof", badly_signed == unsigned);
    expected.that("no other method is taken", by_get == Answer::empty(405));
    expected.that("nor a body over the limit, of which nothing was read", too_large == Answer::empty(413));
    expected.check()
}

const PAID: &str = "SELECT paid FROM orders WHERE number = ?1";
const BADLY_SIGNED: &str =
    "content-length: 2\r\nwebhook-id: a\r\nwebhook-timestamp: 1\r\nwebhook-signature: v1,AA";

/// Publishes the orders, and says how many were delivered.
async fn send(url: &str, orders: impl Iterator<Item = u64>) -> Result<u64, Box<dyn Error>> {
    let webhooks = stage::sender(Profile::standard(), url)?;
    webhooks.register(NewEndpoint::new("acme", url, "standard")?.secret(SECRET)?).await?;
    for order in orders {
        let payload = format!(r#"{{"order":{order}}}"#);
        webhooks.publish(NewEvent::json("acme", "order.paid", payload)?).await?;
    }
    Ok(stage::work_off(&webhooks).await?.delivered)
}

/// What a stranger is told.
#[derive(PartialEq)]
struct Answer {
    status: u16,
    body: String,
}

impl Answer {
    const fn empty(status: u16) -> Self {
        Self { status, body: String::new() }
    }
}

/// Sends a request that no sender signed.
async fn knock(to: SocketAddr, method: &str, headers: &str, body: &str) -> Result<Answer, Box<dyn Error>> {
    let mut connection = TcpStream::connect(to).await?;
    let request = format!(
        "{method} /hooks HTTP/1.1\r\nhost: {to}\r\nconnection: close\r\n\
         content-type: application/json\r\n{headers}\r\n\r\n{body}"
    );
    connection.write_all(request.as_bytes()).await?;
    let mut answer = String::new();
    connection.read_to_string(&mut answer).await?;
    let (head, body) = answer.split_once("\r\n\r\n").ok_or("no answer")?;
    let status = head.split(' ').nth(1).ok_or("no status")?.parse()?;
    Ok(Answer { status, body: body.to_owned() })
}
