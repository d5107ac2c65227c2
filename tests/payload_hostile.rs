//! Whatever comes in a body: no reader panics, and nothing that was read is lost.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

use std::collections::BTreeSet;
use std::path::Path;

use hookpost::systems::body::PayloadError;
use hookpost::systems::{live_session::payload as live_session, x_webhook::payload as x_webhook};
use proptest::prelude::*;
use serde::Serialize;
use serde::de::DeserializeOwned;

/// Every body of every carried system, also those that neither reader is for.
fn fixtures() -> Vec<(String, Vec<u8>)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/systems");
    let files = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let mut found: Vec<_> = files
        .filter(|path| path.extension().is_some_and(|extension| extension == "json"))
        .map(|path| (path.file_name().unwrap().to_str().unwrap().to_owned(), std::fs::read(&path).unwrap()))
        .collect();
    found.sort();
    assert_eq!(found.len(), 44);
    found
}

/// Reads a body as both systems would. What is read is written again, and reads alike.
fn read(body: &[u8]) -> [Result<String, PayloadError>; 2] {
    [
        there_and_back(body, live_session::LiveSessionBody::read),
        there_and_back(body, x_webhook::XWebhookBody::read),
    ]
}

fn there_and_back<T: Serialize + PartialEq + std::fmt::Debug>(
    body: &[u8],
    read: impl Fn(&[u8]) -> Result<T, PayloadError>,
) -> Result<String, PayloadError> {
    let first = read(body)?;
    let written = serde_json::to_string(&first).unwrap();
    assert_eq!(read(written.as_bytes()).as_ref(), Ok(&first));
    Ok(written)
}

/// All texts and numbers of a JSON text, keys too: texts as they are meant, numbers as
/// they are written.
fn scalars(json: &str) -> BTreeSet<String> {
    let (mut found, mut rest) = (BTreeSet::new(), json);
    while let Some(at) = rest.find(|c: char| c == '"' || c == '-' || c.is_ascii_digit()) {
        rest = &rest[at..];
        let end = if let Some(inside) = rest.strip_prefix('"') {
            let mut escaped = false;
            let closing = inside.find(|c: char| {
                let ends = c == '"' && !escaped;
                escaped = c == '\\' && !escaped;
                ends
            });
            closing.unwrap() + 2
        } else {
            rest.find([',', '}', ']', ' ', '\r', '\n']).unwrap_or(rest.len())
        };
        let token = &rest[..end];
        found.insert(serde_json::from_str::<String>(token).unwrap_or_else(|_| token.to_owned()));
        rest = &rest[end..];
    }
    found
}

#[test]
fn every_fixture_is_read_whole_or_refused_with_a_reason() {
    for (file, body) in fixtures() {
        let [live_session, x_webhook] = read(&body);
        let written = match &file[..5] {
            "ls_13" => {
                assert_eq!(live_session, Err(PayloadError::TooDeep));
                continue;
            }
            start if start.starts_with("ls_") => live_session.unwrap(),
            start if start.starts_with("bl_") => x_webhook.unwrap(),
            _ => {
                assert!(live_session.is_err() && x_webhook.is_err(), "{file} is another system's");
                continue;
            }
        };
        let (before, after) = (scalars(std::str::from_utf8(&body).unwrap()), scalars(&written));
        let lost: Vec<_> = before.difference(&after).filter(|lost| *lost != "messsage").collect();
        assert!(lost.is_empty(), "{file}: {lost:?}");
    }
}

#[test]
fn a_fixture_cut_anywhere_is_no_json() {
    for (file, body) in fixtures().into_iter().filter(|(_, body)| body.len() < 2000) {
        let whole = body.trim_ascii_end().len();
        for end in 0..whole {
            for result in read(&body[..end]) {
                assert!(matches!(result, Err(PayloadError::NotJson { .. })), "{file} cut at {end}");
            }
        }
    }
}

#[test]
fn a_fixture_with_any_byte_changed_is_read_or_refused() {
    for (_, body) in fixtures().into_iter().filter(|(file, _)| !file.starts_with("bl_09")) {
        for at in 0..body.len() {
            for byte in [b'"', b'\\', b'{', 0x80] {
                let mut odd = body.clone();
                odd[at] = byte;
                for refused in read(&odd).into_iter().filter_map(Result::err) {
                    assert!(refused.to_string().contains(": "), "{refused}");
                }
            }
        }
    }
}

#[test]
fn depth_size_and_repetition_cost_no_stack_and_are_refused_where_they_must_be() {
    let around = |payload: &str| {
        format!(
            r#"{{"message_id":"m","webhook_type":"session.event","event":"e","timestamp":"2026-03-01T08:00:00Z","payload":{payload},"data":{payload}}}"#
        )
    };
    for deep in [
        "[".repeat(1_000_000) + &"]".repeat(1_000_000),
        "{\"a\":".repeat(500_000) + "1" + &"}".repeat(500_000),
    ] {
        for result in read(around(&deep).as_bytes()).into_iter().chain(read(deep.as_bytes())) {
            assert_eq!(result, Err(PayloadError::TooDeep));
        }
    }
    let wide = format!("[{}1]", "1e400,".repeat(500_000));
    let custom = around(&format!(r#"{{"event_name":"Custom","properties":{{"a":{wide}}}}}"#));
    for written in read(custom.as_bytes()) {
        assert!(written.unwrap().contains(&wide));
    }
    for body in [&b"\xef\xbb\xbf{}"[..], b"\xff\xfe{\x00}\x00", b"{}{}", b"{} x", b"\0", b"nul", b"\"\x80\""]
    {
        for result in read(body) {
            assert!(matches!(result, Err(PayloadError::NotJson { .. })), "{body:?}");
        }
    }
}

/// Reading by serde and reading by name are one.
fn agree<T: DeserializeOwned + PartialEq + std::fmt::Debug>(
    body: &[u8],
    read: impl Fn(&[u8]) -> Result<T, PayloadError>,
) {
    assert_eq!(serde_json::from_slice::<T>(body).ok(), read(body).ok());
}

#[test]
fn serde_reads_what_the_readers_read() {
    for (_, body) in fixtures() {
        agree(&body, live_session::LiveSessionBody::read);
        agree(&body, x_webhook::XWebhookBody::read);
    }
}

proptest! {
    #[test]
    fn no_bytes_make_a_reader_panic(bytes in proptest::collection::vec(any::<u8>(), 0..256)) {
        prop_assert!(read(&bytes).iter().all(Result::is_err));
    }

    #[test]
    fn whatever_stands_in_a_text_comes_back(text in "\\PC*", key in "\\PC*") {
        let quoted = serde_json::to_string(&text).unwrap();
        let key = serde_json::to_string(&format!("x{key}")).unwrap();
        let body = format!(
            r#"{{"message_id":{quoted},"webhook_type":"session.event","payload":{{"event_name":{quoted},{key}:{quoted}}}}}"#
        );
        let read = live_session::LiveSessionBody::read(body.as_bytes()).unwrap();
        prop_assert_eq!(&read.message_id, &text);
        let live_session::LiveSessionPayload::SessionEvent(event) = &read.payload else { panic!() };
        prop_assert_eq!(event.event_name(), &text);
        let entry = [key.as_str(), ":", &quoted].concat();
        prop_assert!(serde_json::to_string(&read).unwrap().contains(&entry));
    }
}
