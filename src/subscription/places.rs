//! What stands in a payload where filters look: found for all of them in one pass over its
//! bytes, however many filters there are.

use std::collections::BTreeMap;

use serde_json::value::RawValue;

use super::Subscription;
use super::identity::Identities;
use super::scan::{Stands, scan};
use super::wanted::Wanted;

/// An index that has more nodes than this takes no further subscription: the largest
/// adds 130,000 of them.
const NODES_ENOUGH: usize = 16_384;

/// A payload as filters see it.
///
/// However many places there are, and however deep inside each other, its bytes are read a
/// bounded number of times, and of what filters compare 16 bytes a value are kept.
#[derive(Debug)]
pub(crate) struct Places<'a> {
    /// The node of each pointer that is looked at.
    pointers: BTreeMap<&'a str, usize>,
    found: Vec<Stands>,
    /// Whether the payload was read and is JSON.
    is_json: bool,
}

/// What a filter compares with.
#[derive(Debug, Clone, Copy)]
pub(super) struct Place<'p>(&'p Stands);

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
            if wanted.nodes().len() > NODES_ENOUGH {
                break;
            }
            count += 1;
            let Some(subscription) = subscription.filter(|one| one.looks_at_payloads()) else { continue };
            is_read = true;
            for filter in subscription.filters_in_all() {
                let pointer = filter.pointer();
                let node = *pointers.entry(pointer).or_insert_with(|| wanted.add(pointer));
                wanted.ask(node, filter.asked());
            }
        }
        let json = is_read.then(|| serde_json::from_slice::<&RawValue>(payload).ok()).flatten();
        let found = json.map_or_else(Vec::new, |json| scan(json.get(), &wanted));
        (Self { pointers, found, is_json: json.is_some() }, count)
    }

    /// Whether the payload was read and is JSON: no other passes a filter.
    pub(super) const fn is_json(&self) -> bool {
        self.is_json
    }

    /// What stands at a pointer of one of the filters; `None` where nobody can say.
    pub(super) fn at(&self, pointer: &str) -> Option<Place<'_>> {
        let found = self.found.get(*self.pointers.get(pointer)?)?;
        (!found.is_hidden).then_some(Place(found))
    }
}

impl Place<'_> {
    /// Whether its value is one of these.
    pub(super) fn is_one_of(self, values: &Identities) -> bool {
        self.0.value.is_some_and(|value| values.contain(&value))
    }

    /// Whether it is an array that holds one of these.
    pub(super) fn holds_one_of(self, values: &Identities) -> bool {
        self.0.members.meet(values)
    }

    /// Whether a part of it cannot be read, which may be anything.
    pub(super) const fn is_unreadable(self) -> bool {
        self.0.is_unreadable
    }
}

#[cfg(test)]
pub(super) mod tests {
    use proptest::prelude::*;

    use serde_json::{Value, json};

    use super::super::pointer::pointed;
    use super::super::{Filter, scan, work};
    use super::*;

    const POINTERS: [&str; 14] = [
        "/a", "/a/b", "/a/b/0", "/a/1", "/a/1/b", "/b", "/", "/a/", "/0", "/0/a", "/a~1b", "/~0", "/01",
        "/b/c/a",
    ];

    fn subscription(pointers: &[&str]) -> Subscription {
        let all = Subscription::to_all();
        let (nested, scalar) = (json!([{"a": []}]), Value::Bool(true));
        pointers.iter().enumerate().fold(all, |all, (number, pointer)| {
            let value = if number.is_multiple_of(2) { &nested } else { &scalar };
            all.filtered(Filter::equals(*pointer, [value.clone()]).unwrap())
        })
    }

    /// What stands at each pointer, by one pass and by a walk for each of them.
    fn compare(json: &str) {
        let subscription = subscription(&POINTERS);
        let places = Places::of(json.as_bytes(), &subscription);
        let raw: Result<&RawValue, _> = serde_json::from_str(json);
        assert_eq!(places.is_json(), raw.is_ok(), "{json}");
        let Ok(raw) = raw else { return };
        for (number, pointer) in POINTERS.iter().enumerate() {
            let levels = if number.is_multiple_of(2) { 3 } else { 0 };
            let walked = pointed(raw, pointer).ok().map(|found| found.map(RawValue::get));
            let walked = walked.map(|found| found.and_then(|text| scan::identity(text, levels)));
            let found = places.at(pointer).map(|place| place.0.value);
            let nested_too_deep = walked == Some(None) && levels == 0;
            assert!(found == walked || nested_too_deep, "{pointer} in {json}");
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
    pub(in super::super) fn texts() -> impl Strategy<Value = String> {
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

    /// The work of holding a payload against a subscription.
    fn work_of(payload: &str, subscription: &Subscription) -> work::Work {
        work::taken();
        subscription.takes(&Places::of(payload.as_bytes(), subscription));
        work::taken()
    }

    fn lacking(pointers: impl IntoIterator<Item = String>, value: &Value) -> Subscription {
        pointers.into_iter().fold(Subscription::to_all(), |all, pointer| {
            all.filtered(Filter::lacks(pointer, [value.clone()]).unwrap())
        })
    }

    #[test]
    fn the_work_of_reading_a_payload_does_not_grow_with_places_inside_each_other() {
        let (open, close) = ("[".repeat(40), "]".repeat(40));
        let array = |members: &str| format!("{open}{members}{close}");
        let object = format!("{}1{}", r#"{"0":"#.repeat(40), "}".repeat(40));
        let payloads = [
            array(&vec!["1"; 25_000].join(",")),
            array(&vec!["[[]]"; 10_000].join(",")),
            array(&vec![r#"{"a":1,"a":[2]}"#; 4_000].join(",")),
            array(&format!(r#"["{}",{}]"#, r"A".repeat(8_000), "9".repeat(20_000))),
            array(&" ".repeat(50_000)),
            array(&vec![object; 100].join(",")),
            vec!["[[[[[[[["; 6_000].join("") + &"]".repeat(48_000),
        ];
        for value in [json!("x"), json!([[{"a": [1]}]])] {
            let one = lacking(["/0".to_owned()], &value);
            let all = lacking((1..=31).map(|steps| "/0".repeat(steps)), &value);
            for payload in &payloads {
                let (one, all) = (work_of(payload, &one), work_of(payload, &all));
                let start = &payload[..60];
                assert_eq!((one.passes, all.passes), (1, 1), "{start}");
                assert!(all.bytes <= 16 * payload.len(), "{} of {}: {start}", all.bytes, payload.len());
                assert!(all.kept <= 8 * payload.len(), "{} of {}: {start}", all.kept, payload.len());
            }
        }
    }

    #[test]
    fn an_array_with_many_members_and_an_object_with_many_keys_are_read_once() {
        let array = format!("[{}]", (0..50_000).map(|n| n.to_string()).collect::<Vec<_>>().join(","));
        let keys = (0..50_000).map(|n| format!(r#""{n}":1"#)).collect::<Vec<_>>().join(",");
        let payload = format!(r#"{{"a":{array},"b":{{{keys}}},"b":{{{keys}}}}}"#);
        let values: Vec<Value> = (0..1024).map(|n| Value::from(200_000 + n)).collect();
        let ids = Filter::lacks("/a", values).unwrap();
        let whole = Filter::lacks("/b", [json!({"0": 1}), json!([])]).unwrap();
        let all =
            (0..32).fold(Subscription::to_all(), |all, _| all.filtered(ids.clone()).filtered(whole.clone()));
        work::taken();
        assert!(all.takes(&Places::of(payload.as_bytes(), &all)));
        let work = work::taken();
        assert_eq!(work.passes, 1);
        assert!(work.bytes <= 16 * payload.len(), "{} of {}", work.bytes, payload.len());
        assert!(work.kept <= 8 * payload.len(), "{} of {}", work.kept, payload.len());
    }

    #[test]
    fn a_payload_that_nobody_looks_at_is_not_read() {
        let all = Subscription::to_all();
        assert_eq!(work_of("no json", &all), work::Work::default());
        assert!(all.takes(&Places::of(b"no json", &all)));
    }
}
