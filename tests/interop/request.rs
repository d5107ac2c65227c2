//! What is signed, what arrives, and what hookpost makes of both.

use hookpost::sign::Signer;
use hookpost::{Scheme, Secret, SecretSet, Timestamp, Verifier};
use http::{HeaderMap, HeaderName, HeaderValue};

pub type Headers = Vec<(String, String)>;

/// That a request is authentic, or why not.
pub type Verdict = Result<(), String>;

/// What a sender signs.
#[derive(Clone)]
pub struct Message {
    pub id: &'static str,
    pub now: i64,
    pub body: Vec<u8>,
}

/// What a receiver judges at `now`, by any of its secrets.
#[derive(Clone)]
pub struct Request {
    pub headers: Headers,
    pub body: Vec<u8>,
    pub now: i64,
    pub secrets: Vec<String>,
}

impl Request {
    /// The value of the header of this name.
    pub fn header(&mut self, name: &str) -> &mut String {
        let found = self.headers.iter_mut().find(|(own, _)| own == name);
        &mut found.unwrap_or_else(|| panic!("no {name}")).1
    }
}

/// The headers as we sign them: by the first secret, and by the others where the scheme
/// has room for them; or why we do not sign it.
pub fn sign(scheme: &Scheme, secrets: &[String], message: &Message) -> Result<Headers, String> {
    let secret = |text: &String| Secret::new(text.as_str()).unwrap();
    let (current, retiring) = secrets.split_first().unwrap();
    let mut set = SecretSet::none();
    for text in retiring.iter().rev().chain([current]) {
        set = set.rotated(secret(text), Timestamp::from_unix_seconds(message.now + 1));
    }
    let mut headers = HeaderMap::new();
    let now = Timestamp::from_unix_seconds(message.now);
    let signer = Signer::new(scheme, &set).unwrap();
    let done = signer.sign(&message.id.parse().unwrap(), now, &message.body, &mut headers);
    done.map_err(|error| error.to_string())?;
    let text =
        |(name, value): (&HeaderName, &HeaderValue)| (name.to_string(), value.to_str().unwrap().to_owned());
    Ok(headers.iter().map(text).collect())
}

/// What our verifier says; a secret that it does not take is a refusal as well.
pub fn verify(scheme: &Scheme, request: &Request) -> Verdict {
    let secrets = request.secrets.iter().map(|text| Secret::new(text.as_str()));
    let secrets = secrets.collect::<Result<Vec<_>, _>>().map_err(|error| error.to_string())?;
    let verifier = Verifier::new(scheme, secrets).map_err(|error| error.to_string())?;
    let mut headers = HeaderMap::new();
    for (name, value) in &request.headers {
        let name = HeaderName::from_bytes(name.as_bytes()).unwrap();
        headers.append(name, HeaderValue::from_str(value).unwrap());
    }
    let now = Timestamp::from_unix_seconds(request.now);
    verifier.verify(&headers, &request.body, now).map(|_| ()).map_err(|error| error.to_string())
}
