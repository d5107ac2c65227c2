//! Requests as a sender signs them, bodies that come as a network brings them, and a
//! receiver that keeps what it was given.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::future::{Ready, ready};
use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use hookpost::backend::Clock;
use hookpost::receive::tower::VerifiedBody;
use hookpost::sign::Signer;
use hookpost::{Scheme, Secret, SecretSet, Timestamp, Verified, Verifier};
use http::{HeaderMap, Method, Request, Response, StatusCode};
use http_body::{Body, Frame, SizeHint};
use http_body_util::BodyExt;
use tower_service::Service;

pub(crate) const NOW: Timestamp = Timestamp::from_unix_seconds(1_772_352_000);
pub(crate) const SECRET: &str = "whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";
pub(crate) const OTHER_SECRET: &str = "whsec_AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE=";
pub(crate) const ORDER: &[u8] = br#"{"order":7,  "note":"caf\u00e9"}"#;

pub(crate) fn verifier() -> Verifier {
    Verifier::new(&Scheme::standard(), [Secret::new(SECRET).unwrap()]).unwrap()
}

/// The headers of a sender who signs this body with this secret at this time.
pub(crate) fn signed(body: &[u8], secret: &str, at: Timestamp) -> HeaderMap {
    signed_by(&Scheme::standard(), secret, at, body)
}

/// The same in any scheme.
pub(crate) fn signed_by(scheme: &Scheme, secret: &str, at: Timestamp, body: &[u8]) -> HeaderMap {
    let mut headers = HeaderMap::new();
    let secrets = SecretSet::of(Secret::new(secret).unwrap());
    let signer = Signer::new(scheme, &secrets).unwrap();
    signer.sign(&"msg-1".parse().unwrap(), at, body, &mut headers).unwrap();
    headers
}

pub(crate) fn post<B>(headers: HeaderMap, body: B) -> Request<B> {
    let mut request = Request::new(body);
    *request.method_mut() = Method::POST;
    *request.headers_mut() = headers;
    request
}

/// What a body does next.
#[derive(Clone)]
pub(crate) enum Step {
    Data(Bytes),
    /// Nothing yet: it wakes whoever waits, and is asked again.
    Later,
    /// Nothing, and nobody is woken.
    Never,
    Trailers,
    BreakOff,
}

/// A body that comes as its script says.
pub(crate) struct Scripted {
    steps: VecDeque<Step>,
    announced: Option<u64>,
    pub(crate) bytes_given: Arc<AtomicUsize>,
}

#[derive(Debug, thiserror::Error)]
#[error("the connection broke off")]
pub(crate) struct BrokeOff;

impl Scripted {
    /// Without a content length.
    pub(crate) fn chunked(steps: impl IntoIterator<Item = Step>) -> Self {
        Self { steps: steps.into_iter().collect(), announced: None, bytes_given: Arc::default() }
    }

    pub(crate) fn announcing(self, length: u64) -> Self {
        Self { announced: Some(length), ..self }
    }
}

impl Body for Scripted {
    type Data = Bytes;
    type Error = BrokeOff;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BrokeOff>>> {
        Poll::Ready(match self.steps.pop_front() {
            None => None,
            Some(Step::Data(bytes)) => {
                self.bytes_given.fetch_add(bytes.len(), Ordering::Relaxed);
                Some(Ok(Frame::data(bytes)))
            }
            Some(Step::Trailers) => Some(Ok(Frame::trailers(HeaderMap::new()))),
            Some(Step::BreakOff) => Some(Err(BrokeOff)),
            Some(Step::Never) => return Poll::Pending,
            Some(Step::Later) => {
                context.waker().wake_by_ref();
                return Poll::Pending;
            }
        })
    }

    fn size_hint(&self) -> SizeHint {
        self.announced.map_or_else(SizeHint::default, SizeHint::with_exact)
    }
}

/// What reached the receiver: the body that was passed on, and what was proven of it.
pub(crate) type Seen = (VerifiedBody, Option<Verified<Bytes>>);

/// A receiver that keeps what it was given.
#[derive(Clone, Default)]
pub(crate) struct Spy(Arc<Mutex<Vec<Seen>>>);

impl Spy {
    pub(crate) fn seen(&self) -> Vec<Seen> {
        self.0.lock().unwrap().clone()
    }
}

impl Service<Request<VerifiedBody>> for Spy {
    type Response = Response<VerifiedBody>;
    type Error = Infallible;
    type Future = Ready<Result<Self::Response, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<VerifiedBody>) -> Self::Future {
        let verified = request.extensions().get().cloned();
        self.0.lock().unwrap().push((request.into_body(), verified));
        let mut answer = Response::new(VerifiedBody::from("thank you"));
        *answer.status_mut() = StatusCode::ACCEPTED;
        ready(Ok(answer))
    }
}

/// A clock that stands at [`NOW`].
pub(crate) struct Still;

impl Clock for Still {
    fn now(&self) -> Timestamp {
        NOW
    }

    fn elapsed(&self) -> Duration {
        Duration::ZERO
    }
}

pub(crate) async fn whole<B: Body<Error: std::fmt::Debug>>(body: B) -> Bytes {
    body.collect().await.unwrap().to_bytes()
}
