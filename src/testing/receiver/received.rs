//! What a receiver got.

use std::fmt;
use std::time::Instant;

use bytes::Bytes;

use crate::payload::live_chat::masked;

/// One whole request as it arrived.
///
/// It prints its headers with every credential masked, its query not at all, and
/// the beginning of its body with every `secret_key` masked.
#[derive(Clone, PartialEq, Eq)]
pub struct Received {
    /// 0 for the first request that this receiver got, and so on.
    pub order: usize,
    /// The connection it came on: 0 for the first that was opened.
    pub connection: usize,
    /// When its last byte had arrived.
    pub at: Instant,
    /// The method.
    pub method: String,
    /// Path and query, as they stand in the request line.
    pub target: String,
    /// The headers in the order and spelling in which they came.
    pub headers: Vec<(String, Vec<u8>)>,
    /// The body.
    pub body: Bytes,
}

impl Received {
    /// The target without its query.
    #[must_use]
    pub fn path(&self) -> &str {
        self.target.split_once('?').map_or(self.target.as_str(), |(path, _)| path)
    }

    /// The first value of a header, if it is there and is UTF-8.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        let (_, value) = self.headers.iter().find(|(own, _)| own.eq_ignore_ascii_case(name))?;
        std::str::from_utf8(value).ok()
    }

    /// The headers as a map, as a verifier takes them.
    #[must_use]
    pub fn header_map(&self) -> http::HeaderMap {
        let parsed = self.headers.iter().filter_map(|(name, value)| {
            let name = http::HeaderName::from_bytes(name.as_bytes()).ok()?;
            Some((name, http::HeaderValue::from_bytes(value).ok()?))
        });
        let mut map = http::HeaderMap::new();
        for (name, value) in parsed {
            map.append(name, value);
        }
        map
    }
}

/// Words in the names of headers whose values let somebody in.
const CREDENTIALS: [&str; 7] = ["auth", "cookie", "key", "password", "secret", "signature", "token"];

/// How much of a body is printed.
const BODY_SHOWN: usize = 512;

impl fmt::Display for Received {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let query = if self.target.contains('?') { "?…" } else { "" };
        writeln!(f, "#{} on connection {}", self.order, self.connection)?;
        writeln!(f, "{} {}{query}", self.method, self.path())?;
        for (name, value) in &self.headers {
            let lower = name.to_ascii_lowercase();
            if CREDENTIALS.iter().any(|word| lower.contains(word)) {
                writeln!(f, "{name}: … ({} bytes)", value.len())?;
            } else {
                writeln!(f, "{name}: {}", String::from_utf8_lossy(value))?;
            }
        }
        let body = masked(&self.body);
        let shown = body.get(..BODY_SHOWN).unwrap_or(&body);
        write!(f, "\n{}", String::from_utf8_lossy(shown))?;
        match body.len() - shown.len() {
            0 => Ok(()),
            more => write!(f, "… ({more} more bytes)"),
        }
    }
}

impl fmt::Debug for Received {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}
