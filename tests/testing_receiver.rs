//! The loopback receiver, seen from a bare TCP client.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

use std::io::ErrorKind;
use std::time::{Duration, Instant};

use hookpost::sign::{Proof, Signer};
use hookpost::testing::{Answer, Receiver};
use hookpost::{Scheme, Secret, SecretSet, Timestamp, Verifier};
use http::HeaderMap;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// A keep-alive client that knows nothing but bytes.
struct Client {
    stream: TcpStream,
}

impl Client {
    async fn of(receiver: &Receiver) -> Self {
        Self { stream: TcpStream::connect(receiver.address()).await.unwrap() }
    }

    async fn send(&mut self, path: &str, body: &str) {
        let length = body.len();
        let request =
            format!("POST {path} HTTP/1.1\r\nhost: local\r\ncontent-length: {length}\r\n\r\n{body}");
        self.stream.write_all(request.as_bytes()).await.unwrap();
    }

    /// One response with a content-length, head and body.
    async fn response(&mut self) -> String {
        let mut text = String::new();
        while !text.ends_with("\r\n\r\n") {
            text.push(char::from(self.stream.read_u8().await.unwrap()));
        }
        let length = text.lines().find_map(|line| line.strip_prefix("content-length: "));
        let mut body = vec![0; length.map_or(0, |length| length.parse().unwrap())];
        self.stream.read_exact(&mut body).await.unwrap();
        text + &String::from_utf8(body).unwrap()
    }

    async fn rest(mut self) -> std::io::Result<Vec<u8>> {
        let mut bytes = Vec::new();
        self.stream.read_to_end(&mut bytes).await.map(|_| bytes)
    }
}

#[tokio::test]
async fn it_keeps_what_arrived_byte_for_byte_and_in_order() {
    let receiver = Receiver::start().await.unwrap();
    let mut client = Client::of(&receiver).await;
    client
        .stream
        .write_all(
            b"PUT /a/b?c=d HTTP/1.1\r\nX-Second-Name: 2\r\nhost: h\r\nx-second-name:  3 \r\nContent-Length: 3\r\n\r\n\0\xff\n",
        )
        .await
        .unwrap();
    assert_eq!(client.response().await, "HTTP/1.1 200 \r\ncontent-length: 0\r\n\r\n");
    client.send("/again", "").await;
    client.response().await;

    let requests = receiver.requests();
    let first = &requests[0];
    assert_eq!((first.method.as_str(), first.target.as_str(), first.path()), ("PUT", "/a/b?c=d", "/a/b"));
    let names: Vec<_> = first.headers.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["X-Second-Name", "host", "x-second-name", "Content-Length"]);
    assert_eq!(first.header("x-SECOND-name"), Some("2"));
    assert_eq!(first.header_map().get_all("x-second-name").iter().collect::<Vec<_>>(), ["2", "3"]);
    assert_eq!(first.body.as_ref(), b"\0\xff\n");
    let (order, connection): (Vec<_>, Vec<_>) = requests.iter().map(|r| (r.order, r.connection)).unzip();
    assert_eq!((order, connection, receiver.connections()), (vec![0, 1], vec![0, 0], 1));
}

#[tokio::test]
async fn sixty_four_connections_at_once_keep_alive_and_lose_nothing() {
    const CONNECTIONS: usize = 64;
    const EACH: usize = 25;
    let receiver = Receiver::start().await.unwrap();
    receiver.answer_by(|request| Answer::ok().body(request.body.clone()));
    let clients: Vec<_> = (0..CONNECTIONS)
        .map(|number| {
            let address = receiver.address();
            tokio::spawn(async move {
                let mut client = Client { stream: TcpStream::connect(address).await.unwrap() };
                for round in 0..EACH {
                    let body = format!("{number}/{round}");
                    client.send("/", &body).await;
                    assert!(client.response().await.ends_with(&body));
                }
            })
        })
        .collect();
    for client in clients {
        client.await.unwrap();
    }
    let requests = receiver.wait_for(CONNECTIONS * EACH).await;
    let mut bodies: Vec<_> = requests.iter().map(|request| request.body.clone()).collect();
    bodies.sort();
    bodies.dedup();
    assert_eq!((requests.len(), bodies.len(), receiver.connections()), (1600, 1600, 64));
    assert_eq!(receiver.faults(), Vec::<String>::new());
}

#[tokio::test]
async fn scripted_answers_come_first_then_the_function_of_the_request() {
    let receiver = Receiver::start().await.unwrap();
    receiver.answer_by(|request| if request.path() == "/gone" { 410.into() } else { 204.into() });
    receiver.next([Answer::status(429).header("Retry-After", "7").body("wait"), Answer::status(999)]);
    let mut client = Client::of(&receiver).await;
    let mut answers = Vec::new();
    for path in ["/", "/", "/gone", "/"] {
        client.send(path, "x").await;
        answers.push(client.response().await);
    }
    assert_eq!(
        answers,
        [
            "HTTP/1.1 429 \r\nRetry-After: 7\r\ncontent-length: 4\r\n\r\nwait",
            "HTTP/1.1 999 \r\ncontent-length: 0\r\n\r\n",
            "HTTP/1.1 410 \r\ncontent-length: 0\r\n\r\n",
            "HTTP/1.1 204 \r\n\r\n",
        ]
    );
    receiver.always(500);
    client.send("/gone", "").await;
    assert!(client.response().await.contains(" 500 "));
}

#[tokio::test]
async fn a_delay_and_drips_take_at_least_their_time_and_give_the_same_bytes() {
    let gap = Duration::from_millis(2);
    let plain = Answer::ok().body("slowly");
    let whole = "HTTP/1.1 200 \r\ncontent-length: 6\r\n\r\nslowly";
    for (answer, at_least) in [
        (plain.clone().after(Duration::from_millis(40)), Duration::from_millis(40)),
        (plain.clone().drip_head(gap), gap * 36),
        (plain.clone().drip_body(gap), gap * 5),
    ] {
        let receiver = Receiver::start().await.unwrap();
        receiver.always(answer);
        let mut client = Client::of(&receiver).await;
        let start = Instant::now();
        client.send("/", "").await;
        assert_eq!(client.response().await, whole);
        assert!(start.elapsed() >= at_least, "{receiver}");
    }
}

#[tokio::test]
async fn every_misdeed_reaches_the_sender_as_what_it_is() {
    let whole = "HTTP/1.1 200 \r\ncontent-length: 5\r\n\r\nhello";
    let hello = || Answer::ok().body("hello");
    for (answer, seen) in [
        (Answer::close(), Ok("")),
        (Answer::reset(), Err(ErrorKind::ConnectionReset)),
        (Answer::raw("SSH-2.0-OpenSSH\r\n"), Ok("SSH-2.0-OpenSSH\r\n")),
        (hello().then_hang_up(), Ok(whole)),
        (hello().cut_after(9), Ok(&whole[..9])),
        (hello().cut_after(36), Ok(&whole[..36])),
        (hello().reset_after(36), Err(ErrorKind::ConnectionReset)),
        (
            hello().header("Connection", "close"),
            Ok("HTTP/1.1 200 \r\nConnection: close\r\ncontent-length: 5\r\n\r\nhello"),
        ),
    ] {
        let name = answer.to_string();
        let receiver = Receiver::start().await.unwrap();
        receiver.always(answer);
        let mut client = Client::of(&receiver).await;
        client.send("/", "body").await;
        let rest = client.rest().await.map(|bytes| String::from_utf8(bytes).unwrap());
        assert_eq!(rest.as_deref().map_err(std::io::Error::kind), seen, "{name}");
        assert_eq!(receiver.requests().len(), 1, "{name}");
    }
}

#[tokio::test]
async fn an_endless_body_goes_on_for_as_long_as_it_is_read() {
    let receiver = Receiver::start().await.unwrap();
    receiver.always(Answer::ok().endless_body());
    let mut client = Client::of(&receiver).await;
    client.send("/", "").await;
    let mut read = vec![0; 8 * 1024 * 1024];
    client.stream.read_exact(&mut read).await.unwrap();
    assert!(read.starts_with(b"HTTP/1.1 200 \r\ntransfer-encoding: chunked\r\n\r\n4000\r\n...."));
}

#[tokio::test]
async fn a_hanging_receiver_says_nothing_and_other_connections_do_not_wait() {
    let receiver = Receiver::start().await.unwrap();
    receiver.next([Answer::hang()]);
    let mut hanging = Client::of(&receiver).await;
    hanging.send("/", "").await;
    receiver.wait_for(1).await;
    let mut other = Client::of(&receiver).await;
    other.send("/", "").await;
    assert!(other.response().await.contains(" 200 "));
    let mut byte = [0];
    assert_eq!(hanging.stream.try_read(&mut byte).unwrap_err().kind(), ErrorKind::WouldBlock);
}

#[tokio::test]
async fn waiting_ends_with_the_arrival_even_of_a_request_that_is_never_answered() {
    let receiver = Receiver::start().await.unwrap();
    receiver.always(Answer::hang());
    let mut client = Client::of(&receiver).await;
    let ((), requests) = tokio::join!(client.send("/x", "late"), receiver.wait_for(1));
    assert_eq!(requests[0].body, "late");
}

#[tokio::test]
async fn what_is_no_request_is_refused_and_noted() {
    for (bytes, rule) in [
        ("HELO there\r\n\r\n", "a request line that is not METHOD TARGET HTTP/1.1"),
        ("POST / HTTP/1.0\r\n\r\n", "a request line that is not METHOD TARGET HTTP/1.1"),
        ("POST / HTTP/1.1\r\nno colon\r\n\r\n", "a header without a colon"),
        ("POST / HTTP/1.1\r\na : b\r\n\r\n", "a header name with white space"),
        (
            "POST / HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\n",
            "a transfer encoding: bodies have a content-length",
        ),
        ("POST / HTTP/1.1\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\n", "more than one content-length"),
        ("POST / HTTP/1.1\r\ncontent-length: -1\r\n\r\n", "a content-length that is no number"),
        ("POST / HTTP/1.1\r\ncontent-length: 99999999999\r\n\r\n", "a body of more than 64 MiB"),
    ] {
        let receiver = Receiver::start().await.unwrap();
        let mut client = Client::of(&receiver).await;
        client.stream.write_all(bytes.as_bytes()).await.unwrap();
        assert!(client.rest().await.unwrap().starts_with(b"HTTP/1.1 400 "), "{bytes}");
        assert_eq!(receiver.faults(), [format!("connection 0: {rule}")]);
        assert!(receiver.requests().is_empty());
    }
}

#[tokio::test]
async fn dropping_it_ends_its_connections_and_frees_its_port() {
    let receiver = Receiver::start().await.unwrap();
    let address = receiver.address();
    let mut client = Client::of(&receiver).await;
    client.send("/", "").await;
    client.response().await;
    drop(receiver);
    assert_eq!(client.rest().await.unwrap_or_default(), b"");
    assert_eq!(TcpStream::connect(address).await.unwrap_err().kind(), ErrorKind::ConnectionRefused);
}

#[tokio::test]
async fn fc21_the_receiver_shows_method_headers_body_and_verdict_with_secrets_masked() {
    let receiver = Receiver::start().await.unwrap();
    receiver.always(Answer::status(401));
    let mut client = Client::of(&receiver).await;
    client
        .stream
        .write_all(
            b"POST /hook?token=canary-1 HTTP/1.1\r\nX-Webhook-Signature: canary-2\r\nAuthorization: canary-3\r\nX-Event: ping\r\ncontent-length: 7\r\n\r\n{\"a\":1}",
        )
        .await
        .unwrap();
    client.response().await;
    let shown = receiver.to_string();
    assert_eq!(
        shown,
        "#0 on connection 0\nPOST /hook?…\nX-Webhook-Signature: … (8 bytes)\nAuthorization: … (8 bytes)\n\
         X-Event: ping\ncontent-length: 7\n\n{\"a\":1}\n→ 401\n\n"
    );
    assert!(!format!("{receiver:?} {:?}", receiver.requests()).contains("canary"));
}

#[tokio::test]
async fn fc21_a_verifier_judges_each_request_before_it_is_answered() {
    let receiver = Receiver::start().await.unwrap();
    receiver.refuse_unverified();
    let mut client = Client::of(&receiver).await;
    client.send("/before", "{}").await;
    assert!(client.response().await.contains(" 401 "), "nobody judged it");
    assert_eq!(receiver.requests()[0].verdict, None);

    let secrets = ["new", "old"].map(|text| Secret::new(text).unwrap());
    receiver.verify_with(Verifier::new(&Scheme::x_webhook(), secrets).unwrap());
    let body = r#"{"event":"ping","secret_key":"canary-1","nested":{"api_token":["canary-2"]},"text":"\u001b[2Jhi"}"#;
    let mut expected = Vec::new();
    for (key, said) in
        [("new", "✓ signed"), ("old", "✓ signed with secret 1"), ("other", "✗ no signature fits the request")]
    {
        let signer = Signer::new(Scheme::x_webhook(), &SecretSet::of(Secret::new(key).unwrap())).unwrap();
        let mut headers = HeaderMap::new();
        signer.sign(&"e".parse().unwrap(), Timestamp::EPOCH, body.as_bytes(), &mut headers).unwrap();
        let signature = headers["x-webhook-signature"].to_str().unwrap();
        let request = format!(
            "POST / HTTP/1.1\r\nX-Webhook-Signature: {signature}\r\ncontent-length: {}\r\n\r\n{body}",
            body.len()
        );
        client.stream.write_all(request.as_bytes()).await.unwrap();
        let verified = said.starts_with('✓');
        assert!(client.response().await.contains(if verified { " 200 " } else { " 401 " }), "{key}");
        assert_eq!(receiver.requests().pop().unwrap().is_verified(), verified);
        expected.push(said);
    }
    let shown = receiver.to_string();
    let verdicts: Vec<_> = shown.lines().filter(|line| line.starts_with(['✓', '✗'])).collect();
    assert_eq!(verdicts, expected);
    assert!(
        shown.contains(r#""secret_key":… (10 bytes),"nested":{"api_token":… (12 bytes)},"text""#),
        "{shown}"
    );
    assert!(!shown.contains("canary") && !shown.contains('\u{1b}'), "{shown}");
    assert!(!format!("{receiver:?} {:?}", receiver.requests()).contains("canary"));
}

#[tokio::test]
async fn fc21_a_verifier_that_trusts_everybody_says_so() {
    let receiver = Receiver::start().await.unwrap();
    receiver.verify_with(Verifier::unsigned());
    let mut client = Client::of(&receiver).await;
    client.send("/\u{1b}[2J", "\u{1b}[2J \u{202e}").await;
    client.response().await;
    let request = receiver.requests().pop().unwrap();
    assert_eq!(request.verdict, Some(Ok(Proof::Unsigned)));
    let shown = request.to_string();
    assert!(shown.ends_with("\n\\u{1b}[2J \\u{202e}\n– unsigned"), "{shown}");
    assert!(shown.contains("POST /\\u{1b}[2J\n"), "{shown}");
}
