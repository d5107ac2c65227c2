//! Responses that some client takes for a failure, and that are a 200 all the same: a sender
//! that does sends the event again, and its receiver gets it twice.

use std::time::Duration;

use hookpost::backend::Transport as _;
use hookpost::policy::egress::{AddressPolicy, EndpointUrl, UrlPolicy};
use hookpost::policy::outcome::{Outcome, Response};
use hookpost::profile::Request;
use hookpost::transports::ReqwestTransport;
use http::HeaderMap;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

/// A server on this machine that answers one request with these bytes and closes. Its task
/// counts the connections, of which a second one would be a repeated request.
async fn answering(said: Vec<u8>) -> (String, JoinHandle<usize>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/hook", listener.local_addr().unwrap());
    let server = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut bytes = Vec::new();
        while !bytes.ends_with(b"{}") {
            assert!(stream.read_buf(&mut bytes).await.unwrap() > 0, "the request broke off");
        }
        stream.write_all(&said).await.unwrap();
        stream.shutdown().await.ok();
        let again = tokio::time::timeout(Duration::from_millis(20), listener.accept()).await;
        1 + usize::from(again.is_ok())
    });
    (url, server)
}

async fn response_to(said: &[u8]) -> Response {
    let (url, server) = answering(said.to_vec()).await;
    let addresses = AddressPolicy::public_only().danger_allow_loopback();
    let transport = ReqwestTransport::builder().plain_http_only().addresses(addresses).build().unwrap();
    let request = Request {
        url: EndpointUrl::parse(&url, &UrlPolicy::http_and_https().danger_allow_local()).unwrap(),
        headers: HeaderMap::new(),
        body: "{}".into(),
        timeout: Duration::from_secs(5),
        response_body_max: 1024,
    };
    let (outcome, _) = transport.send(request).await;
    let text = String::from_utf8_lossy(said).into_owned();
    assert_eq!(server.await.unwrap(), 1, "{text}");
    match outcome {
        Outcome::Response(response) => response,
        other => panic!("{text}: {other:?}"),
    }
}

/// <https://github.com/seanmonstar/httparse/issues/29>,
/// <https://github.com/hyperium/hyper/issues/1587>,
/// <https://github.com/seanmonstar/reqwest/issues/1189>,
/// <https://github.com/hyperium/hyper/issues/594>
#[tokio::test]
async fn a_200_is_a_200_however_its_head_is_written() {
    for said in [
        &b"HTTP/1.1 200\r\ncontent-length: 2\r\n\r\nok"[..],
        b"HTTP/1.1 200 \r\ncontent-length: 2\r\n\r\nok",
        b"HTTP/1.1 200 Trouv\xe9\r\ncontent-length: 2\r\n\r\nok",
        b"HTTP/1.1 200 OK\r\nx-name: Trouv\xe9\r\ncontent-length: 2\r\n\r\nok",
        b"HTTP/1.1 200\r\nserver:\r\ncontent-length: 2\r\n\r\nok",
        b"HTTP/1.1 200 OK\r\nset-cookie: a=b; domain=\x7fwwom\x7f.com\r\ncontent-length: 2\r\n\r\nok",
        b"HTTP/1.1 200 OK\r\nCONTENT-LENGTH:\t2\t\r\n\r\nok",
        b"HTTP/1.1 200 OK\ncontent-length: 2\n\nok",
        b"\r\nHTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok",
        b"HTTP/1.0 200 OK\r\n\r\nok",
        b"HTTP/1.1 200 OK\r\n\r\nok",
    ] {
        let response = response_to(said).await;
        let text = String::from_utf8_lossy(said);
        assert_eq!((response.status.as_u16(), &response.body[..]), (200, &b"ok"[..]), "{text}");
    }
}

#[tokio::test]
async fn a_200_is_a_200_however_its_body_is_framed() {
    for said in [
        &b"content-length: 2, 2\r\n\r\nok"[..],
        b"content-length: 2\r\ncontent-length: 2\r\n\r\nok",
        b"content-length: 002\r\n\r\nok",
        b"content-length: 2\r\ntransfer-encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n",
        b"Transfer-Encoding: Chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n",
        b"transfer-encoding: chunked\r\n\r\n02;name=value\r\nok\r\n0\r\nx-trailer: 1\r\n\r\n",
        b"content-encoding: gzip\r\ncontent-length: 2\r\n\r\nok",
        b"content-length: 2\r\n\r\nokEXTRA",
    ] {
        let response = response_to(&[b"HTTP/1.1 200 OK\r\n", said].concat()).await;
        let text = String::from_utf8_lossy(said);
        assert_eq!((response.status.as_u16(), &response.body[..]), (200, &b"ok"[..]), "{text}");
    }
}

#[tokio::test]
async fn what_comes_before_the_answer_is_not_the_answer() {
    let early = "HTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\n";
    for before in
        ["HTTP/1.1 100 Continue\r\n\r\n", early, &early.repeat(5), "HTTP/1.1 102 Processing\r\n\r\n"]
    {
        let said = format!("{before}HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok");
        let response = response_to(said.as_bytes()).await;
        assert_eq!((response.status.as_u16(), &response.body[..]), (200, &b"ok"[..]), "{before}");
        assert!(response.headers.get("link").is_none(), "{before}");
    }
}
