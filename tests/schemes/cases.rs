//! One signed request for each scheme, and the verifier that takes it.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hookpost::id::EventId;
use hookpost::sign::{Encoding, Grammar, Proof, Signer};
use hookpost::{Scheme, Secret, SecretSet, Timestamp, Verifier, VerifyError};
use http::{HeaderMap, HeaderName, HeaderValue};

pub(crate) const NOW: Timestamp = Timestamp::from_unix_seconds(1_772_352_000);
pub(crate) const URL: &str = "https://example.com/hook?a=1";
pub(crate) const BY_FIRST: Result<Proof, VerifyError> = Ok(Proof::Signed { secret: 0 });
const WHSEC: &str = "whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";
const WHSK: &str = "whsk_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";
const WHPK: &str = "whpk_A6EHv/POEL4dcN0Y50vAmWfk1jCbpQ1fHdyGZBJVMbg=";
const SEED: &str = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f";
pub(crate) const PUBLIC: &str = "03a107bff3ce10be1d70dd18e74bc09967e4d6309ba50d5f1ddc8664125531b8";
const OTHER_WHSEC: &str = "whsec_AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE=";
/// The pair of RFC 8032's first test, also below.
const OTHER_WHSK: &str = "whsk_nWGxne/9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A=";
const OTHER_WHPK: &str = "whpk_11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=";
const OTHER_SEED: &str = "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60";
const OTHER_PUBLIC: &str = "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a";

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

    /// Another sender's secrets: what that one configures, and its receiver.
    pub(crate) fn other_keys(&self) -> (&'static str, &'static str) {
        match self.name {
            "standard" | "svix" => (OTHER_WHSEC, OTHER_WHSEC),
            "standard_v1a" => (OTHER_WHSK, OTHER_WHPK),
            "discord" => (OTHER_SEED, OTHER_PUBLIC),
            _ => ("any other text", "any other text"),
        }
    }

    /// The verdict where this header holds these bytes, also those that no HTTP library
    /// would let through.
    pub(crate) fn verdict_with(
        &self,
        verifier: &Verifier,
        header: &HeaderName,
        bytes: &[u8],
    ) -> Result<Proof, VerifyError> {
        let held = |(name, value)| (name, if name == header { bytes } else { HeaderValue::as_bytes(value) });
        let headers: Vec<_> = self.headers.iter().map(held).collect();
        verifier.verify_at(URL, &headers[..], &self.body, NOW).map(|verified| verified.proof())
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
