//! What each delivery costs in pure computation, beside its floor.
//!
//! Signing and verifying stand beside a bare HMAC-SHA256 of the same bytes whose key
//! is hashed already, and beside the least that a header value and a comparison cost by
//! hand. The closing table measures them in turns within this run and gives the ratios
//! of the medians: times of different runs do not compare.
#![allow(clippy::unwrap_used, clippy::cast_precision_loss, missing_docs)]

use std::hint::black_box;
use std::time::Instant;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use divan::Bencher;
use divan::counter::BytesCount;
use hmac::{Hmac, KeyInit, Mac};
use hookpost::id::{EndpointId, EventId};
use hookpost::policy::egress::EndpointUrl;
use hookpost::profile::{Envelope, Occasion, Verbatim};
use hookpost::sequence::Sequence;
use hookpost::sign::{HeaderLookup, Signer};
use hookpost::{
    Endpoint, Event, Headers, NewEvent, Overrides, Profile, Scheme, Secret, SecretSet, Subscription,
    Timestamp, Verifier,
};
use http::{HeaderMap, HeaderValue};
use sha2::Sha256;

const SIZES: [usize; 2] = [500, 4096];
const NOW: Timestamp = Timestamp::from_unix_seconds(1_772_352_000);
const KEY: [u8; 32] = [7; 32];

fn main() {
    divan::main();
    if !std::env::args().any(|argument| argument == "--test") {
        print_ratios();
    }
}

/// What signing and verifying by Standard Webhooks cover.
struct Case {
    id: EventId,
    body: Vec<u8>,
    content: Vec<u8>,
    bare: Hmac<Sha256>,
    signer: Signer,
    verifier: Verifier,
    headers: HeaderMap,
}

impl Case {
    fn new(size: usize) -> Self {
        let id = EventId::new("018bcfe5-6800-7fff-bfff-ffffffffffff").unwrap();
        let body = vec![b'x'; size];
        let content = [format!("{id}.{}.", NOW.unix_seconds()).as_bytes(), &body].concat();
        // `whsec_` and base64 of KEY.
        let secret = Secret::new("whsec_BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc=").unwrap();
        let signer = Signer::new(Scheme::standard(), &SecretSet::of(secret.clone())).unwrap();
        let verifier = Verifier::new(&Scheme::standard(), [secret]).unwrap();
        let mut headers = HeaderMap::new();
        signer.sign(&id, NOW, &body, &mut headers).unwrap();
        verifier.verify(&headers, &body, NOW).unwrap();
        let bare = Hmac::new_from_slice(&KEY).unwrap();
        Self { id, body, content, bare, signer, verifier, headers }
    }

    fn bare_hmac(&self) {
        let mut state = self.bare.clone();
        state.update(black_box(&self.content));
        black_box(state.finalize().into_bytes());
    }

    /// The same bytes as they lie in memory: id, timestamp and body apart.
    fn bare_hmac_in_parts(&self) {
        let mut state = self.bare.clone();
        let (id, rest) = self.content.split_at(self.id.as_str().len());
        let (moment, body) = rest.split_at(12);
        for part in [id, &moment[..1], &moment[1..11], &moment[11..], body] {
            state.update(black_box(part));
        }
        black_box(state.finalize().into_bytes());
    }

    /// What a header value costs whoever writes it by hand, of bytes that lie side by side.
    fn value_by_hand(&self) {
        let mut state = self.bare.clone();
        state.update(black_box(&self.content));
        let mut text = [0; 47];
        text[..3].copy_from_slice(b"v1,");
        STANDARD.encode_slice(state.finalize().into_bytes(), &mut text[3..]).unwrap();
        black_box(HeaderValue::from_bytes(&text).unwrap());
    }

    /// What comparing costs whoever trusts headers to be there and well formed.
    fn comparison_by_hand(&self) {
        let signature = black_box(&self.headers["webhook-signature"]).as_bytes();
        let mut room = [0; 33];
        STANDARD.decode_slice(&signature[3..], &mut room).unwrap();
        let mut state = self.bare.clone();
        state.update(black_box(&self.content));
        black_box(state.verify_slice(&room[..32]).is_ok());
    }

    fn signature_value(&self) {
        black_box(self.signer.signature(&self.id, NOW, black_box(&self.body)).unwrap());
    }

    fn signed_headers(&self) {
        let mut headers = HeaderMap::with_capacity(8);
        self.signer.sign(&self.id, NOW, black_box(&self.body), &mut headers).unwrap();
        black_box(headers);
    }

    fn verification_of(&self, headers: &impl HeaderLookup) {
        black_box(self.verifier.verify(black_box(headers), black_box(&self.body), NOW).is_ok());
    }
}

#[divan::bench(args = SIZES)]
fn bare_cached_key_hmac(bencher: Bencher<'_, '_>, size: usize) {
    let case = Case::new(size);
    bencher.counter(BytesCount::new(size)).bench(|| case.bare_hmac());
}

#[divan::bench(args = SIZES)]
fn signature_header_value(bencher: Bencher<'_, '_>, size: usize) {
    let case = Case::new(size);
    bencher.counter(BytesCount::new(size)).bench(|| case.signature_value());
}

#[divan::bench(args = SIZES)]
fn all_signed_headers(bencher: Bencher<'_, '_>, size: usize) {
    let case = Case::new(size);
    bencher.counter(BytesCount::new(size)).bench(|| case.signed_headers());
}

#[divan::bench(args = SIZES)]
fn verify(bencher: Bencher<'_, '_>, size: usize) {
    let case = Case::new(size);
    bencher.counter(BytesCount::new(size)).bench(|| case.verification_of(&case.headers));
}

#[divan::bench(args = SIZES)]
fn render_live_session(bencher: Bencher<'_, '_>, size: usize) {
    render(bencher, &*Profile::live_session().envelope, size);
}

#[divan::bench(args = SIZES)]
fn render_x_webhook(bencher: Bencher<'_, '_>, size: usize) {
    render(bencher, &*Profile::x_webhook().envelope, size);
}

#[divan::bench(args = SIZES)]
fn render_verbatim(bencher: Bencher<'_, '_>, size: usize) {
    render(bencher, &Verbatim, size);
}

fn render(bencher: Bencher<'_, '_>, envelope: &dyn Envelope, size: usize) {
    let (event, endpoint) = (event(size), endpoint());
    bencher
        .counter(BytesCount::new(size))
        .bench(|| envelope.render(black_box(&event), &endpoint, Occasion::Event).unwrap());
}

/// An event whose payload is an object of short members, about `size` bytes in all.
fn event(size: usize) -> Event {
    let members = (0..size / 20).map(|n| format!(r#""key{n:04}":"v{n:05}""#)).collect::<Vec<_>>();
    let payload = format!("{{{}}}", members.join(","));
    let event = NewEvent::json("tenant", "session.event", payload).unwrap();
    event.into_event(EventId::from_parts(NOW, [7; 10]), NOW, usize::MAX).unwrap()
}

fn endpoint() -> Endpoint {
    let profile = Profile::standard();
    Endpoint {
        id: EndpointId::new("9a81c04").unwrap(),
        tenant: "tenant".parse().unwrap(),
        name: "bench".to_owned(),
        url: EndpointUrl::parse("https://receiver.example/hook", &profile.urls).unwrap(),
        profile: profile.name,
        secrets: SecretSet::none().into(),
        subscription: Subscription::to_all(),
        headers: Headers::none(),
        overrides: Overrides::none(),
        enabled: true,
        since: NOW,
        began: Sequence::START,
        version: 1,
        generation: hookpost::endpoint::Generation::UNKNOWN,
    }
}

fn print_ratios() {
    println!("\nratio to the bare HMAC of the same bytes, medians of 301 turns");
    for size in SIZES {
        let case = Case::new(size);
        let own = |name: &str| case.headers[name].as_bytes();
        let texts = [own("webhook-id"), own("webhook-timestamp"), own("webhook-signature")];
        // What a framework's own look-up costs stays out.
        let at_hand = |name: &str| match name.len() {
            10 => Some(texts[0]),
            17 if name.ends_with('p') => Some(texts[1]),
            _ => Some(texts[2]),
        };
        let work: [(&str, &dyn Fn()); 8] = [
            ("bare HMAC", &|| case.bare_hmac()),
            ("bare HMAC, in five parts", &|| case.bare_hmac_in_parts()),
            ("header's value, by hand", &|| case.value_by_hand()),
            ("comparison, by hand", &|| case.comparison_by_hand()),
            ("signature header's value", &|| case.signature_value()),
            ("all signed headers, new map", &|| case.signed_headers()),
            ("verify, headers at hand", &|| case.verification_of(&at_hand)),
            ("verify, header map", &|| case.verification_of(&case.headers)),
        ];
        let mut nanos: [Vec<f64>; 8] = Default::default();
        for _ in 0..301 {
            for (times, (_, run)) in nanos.iter_mut().zip(&work) {
                times.push(nanos_of(run));
            }
        }
        let medians = nanos.map(median);
        for ((name, _), median) in work.iter().zip(medians) {
            println!("{size:>5} B  {name:<28} {median:>7.0} ns  {:.2}", median / medians[0]);
        }
    }
}

fn nanos_of(run: &dyn Fn()) -> f64 {
    const CALLS: u32 = 500;
    let start = Instant::now();
    for _ in 0..CALLS {
        run();
    }
    start.elapsed().as_nanos() as f64 / f64::from(CALLS)
}

fn median(mut times: Vec<f64>) -> f64 {
    times.sort_by(f64::total_cmp);
    times[times.len() / 2]
}
