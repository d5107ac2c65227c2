//! The other side: a server in a child process that answers 204 to anything, or
//! accepts and never answers.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::SocketAddr;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{SystemTime, UNIX_EPOCH};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

pub(crate) const ARGUMENT: &str = "--sink";
pub(crate) const MUTE: &str = "--mute";
const ADDRESSES: usize = 8192;

/// A running sink; killed when dropped.
pub(crate) struct Sink {
    child: Child,
    pub(crate) address: SocketAddr,
}

impl Sink {
    pub(crate) fn start() -> Self {
        Self::spawn(&[ARGUMENT])
    }

    /// One that accepts connections and never answers.
    pub(crate) fn start_mute() -> Self {
        Self::spawn(&[ARGUMENT, MUTE])
    }

    fn spawn(arguments: &[&str]) -> Self {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(arguments)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        Self { child, address: line.trim().parse().unwrap() }
    }

    /// The URL at the sink's own address, or, for `n` > 0, at another of loopback's.
    pub(crate) fn url(&self, n: usize) -> String {
        let n = n % ADDRESSES;
        format!("http://127.0.{}.{}:{}/hook", n / 250, n % 250 + 1, self.address.port())
    }

    /// The latencies that the sink saw since it was asked last, in microseconds.
    pub(crate) fn latencies(&self) -> Vec<u64> {
        let mut stream = std::net::TcpStream::connect(self.address).unwrap();
        stream.write_all(b"GET /latencies HTTP/1.1\r\nhost: sink\r\nconnection: close\r\n\r\n").unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        let (_, body) = answer.split_once("\r\n\r\n").unwrap();
        body.split_whitespace().map(|word| word.parse().unwrap()).collect()
    }
}

impl Drop for Sink {
    fn drop(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

pub(crate) fn micros_now() -> u64 {
    u64::try_from(SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_micros()).unwrap()
}

/// Serves until killed.
pub(crate) fn serve(mute: bool) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let listener = TcpListener::bind("0.0.0.0:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        println!("127.0.0.1:{port}");
        let seen: Arc<Mutex<Vec<u64>>> = Arc::default();
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            stream.set_nodelay(true).unwrap();
            if mute {
                tokio::spawn(async move {
                    let mut stream = stream;
                    let mut buffer = [0; 4096];
                    while stream.read(&mut buffer).await.is_ok_and(|read| read > 0) {}
                });
            } else {
                tokio::spawn(answer_all(stream, Arc::clone(&seen)));
            }
        }
    });
}

async fn answer_all(mut stream: TcpStream, seen: Arc<Mutex<Vec<u64>>>) {
    let (mut buffer, mut filled) = (vec![0; 64 * 1024], 0);
    loop {
        let mut used = 0;
        while let Some((head, total)) = whole_request(&buffer[used..filled]) {
            let request = &buffer[used..used + total];
            if request.starts_with(b"GET /latencies") {
                let taken = std::mem::take(&mut *seen.lock().unwrap());
                let body = taken.iter().map(u64::to_string).collect::<Vec<_>>().join(" ");
                let answer = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{body}", body.len());
                stream.write_all(answer.as_bytes()).await.ok();
                return;
            }
            note_latency(&request[head..], &seen);
            if stream.write_all(b"HTTP/1.1 204 No Content\r\n\r\n").await.is_err() {
                return;
            }
            used += total;
        }
        buffer.copy_within(used..filled, 0);
        filled -= used;
        match stream.read(&mut buffer[filled..]).await {
            Ok(read) if read > 0 => filled += read,
            _ => return,
        }
    }
}

/// The length of the head and of the whole request, once it is there.
fn whole_request(bytes: &[u8]) -> Option<(usize, usize)> {
    let head = bytes.windows(4).position(|window| window == b"\r\n\r\n")? + 4;
    let text = std::str::from_utf8(&bytes[..head]).ok()?;
    let length = text.lines().find_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.eq_ignore_ascii_case("content-length").then(|| value.trim().parse::<usize>().ok())?
    });
    let total = head + length.unwrap_or(0);
    (bytes.len() >= total).then_some((head, total))
}

/// A body that begins with `{"at":` says when it was published.
fn note_latency(body: &[u8], seen: &Mutex<Vec<u64>>) {
    let Some(rest) = body.strip_prefix(b"{\"at\":") else { return };
    let digits = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let published: u64 = std::str::from_utf8(&rest[..digits]).unwrap().parse().unwrap();
    seen.lock().unwrap().push(micros_now().saturating_sub(published));
}
