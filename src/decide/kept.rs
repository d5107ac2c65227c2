//! The part of a response that the history keeps.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::HeaderMap;

use crate::endpoint::Endpoint;
use crate::policy::egress::EndpointUrl;
use crate::policy::outcome::Response;
use crate::secret::{Secret, Secrets};

use super::mask::{LEAST, marks, masked};
use super::resolve::Sendable;

/// A segment of a URL's path that is at least this long is treated as a credential: chat services
/// put credentials there.
const PATH_CREDENTIAL: usize = 16;

/// The beginning of a response body, without the endpoint's credentials. A receiver may echo the
/// request, and people who read the history may not be allowed to know the credentials.
///
/// Redirect bodies are not kept: they need not come from the endpoint itself.
pub(super) fn kept(response: &Response, sendable: &Sendable) -> Bytes {
    let length = response.body.len().min(sendable.profile.keep_body);
    if length == 0 || response.status.is_redirection() {
        return Bytes::new();
    }
    let body = response.body.slice(..length);
    if length < LEAST && !response.cut {
        return body;
    }
    let credentials = credentials(&sendable.endpoint, &sendable.headers);
    let marked = marks(&response.body, length, response.cut, credentials);
    masked(&body, &marked).map_or(body, Bytes::from)
}

/// The credentials of an endpoint. `headers` are those of each request; the sensitive ones count.
fn credentials(endpoint: &Endpoint, headers: &HeaderMap) -> Vec<Vec<u8>> {
    let mut found = Vec::new();
    if let Secrets::Open(secrets) = &endpoint.secrets {
        let retiring = secrets.retiring.iter().map(|old| &old.secret);
        for secret in secrets.current.iter().chain(retiring) {
            of_secret(secret, &mut found);
        }
    }
    for value in headers.values().filter(|value| value.is_sensitive()) {
        of_header(value.as_bytes(), &mut found);
    }
    of_url(&endpoint.url, &mut found);
    found
}

/// Adds the secret as it was configured, without its prefix, and decoded.
fn of_secret(secret: &Secret, found: &mut Vec<Vec<u8>>) {
    let text = secret.expose();
    found.push(text.to_vec());
    let mark = text.iter().position(|byte| *byte == b'_');
    let code = mark.map_or(text, |mark| &text[mark + 1..]);
    if let Ok(key) = STANDARD.decode(code) {
        found.extend([code.to_vec(), without_padding(code).to_vec(), key]);
    }
}

fn without_padding(mut code: &[u8]) -> &[u8] {
    while let [rest @ .., b'='] = code {
        code = rest;
    }
    code
}

/// Adds a header's value, and the part after the name of an authentication scheme. For `Basic`
/// that is a name and a password in base64.
fn of_header(value: &[u8], found: &mut Vec<Vec<u8>>) {
    found.push(value.to_vec());
    let Some(space) = value.iter().position(|byte| *byte == b' ') else { return };
    let (scheme, credential) = (&value[..space], &value[space + 1..]);
    found.push(credential.to_vec());
    if let Ok(pair) = STANDARD.decode(credential)
        && scheme.eq_ignore_ascii_case(b"basic")
    {
        let password = pair.iter().position(|byte| *byte == b':').map(|colon| pair[colon + 1..].to_vec());
        found.extend(password);
        found.push(pair);
    }
}

/// Adds the values of the query, and long segments of the path. Numbers are not credentials: they
/// may be ids of chats, and the answers of chats are read again from the history.
fn of_url(url: &EndpointUrl, found: &mut Vec<Vec<u8>>) {
    let (path, query) = url.expose_target().split_once('?').unwrap_or((url.expose_target(), ""));
    let values = query.split('&').map(|pair| pair.split_once('=').map_or(pair, |(_, value)| value));
    let segments = path.split('/').filter(|segment| segment.len() >= PATH_CREDENTIAL);
    let is_number = |text: &&str| text.parse::<i64>().is_ok();
    found.extend(values.chain(segments).filter(|text| !is_number(text)).map(without_percents));
}

fn without_percents(text: &str) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [first, behind @ ..] = rest {
        let decoded = match rest {
            [b'%', high, low, ..] => hex::decode([*high, *low]).ok(),
            _ => None,
        };
        if let Some([byte]) = decoded.as_deref() {
            bytes.push(*byte);
            rest = &rest[3..];
        } else {
            bytes.push(*first);
            rest = behind;
        }
    }
    bytes
}
