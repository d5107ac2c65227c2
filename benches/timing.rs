//! Whether the time of a verification tells how much of a forged signature was right.
//!
//! Two forgeries of each of many requests are verified in random order: one whose last byte
//! alone is wrong, one whose first byte is. Welch's t compares their times (the method of dudect,
//! Reparaz, Balasch and Verbauwhede, DATE 2017), over all of them and without the slowest,
//! which are the machine's own doing. Beyond 4.5 on a quiet machine, time tells. The control
//! compares byte by byte and stops at the first that differs: it has to be found.
//!
//! It reports and never fails: t is about the machine it is measured on, too.
#![allow(clippy::unwrap_used, clippy::cast_precision_loss, missing_docs)]

use std::hint::black_box;
use std::time::Instant;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use fastrand::Rng;
use hmac::{Hmac, KeyInit, Mac};
use hookpost::id::EventId;
use hookpost::sign::{Encoding, Signer};
use hookpost::{Scheme, Secret, SecretSet, Timestamp, Verifier};
use http::HeaderMap;
use sha2::Sha256;

const NOW: Timestamp = Timestamp::from_unix_seconds(1_772_352_000);
const KEY: &[u8; 32] = b"a key of thirty-two bytes, typed";
/// How many requests are forged.
const REQUESTS: usize = 1024;
const TIMINGS: usize = 1_000_000;
/// As a test, it is run to see that it runs.
const TIMINGS_OF_A_TEST: usize = 1_000;
/// How many of a hundred times count, the fastest.
const KEPT: [usize; 4] = [100, 99, 90, 50];

/// A forgery, by where it differs from the right signature.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Wrong {
    LastByte,
    FirstByte,
}

fn main() {
    let timings =
        if std::env::args().any(|argument| argument == "--bench") { TIMINGS } else { TIMINGS_OF_A_TEST };
    println!("Welch's t of {timings} verifications, the last byte wrong against the first one wrong");
    println!("{:<34} {:>9} {:>9} {:>9} {:>9}", "", "all", "99 %", "90 %", "50 %");
    for name in ["x_webhook", "github", "stripe", "slack", "live_session", "shopify", "standard"] {
        let scheme = Scheme::named(name).unwrap();
        let encoding = scheme.recipe().encoding;
        report(&format!("{name}, {encoding:?}"), timings, &forgeries(&scheme));
    }
    report("control: stops where it differs", timings, &stopping_early());
}

/// Verifies a forgery, given its text, of the request of this number.
type Verification = Box<dyn Fn(usize, &[u8]) -> bool>;

/// Requests of one length, and for each the two texts that stand where its signature did.
/// There are many of them, since reading a text takes as long as that text does, which says
/// nothing of the right one.
struct Forgeries {
    texts: Vec<[Vec<u8>; 2]>,
    verify: Verification,
}

fn bodies() -> Vec<Vec<u8>> {
    (0..REQUESTS).map(|number| format!(r#"{{"order":{number:04}}}"#).into_bytes()).collect()
}

fn forgeries(scheme: &Scheme) -> Forgeries {
    let (typed, whsec) = (KEY.to_vec(), format!("whsec_{}", STANDARD.encode(KEY)).into_bytes());
    let secret = Secret::new(if scheme == &Scheme::standard() { whsec } else { typed }).unwrap();
    let signer = Signer::new(scheme, &SecretSet::of(secret.clone())).unwrap();
    let verifier = Verifier::new(scheme, [secret]).unwrap();
    let (header, encoding) = (scheme.recipe().header.clone(), scheme.recipe().encoding);
    let digits = if encoding == Encoding::Hex { 64 } else { 44 };
    let bodies = bodies();
    let mut headers = HeaderMap::new();
    let mut texts_of = |body: &Vec<u8>| {
        signer.sign(&EventId::new("evt-1").unwrap(), NOW, body, &mut headers).unwrap();
        assert!(verifier.verify(&headers, body, NOW).is_ok());
        let right = headers[&header].to_str().unwrap();
        let (lead, code) = right.split_at(right.len() - digits);
        [Wrong::LastByte, Wrong::FirstByte].map(|wrong| {
            let code = match encoding {
                Encoding::Hex => hex::encode(forged(&hex::decode(code).unwrap(), wrong)),
                _ => STANDARD.encode(forged(&STANDARD.decode(code).unwrap(), wrong)),
            };
            format!("{lead}{code}").into_bytes()
        })
    };
    let texts = bodies.iter().map(&mut texts_of).collect();
    let verify = move |number: usize, text: &[u8]| {
        let found = |name: &str| {
            if name == header.as_str() { Some(text) } else { headers.get(name).map(AsRef::as_ref) }
        };
        verifier.verify(&found, &bodies[number], NOW).is_ok()
    };
    Forgeries { texts, verify: Box::new(verify) }
}

fn stopping_early() -> Forgeries {
    let state = Hmac::<Sha256>::new_from_slice(KEY).unwrap();
    let code = move |body: &[u8]| {
        let mut state = state.clone();
        state.update(body);
        state.finalize().into_bytes()
    };
    let bodies = bodies();
    let texts_of = |body: &Vec<u8>| {
        [Wrong::LastByte, Wrong::FirstByte].map(|wrong| hex::encode(forged(&code(body), wrong)).into_bytes())
    };
    let texts = bodies.iter().map(texts_of).collect();
    let verify = move |number: usize, text: &[u8]| {
        let given = hex::decode(text).unwrap();
        code(&bodies[number]).iter().zip(&given).all(|(own, given)| black_box(*own) == black_box(*given))
    };
    Forgeries { texts, verify: Box::new(verify) }
}

fn forged(code: &[u8], wrong: Wrong) -> Vec<u8> {
    let mut code = code.to_vec();
    let at = if wrong == Wrong::FirstByte { 0 } else { code.len() - 1 };
    code[at] ^= 0x55;
    code
}

fn report(name: &str, timings: usize, forgeries: &Forgeries) {
    let mut rng = Rng::with_seed(0x686f_6f6b);
    let mut nanos: [Vec<f64>; 2] = Default::default();
    // Both forgeries are read at one address, written there alike.
    let mut text = forgeries.texts[0][0].clone();
    for _ in 0..timings {
        let (number, class) = (rng.usize(..REQUESTS), usize::from(rng.bool()));
        text.copy_from_slice(&forgeries.texts[number][class]);
        let start = Instant::now();
        let taken = (forgeries.verify)(number, black_box(&text));
        let time = start.elapsed();
        assert!(!taken, "a forgery");
        nanos[class].push(time.as_nanos() as f64);
    }
    let mut all = nanos.concat();
    all.sort_by(f64::total_cmp);
    print!("{name:<34}");
    for kept in KEPT {
        let most = all[(all.len() - 1) * kept / 100];
        let [last, first] =
            nanos.each_ref().map(|times| Sample::of(times.iter().filter(|time| **time <= most)));
        print!(" {:>9.2}", last.welch_t(&first));
    }
    println!("   median {:.0} ns", all[all.len() / 2]);
}

struct Sample {
    count: f64,
    mean: f64,
    variance: f64,
}

impl Sample {
    fn of<'a>(times: impl Iterator<Item = &'a f64>) -> Self {
        let (mut count, mut mean, mut squares) = (0.0, 0.0, 0.0);
        for time in times {
            count += 1.0;
            let off = time - mean;
            mean += off / count;
            squares += off * (time - mean);
        }
        Self { count, mean, variance: squares / (count - 1.0) }
    }

    fn welch_t(&self, other: &Self) -> f64 {
        (self.mean - other.mean) / (self.variance / self.count + other.variance / other.count).sqrt()
    }
}
