//! Addresses and filters that other guards let pass.

use hookpost::id::EventId;
use hookpost::policy::egress::AddressPolicy;
use hookpost::{Filter, NewEvent, Subscription, Timestamp};
use serde_json::{Value, json};

const CLOSED: [&str; 45] = [
    "127.0.0.1",
    "0.0.0.0",
    "10.1.2.3",
    "100.64.0.1",
    "169.254.169.254",
    "172.31.0.1",
    "192.0.0.192",
    "192.0.0.9",
    "192.0.2.1",
    "192.88.99.1",
    "198.18.0.1",
    "198.51.100.7",
    "203.0.113.1",
    "224.0.0.1",
    "240.0.0.1",
    "255.255.255.255",
    "168.63.129.16",
    "100.100.100.200",
    "::1",
    "::",
    "::ffff:127.0.0.1",
    "::127.0.0.1",
    "::ffff:0:127.0.0.1",
    "64:ff9b::7f00:1",
    "64:ff9b::a9fe:a9fe",
    "64:ff9b:1::a00:1",
    "2002:7f00:1::",
    "2002:a00:1::1",
    "2001:0:7f00:1::",
    "2001::1",
    "2001:db8::1",
    "3fff::1",
    "fc00::1",
    "fd00:ec2::254",
    "fe80::1",
    "fec0::1",
    "ff02::1",
    "100::1",
    "100:0:0:1::1",
    "5f00::1",
    "2001:10::1",
    "2001:20::1",
    "2620:4f:8000::1",
    "64:ff9b::808:808",
    "fe80::5efe:7f00:1",
];
const OPEN: [&str; 11] = [
    "8.8.8.8",
    "1.1.1.1",
    "2606:4700:4700::1111",
    "2a00:1450:4001::1",
    "192.0.1.1",
    "172.32.0.1",
    "100.128.0.1",
    "169.253.1.1",
    "198.20.0.1",
    "192.167.1.1",
    "223.255.255.1",
];

#[test]
fn an_address_is_judged_by_where_it_leads_however_it_is_written() {
    let judge = |address: &str| AddressPolicy::public_only().judge(address.parse().unwrap()).is_ok();
    for address in CLOSED {
        assert!(!judge(address), "{address}");
    }
    for address in OPEN {
        assert!(judge(address), "{address}");
    }
}

/// Among others <https://github.com/timbray/quamina/issues/27>,
/// <https://github.com/aws/event-ruler/issues/163> and <https://github.com/floci-io/floci/pull/1889>.
#[test]
fn a_filter_compares_what_stands_there_and_not_how_it_is_written() {
    for (pointer, value, payload, passes) in [
        ("/a", json!(2), r#"{"a":1,"a":2}"#, true),
        ("/a~1b", json!(1), r#"{"a\/b":1}"#, true),
        ("/a", json!("\u{e9}"), "{\"a\":\"e\u{301}\"}", false),
        ("/a", json!("\u{e9}"), r#"{"a":"\u00e9"}"#, true),
        ("/a", Value::Null, "{}", false),
        ("/a", json!({"x": 1, "y": 2}), r#"{"a":{"y":2,"x":1}}"#, true),
        ("/n", json!(9_007_199_254_740_993_u64), r#"{"n":9007199254740992}"#, false),
        ("/n", json!("10"), r#"{"n":10}"#, false),
        ("/n", json!(true), r#"{"n":"true"}"#, false),
        ("/n", json!(30), r#"{"n":3.0e1}"#, true),
        ("/n", json!(30), r#"{"n":30.000}"#, true),
        ("/n", json!(300.0), r#"{"n":3.0E+2}"#, true),
        ("/n", json!(37.807_807_921_694_09), r#"{"n":37.80780792169409}"#, true),
        ("/n", json!(37.807_807_921_694_09), r#"{"n":37.8078079216940}"#, false),
        ("/n", json!(37.807_807_921_694_09), r#"{"n":37.807807921}"#, false),
        ("/n", json!(0), r#"{"n":-0.0}"#, true),
    ] {
        let filter = Filter::equals(pointer, [value]).unwrap();
        let event = NewEvent::json("acme", "order.paid", payload.to_owned()).unwrap();
        let event = event.into_event(EventId::new("e").unwrap(), Timestamp::EPOCH, 1 << 20).unwrap();
        assert_eq!(Subscription::to_all().filtered(filter).wants(&event), passes, "{payload}");
    }
}
