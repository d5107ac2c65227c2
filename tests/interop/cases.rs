//! What is signed, and with which keys.

pub const ID: &str = "018bcfe5-6800-7fff-bfff-ffffffffffff";
pub const NOW: i64 = 1_772_352_000;

/// What a sender configures, and what its receiver does.
pub struct Key {
    pub private: &'static str,
    pub public: &'static str,
}

/// The seed 00 01 … 1f with its public key, and the first of RFC 8032, section 7.1.
const DISCORD: [Key; 2] = [
    Key {
        private: "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f",
        public: "03a107bff3ce10be1d70dd18e74bc09967e4d6309ba50d5f1ddc8664125531b8",
    },
    Key {
        private: "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
        public: "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
    },
];
/// The same two pairs as `whsk_` and `whpk_`.
const V1A: [Key; 2] = [
    Key {
        private: "whsk_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8DoQe/884Qvh1w3RjnS8CZZ+TWMJulDV8d3IZkElUxuA==",
        public: "whpk_A6EHv/POEL4dcN0Y50vAmWfk1jCbpQ1fHdyGZBJVMbg=",
    },
    Key {
        private: "whsk_nWGxne/9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A=",
        public: "whpk_11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=",
    },
];

/// Keys of each form that the scheme knows; any two of them differ.
pub fn keys(scheme: &str) -> Vec<Key> {
    let shared = |text| Key { private: text, public: text };
    match scheme {
        "discord" => DISCORD.into(),
        "standard_v1a" => V1A.into(),
        // 32, 24 and 64 bytes.
        "standard" | "svix" => vec![
            shared("whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="),
            shared("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"),
            shared(
                "whsec_AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQ==",
            ),
        ],
        // The last is longer than a block of SHA-256, which HMAC hashes first.
        _ => vec![
            shared("whsec_any text, prefix and all"),
            shared("clé-secrète-✓"),
            shared("0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef!"),
        ],
    }
}

/// Bodies by what is special about them. All but two are JSON.
pub fn bodies() -> Vec<(&'static str, Vec<u8>)> {
    let long = format!("{{\"text\":\"{}\"}}", "0123456789 é🦊 ".repeat(6_000));
    assert!(long.len() > 100_000);
    vec![
        ("an empty object", b"{}".to_vec()),
        ("an empty body", Vec::new()),
        ("characters of every length", "{\"name\":\"Rui Sá ✓ 🦊 \\u00e1 \\/ \u{2028}\"}".into()),
        ("100 KB", long.into()),
        ("a newline at the end", b"{\"a\":1}\n".to_vec()),
        ("CRLF between its lines", b"{\r\n\t\"a\": 1\r\n}\r\n".to_vec()),
        ("a byte order mark", "\u{feff}{\"a\":1}".into()),
        ("bytes that are not UTF-8", b"{\"name\":\"Rui S\xe1 \xff\xfe\"}".to_vec()),
        ("a form", b"token=a%20b&text=%E2%9C%93+1".to_vec()),
        ("a digit first", b"7".to_vec()),
    ]
}
