//! Signs what stands on stdin, by any scheme, for programs in other languages.
//!
//! One JSON object per line comes in, and one goes out for each, in order:
//!
//! ```text
//! {"id","scheme","secret","body_base64","now","message_id","url"?}
//! {"id","scheme","secret","headers":[[name,value],…],"body_base64","now"}
//! ```
//!
//! `now` is in unix seconds. `scheme` is a name of `Scheme::presets` or `live_chat`. The
//! body that comes out is the one to send: two systems write something into it.
//! `live_chat` puts `secret_key` into the JSON object, `linear` puts `webhookTimestamp`
//! into one that has none. A line that cannot be signed gives `{"id","error"}`.
//!
//! For ed25519, `secret` is the private key: `standard_v1a` takes `whsk_` and base64 of
//! the seed (32 bytes) or of seed and public key (64), `discord` the same in plain
//! hexadecimal. `verify_jsonl` takes the public one: `whpk_` and base64, or hexadecimal.

use std::error::Error;
use std::io::{self, BufRead as _, Write as _};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hookpost::id::EventId;
use hookpost::wire::scheme::Signer;
use hookpost::{Scheme, Secret, SecretSet, Timestamp};
use http::HeaderMap;
use serde::Deserialize;
use serde_json::{Map, Value, json};

type Result<T> = std::result::Result<T, Box<dyn Error>>;

#[derive(Deserialize)]
struct Order {
    id: Value,
    scheme: String,
    secret: String,
    body_base64: String,
    now: i64,
    message_id: Option<String>,
    url: Option<String>,
}

fn main() -> Result<()> {
    let mut out = io::stdout().lock();
    for line in io::stdin().lock().split(b'\n') {
        writeln!(out, "{}", answer(&line?))?;
    }
    Ok(())
}

/// The line to write for a line that was read.
pub(crate) fn answer(line: &[u8]) -> Value {
    /// Says whose line it is even where the rest is not to be understood.
    #[derive(Default, Deserialize)]
    struct Named {
        #[serde(default)]
        id: Value,
    }
    let signed = serde_json::from_slice::<Order>(line).map_err(Into::into).and_then(|order| sign(&order));
    signed.unwrap_or_else(|error| {
        let Named { id } = serde_json::from_slice(line).unwrap_or_default();
        json!({"id": id, "error": error.to_string()})
    })
}

fn sign(order: &Order) -> Result<Value> {
    let secret = Secret::new(order.secret.as_str())?;
    let body = STANDARD.decode(&order.body_base64)?;
    let (headers, body) = if order.scheme == "live_chat" {
        (HeaderMap::new(), with_member(&body, "secret_key", &order.secret.as_str().into())?)
    } else {
        sign_headers(order, secret, body)?
    };
    let headers = headers.iter().map(|(name, value)| Ok(json!([name.as_str(), value.to_str()?])));
    Ok(json!({
        "id": order.id,
        "scheme": order.scheme,
        "secret": order.secret,
        "headers": headers.collect::<Result<Vec<_>>>()?,
        "body_base64": STANDARD.encode(body),
        "now": order.now,
    }))
}

fn sign_headers(order: &Order, secret: Secret, body: Vec<u8>) -> Result<(HeaderMap, Vec<u8>)> {
    let scheme = Scheme::named(&order.scheme).ok_or("scheme: is not known")?;
    let body = if order.scheme == "linear" { dated(body, order.now) } else { body };
    let mut signer = Signer::new(&scheme, &SecretSet::of(secret))?;
    if let Some(url) = &order.url {
        signer = signer.at(url);
    } else if scheme.signs_url() {
        return Err("url: is missing, and the scheme signs it".into());
    }
    let id = EventId::new(order.message_id.as_deref().unwrap_or("msg"))?;
    let mut headers = HeaderMap::new();
    signer.sign(&id, Timestamp::from_unix_seconds(order.now), &body, &mut headers);
    Ok((headers, body))
}

/// Linear's own body says when it was signed. What is no JSON object, or says it
/// already, is signed as it is.
fn dated(body: Vec<u8>, now: i64) -> Vec<u8> {
    let object: Option<Map<String, Value>> = serde_json::from_slice(&body).ok();
    if object.is_none_or(|object| object.contains_key("webhookTimestamp")) {
        return body;
    }
    with_member(&body, "webhookTimestamp", &now.saturating_mul(1000).into()).unwrap_or(body)
}

/// The same object with one more member in front. Its other bytes stay as they are.
fn with_member(body: &[u8], name: &str, value: &Value) -> Result<Vec<u8>> {
    let object: Map<String, Value> = serde_json::from_slice(body).map_err(|_| "body: is no JSON object")?;
    if object.get(name).is_some_and(|own| own == value) {
        return Ok(body.to_vec());
    }
    if object.contains_key(name) {
        let replaced: Map<String, Value> = object
            .into_iter()
            .map(|(key, own)| if key == name { (key, value.clone()) } else { (key, own) })
            .collect();
        return Ok(serde_json::to_vec(&replaced)?);
    }
    let inside = body.trim_ascii_start().get(1..).unwrap_or_default();
    let comma = if object.is_empty() { "" } else { "," };
    Ok([format!("{{{}:{value}{comma}", json!(name)).as_bytes(), inside].concat())
}
