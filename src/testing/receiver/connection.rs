//! One connection: reads requests and sends answers, until one side ends it.

use std::io;
use std::time::{Duration, Instant};

use bytes::{Buf, Bytes, BytesMut};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::Log;
use super::answer::{Act, Answer, Ending, Response};
use super::received::Received;

const HEAD_MAX: usize = 64 * 1024;
const BODY_MAX: usize = 64 * 1024 * 1024;
/// One chunk of an endless body without text of its own.
static FILLER: [u8; 16 * 1024] = [b'.'; 16 * 1024];

/// Serves a connection until it ends. Everything received that is not a request is recorded as
/// a fault; a sender that disconnects is not.
pub(super) async fn serve(stream: TcpStream, number: usize, log: &Log) {
    // A drip is one byte per packet only if the system does not gather them.
    stream.set_nodelay(true).ok();
    let mut connection = Connection { stream, number, unread: BytesMut::new() };
    loop {
        let request = match connection.request().await {
            Ok(Some(request)) => request,
            Ok(None) | Err(Broken::Gone) => return,
            Err(Broken::NoRequest(rule)) => {
                log.fault(number, rule);
                connection.answer(&Answer::status(400).then_hang_up()).await.ok();
                return;
            }
        };
        let wants_more =
            !request.header("connection").is_some_and(|value| value.eq_ignore_ascii_case("close"));
        let answer = log.record(request);
        match connection.answer(&answer).await {
            Ok(Then::NextRequest) if wants_more => {}
            Ok(_) | Err(_) => return,
        }
    }
}

struct Connection {
    stream: TcpStream,
    number: usize,
    unread: BytesMut,
}

enum Broken {
    Gone,
    NoRequest(&'static str),
}

impl From<io::Error> for Broken {
    fn from(_: io::Error) -> Self {
        Self::Gone
    }
}

enum Then {
    NextRequest,
    Nothing,
}

impl Connection {
    /// The next request; `None` when the sender ended the connection between two.
    async fn request(&mut self) -> Result<Option<Received>, Broken> {
        let head_length = loop {
            if let Some(at) = find(&self.unread, b"\r\n\r\n") {
                break at;
            }
            if self.unread.len() > HEAD_MAX {
                return Err(Broken::NoRequest("a head of more than 64 KiB"));
            }
            if self.stream.read_buf(&mut self.unread).await? == 0 {
                let between = self.unread.is_empty();
                return if between { Ok(None) } else { Err(Broken::NoRequest("an end inside a head")) };
            }
        };
        let head = self.unread.split_to(head_length);
        self.unread.advance(4);
        let (method, target, headers) = parse_head(&head).map_err(Broken::NoRequest)?;
        let mut request = Received {
            order: 0,
            connection: self.number,
            at: Instant::now(),
            method,
            target,
            headers,
            body: Bytes::new(),
            verdict: None,
        };
        let length = body_length(&request).map_err(Broken::NoRequest)?;
        while self.unread.len() < length {
            if self.stream.read_buf(&mut self.unread).await? == 0 {
                return Err(Broken::NoRequest("an end inside a body"));
            }
        }
        request.body = self.unread.split_to(length).freeze();
        request.at = Instant::now();
        Ok(Some(request))
    }

    async fn answer(&mut self, answer: &Answer) -> io::Result<Then> {
        if !answer.after.is_zero() {
            tokio::time::sleep(answer.after).await;
        }
        match &answer.act {
            Act::Respond(response) => self.respond(response).await,
            Act::Raw(bytes) => {
                self.stream.write_all(bytes).await?;
                self.hang_up().await
            }
            Act::Hang => {
                while self.stream.read_buf(&mut self.unread).await? > 0 {
                    self.unread.clear();
                }
                Ok(Then::Nothing)
            }
            Act::Close => self.hang_up().await,
            Act::Reset => self.reset(),
        }
    }

    async fn respond(&mut self, response: &Response) -> io::Result<Then> {
        let (mut head, mut body) = (response.head(), response.body.clone());
        if let Ending::Cut(bytes) | Ending::Reset(bytes) = response.ending {
            head.truncate(bytes);
            body.truncate(bytes - head.len());
        }
        if response.head_gap.is_zero() && response.body_gap.is_zero() && response.ending != Ending::Endless {
            // One write: head and body arrive together, as from a real server.
            head.extend_from_slice(&body);
            self.stream.write_all(&head).await?;
        } else {
            self.write(&head, response.head_gap).await?;
            if response.ending == Ending::Endless {
                return self.write_chunks_without_end(&body, response.body_gap).await;
            }
            self.write(&body, response.body_gap).await?;
        }
        match response.ending {
            Ending::Reset(_) => self.reset(),
            _ if response.closes() => self.hang_up().await,
            _ => Ok(Then::NextRequest),
        }
    }

    async fn write(&mut self, bytes: &[u8], gap: Duration) -> io::Result<()> {
        if gap.is_zero() {
            return self.stream.write_all(bytes).await;
        }
        for byte in bytes {
            self.stream.write_all(std::slice::from_ref(byte)).await?;
            tokio::time::sleep(gap).await;
        }
        Ok(())
    }

    /// Ends with the error that the sender's leaving causes.
    async fn write_chunks_without_end(&mut self, body: &[u8], gap: Duration) -> io::Result<Then> {
        let content = if body.is_empty() { &FILLER[..] } else { body };
        loop {
            self.stream.write_all(format!("{:x}\r\n", content.len()).as_bytes()).await?;
            self.write(content, gap).await?;
            self.stream.write_all(b"\r\n").await?;
        }
    }

    /// Sends the end of the stream, then reads until the sender's end: closing with unread
    /// bytes would reset the connection, and could destroy what was just written.
    async fn hang_up(&mut self) -> io::Result<Then> {
        self.stream.shutdown().await?;
        let patience = Duration::from_secs(1);
        let drained = tokio::time::timeout(patience, async {
            while self.stream.read_buf(&mut self.unread).await? > 0 {
                self.unread.clear();
            }
            io::Result::Ok(())
        });
        match drained.await {
            Ok(result) => result.map(|()| Then::Nothing),
            Err(_impatient) => Ok(Then::Nothing),
        }
    }

    /// With a zero linger time, dropping the socket resets the connection.
    #[allow(deprecated, reason = "its deprecation is about other lengths; a zero one never blocks")]
    fn reset(&mut self) -> io::Result<Then> {
        self.stream.set_linger(Some(Duration::ZERO))?;
        Ok(Then::Nothing)
    }
}

type Head = (String, String, Vec<(String, Vec<u8>)>);

fn parse_head(head: &[u8]) -> Result<Head, &'static str> {
    let (request_line, mut rest) = split_line(head);
    let request_line = std::str::from_utf8(request_line).map_err(|_| "a request line that is no text")?;
    let mut words = request_line.split(' ');
    let (Some(method), Some(target), Some("HTTP/1.1"), None) =
        (words.next(), words.next(), words.next(), words.next())
    else {
        return Err("a request line that is not METHOD TARGET HTTP/1.1");
    };
    let mut headers = Vec::new();
    while !rest.is_empty() {
        let (line, after) = split_line(rest);
        rest = after;
        let colon = line.iter().position(|byte| *byte == b':').ok_or("a header without a colon")?;
        let name = String::from_utf8(line[..colon].to_vec()).map_err(|_| "a header name that is no text")?;
        if name.is_empty() || name.contains([' ', '\t']) {
            return Err("a header name with white space");
        }
        headers.push((name, line[colon + 1..].trim_ascii().to_vec()));
    }
    Ok((method.to_owned(), target.to_owned(), headers))
}

fn body_length(request: &Received) -> Result<usize, &'static str> {
    if request.header("transfer-encoding").is_some() {
        return Err("a transfer encoding: bodies have a content-length");
    }
    let lengths = request.headers.iter().filter(|(name, _)| name.eq_ignore_ascii_case("content-length"));
    match (lengths.count(), request.header("content-length")) {
        (0, _) => Ok(0),
        (1, Some(text)) => {
            let length = text.parse().map_err(|_| "a content-length that is no number")?;
            if length > BODY_MAX { Err("a body of more than 64 MiB") } else { Ok(length) }
        }
        _ => Err("more than one content-length"),
    }
}

fn split_line(bytes: &[u8]) -> (&[u8], &[u8]) {
    find(bytes, b"\r\n").map_or((bytes, &[]), |at| (&bytes[..at], &bytes[at + 2..]))
}

fn find(bytes: &[u8], what: &[u8]) -> Option<usize> {
    bytes.windows(what.len()).position(|window| window == what)
}
