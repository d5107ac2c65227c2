//! What a receiver got.

use std::fmt;
use std::time::Instant;

use bytes::Bytes;

use crate::sign::{Proof, VerifyError};

use super::masking::{is_credential, masked, printable};

/// One whole request as it arrived.
///
/// It prints its headers and the beginning of its body with every credential masked, its
/// query not at all, and the verdict, if somebody judged it.
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
    /// What the receiver's verifier said, if it had one.
    pub verdict: Option<Result<Proof, VerifyError>>,
}

impl Received {
    /// The target without its query.
    #[must_use]
    pub fn path(&self) -> &str {
        self.target.split_once('?').map_or(self.target.as_str(), |(path, _)| path)
    }

    /// Whether a verifier found it authentic. Nobody did where there was none.
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
