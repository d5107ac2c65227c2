//! What a test receiver does with a request.

use std::fmt;
use std::time::Duration;

use bytes::Bytes;

/// What a test receiver does with one request: a response, or a fault.
///
/// ```
/// use hookpost::testing::Answer;
/// use std::time::Duration;
///
/// let busy = Answer::status(503).header("retry-after", "30").body("later");
/// let slow_loris = Answer::ok().drip_head(Duration::from_millis(50));
/// assert_eq!(busy.to_string(), "503");
/// assert_eq!(slow_loris.to_string(), "200, head in drips");
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    pub(super) after: Duration,
    pub(super) act: Act,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Act {
    Respond(Response),
    Raw(Bytes),
    Hang,
    Close,
    Reset,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Response {
    pub(super) status: u16,
    pub(super) headers: Vec<(String, String)>,
    pub(super) body: Bytes,
    pub(super) head_gap: Duration,
    pub(super) body_gap: Duration,
    pub(super) ending: Ending,
}

/// How a response ends. Counts are bytes of the whole response, head and body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ending {
    KeepAlive,
    HangUp,
    Cut(usize),
    Reset(usize),
    Endless,
}

impl Answer {
    /// `200` with an empty body.
    #[must_use]
    pub const fn ok() -> Self {
        Self::status(200)
    }

    /// That status with an empty body. Any number is sent unchanged, even `999`.
    #[must_use]
    pub const fn status(status: u16) -> Self {
        Self::new(Act::Respond(Response {
            status,
            headers: Vec::new(),
            body: Bytes::new(),
            head_gap: Duration::ZERO,
            body_gap: Duration::ZERO,
            ending: Ending::KeepAlive,
        }))
    }

    /// Sends exactly these bytes, whether or not they are HTTP, and closes the connection.
    #[must_use]
    pub fn raw(bytes: impl Into<Bytes>) -> Self {
        Self::new(Act::Raw(bytes.into()))
    }

    /// Sends no answer, until the sender gives up.
    #[must_use]
    pub const fn hang() -> Self {
        Self::new(Act::Hang)
    }

    /// Closes the connection without sending a byte.
    #[must_use]
    pub const fn close() -> Self {
        Self::new(Act::Close)
    }

    /// Resets the TCP connection without sending a byte.
    #[must_use]
    pub const fn reset() -> Self {
        Self::new(Act::Reset)
    }

    const fn new(act: Act) -> Self {
        Self { after: Duration::ZERO, act }
    }

    /// Waits before the first byte, or before the fault.
    #[must_use]
    pub const fn after(mut self, delay: Duration) -> Self {
        self.after = delay;
        self
    }

    /// Adds a header, unchanged. A `content-length` replaces the correct one.
    #[must_use]
    pub fn header(self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.responding(|response| response.headers.push((name.into(), value.into())))
    }

    /// Sets the body.
    #[must_use]
    pub fn body(self, body: impl Into<Bytes>) -> Self {
        self.responding(|response| response.body = body.into())
    }

    /// Sends the head byte by byte, with that pause between bytes.
    #[must_use]
    pub fn drip_head(self, gap: Duration) -> Self {
        self.responding(|response| response.head_gap = gap)
    }

    /// Sends the body byte by byte, with that pause between bytes.
    #[must_use]
    pub fn drip_body(self, gap: Duration) -> Self {
        self.responding(|response| response.body_gap = gap)
    }

    /// Repeats the body endlessly, as fast as the sender reads it.
    #[must_use]
    pub fn endless_body(self) -> Self {
        self.ending(Ending::Endless)
    }

    /// Closes the connection after the response, without announcing it.
    #[must_use]
    pub fn then_hang_up(self) -> Self {
        self.ending(Ending::HangUp)
    }

    /// Closes the connection after that many bytes of the response.
    #[must_use]
    pub fn cut_after(self, bytes: usize) -> Self {
        self.ending(Ending::Cut(bytes))
    }

    /// Resets the connection after that many bytes of the response.
    #[must_use]
    pub fn reset_after(self, bytes: usize) -> Self {
        self.ending(Ending::Reset(bytes))
    }

    fn ending(self, ending: Ending) -> Self {
        self.responding(|response| response.ending = ending)
    }

    /// Changes the response; has no effect on a fault.
    fn responding(mut self, change: impl FnOnce(&mut Response)) -> Self {
        if let Act::Respond(response) = &mut self.act {
            change(response);
        }
        self
    }
}

impl Default for Answer {
    fn default() -> Self {
        Self::ok()
    }
}

impl From<u16> for Answer {
    fn from(status: u16) -> Self {
        Self::status(status)
    }
}

impl Response {
    /// Status line, headers and the empty line. The reason phrase is left out, as
    /// RFC 9112 allows.
    pub(super) fn head(&self) -> Vec<u8> {
        let mut lines = vec![format!("HTTP/1.1 {} ", self.status)];
        lines.extend(self.headers.iter().map(|(name, value)| format!("{name}: {value}")));
        if self.ending == Ending::Endless {
            lines.push("transfer-encoding: chunked".to_owned());
        } else if self.may_have_body() && !self.sets("content-length") && !self.sets("transfer-encoding") {
            lines.push(format!("content-length: {}", self.body.len()));
        }
        (lines.join("\r\n") + "\r\n\r\n").into_bytes()
    }

    pub(super) fn closes(&self) -> bool {
        let announced = |(name, value): &(String, String)| {
            name.eq_ignore_ascii_case("connection") && value.eq_ignore_ascii_case("close")
        };
        self.ending != Ending::KeepAlive || self.headers.iter().any(announced)
    }

    fn sets(&self, header: &str) -> bool {
        self.headers.iter().any(|(name, _)| name.eq_ignore_ascii_case(header))
    }

    /// Statuses whose responses end with their head.
    const fn may_have_body(&self) -> bool {
        !matches!(self.status, 100..=199 | 204 | 304)
    }
}

/// One short line, such as `503 after 2s` or `no answer`.
impl fmt::Display for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.act {
            Act::Respond(response) => write!(f, "{response}")?,
            Act::Raw(bytes) => write!(f, "{} raw bytes", bytes.len())?,
            Act::Hang => f.write_str("no answer")?,
            Act::Close => f.write_str("closed")?,
            Act::Reset => f.write_str("reset")?,
        }
        if self.after.is_zero() { Ok(()) } else { write!(f, " after {:?}", self.after) }
    }
}

impl fmt::Display for Response {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.status)?;
        if !self.head_gap.is_zero() {
            f.write_str(", head in drips")?;
        }
        if !self.body_gap.is_zero() {
            f.write_str(", body in drips")?;
        }
        match self.ending {
            Ending::KeepAlive => Ok(()),
            Ending::HangUp => f.write_str(", then closed"),
            Ending::Cut(bytes) => write!(f, ", cut after {bytes} bytes"),
            Ending::Reset(bytes) => write!(f, ", reset after {bytes} bytes"),
            Ending::Endless => f.write_str(", endless body"),
        }
    }
}
