//! LiveChat's Configuration API for webhooks over HTTP:
//! `POST /v3.6/configuration/action/<method>`, JSON in and out, errors as
//! `{"error":{"type":…,"message":…}}`.

use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use http::{HeaderValue, Method, Request, Response, StatusCode, header};
use serde::{Deserialize, Serialize};

use crate::event::JSON;
use crate::systems::live_chat::admin::{ApiError, Caller, ClientId, ErrorType, LiveChatAdmin, NewWebhook};
use crate::systems::live_chat::payload::ApiVersion;

/// The largest request body that is read, in bytes. A registration is much smaller.
pub const BODY_BYTES_MAX: usize = 64 * 1024;

/// The API as a function from request to response. It waits only for its stores.
pub struct ConfigurationApi {
    live_chat: Arc<LiveChatAdmin>,
    callers: Arc<dyn Callers>,
}

/// Identifies the caller of a request: only the host knows its tokens.
///
/// A function from the header's text to a caller implements this. For an unknown token it
/// returns [`ErrorType::Authentication`]; it may also return that the license has expired,
/// that the caller sends too many requests, or which other region is responsible.
#[async_trait]
pub trait Callers: Send + Sync {
    /// Returns the caller that sends this `Authorization` header.
    async fn caller(&self, authorization: &str) -> Result<Caller, ApiError>;
}

#[async_trait]
impl<F: Fn(&str) -> Result<Caller, ApiError> + Send + Sync> Callers for F {
    async fn caller(&self, authorization: &str) -> Result<Caller, ApiError> {
        self(authorization)
    }
}

impl ConfigurationApi {
    /// Serves these registrations to these callers.
    #[must_use]
    pub fn new(live_chat: Arc<LiveChatAdmin>, callers: Arc<dyn Callers>) -> Self {
        Self { live_chat, callers }
    }

    /// Handles a request. Every error is a response too.
    pub async fn answer(&self, request: &Request<Bytes>) -> Response<Bytes> {
        match self.call(request).await {
            Ok(body) => response(StatusCode::OK, body),
            Err(refusal) => response(status(refusal.kind), error_body(&refusal)),
        }
    }

    async fn call(&self, request: &Request<Bytes>) -> Result<Bytes, ApiError> {
        let (version, method) = route(request.uri().path())?;
        if request.method() != Method::POST {
            return Err(refused(ErrorType::Validation, "the method must be POST"));
        }
        let body = request.body();
        if body.len() > BODY_BYTES_MAX {
            return Err(refused(ErrorType::Validation, "the request is too large"));
        }
        if method == "list_webhook_names" {
            let version = read::<Version>(body)?.version.map_or(Ok(ApiVersion::STABLE), |text| text.parse());
            let version = version.map_err(|_| ApiError::new(ErrorType::UnsupportedVersion))?;
            return json(&LiveChatAdmin::webhook_names(version));
        }
        let caller = self.caller(request).await?;
        let calls = self.live_chat.calls(&caller, version);
        match method {
            "register_webhook" => {
                let id = calls.register_webhook(NewWebhook::from_json(body)?).await?;
                json(&Registered { id })
            }
            "list_webhooks" => json(&calls.list_webhooks(&read::<Owned>(body)?.owner()?).await?),
            "unregister_webhook" => {
                let owned = read::<Owned>(body)?;
                calls.unregister_webhook(&owned.owner()?, owned.id.as_deref().unwrap_or_default()).await?;
                json(&Nothing {})
            }
            "enable_license_webhooks" => {
                calls.enable_license_webhooks(read::<Owned>(body)?.owner_client_id.as_ref()).await?;
                json(&Nothing {})
            }
            "disable_license_webhooks" => {
                calls.disable_license_webhooks(read::<Owned>(body)?.owner_client_id.as_ref()).await?;
                json(&Nothing {})
            }
            "get_license_webhooks_state" => {
                let owner = read::<Owned>(body)?.owner_client_id;
                let license_webhooks_enabled = calls.license_webhooks_enabled(owner.as_ref()).await?;
                json(&State { license_webhooks_enabled })
            }
            _ => Err(ApiError::new(ErrorType::NotFound)),
        }
    }

    /// A header that occurs twice, or is not text, identifies no caller.
    async fn caller(&self, request: &Request<Bytes>) -> Result<Caller, ApiError> {
        let mut values = request.headers().get_all(header::AUTHORIZATION).iter();
        let (Some(value), None) = (values.next(), values.next()) else {
            return Err(ApiError::new(ErrorType::Authentication));
        };
        let text = value.to_str().map_err(|_| ApiError::new(ErrorType::Authentication))?;
        self.callers.caller(text).await
    }
}

impl std::fmt::Debug for ConfigurationApi {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ConfigurationApi").field("live_chat", &self.live_chat).finish_non_exhaustive()
    }
}

/// The HTTP status for an error's type. The documentation does not define it; these are HTTP's
/// own meanings of the same words.
#[must_use]
pub const fn status(kind: ErrorType) -> StatusCode {
    match kind {
        ErrorType::Authentication => StatusCode::UNAUTHORIZED,
        ErrorType::Authorization => StatusCode::FORBIDDEN,
        ErrorType::NotFound | ErrorType::GroupNotFound => StatusCode::NOT_FOUND,
        ErrorType::LicenseExpired => StatusCode::PAYMENT_REQUIRED,
        ErrorType::MisdirectedRequest => StatusCode::MISDIRECTED_REQUEST,
        ErrorType::TooManyRequests => StatusCode::TOO_MANY_REQUESTS,
        ErrorType::Internal => StatusCode::INTERNAL_SERVER_ERROR,
        ErrorType::AlreadyExists
        | ErrorType::LimitReached
        | ErrorType::OwnershipTransfer
        | ErrorType::UnsupportedVersion
        | ErrorType::Validation => StatusCode::BAD_REQUEST,
    }
}

/// Version and method of a path: `/v3.6/configuration/action/register_webhook`.
fn route(path: &str) -> Result<(ApiVersion, &str), ApiError> {
    let mut segments = path.strip_prefix('/').unwrap_or(path).split('/');
    let (version, rest) = (segments.next().unwrap_or_default(), [(); 3].map(|()| segments.next()));
    let (["configuration", "action"], Some(method), None) =
        ([rest[0], rest[1]].map(Option::unwrap_or_default), rest[2], segments.next())
    else {
        return Err(ApiError::new(ErrorType::NotFound));
    };
    let named = if version.starts_with('v') { version.parse().ok() } else { None };
    named.map(|version| (version, method)).ok_or_else(|| ApiError::new(ErrorType::UnsupportedVersion))
}

/// What most methods ask for. Keys they do not know are theirs to send.
#[derive(Deserialize, Default)]
#[serde(default)]
struct Owned {
    owner_client_id: Option<ClientId>,
    id: Option<String>,
}

impl Owned {
    fn owner(&self) -> Result<ClientId, ApiError> {
        let owner = self.owner_client_id.clone();
        owner.ok_or_else(|| refused(ErrorType::Validation, "`owner_client_id` is required"))
    }
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Version {
    version: Option<String>,
}

#[derive(Serialize)]
struct Registered {
    id: String,
}

#[derive(Serialize)]
struct State {
    license_webhooks_enabled: bool,
}

#[derive(Serialize)]
struct Nothing {}

#[derive(Serialize)]
struct ErrorBody<'a> {
    error: ErrorMembers<'a>,
}

#[derive(Serialize)]
struct ErrorMembers<'a> {
    #[serde(rename = "type")]
    kind: &'a str,
    message: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    data: Option<Region<'a>>,
}

#[derive(Serialize)]
struct Region<'a> {
    region: &'a str,
}

/// An empty body says what `{}` says.
fn read<T: for<'a> Deserialize<'a> + Default>(body: &Bytes) -> Result<T, ApiError> {
    if body.is_empty() {
        return Ok(T::default());
    }
    if !body.trim_ascii_start().starts_with(b"{") {
        return Err(refused(ErrorType::Validation, "the request must be a JSON object"));
    }
    serde_json::from_slice(body).map_err(|_| ApiError::new(ErrorType::Validation))
}

fn refused(kind: ErrorType, message: &str) -> ApiError {
    ApiError { message: message.to_owned(), ..ApiError::new(kind) }
}

fn json(answer: &impl Serialize) -> Result<Bytes, ApiError> {
    serde_json::to_vec(answer).map(Bytes::from).map_err(|_| ApiError::new(ErrorType::Internal))
}

fn error_body(refusal: &ApiError) -> Bytes {
    let data = refusal.region.as_deref().map(|region| Region { region });
    let error = ErrorMembers { kind: refusal.kind.as_str(), message: &refusal.message, data };
    json(&ErrorBody { error }).unwrap_or_default()
}

fn response(status: StatusCode, body: Bytes) -> Response<Bytes> {
    let mut response = Response::new(body);
    *response.status_mut() = status;
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(JSON));
    response
}
