//! What a filter of a subscription makes of payloads that are hard to read, and of numbers.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use hookpost::id::EventId;
use hookpost::time::Timestamp;
use hookpost::{Filter, NewEvent, Subscription};
use serde_json::{Value, json};

fn passes(filter: Filter, payload: &str) -> bool {
    let event = NewEvent::json("acme", "order.paid", payload.to_owned()).unwrap();
    let event = event.into_event(EventId::new("e").unwrap(), Timestamp::EPOCH, 1 << 21).unwrap();
    Subscription::to_all().filtered(filter).wants(&event)
}

fn equals(value: &Value) -> Filter {
    Filter::equals("/n", [value.clone()]).unwrap()
}

fn holds(value: &Value) -> Filter {
    Filter::holds("/n", [value.clone()]).unwrap()
}

fn lacks(value: &Value) -> Filter {
    Filter::lacks("/n", [value.clone()]).unwrap()
}

#[test]
fn a_value_of_which_a_part_cannot_be_read_passes_no_filter_that_asks_for_absence() {
    let lacks = lacks(&"pro".into());
    for payload in [
        r#"{"n":["pro","\ud83d"]}"#,
        r#"{"n":["\udc00\ud83d","pro"]}"#,
        r#"{"n":["pro",{"a":"\ud83d\u0041"}]}"#,
        r#"{"n":["pro",{"\ud83dx":1}]}"#,
        r#"{"n":["pro",1e999]}"#,
        r#"{"n":["pro",-1E+9999999999999999999999]}"#,
        r#"{"n":["free","\ud83d"]}"#,
        r#"{"n":"\ud83d"}"#,
        r#"{"n":{"a":["\ud83d"]}}"#,
        r#"{"n":[1e99999999999999999999]}"#,
        r#"{"\ud83d":1,"n":"free"}"#,
    ] {
        assert!(!passes(lacks.clone(), payload), "{payload}");
    }
    for levels in [31, 127, 128, 129, 10_000] {
        let deep = format!(r#"{{"n":["pro",{}{}]}}"#, "[".repeat(levels), "]".repeat(levels));
        assert!(!passes(lacks.clone(), &deep), "{levels}");
    }
}

#[test]
fn what_can_be_read_is_read_however_deep_or_large_it_is() {
    let lacks = lacks(&"pro".into());
    let deep = format!(r#"{{"n":["free",{}{}]}}"#, "[".repeat(10_000), "]".repeat(10_000));
    assert!(passes(lacks.clone(), &deep));
    for payload in [
        "{}",
        r#"{"n":null}"#,
        r#"{"n":["free",1e999]}"#,
        r#"{"n":["\ud83d\ude00","\\ud83d","\u0070ro "]}"#,
        r#"{"n":["free"],"else":"\ud83d"}"#,
        r#"{"n":["pro","\ud83d"],"n":["free"]}"#,
    ] {
        assert!(passes(lacks.clone(), payload), "{payload}");
    }
    assert!(passes(holds(&"pro".into()), r#"{"n":["pro",1e999,"\ud83d"]}"#));
    assert!(passes(equals(&"pro".into()), r#"{"n":"\u0070ro"}"#));
}

#[test]
fn numbers_are_compared_by_value_however_they_are_written() {
    let one_number: [(Value, &[&str]); 9] = [
        (json!(10), &["10", "10.0", "1e1", "1E+1", "0.1e2", "100e-1", "10.000e00"]),
        (json!(10.0), &["10", "10.0", "1e1"]),
        (json!(0), &["0", "-0", "0.0", "-0.0e5", "0e999999999999999999999999"]),
        (json!(-0.0), &["0", "-0"]),
        (json!(0.1), &["0.1", "1e-1", "0.10", "10e-2"]),
        (json!(-2.5), &["-2.5", "-25e-1"]),
        (json!(u64::MAX), &["18446744073709551615", "18446744073709551615.0", "1.8446744073709551615e19"]),
        (json!(i64::MIN), &["-9223372036854775808", "-9223372036854775808.00"]),
        (json!(1e23), &["1e23", "100000000000000000000000", "10E22"]),
    ];
    for (value, texts) in &one_number {
        for text in *texts {
            let (alone, member) = (format!(r#"{{"n":{text}}}"#), format!(r#"{{"n":["x",{text}]}}"#));
            assert!(passes(equals(value), &alone), "{value} = {text}");
            assert!(!passes(lacks(value), &alone), "{value} = {text}");
            assert!(passes(holds(value), &member), "{value} in [{text}]");
            assert!(!passes(lacks(value), &member), "{value} in [{text}]");
            let nested = json!({"a": [value]});
            assert!(passes(equals(&nested), &format!(r#"{{"n":{{"a":[{text}]}}}}"#)), "{nested}");
        }
    }
}

#[test]
fn numbers_that_differ_in_any_digit_are_different() {
    let differ = [
        (json!(10), "10.00000000000000000000000000000001"),
        (json!(10), "100"),
        (json!(10), "1"),
        (json!(10), "-10"),
        (json!(10), "\"10\""),
        (json!(0), "1e-999"),
        (json!(0.1), "0.1000000000000000055511151231257827021181583404541015625"),
        (json!(9_007_199_254_740_993_u64), "9007199254740992"),
        (json!(9_007_199_254_740_992_u64), "9007199254740993.0"),
        (json!(u64::MAX), "18446744073709551616"),
        (json!(u64::MAX), "1.8446744073709552e19"),
        (json!(1e308), "1e309"),
    ];
    for (value, text) in differ {
        let payload = format!(r#"{{"n":{text}}}"#);
        assert!(!passes(equals(&value), &payload), "{value} ≠ {text}");
        assert!(passes(lacks(&value), &payload), "{value} ≠ {text}");
    }
}

#[test]
fn a_float_of_a_filter_is_what_json_writes_and_the_integer_that_it_is() {
    let two_to_64 = json!(18_446_744_073_709_551_616.0);
    for (text, is_equal) in [
        ("18446744073709551616", true),
        ("1.8446744073709551616e19", true),
        ("1.8446744073709552e19", true),
        ("18446744073709551617", false),
        ("18446744073709551615", false),
    ] {
        assert_eq!(passes(equals(&two_to_64), &format!(r#"{{"n":{text}}}"#)), is_equal, "{text}");
    }
}

#[test]
fn a_filter_that_is_read_from_json_compares_with_the_digits_of_its_text() {
    let stored = |number: &str| format!(r#"{{"pointer":"/n","any_of":[{number}]}}"#);
    for (number, others) in [
        ("18446744073709551617", ["18446744073709551616", "18446744073709552000"]),
        ("-9223372036854775809", ["-9223372036854775808", "-9223372036854775810"]),
        ("9007199254740993.0", ["9007199254740992", "9007199254740993.5"]),
        ("0.1000000000000000055511151231257827", ["0.1", "0.1000000000000000055511151231257828"]),
        ("[{\"a\":123456789012345678901234567890}]", ["[{\"a\":123456789012345678901234567891}]", "[]"]),
    ] {
        let filter: Filter = serde_json::from_str(&stored(number)).unwrap();
        let written = serde_json::to_string(&Subscription::to_all().filtered(filter.clone())).unwrap();
        let again: Subscription = serde_json::from_str(&written).unwrap();
        assert_eq!(again, Subscription::to_all().filtered(filter.clone()), "{written}");
        assert!(written.contains(number), "{written}");
        assert!(passes(filter.clone(), &format!(r#"{{"n":{number}}}"#)), "{number}");
        for other in others {
            assert!(!passes(filter.clone(), &format!(r#"{{"n":{other}}}"#)), "{number} ≠ {other}");
        }
    }
    let error = serde_json::from_str::<Filter>(&stored("1e-1000000000000000000")).unwrap_err();
    assert!(error.to_string().contains("filter.any_of: must hold numbers"), "{error}");
}

#[test]
fn a_filter_is_read_from_a_value_and_from_a_part_of_another_record_too() {
    #[derive(serde::Deserialize)]
    struct Record {
        #[serde(flatten)]
        filter: Filter,
    }
    let (json, filter) =
        (json!({"pointer": "/n", "any_of": [10, "x", 0.5, [null]]}), ["10.0", "\"x\"", "[null]"]);
    let from_value: Filter = serde_json::from_value(json.clone()).unwrap();
    let Record { filter: flattened } = serde_json::from_str(&json.to_string()).unwrap();
    assert_eq!(from_value, flattened);
    assert_eq!(serde_json::to_value(&from_value).unwrap(), json);
    for text in filter {
        assert!(passes(flattened.clone(), &format!(r#"{{"n":{text}}}"#)), "{text}");
    }
}
