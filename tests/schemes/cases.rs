//! One signed request for each scheme, and the verifier that takes it.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hookpost::id::EventId;
use hookpost::wire::scheme::{Encoding, Grammar, Signer};
use hookpost::wire::verify::Proof;
use hookpost::{Scheme, Secret, SecretSet, Timestamp, Verifier, VerifyError};
use http::{HeaderMap, HeaderName, HeaderValue};

pub(crate) const NOW: Timestamp = Timestamp::from_unix_seconds(1_772_352_000);
pub(crate) const URL: &str = "https://example.com/hook?a=1";
pub(crate) const BY_FIRST: Result<Proof, VerifyError> = Ok(Proof::Signed { secret: 0 });
const WHSEC: &str = "whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";
const WHSK: &str = "whsk_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";
const WHPK: &str = "whpk_A6EHv/POEL4dcN0Y50vAmWfk1jCbpQ1fHdyGZBJVMbg=";
const SEED: &str = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f";
const PUBLIC: &str = "03a107bff3ce10be1d70dd18e74bc09967e4d6309ba50d5f1ddc8664125531b8";

/// A request as the scheme's sender signs it.
#[derive(Clone)]
pub(crate) struct Case {
    pub(crate) name: &'static str,
    pub(crate) scheme: Scheme,
    /// What the sender configures.
    pub(crate) private: &'static str,
    /// What the receiver configures.
    pub(crate) public: &'static str,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Vec<u8>,
}

pub(crate) fn all() -> Vec<Case> {
    Scheme::presets().map(|(name, scheme)| Case::new(name, scheme)).collect()
}

pub(crate) fn named(name: &str) -> Case {
    all().into_iter().find(|case| case.name == name).unwrap()
}

pub(crate) fn secret(text: impl Into<Vec<u8>>) -> Secret {
    Secret::new(text).unwrap()
}

impl Case {
    fn new(name: &'static str, scheme: Scheme) -> Self {
        let (private, public) = match name {
            "standard" | "svix" => (WHSEC, WHSEC),
            "standard_v1a" => (WHSK, WHPK),
            "discord" => (SEED, PUBLIC),
            _ => ("any text", "any text"),
        };
        let headers = HeaderMap::new();
        Self { name, scheme, private, public, headers, body: body(name, 1024) }.signed()
    }

    /// The same request with another body, signed.
    pub(crate) fn of(&self, body: impl Into<Vec<u8>>) -> Self {
        Self { body: body.into(), ..self.clone() }.signed()
    }

    fn signed(self) -> Self {
        self.signed_at(NOW)
    }

    /// The same request, signed at this moment.
    pub(crate) fn signed_at(&self, moment: Timestamp) -> Self {
        let mut case = Self { headers: HeaderMap::new(), ..self.clone() };
        let signer = Signer::new(&self.scheme, &SecretSet::of(secret(self.private))).unwrap().at(URL);
        signer.sign(&EventId::new("evt-1").unwrap(), moment, &self.body, &mut case.headers).unwrap();
        assert!(!case.headers.is_empty(), "{}", self.name);
        case
    }

    /// The same request with this text in a header.
    pub(crate) fn with(&self, header: &HeaderName, text: impl AsRef<[u8]>) -> Self {
        let mut case = self.clone();
        case.headers.insert(header.clone(), HeaderValue::from_bytes(text.as_ref()).unwrap());
        case
    }

    pub(crate) fn verifier(&self) -> Verifier {
        Verifier::new(&self.scheme, [secret(self.public)]).unwrap()
    }

    pub(crate) fn verdict(&self) -> Result<Proof, VerifyError> {
        self.verdict_at(NOW)
    }

    pub(crate) fn verdict_at(&self, now: Timestamp) -> Result<Proof, VerifyError> {
        self.verdict_of(&self.verifier(), now)
    }

    pub(crate) fn verdict_of(&self, verifier: &Verifier, now: Timestamp) -> Result<Proof, VerifyError> {
        verifier.verify_at(URL, &self.headers, &self.body, now).map(|verified| verified.proof())
    }

    /// The header of the signature, and its text before and of the first code.
    pub(crate) fn signature(&self) -> (HeaderName, String, String) {
        let header = self.scheme.recipe().header.clone();
        let text = self.headers[&header].to_str().unwrap();
        let lead = match self.scheme.recipe().grammar {
            Grammar::Bare { prefix } => prefix.len(),
            Grammar::List { version } => version.len() + 1,
            Grammar::Pairs { signature, .. } => {
                text.find(&format!("{signature}=")).unwrap() + signature.len() + 1
            }
            _ => panic!("a grammar that this test does not know"),
        };
        let (lead, code) = text.split_at(lead);
        (header, lead.to_owned(), code.to_owned())
    }

    pub(crate) fn decode(&self, code: &str) -> Vec<u8> {
        match self.scheme.recipe().encoding {
            Encoding::Hex => hex::decode(code).unwrap(),
            _ => STANDARD.decode(code).unwrap(),
        }
    }

    pub(crate) fn encode(&self, code: &[u8]) -> String {
        match self.scheme.recipe().encoding {
            Encoding::Hex => hex::encode(code),
            _ => STANDARD.encode(code),
        }
    }
}

/// About so many bytes that the scheme's sender could send.
pub(crate) fn body(name: &str, bytes: usize) -> Vec<u8> {
    let text = match name {
        "linear" => format!(r#"{{"webhookTimestamp":{},"text":""#, NOW.as_micros() / 1000),
        "twilio" => "From=%2B15551234567&To=1&Body=one+two%21&Text=".to_owned(),
        _ => r#"{"text":""#.to_owned(),
    };
    let end = if name == "twilio" { "" } else { "\"}" };
    let filling = "abcdefgh".chars().cycle().take(bytes.saturating_sub(text.len() + end.len()));
    text.chars().chain(filling).chain(end.chars()).collect::<String>().into_bytes()
}

/// Each of the texts that differ from this one in a single bit.
pub(crate) fn flips(bytes: &[u8]) -> impl Iterator<Item = Vec<u8>> {
    (0..bytes.len() * 8).map(|bit| {
        let mut flipped = bytes.to_vec();
        flipped[bit / 8] ^= 1 << (bit % 8);
        flipped
    })
}
