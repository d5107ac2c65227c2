//! The other side: what the owners of the five endpoints have running.

use std::error::Error;
use std::io;
use std::net::Ipv4Addr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::SystemTime;

use bytes::Bytes;
use hookpost::testing::{Answer, Receiver};
use hookpost::{Scheme, Secret, SecretError, Timestamp, Verified, Verifier, VerifyError};
use tokio::net::TcpSocket;

use super::{ARCHIVE_SECRET, CHAT_SECRET, ERRORS_SECRET};

pub struct Receivers {
    /// Has trouble with its first two requests.
    pub errors: Site,
    pub chat: Site,
    pub archive: Site,
    /// Knows another secret than the sender was given.
    pub partner: Site,
    pub down: ClosedPort,
}

impl Receivers {
    pub async fn open() -> Result<Self, Box<dyn Error>> {
        let receivers = Self {
            errors: Site::open(Scheme::live_session(), ERRORS_SECRET).await?,
            chat: Site::open(Scheme::x_webhook(), CHAT_SECRET).await?,
            archive: Site::open(Scheme::standard(), ARCHIVE_SECRET).await?,
            partner: Site::open(Scheme::x_webhook(), "mistyped").await?,
            down: ClosedPort::reserve()?,
        };
        receivers.errors.receiver.next([503, 503]);
        Ok(receivers)
    }
}

/// What a verifier said of a request.
pub type Verdict = Result<Verified<Bytes>, VerifyError>;

/// A receiver that verifies what it gets, answers 200 or 401, and remembers its verdicts.
pub struct Site {
    pub receiver: Receiver,
    scheme: Scheme,
    verdicts: Arc<Mutex<Vec<Verdict>>>,
}

impl Site {
    async fn open(scheme: Scheme, secret: &str) -> Result<Self, Box<dyn Error>> {
        let site = Self { receiver: Receiver::start().await?, scheme, verdicts: Arc::default() };
        site.trust(secret)?;
        Ok(site)
    }

    /// Verifies with this secret from now on.
    pub fn trust(&self, secret: &str) -> Result<(), SecretError> {
        let verifier = Verifier::new(&self.scheme, [Secret::new(secret)?])?;
        let verdicts = Arc::clone(&self.verdicts);
        self.receiver.answer_by(move |request| {
            let now = Timestamp::from(SystemTime::now());
            let verdict = verifier.verify(&request.header_map(), request.body.clone(), now);
            let answer = Answer::status(if verdict.is_ok() { 200 } else { 401 });
            verdicts.lock().unwrap_or_else(PoisonError::into_inner).push(verdict);
            answer
        });
        Ok(())
    }

    pub fn url(&self) -> String {
        self.receiver.url("/hooks")
    }

    pub fn verdicts(&self) -> Vec<Verdict> {
        self.verdicts.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// A port that is taken and on which nobody listens.
pub struct ClosedPort {
    port: u16,
    _taken: TcpSocket,
}

impl ClosedPort {
    fn reserve() -> io::Result<Self> {
        let socket = TcpSocket::new_v4()?;
        socket.bind((Ipv4Addr::LOCALHOST, 0).into())?;
        let port = socket.local_addr()?.port();
        Ok(Self { port, _taken: socket })
    }

    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}/hooks", self.port)
    }
}
