//! A request that a test receiver got.

use std::fmt;
use std::time::Instant;

use bytes::Bytes;

use crate::sign::{Proof, VerifyError};

use super::masking::{is_credential, masked, printable};

/// One complete request as it was received.
///
/// `Display` shows its headers and the beginning of its body with all credentials masked, no
/// query, and the result of the verification, if there was one.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Received {
    /// The number of the request at this receiver, from 0.
    pub order: usize,
    /// The number of the connection it was received on, from 0.
    pub connection: usize,
    /// When its last byte was received.
    pub at: Instant,
    /// The method.
    pub method: String,
    /// The path and query as they are in the request line.
    pub target: String,
    /// The headers in the order and spelling in which they were received.
    pub headers: Vec<(String, Vec<u8>)>,
    /// The body.
    pub body: Bytes,
    /// The result of the receiver's verifier; `None` if it has none.
    pub verdict: Option<Result<Proof, VerifyError>>,
}

impl Received {
    /// The target without its query.
    #[must_use]
    pub fn path(&self) -> &str {
        self.target.split_once('?').map_or(self.target.as_str(), |(path, _)| path)
    }

    /// Whether a verifier accepted it; false if there was none.
    #[must_use]
    pub const fn is_verified(&self) -> bool {
        matches!(self.verdict, Some(Ok(_)))
    }

    /// The first value of a header, if it is there and is UTF-8.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        let (_, value) = self.headers.iter().find(|(own, _)| own.eq_ignore_ascii_case(name))?;
        std::str::from_utf8(value).ok()
    }

    /// The headers as a map, as a verifier expects them.
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

/// How much of a body is printed.
const BODY_SHOWN: usize = 512;

impl fmt::Display for Received {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let query = if self.target.contains('?') { "?…" } else { "" };
        writeln!(f, "#{} on connection {}", self.order, self.connection)?;
        writeln!(f, "{} {}{query}", printable(&self.method), printable(self.path()))?;
        for (name, value) in &self.headers {
            let name = printable(name);
            if is_credential(&name) {
                writeln!(f, "{name}: … ({} bytes)", value.len())?;
            } else {
                writeln!(f, "{name}: {}", printable(&String::from_utf8_lossy(value)))?;
            }
        }
        let shown = self.body.get(..BODY_SHOWN).unwrap_or(&self.body);
        write!(f, "\n{}", printable(&masked(&String::from_utf8_lossy(shown))))?;
        match self.body.len() - shown.len() {
            0 => {}
            more => write!(f, "… ({more} more bytes)")?,
        }
        match &self.verdict {
            None => Ok(()),
            Some(Ok(Proof::Signed { secret: 0 })) => f.write_str("\n✓ signed"),
            Some(Ok(Proof::Signed { secret })) => write!(f, "\n✓ signed with secret {secret}"),
            Some(Ok(Proof::Unsigned)) => f.write_str("\n– unsigned"),
            Some(Ok(Proof::Key { secret: 0 })) => f.write_str("\n✓ the key"),
            Some(Ok(Proof::Key { secret })) => write!(f, "\n✓ key {secret}"),
            Some(Err(error)) => write!(f, "\n✗ {error}"),
        }
    }
}

impl fmt::Debug for Received {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}
