//! The layer, in front of a service that keeps what it was given.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use hookpost::receive::Refused;
use hookpost::receive::tower::{BODY_BYTES_MAX, VerifiedBody, VerifyLayer};
use hookpost::sign::Proof;
use hookpost::{Scheme, Secret, Verifier, VerifyError};
use http::{HeaderMap, HeaderValue, Method, Request, Response, StatusCode, header};
use http_body::Body;
use http_body_util::{Empty, Full};
use tower_layer::Layer;
use tower_service::Service;

use crate::scene::{
    NOW, ORDER, OTHER_SECRET, SECRET, Scripted, Spy, Step, Still, post, signed, verifier, whole,
};

fn layer() -> VerifyLayer {
    VerifyLayer::new(verifier()).clock(Arc::new(Still))
}

async fn answer<B>(layer: &VerifyLayer, spy: &Spy, request: Request<B>) -> Response<VerifiedBody>
where
    B: Body + Send + 'static,
    B::Data: Send,
{
    layer.layer(spy.clone()).call(request).await.unwrap()
}

/// Asserts that this request gets this status, that its sender learns nothing more, and
/// that nothing behind the layer hears of it.
async fn assert_refused<B>(layer: &VerifyLayer, request: Request<B>, status: StatusCode, case: &str)
where
    B: Body + Send + 'static,
    B::Data: Send,
{
    let spy = Spy::default();
    let answer = answer(layer, &spy, request).await;
    assert_eq!(answer.status(), status, "{case}");
    let allowed = usize::from(status == StatusCode::METHOD_NOT_ALLOWED);
    assert_eq!(answer.headers().len(), allowed, "{case}");
    assert!(whole(answer.into_body()).await.is_empty(), "{case}");
    assert_eq!(spy.seen().len(), 0, "{case}");
}

fn in_chunks(body: &[u8], size: usize) -> Vec<Step> {
    body.chunks(size).map(|chunk| Step::Data(Bytes::copy_from_slice(chunk))).collect()
}

#[tokio::test]
async fn what_is_verified_reaches_the_service_as_the_very_bytes_that_came() {
    let spy = Spy::default();
    let request = post(signed(ORDER, SECRET, NOW), Full::new(Bytes::from_static(ORDER)));
    let answer = answer(&layer(), &spy, request).await;
    assert_eq!(answer.status(), StatusCode::ACCEPTED);
    assert_eq!(whole(answer.into_body()).await, "thank you");
    let [(body, Some(verified))] = &spy.seen()[..] else { panic!("one verified request") };
    assert_eq!(whole(body.clone()).await, ORDER);
    assert_eq!(verified.body(), ORDER);
    assert_eq!(verified.id().map(ToString::to_string).as_deref(), Some("msg-1"));
    assert_eq!(verified.timestamp(), Some(NOW));
    assert_eq!(verified.proof(), Proof::Signed { secret: 0 });
}

#[tokio::test]
async fn a_body_may_come_in_chunks_slowly_with_or_without_a_length() {
    let length = ORDER.len() as u64;
    let slow: Vec<_> = in_chunks(ORDER, 1).into_iter().flat_map(|step| [Step::Later, step]).collect();
    let mut with_trailers = in_chunks(ORDER, 5);
    with_trailers.push(Step::Trailers);
    let mut with_empty_chunks = vec![Step::Data(Bytes::new())];
    with_empty_chunks.extend(in_chunks(ORDER, 9));
    with_empty_chunks.push(Step::Data(Bytes::new()));
    let bodies = [
        ("whole", Scripted::chunked(in_chunks(ORDER, 1000))),
        ("byte by byte", Scripted::chunked(in_chunks(ORDER, 1))),
        ("announced", Scripted::chunked(in_chunks(ORDER, 7)).announcing(length)),
        ("slowly", Scripted::chunked(slow.clone())),
        ("slowly, announced", Scripted::chunked(slow).announcing(length)),
        ("with trailers", Scripted::chunked(with_trailers)),
        ("with empty chunks", Scripted::chunked(with_empty_chunks)),
    ];
    for (case, body) in bodies {
        let spy = Spy::default();
        let answer = answer(&layer(), &spy, post(signed(ORDER, SECRET, NOW), body)).await;
        assert_eq!(answer.status(), StatusCode::ACCEPTED, "{case}");
        let [(passed_on, Some(verified))] = &spy.seen()[..] else { panic!("{case}") };
        assert_eq!(
            (whole(passed_on.clone()).await, verified.body()),
            (ORDER.into(), &ORDER.into()),
            "{case}"
        );
    }
}

#[tokio::test]
async fn a_body_that_breaks_off_is_answered_400_even_if_what_came_would_verify() {
    for body in [vec![], in_chunks(ORDER, 5), in_chunks(&ORDER[..9], 3)] {
        let broken = Scripted::chunked(body.into_iter().chain([Step::BreakOff]));
        assert_refused(&layer(), post(signed(ORDER, SECRET, NOW), broken), StatusCode::BAD_REQUEST, "").await;
    }
}

#[tokio::test]
async fn fg13_a_method_other_than_post_is_answered_405_and_told_post() {
    for method in ["GET", "HEAD", "PUT", "PATCH", "DELETE", "OPTIONS", "post", "WEBHOOK"] {
        let mut request = post(signed(ORDER, SECRET, NOW), Full::new(Bytes::from_static(ORDER)));
        *request.method_mut() = Method::from_bytes(method.as_bytes()).unwrap();
        let again = request.clone();
        assert_refused(&layer(), request, StatusCode::METHOD_NOT_ALLOWED, method).await;
        let answer = answer(&layer(), &Spy::default(), again).await;
        assert_eq!(answer.headers()[header::ALLOW], "POST");
    }
}

#[tokio::test]
async fn fg13_a_content_type_that_was_not_asked_for_is_answered_415() {
    let asking = layer().content_types(["application/json", "application/cloudevents+json"]);
    let with = |types: &[&'static str]| {
        let mut headers = signed(ORDER, SECRET, NOW);
        for value in types {
            headers.append(header::CONTENT_TYPE, HeaderValue::from_static(value));
        }
        post(headers, Full::new(Bytes::from_static(ORDER)))
    };
    let refused: [&[&str]; 7] = [
        &[],
        &[""],
        &["text/plain"],
        &["application/jsonp"],
        &["application/json, text/plain"],
        &["application/json", "text/plain"],
        &["text/plain; application/json"],
    ];
    for types in refused {
        let status = StatusCode::UNSUPPORTED_MEDIA_TYPE;
        assert_refused(&asking, with(types), status, &types.join(" and ")).await;
        let unasked = answer(&layer(), &Spy::default(), with(types)).await;
        assert_eq!(unasked.status(), StatusCode::ACCEPTED, "unless it was asked for");
    }
    for taken in [
        "application/json",
        "Application/JSON",
        "application/json; charset=utf-8",
        "application/json ;charset=utf-8",
        "application/cloudevents+json",
    ] {
        let answer = answer(&asking, &Spy::default(), with(&[taken])).await;
        assert_eq!(answer.status(), StatusCode::ACCEPTED, "{taken}");
    }
}

#[tokio::test]
async fn fg13_the_limit_is_one_mebibyte_unless_set_and_a_byte_more_is_answered_413() {
    assert_eq!(BODY_BYTES_MAX, 1024 * 1024);
    for (layer, limit) in [(layer(), 1024 * 1024), (layer().body_limit(10), 10), (layer().body_limit(0), 0)] {
        for (length, fits) in [(limit, true), (limit + 1, false)] {
            let bytes = vec![b'a'; length];
            let announced = Full::new(Bytes::from(bytes.clone()));
            let chunked = Scripted::chunked(in_chunks(&bytes, 4096));
            let headers = signed(&bytes, SECRET, NOW);
            if fits {
                for spied in [
                    answer(&layer, &Spy::default(), post(headers.clone(), announced)).await,
                    answer(&layer, &Spy::default(), post(headers, chunked)).await,
                ] {
                    assert_eq!(spied.status(), StatusCode::ACCEPTED, "{length}");
                }
            } else {
                let status = StatusCode::PAYLOAD_TOO_LARGE;
                assert_refused(&layer, post(headers.clone(), announced), status, "announced").await;
                assert_refused(&layer, post(headers, chunked), status, "chunked").await;
            }
        }
    }
}

#[tokio::test]
async fn s45_a_body_that_announces_too_much_is_not_read_and_an_endless_one_only_to_the_limit() {
    let endless = || Scripted::chunked(vec![Step::Data(Bytes::from_static(&[0; 1000])); 10_000]);
    let too_large = StatusCode::PAYLOAD_TOO_LARGE;

    let announced = endless().announcing(1_000_000_000);
    let given = Arc::clone(&announced.bytes_given);
    assert_refused(&layer(), post(HeaderMap::new(), announced), too_large, "announced").await;
    assert_eq!(given.load(Ordering::Relaxed), 0);

    for length in ["1048577", "1000000000", "99999999999999999999999999"] {
        let announced = endless();
        let given = Arc::clone(&announced.bytes_given);
        let mut headers = HeaderMap::new();
        headers.insert(header::CONTENT_LENGTH, HeaderValue::from_static(length));
        assert_refused(&layer(), post(headers, announced), too_large, length).await;
        assert_eq!(given.load(Ordering::Relaxed), 0, "{length}");
    }

    let chunked = endless();
    let given = Arc::clone(&chunked.bytes_given);
    assert_refused(&layer(), post(HeaderMap::new(), chunked), too_large, "chunked").await;
    let given = given.load(Ordering::Relaxed);
    assert!((BODY_BYTES_MAX..=BODY_BYTES_MAX + 1000).contains(&given), "{given}");
}

#[tokio::test]
async fn s47_whatever_is_wrong_with_a_signature_the_answer_is_the_same_and_the_log_knows() {
    type IsExpected = fn(&VerifyError) -> bool;
    let mut unsigned = signed(ORDER, SECRET, NOW);
    unsigned.remove("webhook-signature");
    let mut twice = signed(ORDER, SECRET, NOW);
    let signature = twice["webhook-signature"].clone();
    twice.append("webhook-signature", signature);
    let mut other_version = signed(ORDER, SECRET, NOW);
    other_version.insert("webhook-signature", HeaderValue::from_static("v2,AAAA"));
    let cases: [(&str, HeaderMap, IsExpected); 7] = [
        ("wrong secret", signed(ORDER, OTHER_SECRET, NOW), |why| *why == VerifyError::Mismatch),
        ("other body", signed(b"{}", SECRET, NOW), |why| *why == VerifyError::Mismatch),
        ("too old", signed(ORDER, SECRET, NOW - Duration::from_secs(301)), |why| *why == VerifyError::TooOld),
        ("too new", signed(ORDER, SECRET, NOW + Duration::from_secs(301)), |why| *why == VerifyError::TooNew),
        ("unsigned", unsigned, |why| matches!(why, VerifyError::Missing { .. })),
        ("twice", twice, |why| matches!(why, VerifyError::Repeated { .. })),
        ("other scheme", other_version, |why| matches!(why, VerifyError::OtherVersion { .. })),
    ];
    for (case, headers, expected) in cases {
        let told = Arc::new(Mutex::new(Vec::new()));
        let log = Arc::clone(&told);
        let layer = layer().on_refusal(move |why| log.lock().unwrap().push(why.clone()));
        let request = post(headers, Full::new(Bytes::from_static(ORDER)));
        assert_refused(&layer, request, StatusCode::UNAUTHORIZED, case).await;
        let told = told.lock().unwrap();
        let [Refused::Unproven(why)] = &told[..] else { panic!("{case}: {told:?}") };
        assert!(expected(why), "{case}: {why:?}");
    }
}

#[tokio::test]
async fn s43_what_a_request_brings_along_cannot_pass_for_a_proof() {
    let forged = verifier().verify(&signed(ORDER, SECRET, NOW), Bytes::from_static(ORDER), NOW).unwrap();
    let mut request = post(HeaderMap::new(), Full::new(Bytes::from_static(b"{}")));
    request.extensions_mut().insert(forged.clone());
    assert_refused(&layer(), request.clone(), StatusCode::UNAUTHORIZED, "unsigned").await;

    *request.headers_mut() = signed(b"{}", SECRET, NOW);
    let spy = Spy::default();
    answer(&layer(), &spy, request).await;
    let [(_, Some(verified))] = &spy.seen()[..] else { panic!("one verified request") };
    assert_ne!(verified, &forged);
    assert_eq!(verified.body(), &b"{}"[..]);
}

#[tokio::test]
async fn a_body_that_is_empty_is_verified_as_such() {
    let spy = Spy::default();
    let request = post(signed(b"", SECRET, NOW), Empty::<Bytes>::new());
    assert_eq!(answer(&layer(), &spy, request).await.status(), StatusCode::ACCEPTED);
    assert_refused(
        &layer(),
        post(signed(ORDER, SECRET, NOW), Empty::<Bytes>::new()),
        StatusCode::UNAUTHORIZED,
        "",
    )
    .await;
}

#[tokio::test]
async fn the_service_that_said_it_was_ready_is_the_one_that_is_called() {
    #[derive(Default)]
    struct Readied(Arc<AtomicBool>, bool);
    impl Clone for Readied {
        fn clone(&self) -> Self {
            Self(Arc::clone(&self.0), false)
        }
    }
    impl Service<Request<VerifiedBody>> for Readied {
        type Response = Response<VerifiedBody>;
        type Error = std::convert::Infallible;
        type Future = std::future::Ready<Result<Self::Response, Self::Error>>;
        fn poll_ready(&mut self, _: &mut std::task::Context<'_>) -> std::task::Poll<Result<(), Self::Error>> {
            self.1 = true;
            std::task::Poll::Ready(Ok(()))
        }
        fn call(&mut self, _: Request<VerifiedBody>) -> Self::Future {
            self.0.store(self.1, Ordering::Relaxed);
            std::future::ready(Ok(Response::default()))
        }
    }
    let readied = Readied::default();
    let was_ready = Arc::clone(&readied.0);
    let mut service = VerifyLayer::new(Verifier::unsigned()).layer(readied);
    std::future::poll_fn(|context| Service::<Request<Empty<Bytes>>>::poll_ready(&mut service, context))
        .await
        .unwrap();
    service.call(post(HeaderMap::new(), Empty::<Bytes>::new())).await.unwrap();
    assert!(was_ready.load(Ordering::Relaxed));
}

/// A service that few callers may be in at once, each from when it was ready for them.
#[derive(Default)]
struct Few {
    free: Arc<AtomicUsize>,
    permit: bool,
}

impl Clone for Few {
    fn clone(&self) -> Self {
        Self { free: Arc::clone(&self.free), permit: false }
    }
}

impl Drop for Few {
    fn drop(&mut self) {
        if self.permit {
            self.free.fetch_add(1, Ordering::SeqCst);
        }
    }
}

impl Service<Request<VerifiedBody>> for Few {
    type Response = Response<VerifiedBody>;
    type Error = std::convert::Infallible;
    type Future = std::future::Ready<Result<Self::Response, Self::Error>>;

    fn poll_ready(&mut self, _: &mut std::task::Context<'_>) -> std::task::Poll<Result<(), Self::Error>> {
        let one_less = |free: usize| free.checked_sub(1);
        self.permit |= self.free.fetch_update(Ordering::SeqCst, Ordering::SeqCst, one_less).is_ok();
        if self.permit { std::task::Poll::Ready(Ok(())) } else { std::task::Poll::Pending }
    }

    fn call(&mut self, _: Request<VerifiedBody>) -> Self::Future {
        assert!(self.permit, "called without a permit");
        std::future::ready(Ok(Response::default()))
    }
}

#[tokio::test]
async fn bodies_that_never_come_keep_no_permit_of_the_service_behind() {
    let few = Few { free: Arc::new(AtomicUsize::new(8)), permit: false };
    let layer = VerifyLayer::new(verifier()).clock(Arc::new(Still));
    let mut waiting = Vec::new();
    for _ in 0..8 {
        let mut service = layer.layer(few.clone());
        std::future::poll_fn(|context| Service::<Request<Scripted>>::poll_ready(&mut service, context))
            .await
            .unwrap();
        let never = Scripted::chunked([Step::Data(Bytes::from_static(b"{")), Step::Never]);
        let mut answer = Box::pin(service.call(post(signed(ORDER, SECRET, NOW), never)));
        assert!(futures_util::poll!(&mut answer).is_pending());
        waiting.push((service, answer));
    }
    let mut service = layer.layer(few);
    let right = Scripted::chunked([Step::Data(Bytes::from_static(ORDER))]);
    let ready =
        std::future::poll_fn(|context| Service::<Request<Scripted>>::poll_ready(&mut service, context));
    let mut ready = Box::pin(ready);
    assert!(futures_util::poll!(&mut ready).is_ready(), "the ninth caller");
    drop(ready);
    let mut answer = Box::pin(service.call(post(signed(ORDER, SECRET, NOW), right)));
    assert!(
        matches!(futures_util::poll!(&mut answer), std::task::Poll::Ready(Ok(answer)) if answer.status() == 200)
    );
}

#[test]
fn a_layer_prints_its_rules_and_no_key() {
    let printed = format!("{:?}", layer().content_types(["application/json"]));
    assert_eq!(printed, r#"VerifyLayer { body_limit: 1048576, content_types: ["application/json"], .. }"#);
}

#[tokio::test]
async fn a_sender_that_signs_each_request_s_own_query_passes() {
    use sha2::{Digest, Sha256};
    let body = br#"{"EventType":"x"}"#;
    let query = format!("bodySHA256={}", hex::encode(Sha256::digest(body)));
    let url = format!("https://receiver.example/hook?{query}");
    let sender = hookpost::testing::Sender::new(&Scheme::twilio(), "any text").unwrap().at(&url);
    let headers = sender.sign(&"e".parse().unwrap(), NOW, body).unwrap().headers;
    let verifier = Verifier::new(&Scheme::twilio(), [Secret::new("any text").unwrap()]).unwrap();
    let verifier = Arc::new(verifier.at("https://receiver.example/hook").unwrap());
    let layer = VerifyLayer::new(verifier).clock(Arc::new(Still));
    for (query, status) in
        [(query.as_str(), StatusCode::ACCEPTED), ("bodySHA256=00", StatusCode::UNAUTHORIZED)]
    {
        let mut request =
            Request::post(format!("/hook?{query}")).body(Full::new(Bytes::from_static(body))).unwrap();
        *request.headers_mut() = headers.clone();
        let spy = Spy::default();
        assert_eq!(answer(&layer, &spy, request).await.status(), status, "{query}");
    }
}
