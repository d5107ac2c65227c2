//! The extractor, in an axum application without a socket.

use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

use axum::body::Body;
use axum::extract::{DefaultBodyLimit, FromRef};
use axum::routing::{any, post as on_post};
use axum::{Json, Router};
use bytes::Bytes;
use hookpost::receive::Refused;
use hookpost::receive::axum::Webhook;
use hookpost::receive::tower::VerifyLayer;
use hookpost::sign::BodyKeys;
use hookpost::systems::{
    live_chat::payload as live_chat, live_session::payload as live_session, x_webhook::payload as x_webhook,
};
use hookpost::{Scheme, Secret, Timestamp, Verified, Verifier};
use http::{HeaderMap, HeaderValue, Method, Request, Response, StatusCode, header};
use serde::Deserialize;
use tower_service::Service;

use crate::scene::{ORDER, OTHER_SECRET, SECRET, Scripted, Step, post, signed, signed_by, verifier, whole};

/// A state of which the verifier is a part, as applications have it.
#[derive(Clone)]
struct App {
    verifier: Arc<Verifier>,
    heard: Arc<Mutex<Vec<String>>>,
}

impl FromRef<App> for Arc<Verifier> {
    fn from_ref(app: &App) -> Self {
        Arc::clone(&app.verifier)
    }
}

impl App {
    fn new() -> Self {
        Self { verifier: Arc::new(verifier()), heard: Arc::default() }
    }

    fn heard(&self) -> Vec<String> {
        self.heard.lock().unwrap().clone()
    }
}

#[derive(Deserialize)]
struct Order {
    order: u64,
}

type State = axum::extract::State<App>;

async fn bytes(app: State, Webhook { content, verified }: Webhook<Bytes>) -> &'static str {
    assert_eq!(content, verified.body());
    app.heard.lock().unwrap().push(String::from_utf8_lossy(&content).into_owned());
    "thank you"
}

async fn order(app: State, Webhook { content: Json(order), verified }: Webhook<Json<Order>>) {
    let id = verified.id().unwrap().to_string();
    app.heard.lock().unwrap().push(format!("{id}: {}", order.order));
}

fn routes(app: &App) -> Router {
    Router::new().route("/bytes", any(bytes)).route("/order", any(order)).with_state(app.clone())
}

async fn answer(routes: &Router, path: &str, mut request: Request<Body>) -> Response<Body> {
    *request.uri_mut() = path.parse().unwrap();
    routes.clone().call(request).await.unwrap()
}

fn now() -> Timestamp {
    Timestamp::from(SystemTime::now())
}

fn json(mut headers: HeaderMap) -> HeaderMap {
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers
}

fn an_order() -> Request<Body> {
    post(json(signed(ORDER, SECRET, now())), Body::from(ORDER))
}

async fn assert_refused(path: &str, request: Request<Body>, status: StatusCode, case: &str) {
    let app = App::new();
    let answer = answer(&routes(&app), path, request).await;
    assert_eq!(answer.status(), status, "{case}");
    assert!(!answer.headers().contains_key(header::CONTENT_TYPE), "{case}");
    assert!(whole(answer.into_body()).await.is_empty(), "{case}");
    assert_eq!(app.heard(), [""; 0], "{case}");
}

#[tokio::test]
async fn a_handler_gets_what_another_extractor_reads_from_the_bytes_that_were_verified() {
    let app = App::new();
    let routes = routes(&app);
    assert_eq!(answer(&routes, "/order", an_order()).await.status(), StatusCode::OK);
    assert_eq!(whole(answer(&routes, "/bytes", an_order()).await.into_body()).await, "thank you");
    assert_eq!(app.heard(), ["msg-1: 7", std::str::from_utf8(ORDER).unwrap()]);
}

#[tokio::test]
async fn the_state_may_be_the_verifier_itself() {
    let routes: Router = Router::new()
        .route("/", on_post(async |webhook: Webhook<Bytes>| webhook.content))
        .with_state(Arc::new(verifier()));
    assert_eq!(whole(answer(&routes, "/", an_order()).await.into_body()).await, ORDER);
}

#[tokio::test]
async fn s47_what_is_not_proven_is_answered_401_whatever_is_wrong_before_anything_is_parsed() {
    let late = now() - Duration::from_secs(400);
    for (case, headers, body) in [
        ("unsigned", HeaderMap::new(), ORDER),
        ("wrong secret", signed(ORDER, OTHER_SECRET, now()), ORDER),
        ("too old", signed(ORDER, SECRET, late), ORDER),
        ("other body", signed(b"{}", SECRET, now()), ORDER),
        ("no JSON, and no proof either", signed(b"{}", SECRET, now()), b"{"),
    ] {
        for path in ["/bytes", "/order"] {
            let request = post(headers.clone(), Body::from(body));
            assert_refused(path, request, StatusCode::UNAUTHORIZED, case).await;
        }
    }
}

#[tokio::test]
async fn fg13_a_method_other_than_post_is_answered_405() {
    for method in [Method::GET, Method::PUT, Method::DELETE] {
        let mut request = an_order();
        *request.method_mut() = method;
        assert_refused("/order", request, StatusCode::METHOD_NOT_ALLOWED, "").await;
    }
}

#[tokio::test]
async fn fg13_what_the_inner_extractor_refuses_keeps_its_status_and_loses_its_words() {
    let no_type = post(signed(ORDER, SECRET, now()), Body::from(ORDER));
    assert_refused("/order", no_type, StatusCode::UNSUPPORTED_MEDIA_TYPE, "no content type").await;
    for (body, status) in
        [(&b"{"[..], StatusCode::BAD_REQUEST), (br#"{"order":"x"}"#, StatusCode::UNPROCESSABLE_ENTITY)]
    {
        let request = post(json(signed(body, SECRET, now())), Body::from(body));
        assert_refused("/order", request, status, "no order").await;
    }
}

#[tokio::test]
async fn s45_the_body_is_limited_as_the_application_limits_bodies() {
    let large = vec![b'a'; 2 * 1024 * 1024 + 1];
    let request = || post(signed(&large, SECRET, now()), Body::from(large.clone()));
    assert_refused("/bytes", request(), StatusCode::PAYLOAD_TOO_LARGE, "axum's own limit").await;

    let app = App::new();
    let tight = routes(&app).layer(DefaultBodyLimit::max(ORDER.len() - 1));
    assert_eq!(answer(&tight, "/bytes", an_order()).await.status(), StatusCode::PAYLOAD_TOO_LARGE);
    let exact = routes(&app).layer(DefaultBodyLimit::max(ORDER.len()));
    assert_eq!(answer(&exact, "/bytes", an_order()).await.status(), StatusCode::OK);
    let wide = routes(&app).layer(DefaultBodyLimit::max(large.len()));
    assert_eq!(answer(&wide, "/bytes", request()).await.status(), StatusCode::OK);
}

#[tokio::test]
async fn a_body_that_breaks_off_is_answered_400() {
    let broken = Scripted::chunked([Step::Data(Bytes::from_static(ORDER)), Step::Later, Step::BreakOff]);
    let request = post(signed(ORDER, SECRET, now()), Body::new(broken));
    assert_refused("/bytes", request, StatusCode::BAD_REQUEST, "").await;
}

#[tokio::test]
async fn a_handler_may_hear_why_a_request_was_refused() {
    async fn told(webhook: Result<Webhook<Bytes>, Refused>) -> String {
        webhook.unwrap_err().to_string()
    }
    let routes = Router::new().route("/", on_post(told)).with_state(Arc::new(verifier()));
    let answer = answer(&routes, "/", post(HeaderMap::new(), Body::from(ORDER))).await;
    assert_eq!(whole(answer.into_body()).await, "header webhook-id: is missing");
}

#[tokio::test]
async fn typed_payloads_are_read_from_verified_bytes_and_from_no_others() {
    const SESSION: &[u8] = include_bytes!("../fixtures/systems/ls_01_jserror.json");
    const MESSAGE: &[u8] = include_bytes!("../fixtures/systems/bl_02_message_received.json");
    let typed = Router::new()
        .route("/session", on_post(async |w: Webhook<live_session::LiveSessionBody>| w.content.message_id))
        .route("/message", on_post(async |w: Webhook<x_webhook::XWebhookBody>| w.content.event().to_owned()))
        .with_state(Arc::new(verifier()));
    for (path, body, expected) in [
        ("/session", SESSION, live_session::LiveSessionBody::read(SESSION).unwrap().message_id),
        ("/message", MESSAGE, "message.received".to_owned()),
    ] {
        let request = post(signed(body, SECRET, now()), Body::from(body));
        assert_eq!(whole(answer(&typed, path, request).await.into_body()).await, expected);
        let shapeless = post(signed(b"[]", SECRET, now()), Body::from("[]"));
        assert_eq!(answer(&typed, path, shapeless).await.status(), StatusCode::UNPROCESSABLE_ENTITY);
        let unsigned = post(HeaderMap::new(), Body::from(body));
        assert_eq!(answer(&typed, path, unsigned).await.status(), StatusCode::UNAUTHORIZED);
    }

    let bare = Router::new().route("/", on_post(async |body: live_session::LiveSessionBody| body.message_id));
    let signed = post(signed(SESSION, SECRET, now()), Body::from(SESSION));
    assert_eq!(answer(&bare, "/", signed).await.status(), StatusCode::INTERNAL_SERVER_ERROR);
}

#[tokio::test]
async fn fg13_events_are_routed_by_sender_and_kind_and_an_unknown_one_to_the_fallback() {
    async fn session(Webhook { content, .. }: Webhook<live_session::LiveSessionBody>) -> String {
        match content.payload {
            live_session::LiveSessionPayload::SessionEvent(event) => {
                format!("session: {}", event.event_name())
            }
            live_session::LiveSessionPayload::Unknown { webhook_type, .. } => {
                format!("fallback: {webhook_type}")
            }
        }
    }
    async fn chat(Webhook { content, .. }: Webhook<x_webhook::XWebhookBody>) -> String {
        match content.data {
            x_webhook::Data::ConversationStarted(_) => "started".to_owned(),
            x_webhook::Data::MessageReceived(_) => "message".to_owned(),
            x_webhook::Data::Unknown { event, .. } => format!("fallback: {event}"),
        }
    }
    let state = |scheme| Arc::new(Verifier::new(&scheme, [Secret::new("secret").unwrap()]).unwrap());
    let (sessions, chats) = (Scheme::live_session(), Scheme::x_webhook());
    let both: Router = Router::new().route("/session", on_post(session)).with_state(state(sessions.clone()));
    let both = both.merge(Router::new().route("/chat", on_post(chat)).with_state(state(chats.clone())));
    let said = async |path: &str, scheme: &Scheme, fixture: &str| {
        let file = format!("{}/tests/fixtures/systems/{fixture}.json", env!("CARGO_MANIFEST_DIR"));
        let body = std::fs::read(file).unwrap();
        let request = post(signed_by(scheme, "secret", now(), &body), Body::from(body));
        let answer = answer(&both, path, request).await;
        (answer.status().as_u16(), String::from_utf8(whole(answer.into_body()).await.to_vec()).unwrap())
    };
    for (path, scheme, fixture, status, expected) in [
        ("/session", &sessions, "ls_01_jserror", 200, "session: JSError"),
        ("/session", &sessions, "ls_10_unknown_type", 200, "fallback: session.created"),
        ("/chat", &chats, "bl_01_conversation_started", 200, "started"),
        ("/chat", &chats, "bl_02_message_received", 200, "message"),
        ("/chat", &chats, "bl_07_unknown_event", 200, "fallback: conversation.closed"),
        ("/chat", &sessions, "bl_02_message_received", 401, ""),
        ("/session", &chats, "ls_01_jserror", 401, ""),
        ("/other", &chats, "bl_02_message_received", 404, ""),
    ] {
        let found = said(path, scheme, fixture).await;
        assert_eq!(found, (status, expected.to_owned()), "{path} {fixture}");
    }
}

#[tokio::test]
async fn live_chats_key_in_the_body_is_a_proof_like_any_other() {
    const CHAT: &[u8] = include_bytes!("../fixtures/systems/lc_01_incoming_chat_v33.json");
    let fields: serde_json::Value = serde_json::from_slice(CHAT).unwrap();
    let (key, id) = (fields["secret_key"].as_str().unwrap(), fields["webhook_id"].as_str().unwrap());
    for (secret, status) in [(key, StatusCode::OK), ("another", StatusCode::UNAUTHORIZED)] {
        let verifier = Verifier::live_chat(BodyKeys::of([Secret::new(secret).unwrap()])).unwrap();
        let routes = Router::new()
            .route("/", on_post(async |w: Webhook<live_chat::LiveChatBody>| w.content.webhook_id.unwrap()))
            .with_state(Arc::new(verifier));
        let answer = answer(&routes, "/", post(HeaderMap::new(), Body::from(CHAT))).await;
        assert_eq!(answer.status(), status);
        let body = whole(answer.into_body()).await;
        assert_eq!(body, if status == StatusCode::OK { id } else { "" });
    }
}

#[tokio::test]
async fn behind_the_layer_a_handler_asks_for_the_proof_and_nothing_verifies_twice() {
    async fn kind(verified: Verified<Bytes>, body: Bytes) -> String {
        assert_eq!(verified.body(), &body);
        verified.id().unwrap().to_string()
    }
    let open = Router::new().route("/", on_post(kind));
    let guarded = open.clone().layer(VerifyLayer::new(verifier()));
    assert_eq!(whole(answer(&guarded, "/", an_order()).await.into_body()).await, "msg-1");
    let unsigned = post(HeaderMap::new(), Body::from(ORDER));
    assert_eq!(answer(&guarded, "/", unsigned).await.status(), StatusCode::UNAUTHORIZED);
    assert_eq!(answer(&open, "/", an_order()).await.status(), StatusCode::INTERNAL_SERVER_ERROR);
}
