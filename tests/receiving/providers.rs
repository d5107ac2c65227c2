//! One application that takes webhooks of several providers.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::State;
use axum::routing::post as on_post;
use axum::{Json, Router};
use bytes::Bytes;
use hookpost::receive::axum::{Provider, SignedBy};
use hookpost::receive::tower::VerifyLayer;
use hookpost::{Scheme, Secret, Timestamp, Verified, Verifier};
use http::{HeaderValue, Request, header};
use tower_service::Service as _;

use crate::scene::{post, signed_by, whole};

struct App {
    name: &'static str,
    stripe: Verifier,
    github: Verifier,
}

enum Stripe {}

impl Provider<Arc<App>> for Stripe {
    fn verifier(app: &Arc<App>) -> &Verifier {
        &app.stripe
    }
}

enum GitHub {}

impl Provider<Arc<App>> for GitHub {
    fn verifier(app: &Arc<App>) -> &Verifier {
        &app.github
    }
}

fn verifier(scheme: &Scheme, secret: &str) -> Verifier {
    Verifier::new(scheme, [Secret::new(secret).unwrap()]).unwrap()
}

fn app() -> Arc<App> {
    Arc::new(App {
        name: "shop",
        stripe: verifier(&Scheme::stripe(), "whsec_one"),
        github: verifier(&Scheme::github(), "two"),
    })
}

fn request(path: &str, scheme: &Scheme, secret: &str, body: &'static str) -> Request<Body> {
    let now = Timestamp::from(std::time::SystemTime::now());
    let mut headers = signed_by(scheme, secret, now, body.as_bytes());
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    let mut request = post(headers, Body::from(body));
    *request.uri_mut() = path.parse().unwrap();
    request
}

async fn only_its_own_provider_reaches_each_route(mut routes: Router) {
    let (stripe, github) = (Scheme::stripe(), Scheme::github());
    for (path, scheme, secret, expected) in [
        ("/stripe", &stripe, "whsec_one", (200, "shop 7")),
        ("/github", &github, "two", (200, "7")),
        ("/stripe", &github, "two", (401, "")),
        ("/github", &stripe, "whsec_one", (401, "")),
        ("/stripe", &stripe, "two", (401, "")),
        ("/github", &github, "whsec_one", (401, "")),
    ] {
        let answer = routes.call(request(path, scheme, secret, "7")).await.unwrap();
        let status = answer.status().as_u16();
        let body = whole(answer.into_body()).await;
        assert_eq!((status, std::str::from_utf8(&body).unwrap()), expected, "{path} by {secret}");
    }
}

#[tokio::test]
async fn an_extractor_names_the_provider_whose_webhooks_its_route_takes() {
    async fn charged(State(app): State<Arc<App>>, event: SignedBy<Stripe, Json<u64>>) -> String {
        format!("{} {}", app.name, event.content.0)
    }
    async fn pushed(SignedBy { content, verified, .. }: SignedBy<GitHub, Bytes>) -> Bytes {
        assert_eq!(content, verified.body());
        content
    }
    let routes = Router::new().route("/stripe", on_post(charged)).route("/github", on_post(pushed));
    only_its_own_provider_reaches_each_route(routes.with_state(app())).await;
}

#[tokio::test]
async fn a_layer_stands_in_front_of_one_route() {
    async fn charged(State(app): State<Arc<App>>, _: Verified<Bytes>, Json(event): Json<u64>) -> String {
        format!("{} {event}", app.name)
    }
    async fn pushed(verified: Verified<Bytes>) -> Bytes {
        verified.into_body()
    }
    let (stripe, github) = (app().stripe.clone(), app().github.clone());
    let routes = Router::new()
        .route("/stripe", on_post(charged).layer(VerifyLayer::new(stripe)))
        .route("/github", on_post(pushed).layer(VerifyLayer::new(github)));
    only_its_own_provider_reaches_each_route(routes.with_state(app())).await;
}
