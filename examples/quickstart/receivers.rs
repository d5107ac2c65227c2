//! The receivers: one for each of the five endpoints.

use std::error::Error;
use std::io;
use std::net::Ipv4Addr;

use hookpost::testing::Receiver;
use hookpost::{Scheme, Secret, SecretError, Verifier};
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

/// A receiver that answers 200 to what it can verify, and 401 to the rest.
pub struct Site {
    pub receiver: Receiver,
    scheme: Scheme,
}

impl Site {
    async fn open(scheme: Scheme, secret: &str) -> Result<Self, Box<dyn Error>> {
        let site = Self { receiver: Receiver::start().await?, scheme };
        site.trust(secret)?;
        site.receiver.refuse_unverified();
        Ok(site)
    }

    /// Verifies with this secret from now on.
    pub fn trust(&self, secret: &str) -> Result<(), SecretError> {
        self.receiver.verify_with(Verifier::new(&self.scheme, [Secret::new(secret)?])?);
        Ok(())
    }

    pub fn url(&self) -> String {
        self.receiver.url("/hooks")
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
