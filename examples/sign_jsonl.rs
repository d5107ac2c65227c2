//! Signs messages from stdin, by any scheme, for programs in other languages.
//!
//! It reads one JSON object per line and writes one line for each, in the same order:
//!
//! ```text
//! {"id","scheme","secret","body_base64","now","message_id","url"?}
//! {"id","scheme","secret","headers":[[name,value],…],"body_base64","now"}
//! ```
//!
//! `now` is in unix seconds. `scheme` is a name of `Scheme::presets` or `live_chat`. Send the
//! body of the output, since two systems write something into it: `live_chat` puts
//! `secret_key` into the JSON object, and `linear` puts `webhookTimestamp` into an object that
//! has none. A line that cannot be signed gives `{"id","error"}`.
//!
//! For ed25519, `secret` is the private key: `standard_v1a` takes `whsk_` and base64 of
//! the seed (32 bytes) or of seed and public key (64), and `discord` takes the same bytes in
//! hexadecimal without a prefix. `verify_jsonl` takes the public key: `whpk_` and base64, or
//! hexadecimal.

use std::error::Error;
use std::io::{self, BufRead as _, Write as _};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hookpost::id::EventId;
use hookpost::testing::{Sender, Signed};
use hookpost::{Scheme, Timestamp};
use serde::Deserialize;
use serde_json::{Value, json};

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
    let mut sender = match order.scheme.as_str() {
        "live_chat" => Sender::live_chat(order.secret.as_str())?,
        name => Sender::new(&Scheme::named(name).ok_or("scheme: is not known")?, order.secret.as_str())?,
    };
    if let Some(url) = &order.url {
        sender = sender.at(url);
    }
    let id = EventId::new(order.message_id.as_deref().unwrap_or("msg"))?;
    let now = Timestamp::from_unix_seconds(order.now);
    let Signed { headers, body } = sender.sign(&id, now, &STANDARD.decode(&order.body_base64)?)?;
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
