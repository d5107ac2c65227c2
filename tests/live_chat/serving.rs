//! The API over HTTP, as a LiveChat client speaks to it.

use std::sync::Arc;

use bytes::Bytes;
use hookpost::systems::live_chat::admin::{ApiError, Caller, ErrorType, Rules, TokenScope};
use hookpost::systems::live_chat::http_api::{BODY_BYTES_MAX, ConfigurationApi, status};
use http::{Request, Response};
use serde_json::{Value, json};

use super::scene::{Scene, bearer, ended, fixture, personal};

/// The host's tokens.
fn callers(authorization: &str) -> Result<Caller, ApiError> {
    match authorization {
        "Bearer app" => Ok(bearer()),
        "Basic person" => Ok(personal()),
        "Bearer reader" => Ok(Caller { scopes: [TokenScope::StateRead].into(), ..bearer() }),
        "Bearer dallas" => Err(ApiError::misdirected("dal")),
        "Bearer expired" => Err(ApiError::new(ErrorType::LicenseExpired)),
        _ => Err(ApiError::new(ErrorType::Authentication)),
    }
}

struct Served {
    scene: Scene,
    api: ConfigurationApi,
}

impl Served {
    fn new(rules: Rules) -> Self {
        let scene = Scene::new(rules);
        let api = ConfigurationApi::new(scene.live_chat.clone(), Arc::new(callers));
        Self { scene, api }
    }

    async fn raw(&self, request: Request<Bytes>) -> (u16, Value) {
        let response: Response<Bytes> = self.api.answer(&request).await;
        assert_eq!(response.headers()["content-type"], "application/json");
        (response.status().as_u16(), serde_json::from_slice(response.body()).unwrap())
    }

    async fn post(&self, path: &str, token: &str, body: impl Into<Bytes>) -> (u16, Value) {
        let request =
            Request::post(path).header("authorization", token).header("content-type", "application/json");
        self.raw(request.body(body.into()).unwrap()).await
    }

    async fn call(&self, method: &str, token: &str, body: Value) -> (u16, Value) {
        self.post(&format!("/v3.6/configuration/action/{method}"), token, body.to_string()).await
    }
}

fn error(answer: &(u16, Value)) -> (u16, &str) {
    (answer.0, answer.1["error"]["type"].as_str().unwrap())
}

#[tokio::test(start_paused = true)]
async fn fc1_the_service_registers_lists_enables_and_unregisters() {
    let served = Served::new(Rules::tutorial());
    let mut request: Value = serde_json::from_slice(&fixture("lc_20")).unwrap();
    request["url"] = json!("https://tagger.example/hooks");
    request["filters"] = json!({});
    request["action"] = json!("chat_deactivated");
    let (code, registered) = served.call("register_webhook", "Bearer app", request.clone()).await;
    let id = registered["id"].as_str().unwrap();
    assert_eq!((code, &registered), (200, &json!({ "id": id })));

    let owner = json!({"owner_client_id": "cl_abc"});
    let listed = served.call("list_webhooks", "Basic person", owner.clone()).await;
    assert_eq!((listed.0, &listed.1[0]["id"], listed.1.as_array().unwrap().len()), (200, &json!(id), 1));
    assert!(!listed.1.to_string().contains("secret"));

    let state = async || served.call("get_license_webhooks_state", "Bearer reader", json!({})).await;
    assert_eq!(state().await, (200, json!({"license_webhooks_enabled": false})));
    assert_eq!(served.scene.happens(&ended()).await.len(), 0);
    assert_eq!(served.call("enable_license_webhooks", "Bearer app", json!({})).await, (200, json!({})));
    assert_eq!(state().await, (200, json!({"license_webhooks_enabled": true})));
    assert_eq!(served.scene.happens(&ended()).await[0]["webhook_id"], json!(id));
    assert_eq!(served.call("disable_license_webhooks", "Bearer app", json!({})).await, (200, json!({})));
    assert_eq!(served.scene.happens(&ended()).await.len(), 0);

    let gone = json!({"owner_client_id": "cl_abc", "id": id});
    assert_eq!(served.call("unregister_webhook", "Bearer app", gone.clone()).await, (200, json!({})));
    assert_eq!(error(&served.call("unregister_webhook", "Bearer app", gone).await), (404, "not_found"));
    assert_eq!(served.call("list_webhooks", "Bearer app", owner).await, (200, json!([])));
}

#[tokio::test(start_paused = true)]
async fn fc2_the_service_answers_the_documented_error_body() {
    let served = Served::new(Rules::current());
    let register = async || {
        served
            .call(
                "register_webhook",
                "Bearer app",
                json!({
                    "action": "incoming_chat", "secret_key": "k", "url": "https://a.example/",
                    "owner_client_id": "cl_abc", "type": "license",
                }),
            )
            .await
    };
    for _ in 0..3 {
        assert_eq!(register().await.0, 200);
    }
    let documented: Value = serde_json::from_slice(&fixture("lc_21")).unwrap();
    assert_eq!(register().await, (400, documented));
    let dallas = served.call("list_webhooks", "Bearer dallas", json!({})).await;
    let misdirected =
        json!({"type": "misdirected_request", "message": "Wrong region", "data": {"region": "dal"}});
    assert_eq!(dallas, (421, json!({ "error": misdirected })));
}

#[tokio::test(start_paused = true)]
async fn fc5_the_service_lists_names_to_anybody() {
    let served = Served::new(Rules::current());
    let names = async |body: Bytes| {
        let request = Request::post("/v3.6/configuration/action/list_webhook_names").body(body).unwrap();
        served.raw(request).await
    };
    for (body, count) in [(r#"{"version":"3.3"}"#, 23), (r#"{"version":"3.6"}"#, 38), ("{}", 38), ("", 38)] {
        let (code, names) = names(Bytes::from(body)).await;
        assert_eq!((code, names.as_array().unwrap().len()), (200, count), "{body}");
    }
    assert_eq!(error(&names(r#"{"version":"2.0"}"#.into()).await), (400, "unsupported_version"));
}

#[tokio::test(start_paused = true)]
async fn fc7_the_service_tells_tokens_apart() {
    let served = Served::new(Rules::current());
    let owner = json!({"owner_client_id": "cl_abc"});
    let enable = async |version: &str, token: &str, body: &Value| {
        let path = format!("/v{version}/configuration/action/enable_license_webhooks");
        served.post(&path, token, body.to_string()).await
    };
    for (version, token, body, code) in [
        ("3.6", "Basic person", &json!({}), 400),
        ("3.6", "Basic person", &owner, 200),
        ("3.3", "Bearer app", &owner, 400),
        ("3.4", "Bearer app", &owner, 400),
        ("3.5", "Bearer app", &owner, 200),
        ("3.6", "Bearer app", &owner, 200),
        ("3.6", "Bearer reader", &json!({}), 403),
        ("3.6", "Bearer expired", &json!({}), 402),
        ("3.6", "Bearer stranger", &json!({}), 401),
        ("3.2", "Bearer app", &json!({}), 400),
    ] {
        assert_eq!(enable(version, token, body).await.0, code, "{version} {token} {body}");
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_no_call_is_an_answer_too() {
    let served = Served::new(Rules::current());
    let path = "/v3.6/configuration/action/list_webhooks";
    for (path, expected) in [
        ("/", (404, "not_found")),
        ("/v3.6/configuration/action", (404, "not_found")),
        ("/v3.6/configuration/action/list_webhooks/", (404, "not_found")),
        ("/v3.6/configuration/action/no_such_method", (404, "not_found")),
        ("/v9.9/configuration/action/list_webhooks", (400, "unsupported_version")),
        ("/3.6/configuration/action/list_webhooks", (400, "unsupported_version")),
    ] {
        assert_eq!(error(&served.post(path, "Bearer app", "{}").await), expected, "{path}");
    }
    let large = format!("{}{{}}", " ".repeat(BODY_BYTES_MAX));
    let deep = "[".repeat(10_000);
    for body in ["", "{}", "null", "[", "[]", "7", r#"{"owner_client_id":7}"#, "\u{0}", &large, &deep] {
        assert_eq!(
            error(&served.post(path, "Bearer app", body.to_owned()).await),
            (400, "validation"),
            "{body:.40}"
        );
    }
    let get = Request::get(path).header("authorization", "Bearer app").body(Bytes::new()).unwrap();
    assert_eq!(error(&served.raw(get).await), (400, "validation"));
    let nobody = Request::post(path).body(Bytes::from("{}")).unwrap();
    assert_eq!(error(&served.raw(nobody).await), (401, "authentication"));
    let twice =
        Request::post(path).header("authorization", "Bearer app").header("authorization", "Bearer app");
    assert_eq!(error(&served.raw(twice.body(Bytes::from("{}")).unwrap()).await), (401, "authentication"));
    assert_eq!(status(ErrorType::TooManyRequests).as_u16(), 429);
}
