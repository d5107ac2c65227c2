//! What stands in a payload where filters look: found for all of them in one pass over its
//! bytes, however many filters there are.

use std::collections::{BTreeMap, HashSet};
use std::sync::OnceLock;

use serde_json::Value;
use serde_json::value::RawValue;

use super::Subscription;
use super::scan::{Scan, Stands, Wanted};

/// An index that has more nodes than this takes no further subscription: the largest
/// adds 130,000 of them.
const NODES_ENOUGH: usize = 16_384;

/// A payload as filters see it.
#[derive(Debug)]
pub(crate) struct Places<'a> {
    /// The node of each pointer that is looked at.
    pointers: BTreeMap<&'a str, usize>,
    found: Vec<Found<'a>>,
    /// Whether the payload was read and is JSON.
    is_json: bool,
}

/// What stands at a place.
#[derive(Debug)]
struct Found<'a> {
    text: Option<&'a str>,
    is_hidden: bool,
    /// Read when a filter first asks for it.
    value: OnceLock<Option<Value>>,
    members: OnceLock<HashSet<Value>>,
}

/// What a filter compares with.
#[derive(Debug, Clone, Copy)]
pub(super) struct Place<'p>(Option<&'p Found<'p>>);

impl<'a> Places<'a> {
    /// Reads a payload for what a subscription asks of it; not at all, where that is nothing.
    pub(super) fn of(payload: &'a [u8], subscription: &'a Subscription) -> Self {
        Self::of_first(payload, [Some(subscription)]).0
    }

    /// Reads a payload for what the first of these subscriptions ask of it, and says how
    /// many those are: all, unless they look at very many places. `None` asks nothing.
    pub(crate) fn of_first(
        payload: &'a [u8],
        subscriptions: impl IntoIterator<Item = Option<&'a Subscription>>,
    ) -> (Self, usize) {
        let (mut wanted, mut pointers) = (Wanted::new(), BTreeMap::new());
        let (mut count, mut is_read) = (0, false);
        for subscription in subscriptions {
            if wanted.len() > NODES_ENOUGH {
                break;
            }
            count += 1;
            let Some(subscription) = subscription.filter(|one| one.looks_at_payloads()) else { continue };
            is_read = true;
            for filter in subscription.filters_in_all() {
                pointers.entry(filter.pointer()).or_insert_with(|| wanted.add(filter.pointer()));
            }
        }
        let json = is_read.then(|| serde_json::from_slice::<&RawValue>(payload).ok()).flatten();
        let stands = json.map_or_else(Vec::new, |json| Scan::over(json.get(), &wanted).stands());
        let found = stands.into_iter().map(Found::new).collect();
        (Self { pointers, found, is_json: json.is_some() }, count)
    }

    /// Whether the payload was read and is JSON: no other passes a filter.
    pub(super) const fn is_json(&self) -> bool {
        self.is_json
    }

    /// What stands at a pointer of one of the filters; `None` where nobody can say.
    pub(super) fn at(&self, pointer: &str) -> Option<Place<'_>> {
        let found = self.found.get(*self.pointers.get(pointer)?)?;
        (!found.is_hidden).then(|| Place(found.text.is_some().then_some(found)))
    }
}

impl<'a> Found<'a> {
    const fn new(Stands { text, is_hidden }: Stands<'a>) -> Self {
        Self { text, is_hidden, value: OnceLock::new(), members: OnceLock::new() }
    }
}

impl Place<'_> {
    /// Whether its value is one of these.
    pub(super) fn is_one_of(self, values: &[Value]) -> bool {
        self.value().is_some_and(|value| values.contains(value))
    }

    /// Whether it is an array that holds one of these.
    pub(super) fn holds_one_of(self, values: &[Value]) -> bool {
        let Some((found, members)) = self.0.zip(self.value().and_then(Value::as_array)) else {
            return false;
        };
        // Of a long array and a long list, each pair would be compared.
        let members = found.members.get_or_init(|| members.iter().cloned().collect());
        values.iter().any(|value| members.contains(value))
    }

    /// Its value; `None` where nothing stands there, or what cannot be read as a value.
    fn value(&self) -> Option<&Value> {
        let found = self.0?;
        let value = found.value.get_or_init(|| {
            #[cfg(test)]
            reads::count();
            found.text.and_then(|text| serde_json::from_str(text).ok())
        });
        value.as_ref()
    }
}

/// How often a payload, or the value at one place of it, was read on this thread.
#[cfg(test)]
pub(crate) mod reads {
    use std::cell::Cell;

    thread_local! {
        static COUNT: Cell<usize> = const { Cell::new(0) };
    }

    pub(in crate::subscription) fn count() {
        COUNT.set(COUNT.get() + 1);
    }

    /// The reads since it was asked last.
    pub(crate) fn taken() -> usize {
        COUNT.take()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::Filter;
    use super::super::pointer::pointed;
    use super::*;

    const POINTERS: [&str; 14] = [
        "/a", "/a/b", "/a/b/0", "/a/1", "/a/1/b", "/b", "/", "/a/", "/0", "/0/a", "/a~1b", "/~0", "/01",
        "/b/c/a",
    ];

    fn subscription(pointers: &[&str]) -> Subscription {
        let all = Subscription::to_all();
        pointers
            .iter()
            .fold(all, |all, pointer| all.filtered(Filter::equals(*pointer, [true.into()]).unwrap()))
    }

    /// What stands at each pointer, by one pass and by a walk for each of them.
    fn compare(json: &str) {
        let subscription = subscription(&POINTERS);
        let places = Places::of(json.as_bytes(), &subscription);
        let raw: Result<&RawValue, _> = serde_json::from_str(json);
        assert_eq!(places.is_json(), raw.is_ok(), "{json}");
        let Ok(raw) = raw else { return };
        for pointer in POINTERS {
            let walked = pointed(raw, pointer).ok().map(|found| found.map(RawValue::get));
            let place = places.at(pointer).map(|place| place.0.and_then(|found| found.text));
            assert_eq!(place, walked, "{pointer} in {json}");
        }
    }

    #[test]
    fn one_pass_finds_what_a_walk_for_each_pointer_finds() {
        for json in [
            "{}",
            "7",
            " \n[1, {\"b\" : 2 } , 3]\t",
            r#"{"a":{"b":[10,{"~":null}],"":1},"b":"}]","0":{"a":2},"a/b":3,"~":4,"01":5}"#,
            r#"{"a":[{"b":1},{"b":2}],"a":{"b":[]}}"#,
            r#"{"a":{"b":[7]},"a":{}}"#,
            r#"{"a":{"b":1,"b":{"0":2}},"\u0061":{"1":{"b":true}}}"#,
            r#"{"a":{"\ud800":1,"b":2},"b":{"c":{"a":1}}}"#,
            r#"{"a":{"\ud800":1,"b":2},"a":{"b":3}}"#,
            r#"{"\ud800":1,"a":2}"#,
            r#"{"x":{"\ud800":1},"a":"\"\\\ud800"}"#,
            r#"{"a":1e999,"b":-0.0,"":[[[]]]}"#,
            "{\"a\":\"\u{1F600}\u{7f}\",\"b\":null}",
            "",
            "{",
            "no json",
        ] {
            compare(json);
        }
    }

    /// JSON texts with few keys, so that they come twice and stand where filters look.
    fn texts() -> impl Strategy<Value = String> {
        let space = prop_oneof![Just(""), Just(" "), Just("\n\t")];
        let leaf = prop_oneof![
            Just("1".to_owned()),
            Just("true".to_owned()),
            Just("null".to_owned()),
            Just("-1.5e3".to_owned()),
            Just(r#""a,b]}\"\\""#.to_owned()),
            Just(r#""""#.to_owned()),
        ];
        let key = prop_oneof![
            Just("a"),
            Just("b"),
            Just("c"),
            Just(""),
            Just("0"),
            Just("1"),
            Just("01"),
            Just("a/b"),
            Just("~"),
            Just(r"\u0061"),
            Just(r"\ud800"),
            Just(r"\ud83d\ude00"),
            Just("x"),
        ];
        leaf.prop_recursive(5, 64, 4, move |inner| {
            let member = (key.clone(), inner.clone(), space.clone())
                .prop_map(|(key, value, space)| format!("{space}\"{key}\"{space}:{space}{value}{space}"));
            let item = (inner, space.clone()).prop_map(|(value, space)| format!("{space}{value}{space}"));
            prop_oneof![
                prop::collection::vec(member, 0..5).prop_map(|members| format!("{{{}}}", members.join(","))),
                prop::collection::vec(item, 0..4).prop_map(|items| format!("[{}]", items.join(","))),
            ]
        })
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2000))]

        #[test]
        fn any_payload_is_read_as_a_walk_for_each_pointer_reads_it(json in texts()) {
            compare(&json);
        }
    }

    #[test]
    fn a_long_array_is_held_against_a_long_list_without_comparing_each_pair() {
        // 100,000 members and 64 filters of 1,024 values: 6.5 billion pairs.
        let members: Vec<_> = (0..100_000).map(|n| n.to_string()).collect();
        let payload = format!(r#"{{"ids":[{}]}}"#, members.join(","));
        let values: Vec<Value> = (0..1024).map(|n| Value::from(200_000 + n)).collect();
        let lacks = Filter::lacks("/ids", values).unwrap();
        let all = (0..64).fold(Subscription::to_all(), |all, _| all.filtered(lacks.clone()));
        reads::taken();
        assert!(all.takes(&Places::of(payload.as_bytes(), &all)));
        assert_eq!(reads::taken(), 2, "the payload, and the array");
    }

    #[test]
    fn a_payload_that_nobody_looks_at_is_not_read() {
        reads::taken();
        let all = Subscription::to_all();
        assert!(all.takes(&Places::of(b"no json", &all)));
        assert_eq!(reads::taken(), 0);
    }
}
