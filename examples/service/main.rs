//! A service whose customers manage their own webhooks over HTTP, with axum: its routes, and the
//! engine that delivers beside them.
//!
//! `cargo run --example service` starts it on a free port of this machine, calls each route as
//! a customer does (`customer.rs`), and prints the answers.

mod answer;
mod customer;
#[path = "../shown/mod.rs"]
mod shown;

use std::error::Error;

use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::routing::{post, put};
use axum::{Json, Router};
use hookpost::id::{EndpointId, TenantId};
use hookpost::stores::memory::MemoryStore;
use hookpost::{EndpointError, NewEndpoint, RegisterError, Scheme, Secret, Webhooks};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::sync::oneshot;

use answer::{Refusal, visible};

/// Each route is about one tenant. A real service takes the tenant from the login.
fn routes(webhooks: Webhooks) -> Router {
    Router::new()
        .route("/{tenant}/endpoints", post(register).get(list))
        .route("/{tenant}/endpoints/{id}", put(update).delete(remove))
        .route("/{tenant}/endpoints/{id}/disable", post(disable))
        .route("/{tenant}/endpoints/{id}/enable", post(enable))
        .route("/{tenant}/endpoints/{id}/test", post(test))
        .with_state(webhooks)
}

#[derive(serde::Deserialize)]
struct Form {
    url: String,
    events: Vec<String>,
    /// For a change: the version that the customer saw, so that no other change is lost.
    #[serde(default)]
    version: u64,
}

type Hooks = State<Webhooks>;
type Ids = Path<(TenantId, EndpointId)>;
type Answered = Result<Json<Value>, Refusal>;

async fn register(State(hooks): Hooks, Path(tenant): Path<TenantId>, Json(form): Json<Form>) -> Answered {
    let secret = Secret::generate(&Scheme::standard()).map_err(EndpointError::from)?;
    let new = NewEndpoint::new(tenant.as_str(), form.url, "standard")?.events(form.events)?;
    let endpoint = hooks.register(new.secret(secret.expose())?).await?;
    let secret = String::from_utf8_lossy(secret.expose());
    // The only answer that contains the secret. The customer's receiver needs it.
    Ok(Json(json!({"endpoint": visible(&endpoint), "secret": secret})))
}

async fn list(State(hooks): Hooks, Path(tenant): Path<TenantId>) -> Answered {
    let page = hooks.endpoints(&tenant, None, 100).await?;
    Ok(Json(page.endpoints.iter().map(|endpoint| visible(endpoint)).collect()))
}

async fn update(State(hooks): Hooks, Path((tenant, id)): Ids, Json(form): Json<Form>) -> Answered {
    let before = hooks.endpoint(&tenant, &id).await?.ok_or(RegisterError::NotFound)?;
    let new = NewEndpoint::from(&*before).url(form.url).events(form.events)?;
    Ok(Json(visible(&*hooks.update(&id, form.version, new).await?)))
}

async fn disable(State(hooks): Hooks, Path((tenant, id)): Ids) -> Result<StatusCode, Refusal> {
    hooks.disable(&tenant, &id).await?;
    Ok(StatusCode::NO_CONTENT)
}

async fn enable(State(hooks): Hooks, Path((tenant, id)): Ids) -> Answered {
    Ok(Json(visible(&*hooks.enable(&tenant, &id).await?)))
}

async fn remove(State(hooks): Hooks, Path((tenant, id)): Ids) -> Result<StatusCode, Refusal> {
    let existed = hooks.remove(&tenant, &id).await?;
    if existed { Ok(StatusCode::NO_CONTENT) } else { Err(RegisterError::NotFound.into()) }
}

async fn test(State(hooks): Hooks, Path((tenant, id)): Ids) -> Answered {
    let tested = hooks.test(&tenant, &id).await;
    let report = tested.map_err(|why| Refusal(StatusCode::CONFLICT, why.to_string()))?;
    Ok(Json(json!({"success": report.success, "result": report.result.map(|result| result.to_string())})))
}

/// Serves until `shutdown` ends. Then the engine finishes the requests that are in flight.
async fn serve(
    listener: TcpListener,
    webhooks: Webhooks,
    shutdown: impl Future<Output = ()> + Send + 'static,
) -> Result<(), Box<dyn Error>> {
    let (stop, stopped) = oneshot::channel::<()>();
    let running = tokio::spawn(webhooks.run(stopped));
    axum::serve(listener, routes(webhooks)).with_graceful_shutdown(shutdown).await?;
    drop(stop);
    Ok(running.await??)
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    // For your own service use `Webhooks::builder`, a SQLite store, and Ctrl-C as the shutdown.
    let webhooks = Webhooks::danger_local(MemoryStore::new())?.build()?;
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    let (stop, stopped) = oneshot::channel::<()>();
    let customer = async {
        let expected = customer::play(address, &webhooks).await;
        drop(stop);
        expected
    };
    let shutdown = async { drop(stopped.await) };
    let (served, expected) = tokio::join!(serve(listener, webhooks.clone(), shutdown), customer);
    served?;
    expected?.check()
}
