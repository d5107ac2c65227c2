//! The layer behind a real server, met by clients that know nothing but bytes.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::extract::State;
use axum::routing::any;
use bytes::Bytes;
use hookpost::Verified;
use hookpost::receive::tower::VerifyLayer;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::timeout;

use crate::scene::{NOW, ORDER, SECRET, Still, signed, verifier};

/// Nobody waits that long: without it, a server that waits for ever would never fail.
const PATIENCE: Duration = Duration::from_secs(30);

type Heard = Arc<Mutex<Vec<Bytes>>>;

async fn hear(State(heard): State<Heard>, verified: Verified<Bytes>, body: Bytes) {
    assert_eq!(verified.body(), &body);
    heard.lock().unwrap().push(body);
}

/// Serves until the test's runtime ends.
async fn serve() -> (SocketAddr, Heard) {
    let heard = Heard::default();
    let layer = VerifyLayer::new(verifier()).clock(Arc::new(Still));
    let routes = Router::new().route("/", any(hear)).layer(layer).with_state(Arc::clone(&heard));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, routes).await });
    (address, heard)
}

/// A request's head, signed for the order, with these lines about the body.
fn head(about_the_body: &str) -> String {
    let headers = signed(ORDER, SECRET, NOW);
    let lines = headers.iter().map(|(name, value)| format!("{name}: {}\r\n", value.to_str().unwrap()));
    let lines: String = lines.collect();
    format!("POST / HTTP/1.1\r\nhost: local\r\nconnection: close\r\n{lines}{about_the_body}\r\n\r\n")
}

/// Sends the pieces one by one, each in a packet of its own, and hears the whole answer.
async fn answer(to: SocketAddr, pieces: &[&[u8]]) -> String {
    let mut client = TcpStream::connect(to).await.unwrap();
    client.set_nodelay(true).unwrap();
    for piece in pieces {
        client.write_all(piece).await.unwrap();
        client.flush().await.unwrap();
        tokio::task::yield_now().await;
    }
    let mut answer = String::new();
    let read = timeout(PATIENCE, client.read_to_string(&mut answer)).await;
    read.expect("an answer, whatever else was to come").unwrap();
    answer
}

#[tokio::test]
async fn a_body_arrives_over_a_socket_in_pieces_with_a_length_and_in_chunks() {
    let (address, heard) = serve().await;
    let announced = head(&format!("content-length: {}", ORDER.len()));
    let pieces: Vec<&[u8]> = [announced.as_bytes()].into_iter().chain(ORDER.chunks(3)).collect();
    assert!(answer(address, &pieces).await.starts_with("HTTP/1.1 200"));

    let chunked = head("transfer-encoding: chunked");
    let chunks: Vec<Vec<u8>> = ORDER
        .chunks(7)
        .chain([&[][..]])
        .map(|chunk| [format!("{:x}\r\n", chunk.len()).as_bytes(), chunk, b"\r\n"].concat())
        .collect();
    let pieces: Vec<&[u8]> =
        [chunked.as_bytes()].into_iter().chain(chunks.iter().map(Vec::as_slice)).collect();
    assert!(answer(address, &pieces).await.starts_with("HTTP/1.1 200"));
    assert_eq!(*heard.lock().unwrap(), [ORDER, ORDER]);
}

#[tokio::test]
async fn s45_a_gigabyte_is_refused_before_a_byte_of_it_was_sent() {
    let (address, heard) = serve().await;
    let refused = answer(address, &[head("content-length: 1000000000").as_bytes()]).await;
    assert!(refused.starts_with("HTTP/1.1 413"), "{refused}");
    assert!(refused.ends_with("\r\n\r\n"), "{refused}");
    assert!(heard.lock().unwrap().is_empty());
}

#[tokio::test]
async fn a_sender_that_hangs_up_is_not_heard_and_the_next_one_is() {
    let (address, heard) = serve().await;
    for about_the_body in ["content-length: 1000", "transfer-encoding: chunked"] {
        let mut client = TcpStream::connect(address).await.unwrap();
        let sent = [head(about_the_body).as_bytes(), b"21\r\n", ORDER].concat();
        client.write_all(&sent).await.unwrap();
        client.shutdown().await.unwrap();
        let mut answer = String::new();
        client.read_to_string(&mut answer).await.unwrap();
        assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 400"), "{answer}");
    }
    let announced = head(&format!("content-length: {}", ORDER.len()));
    assert!(answer(address, &[announced.as_bytes(), ORDER]).await.starts_with("HTTP/1.1 200"));
    assert_eq!(*heard.lock().unwrap(), [ORDER]);
}
