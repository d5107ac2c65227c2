//! What a publish costs in the host's own SQLite transaction, beside a bare insert.

use std::time::Instant;

use hookpost::NewEvent;
use hookpost::backend::Clock;
use hookpost::id::EventId;
use hookpost::os::SystemClock;
use hookpost::stores::sqlite::{SqliteStore, publish_in_at};
use rusqlite::{Connection, Transaction};

use crate::Scale;
use crate::engine::payload;
use crate::report::Line;
use crate::sink::micros_now;

/// Transactions of one insert each, and of one publish each, by turns.
pub(crate) fn publish_beside_insert(scale: Scale) {
    let path = std::env::temp_dir().join(format!("hookpost-bench-host-{}.db", micros_now()));
    drop(SqliteStore::open(&path).unwrap());
    let mut db = Connection::open(&path).unwrap();
    db.execute_batch("PRAGMA synchronous = FULL; CREATE TABLE app (id INTEGER PRIMARY KEY, body TEXT)")
        .unwrap();
    let (clock, body) = (SystemClock::new(), payload());
    let insert = |host: &Transaction<'_>, _| {
        host.prepare_cached("INSERT INTO app (body) VALUES (?1)").unwrap().execute([&body]).unwrap();
    };
    let publish = |host: &Transaction<'_>, n: u32| {
        let (now, event) = (clock.now(), NewEvent::json("t0", "order.paid", body.clone()).unwrap());
        let mut random = [0; 10];
        random[..4].copy_from_slice(&n.to_be_bytes());
        publish_in_at(host, event, EventId::from_parts(now, random), now).unwrap();
    };
    let rounds = u32::try_from(scale.deliveries / 10).unwrap();
    let (mut bare, mut ours) = (Vec::new(), Vec::new());
    for n in 0..rounds {
        bare.push(timed(&mut db, n, insert));
        ours.push(timed(&mut db, n, publish));
    }
    let (bare, ours) = (median(bare), median(ours));
    Line::new("host_transaction", "sqlite")
        .with("ratio", format!("{:.2}", ours / bare))
        .with("publish_us", format!("{ours:.0}"))
        .with("insert_us", format!("{bare:.0}"))
        .print();
    for suffix in ["", "-wal", "-shm"] {
        std::fs::remove_file(format!("{}{suffix}", path.display())).ok();
    }
}

fn timed(db: &mut Connection, n: u32, write: impl Fn(&Transaction<'_>, u32)) -> f64 {
    let began = Instant::now();
    let host = db.transaction().unwrap();
    write(&host, n);
    host.commit().unwrap();
    began.elapsed().as_secs_f64() * 1e6
}

fn median(mut micros: Vec<f64>) -> f64 {
    micros.sort_by(f64::total_cmp);
    micros[micros.len() / 2]
}
