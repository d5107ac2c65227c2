//! Counts the cost of reading endpoints: a tenant's large subscriptions are parsed once, and no call
//! reads many of them.

use std::sync::Arc;

use rusqlite::Connection;

use crate::backend::Cipher;
use crate::delivery::EventMeta;
use crate::endpoint::{Endpoint, EndpointPage, Expected, Generation, Headers, Overrides, Put, Write};
use crate::event::NewEvent;
use crate::id::{EndpointId, EventId};
use crate::policy::egress::EndpointUrl;
use crate::secret::SecretSet;
use crate::sequence::Sequence;
use crate::subscription::{Filter, Subscription, work};
use crate::time::Timestamp;

use super::db::Db;
use super::endpoint::EndpointReader;
use super::plain::Plain;
use super::{registry, schema, sealed};

fn id(number: usize) -> EndpointId {
    EndpointId::new(format!("e{number:03}")).unwrap()
}

/// A subscription of four filters with `values` values each.
fn subscription(number: usize, values: usize) -> Subscription {
    let filter = |at: usize| {
        let values: Vec<_> = (0..values).map(|value| (value + 1_000_000 * number + 1000).into()).collect();
        Filter::equals(format!("/{at}"), values).unwrap()
    };
    (0..4).fold(Subscription::to_all(), |all, at| all.filtered(filter(at)))
}

/// A file with endpoints of `acme`, one for each subscription.
fn with_endpoints(subscriptions: impl IntoIterator<Item = Subscription>) -> Connection {
    let connection = Connection::open_in_memory().unwrap();
    schema::migrate(&connection).unwrap();
    let (db, cipher) = (Db::own(&connection, Arc::default()), Arc::new(Plain) as Arc<dyn Cipher>);
    for (number, subscription) in subscriptions.into_iter().enumerate() {
        let endpoint = Endpoint {
            id: id(number),
            tenant: "acme".parse().unwrap(),
            name: String::new(),
            url: EndpointUrl::from_stored(&format!("https://{number}.example/")).unwrap(),
            profile: "standard".parse().unwrap(),
            secrets: SecretSet::none().into(),
            subscription,
            headers: Headers::none(),
            overrides: Overrides::none(),
            enabled: true,
            since: Timestamp::EPOCH,
            began: Sequence::default(),
            version: 0,
            generation: Generation::UNKNOWN,
        };
        let binding = registry::new_binding(&db).unwrap();
        let seal = sealed::seal(&cipher, &endpoint, binding).unwrap();
        let write = Write { endpoint, width: 1, expected: Expected::Absent, unique_url: false };
        let put = registry::put(&db, &write, seal.as_ref(), false).unwrap();
        assert!(matches!(put, Put::Stored { .. }));
    }
    drop(db);
    connection
}

fn reader() -> EndpointReader {
    EndpointReader::new(Arc::new(Plain))
}

fn event() -> EventMeta {
    let event = NewEvent::json("acme", "order.paid", "{}").unwrap();
    EventMeta::of(&event.into_event(EventId::new("e").unwrap(), Timestamp::EPOCH, 100).unwrap())
}

fn ids(page: &EndpointPage) -> Vec<EndpointId> {
    page.endpoints.iter().map(|endpoint| endpoint.id.clone()).collect()
}

#[test]
fn a_subscription_is_parsed_once_however_many_events_and_deliveries_it_is_read_for() {
    let (connection, reader) = (with_endpoints((0..10).map(|number| subscription(number, 100))), reader());
    let db = Db::own(&connection, Arc::default());
    work::taken();
    let read =
        |after: Option<&EndpointId>| registry::subscribers(&db, &reader, &event(), after, 1000).unwrap();
    assert_eq!(read(None).endpoints.len(), 10);
    assert_eq!(work::taken().passes, 10 * 4 * 100, "once for each value");
    for _ in 0..100 {
        assert_eq!(ids(&read(Some(&id(4)))), (5..10).map(id).collect::<Vec<_>>());
        assert_eq!(registry::load_first(&db, &reader, &[id(1), id(2)]).unwrap().len(), 2);
    }
    assert_eq!(work::taken(), work::Work::default());
}

#[test]
fn a_subscription_that_another_program_changed_is_read_as_it_stands() {
    let (connection, reader) = (with_endpoints([subscription(0, 1)]), reader());
    let db = Db::own(&connection, Arc::default());
    let read = || registry::subscribers(&db, &reader, &event(), None, 1000).unwrap();
    assert_eq!(read().endpoints[0].subscription, subscription(0, 1));
    let change = |text: &str| {
        connection.execute("UPDATE hookpost_endpoint SET subscription = ?1", [text]).unwrap();
    };
    change(r#"{"events":["order.*"],"scope":null,"filters":[]}"#);
    assert_eq!(read().endpoints[0].subscription, Subscription::to(["order.*"]).unwrap());
    change(r#"{"events":[],"scope":null,"filters":[]}"#);
    assert_eq!(read().unreadable.len(), 1);
    change(r#"{"events":["other"],"scope":null,"filters":[]}"#);
    let page = read();
    assert!(page.endpoints.is_empty() && page.unreadable.is_empty(), "it wants others");
}

#[test]
fn large_endpoints_are_read_in_parts_of_a_bounded_size() {
    let (connection, reader) = (with_endpoints((0..20).map(|number| subscription(number, 1024))), reader());
    let db = Db::own(&connection, Arc::default());
    // Each endpoint takes 28 to 37 KiB, and one call reads half a MiB.
    let (all, few) = ((0..20).map(id).collect::<Vec<_>>(), 14..=19);
    let pages = [
        |db: &Db<'_>, reader: &EndpointReader, after: Option<&EndpointId>| {
            registry::subscribers(db, reader, &event(), after, 1000).unwrap()
        },
        |db: &Db<'_>, reader: &EndpointReader, after: Option<&EndpointId>| {
            registry::list(db, reader, &"acme".parse().unwrap(), after, 1000).unwrap()
        },
    ];
    for read in pages {
        let first = read(&db, &reader, None);
        assert!(few.contains(&first.endpoints.len()), "{}", first.endpoints.len());
        assert_eq!(first.more_after, ids(&first).pop());
        let second = read(&db, &reader, first.more_after.as_ref());
        assert_eq!(second.more_after, None);
        assert_eq!([ids(&first), ids(&second)].concat(), all);
    }
    assert!(few.contains(&registry::load_first(&db, &reader, &all).unwrap().len()));
    let unwanted = Connection::execute(&connection, "UPDATE hookpost_endpoint SET enabled = 0", []);
    assert_eq!(unwanted.unwrap(), 20);
    let page = registry::subscribers(&db, &reader, &event(), None, 1000).unwrap();
    assert!(page.endpoints.is_empty() && page.more_after.is_some(), "what is passed over counts too");
}
