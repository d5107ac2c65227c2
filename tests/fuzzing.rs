//! Every fuzz target, played on mutated fixtures for a bounded number of times.
//!
//! This is no substitute for a fuzzer that watches the code it runs (`fuzz/src/lib.rs` says
//! how to start one), but it runs everywhere. `FUZZ_ROUNDS=100000` plays longer.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs, unreachable_pub)]

#[path = "../fuzz/src/lib.rs"]
mod targets;

use std::panic::catch_unwind;
use std::path::Path;
use std::time::Instant;

use fastrand::Rng;
use hookpost::sign::Signer;
use hookpost::{Scheme, Secret, SecretSet, Timestamp};
use http::HeaderMap;

use targets::{ALL, Target};

/// Few enough for the suite: all targets together take a second or two.
const ROUNDS: usize = 1500;
const INPUT_BYTES_MAX: usize = 8192;

fn rounds() -> usize {
    std::env::var("FUZZ_ROUNDS").map_or(ROUNDS, |rounds| rounds.parse().unwrap())
}

/// Where mutation begins: what the fixtures hold, and a few texts of the right shape.
fn corpus(target: &str) -> Vec<Vec<u8>> {
    let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures");
    let bodies = |prefix: &str| {
        let mut files: Vec<_> = std::fs::read_dir(fixtures.join("systems"))
            .unwrap()
            .map(|entry| entry.unwrap().path())
            .filter(|path| path.file_name().unwrap().to_str().unwrap().starts_with(prefix))
            .collect();
        files.sort();
        files.iter().map(|file| std::fs::read(file).unwrap()).collect::<Vec<_>>()
    };
    let texts = |texts: &[&str]| texts.iter().map(|text| text.as_bytes().to_vec()).collect::<Vec<_>>();
    match target {
        "endpoint_url" => {
            let forms = std::fs::read_to_string(fixtures.join("url_forms.jsonl")).unwrap();
            let url = |line: &str| {
                let form: serde_json::Value = serde_json::from_str(line).unwrap();
                form["url"].as_str().map(|url| url.as_bytes().to_vec())
            };
            forms.lines().filter_map(url).collect()
        }
        "signature_headers" => signed_by_another(),
        "verify_signed" => bodies("ls_").into_iter().chain(bodies("bl_")).collect(),
        "body_keys" | "live_chat" => bodies("lc_"),
        "live_session" => bodies("ls_"),
        "x_webhook" => bodies("bl_"),
        "filter" => {
            let under = |pointer: &str, body: Vec<u8>| [pointer.as_bytes(), b"\n", &body].concat();
            let deep = bodies("ls_").into_iter().map(|body| under("/payload/visitor/email", body));
            deep.chain(texts(&["/a/0\n{\"a\":[1]}", "/a~1b\n{\"a/b\":\"a\"}", "/a\n{\"a\":1.0,\"b\":[[]]}"]))
                .collect()
        }
        "stored_endpoint" => texts(&[
            "https://a.example?b\nname\n{\"events\":[\"*\"],\"scope\":null,\"filters\":[]}",
            "https://a.example:81/\n\n{\"events\":[\"a.*\"],\"scope\":\"s\",\"filters\":[{\"pointer\":\"/a\",\"any_of\":[[[1.5e300]],{}]}]}",
            "http://8.8.8.8\nn\n{\"events\":[\"a\"],\"scope\":null,\"filters\":[],\"parts\":[\"p\"],\"interests\":[{\"number\":1,\"name\":\"n\",\"any_of\":[[]]}]}",
        ]),
        "retry_after" => texts(&["120", "1e30", "Fri, 31 Dec 1999 23:59:59 GMT", "18446744073709551615"]),
        "timestamp" => texts(&[
            "2025-01-15T10:30:00Z",
            "2024-02-29 23:59:60.123456789+14:00",
            "0001-01-01T00:00:00-00:00",
            "9999-12-31T23:59:59Z",
        ]),
        "foreign_sql" => texts(&[
            r#"{"tenant":"acme","type":"order.paid","payload":"{\"order\":7}"}"#,
            r#"{"id":"a","tenant":"t","type":"e","payload_base64":"AAEC","content_type":"text/plain","scope":"s"}"#,
            r#"{"tenant":"t","type":"e","payload":"1","ordering_key":"k","idempotency_key":"i","created_at":"2025-01-15T10:30:00Z","not_before":"2025-01-15T10:30:00Z","expires_at":"2025-01-16T10:30:00Z"}"#,
        ]),
        _ => panic!("{target} has no corpus"),
    }
}

/// A choice of scheme, its headers line by line, and the body, as another key signs it.
fn signed_by_another() -> Vec<Vec<u8>> {
    let secret = Secret::new("whsec_AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE=").unwrap();
    let schemes = [Scheme::standard(), Scheme::live_session(), Scheme::x_webhook()];
    let input = |(choice, scheme): (u8, Scheme)| {
        let mut headers = HeaderMap::new();
        let signer = Signer::new(&scheme, &SecretSet::of(secret.clone())).unwrap();
        signer.sign(&"msg-1".parse().unwrap(), Timestamp::EPOCH, b"{}", &mut headers).unwrap();
        let lines =
            scheme.header_names().flat_map(|name| [headers[name].as_bytes(), b"\n"]).collect::<Vec<_>>();
        [&[choice][..], &lines.concat(), b"{}"].concat()
    };
    (0..).zip(schemes).map(input).collect()
}

/// What has broken parsers before.
const WORDS: &[&[u8]] = &[
    b"null",
    b"-0",
    b"1e999",
    b"-1e-999",
    b"18446744073709551616",
    b"9223372036854775808",
    b"[[[[[[[[",
    b"{\"a\":",
    b"\"",
    b"\\",
    b"\\u0000",
    b"\\ud800",
    b"\xff\xfe",
    b"\xef\xbb\xbf",
    b"\xe2\x80\xae",
    b"\0",
    b"\r\n",
    b"\n",
    b"%2e",
    b"@",
    b"://",
    b"[::1]",
    b"127.0.0.1",
    b"0x7f.1",
    b"xn--",
    b"..",
    b"~1",
    b"~",
    b",v1,",
    b"v1,",
    b"=",
    b" ",
    b"\t",
];

/// One to eight changes of a seed.
fn mutated(rng: &mut Rng, seeds: &[Vec<u8>]) -> Vec<u8> {
    let mut input = rng.choice(seeds).unwrap().clone();
    for _ in 0..rng.usize(1..=8) {
        let at = rng.usize(0..=input.len());
        let end = rng.usize(at..=input.len().min(at + 64));
        match rng.u8(0..7) {
            0 if at < input.len() => input[at] ^= 1 << rng.u8(0..8),
            1 if at < input.len() => input[at] = rng.u8(..),
            2 => drop(input.drain(at..end)),
            3 => {
                let again = input[at..end].repeat(rng.usize(1..=20));
                drop(input.splice(at..at, again));
            }
            4 => input.truncate(at),
            5 => {
                let other = rng.choice(seeds).unwrap();
                let from = rng.usize(0..=other.len());
                input.truncate(at);
                input.extend_from_slice(&other[from..]);
            }
            _ => {
                let word = *rng.choice(WORDS).unwrap();
                drop(input.splice(at..at, word.iter().copied()));
            }
        }
    }
    input.truncate(INPUT_BYTES_MAX);
    input
}

/// Plays a target: the corpus as it is, then mutations of it. Answers with the first input
/// that it did not survive.
fn play(target: Target, seeds: &[Vec<u8>], rounds: usize) -> Result<(), Vec<u8>> {
    let mut rng = Rng::with_seed(0x686f_6f6b);
    let inputs =
        seeds.iter().cloned().chain(std::iter::repeat_with(|| mutated(&mut rng, seeds)).take(rounds));
    for input in inputs {
        catch_unwind(|| target(&input)).map_err(|_| input)?;
    }
    Ok(())
}

#[test]
fn s46_no_parser_of_a_strangers_bytes_panics_or_breaks_its_promise() {
    for (name, target) in ALL {
        let seeds = corpus(name);
        let began = Instant::now();
        if let Err(input) = play(*target, &seeds, rounds()) {
            panic!("{name} does not survive b\"{}\"", input.escape_ascii());
        }
        let played = f64::from(u32::try_from(seeds.len() + rounds()).unwrap());
        println!("{name:18} {:>9.0} executions/s", played / began.elapsed().as_secs_f64());
    }
    targets::remove_database();
}

#[test]
fn s46_a_parser_that_panics_on_one_odd_character_is_found() {
    fn careless(data: &[u8]) {
        let text = std::str::from_utf8(data).unwrap_or_default();
        assert!(!text.contains('\u{202e}'), "found");
    }
    let input = play(careless, &corpus("live_session"), ROUNDS).unwrap_err();
    assert!(String::from_utf8(input).unwrap().contains('\u{202e}'));
}

#[test]
fn every_target_is_a_program_for_the_fuzzer_too() {
    let fuzz = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz");
    let manifest = std::fs::read_to_string(fuzz.join("Cargo.toml")).unwrap();
    for (name, _) in ALL {
        assert!(manifest.contains(&format!("name = \"{name}\"")), "{name}");
        let program = std::fs::read_to_string(fuzz.join(format!("fuzz_targets/{name}.rs"))).unwrap();
        assert!(program.contains("fuzz_target!"), "{name}");
    }
}
