//! What the children of one file stand on: the file, a receiver at the parent's own
//! socket, and a clock that moves past every lease from one life to the next.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use hookpost::backend::Store;
use hookpost::delivery::{ClaimRequest, Shares};
use hookpost::history::{PageAfter, Selection};
use hookpost::id::{TenantId, Token};
use hookpost::testing::{Answer, Received, Receiver};
use tokio::runtime::Runtime;

use super::orders::Orders;
use super::process::{Life, Process};
use super::sender::{self, ENDPOINTS, LEASE, TENANT};
use super::sqlite_file::TempFile;
use super::verdict::{Evidence, Seen, Told};

/// More than a lease: what one life had claimed, the next one finds lapsed.
const NEXT_LIFE: Duration = LEASE.saturating_add(Duration::from_secs(1));
/// What has not moved for so long will not move any more.
const PATIENCE: Duration = Duration::from_secs(30);

pub(crate) struct Ground {
    runtime: Runtime,
    receiver: Receiver,
    file: TempFile,
    ahead: Duration,
    acknowledged: Vec<String>,
}

impl Ground {
    pub(crate) fn new() -> Self {
        let runtime =
            tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let receiver = runtime.block_on(Receiver::start()).unwrap();
        receiver.answer_by(answer);
        let file = TempFile::new();
        let webhooks = sender::plain(&file.path(), Duration::ZERO);
        for id in ENDPOINTS {
            let endpoint = sender::endpoint(id, receiver.url(&format!("/{id}")));
            runtime.block_on(webhooks.register(endpoint)).unwrap();
        }
        Self { runtime, receiver, file, ahead: Duration::ZERO, acknowledged: Vec::new() }
    }

    /// One life of a child, from its start to its end.
    pub(crate) fn live(&mut self, orders: &Orders, end: impl FnOnce(Process) -> Life) -> Life {
        let life = end(self.start(orders));
        self.bury(&life);
        life
    }

    /// A child that the caller sees to its end. For all who come after it, its leases
    /// have lapsed.
    pub(crate) fn start(&mut self, orders: &Orders) -> Process {
        static NUMBER: AtomicU64 = AtomicU64::new(0);
        let tag = format!("life-{}", NUMBER.fetch_add(1, Ordering::Relaxed));
        let orders = Orders { file: self.file.path(), tag, ahead: self.ahead, ..orders.clone() };
        self.ahead += NEXT_LIFE;
        Process::start(&orders)
    }

    /// Notes what a child has left.
    pub(crate) fn bury(&mut self, life: &Life) {
        self.acknowledged.extend(life.acknowledged().cloned());
    }

    /// Stores so many events, acknowledged, which nobody delivers yet.
    pub(crate) fn publish(&mut self, count: usize) {
        let webhooks = sender::plain(&self.file.path(), self.ahead);
        for _ in 0..count {
            let id = format!("early-{}", self.acknowledged.len());
            self.runtime.block_on(webhooks.publish(sender::event(&id))).unwrap();
            self.acknowledged.push(id);
        }
    }

    /// Runs an engine that nobody kills, past every lease, until nothing is pending or
    /// nothing moves any more.
    pub(crate) fn heal(&self) {
        let webhooks = sender::plain(&self.file.path(), self.ahead);
        let drained = async {
            let (mut left, mut moved) = ((0, 0), Instant::now());
            while moved.elapsed() < PATIENCE {
                let stats = webhooks.stats(None).await.unwrap();
                match (stats.unrouted, stats.pending) {
                    (0, 0) => return,
                    same if same == left => {}
                    now => (left, moved) = (now, Instant::now()),
                }
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        self.runtime.block_on(webhooks.run(drained)).unwrap();
    }

    /// Leases whatever is due, to somebody who will never say a word about it.
    pub(crate) fn take_over(&mut self) {
        let clock = sender::Ahead::by(self.ahead);
        let (store, now) = (sender::store(&self.file.path(), &clock), clock.now());
        let request = ClaimRequest {
            token: Token::from_bytes([7; 16]),
            now,
            lease_until: now + LEASE,
            deliveries: 1000,
            events: 1000,
            doubtful: 1000,
            shares: Shares::unlimited(),
            alone: false,
        };
        let claims = self.runtime.block_on(store.claim(&request)).unwrap();
        assert!(!claims.work.is_empty(), "nothing was due any more");
        self.ahead += NEXT_LIFE;
    }

    /// What the children said, what the history tells and what the receiver got.
    pub(crate) fn evidence(&self) -> Evidence {
        Evidence {
            acknowledged: self.acknowledged.clone(),
            deliveries: self.runtime.block_on(self.history()),
            requests: self.receiver.requests().iter().map(seen).collect(),
        }
    }

    async fn history(&self) -> Vec<Told> {
        let webhooks = sender::plain(&self.file.path(), self.ahead);
        let tenant = TenantId::new(TENANT).unwrap();
        let (mut told, mut after) = (Vec::new(), None);
        loop {
            let page = PageAfter { after, limit: 1000 };
            let page = webhooks.deliveries(&tenant, Selection::default(), page).await.unwrap();
            for delivery in page.deliveries {
                let log = webhooks.attempts(&tenant, &delivery.id).await.unwrap().unwrap();
                told.push(Told::new(&delivery, &log));
            }
            after = page.more_after;
            if after.is_none() {
                return told;
            }
        }
    }
}

/// Every ninth request is answered with an error. Each answer names the request that
/// it answers, and the history keeps it: a row of the history is held against the
/// very request that it speaks of.
fn answer(request: &Received) -> Answer {
    // Not all at once: some requests are always under way.
    let delay = Duration::from_millis(request.order as u64 % 4);
    Answer::status(status(request.order)).body(request.order.to_string()).after(delay)
}

const fn status(order: usize) -> u16 {
    if order % 9 == 4 { 500 } else { 200 }
}

fn seen(request: &Received) -> Seen {
    Seen {
        order: request.order,
        event: request.header("webhook-id").unwrap().to_owned(),
        endpoint: request.path().trim_start_matches('/').to_owned(),
        status: status(request.order),
    }
}
