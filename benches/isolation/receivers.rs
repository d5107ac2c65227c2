//! The other side: one port whose paths behave differently.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

const NO_CONTENT: &[u8] = b"HTTP/1.1 204 No Content\r\n\r\n";
const FORGED_LIMIT: &[u8] = b"HTTP/1.1 429 Too Many Requests\r\nretry-after: 3600\r\n\
    x-ratelimit-global: true\r\ncontent-type: application/json\r\ncontent-length: 35\r\n\r\n\
    {\"retry_after\": 3600, \"global\":true}";

/// Answers on a thread of its own until the program ends. `/victim` answers at once and
/// notes the arrival, `/mute` never answers, `/limit` claims a limit of an hour on everything.
pub(crate) struct Receivers {
    port: u16,
    arrivals: Arc<Mutex<BTreeMap<u64, Instant>>>,
}

impl Receivers {
    pub(crate) fn start() -> Self {
        let arrivals: Arc<Mutex<BTreeMap<u64, Instant>>> = Arc::default();
        let (tell, told) = std::sync::mpsc::channel();
        let noted = Arc::clone(&arrivals);
        std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(async move {
                let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
                tell.send(listener.local_addr().unwrap().port()).unwrap();
                loop {
                    let (stream, _) = listener.accept().await.unwrap();
                    stream.set_nodelay(true).unwrap();
                    tokio::spawn(answer(stream, Arc::clone(&noted)));
                }
            });
        });
        Self { port: told.recv().unwrap(), arrivals }
    }

    pub(crate) const fn port(&self) -> u16 {
        self.port
    }

    /// When each event arrived first.
    pub(crate) fn arrivals(&self) -> BTreeMap<u64, Instant> {
        self.arrivals.lock().unwrap().clone()
    }
}

async fn answer(mut stream: TcpStream, arrivals: Arc<Mutex<BTreeMap<u64, Instant>>>) {
    let (mut buffer, mut filled) = (vec![0; 64 * 1024], 0);
    loop {
        while let Some((head, total)) = whole_request(&buffer[..filled]) {
            let answer = if buffer.starts_with(b"POST /mute") {
                tokio::time::sleep(Duration::from_secs(3600)).await;
                return;
            } else if buffer.starts_with(b"POST /limit") {
                FORGED_LIMIT
            } else {
                note(&buffer[head..total], &arrivals);
                NO_CONTENT
            };
            if stream.write_all(answer).await.is_err() {
                return;
            }
            buffer.copy_within(total..filled, 0);
            filled -= total;
        }
        match stream.read(&mut buffer[filled..]).await {
            Ok(read) if read > 0 => filled += read,
            _ => return,
        }
    }
}

fn note(body: &[u8], arrivals: &Mutex<BTreeMap<u64, Instant>>) {
    let body = String::from_utf8_lossy(body);
    let Some((_, rest)) = body.split_once("\"number\":") else { return };
    let digits: String = rest.chars().take_while(char::is_ascii_digit).collect();
    arrivals.lock().unwrap().entry(digits.parse().unwrap()).or_insert_with(Instant::now);
}

/// The lengths of the head and of the whole request, once it is there.
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
