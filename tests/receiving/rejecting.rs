//! What a receiver learns of a request that its extractor did not take.

use std::error::Error as _;
use std::sync::{Arc, Mutex};

use axum::body::Body;
use axum::extract::{FromRequest, Request};
use axum::middleware::{self, Next};
use axum::response::IntoResponse;
use axum::routing::post as on_post;
use axum::{Json, Router};
use bytes::Bytes;
use hookpost::profile::StandardEvent;
use hookpost::receive::Refused;
use hookpost::receive::axum::Webhook;
use hookpost::receive::tower::VerifyLayer;
use hookpost::systems::body::PayloadError;
use hookpost::systems::{live_session::payload as live_session, x_webhook::payload as x_webhook};
use hookpost::{Timestamp, Verified};
use http::{HeaderMap, HeaderValue, StatusCode, header};
use tower_service::Service as _;

use crate::scene::{SECRET, Scripted, Step, post, signed, verifier, whole};

#[derive(Debug, serde::Deserialize)]
struct Order {
    #[allow(dead_code, reason = "the shape is what is tested")]
    order: u64,
}

/// Says why it does not take a body, without an end.
#[derive(Debug)]
struct Endless;

impl<S: Send + Sync> FromRequest<S> for Endless {
    type Rejection = axum::response::Response;

    async fn from_request(_: Request, _: &S) -> Result<Self, Self::Rejection> {
        let body = Body::new(Scripted::chunked([Step::Data(Bytes::from_static(b"because")), Step::Never]));
        Err((StatusCode::CONFLICT, body).into_response())
    }
}

fn signed_json(body: &'static str) -> http::Request<Body> {
    let mut headers = signed(body.as_bytes(), SECRET, Timestamp::from(std::time::SystemTime::now()));
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    post(headers, Body::from(body))
}

async fn refused<T>(request: http::Request<Body>) -> Refused
where
    T: FromRequest<()> + std::fmt::Debug,
    Webhook<T>: FromRequest<Arc<hookpost::Verifier>, Rejection = Refused>,
{
    let state = Arc::new(verifier());
    match Webhook::<T>::from_request(request, &state).await {
        Ok(_) => panic!("it was taken"),
        Err(refused) => refused,
    }
}

/// What the extractor said of a request that it rejected.
fn cause(refused: &Refused) -> Option<String> {
    match refused {
        Refused::Unwanted { cause, .. } => cause.as_ref().map(ToString::to_string),
        _ => None,
    }
}

#[tokio::test]
async fn what_serde_says_of_an_authentic_body_is_kept_for_the_receivers_log() {
    for (body, status, said) in [
        (r#"{"type":"k","timestamp":"2026-01-01T00:00:00Z"}"#, 422, "missing field `data`"),
        (r#"{"timestamp":"2026-01-01T00:00:00Z","data":{"order":7}}"#, 422, "missing field `type`"),
        (r#"{"type":"k","timestamp":"2026-01-01T00:00:00Z","data":{"order":"x"}}"#, 422, "expected u64"),
        ("{", 400, "EOF while parsing"),
    ] {
        let refused = refused::<Json<StandardEvent<Order>>>(signed_json(body)).await;
        assert_eq!(refused.status(), status, "{body}");
        let words = cause(&refused).unwrap();
        assert!(words.contains(said), "{body}: {words}");
        assert!(refused.to_string().contains(said) && format!("{refused:?}").contains(said), "{refused}");
        assert!(refused.source().is_none(), "a report of all causes says it once");
    }
}

#[tokio::test]
async fn a_typed_payload_says_which_of_its_members_has_another_shape() {
    let session = refused::<live_session::LiveSessionBody>(signed_json(r#"{"message_id":7}"#)).await;
    assert_eq!(session.status(), 422);
    assert_eq!(cause(&session).unwrap(), "webhook_type: must be text");
    let chat = refused::<x_webhook::XWebhookBody>(signed_json("[]")).await;
    assert!(cause(&chat).is_some(), "{chat}");
}

#[tokio::test]
async fn a_rejection_that_says_nothing_or_never_ends_has_a_status_and_no_cause() {
    let endless = refused::<Endless>(signed_json("{}")).await;
    assert_eq!(endless.status(), 409);
    assert!(cause(&endless).is_none());
}

#[tokio::test]
async fn the_sender_is_told_the_status_alone_and_a_layer_of_the_receivers_the_reason() {
    let read = async |_: Webhook<Json<Order>>| ();
    let mut routes: Router = Router::new().route("/", on_post(read)).with_state(Arc::new(verifier()));
    let answer = routes.call(signed_json(r#"{"order":"x"}"#)).await.unwrap();
    assert_eq!(answer.status(), 422);
    let reason = answer.extensions().get::<Refused>().unwrap().to_string();
    assert!(reason.contains("expected u64"), "{reason}");
    assert!(!answer.headers().contains_key(header::CONTENT_TYPE));
    assert!(whole(answer.into_body()).await.is_empty());
}

#[tokio::test]
async fn what_rejected_a_typed_body_is_there_as_a_value() {
    let read = async |_: Webhook<live_session::LiveSessionBody>| ();
    let mut routes: Router = Router::new().route("/", on_post(read)).with_state(Arc::new(verifier()));
    let answer = routes.call(signed_json("{}")).await.unwrap();
    let Some(Refused::Unwanted { cause: Some(cause), .. }) = answer.extensions().get::<Refused>() else {
        panic!("{:?}", answer.extensions())
    };
    let error = cause.get_ref().and_then(|error| error.downcast_ref::<PayloadError>());
    let Some(PayloadError::Field { field, .. }) = error else { panic!("{cause:?}") };
    assert_eq!(field, "webhook_type");
    assert_eq!(error.unwrap().to_string(), cause.to_string());
}

#[tokio::test]
async fn a_layer_around_all_routes_hears_which_handler_stands_behind_no_verifier() {
    let heard = Arc::new(Mutex::new(Vec::new()));
    let told = Arc::clone(&heard);
    let listen = middleware::from_fn(move |request: Request, next: Next| {
        let told = Arc::clone(&told);
        async move {
            let path = request.uri().path().to_owned();
            let answer = next.run(request).await;
            if let Some(why) = answer.extensions().get::<Refused>() {
                told.lock().unwrap().push((path, why.clone()));
            }
            answer
        }
    });
    let verified = Router::new()
        .route("/verified", on_post(async |_: Verified<Bytes>| ()))
        .layer(VerifyLayer::new(verifier()));
    let mut routes: Router = verified
        .route("/bytes", on_post(async |_: Verified<Bytes>| ()))
        .route("/session", on_post(async |_: live_session::LiveSessionBody| ()))
        .layer(listen);
    for path in ["/verified", "/bytes", "/session"] {
        let mut request = signed_json(r#"{"order":1}"#);
        *request.uri_mut() = path.parse().unwrap();
        let answer = routes.call(request).await.unwrap();
        let is_verified = path == "/verified";
        assert_eq!(answer.status(), if is_verified { 200 } else { 500 }, "{path}");
        assert!(whole(answer.into_body()).await.is_empty(), "{path}: the sender is told nothing");
    }
    let expected = ["/bytes", "/session"].map(|path| (path.to_owned(), Refused::NotVerified));
    assert_eq!(*heard.lock().unwrap(), expected);
}

#[tokio::test]
async fn a_handler_behind_no_layer_says_so() {
    async fn told(verified: Result<Verified<Bytes>, Refused>) -> String {
        verified.unwrap_err().to_string()
    }
    let mut open: Router = Router::new()
        .route("/", on_post(told))
        .route("/typed", on_post(async |body: live_session::LiveSessionBody| body.message_id));
    let answer = open.call(post(HeaderMap::new(), Body::empty())).await.unwrap();
    let said = whole(answer.into_body()).await;
    assert!(said.starts_with(b"request: was verified by nothing"), "{said:?}");
    let mut typed = post(HeaderMap::new(), Body::from("{}"));
    *typed.uri_mut() = "/typed".parse().unwrap();
    let answer = open.call(typed).await.unwrap();
    assert_eq!(answer.status(), 500);
    assert_eq!(answer.extensions().get(), Some(&Refused::NotVerified));
}
