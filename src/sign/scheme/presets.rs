//! The schemes of known systems.
//!
//! Headers that are not part of a scheme's content are **not** signed, for example
//! `X-Webhook-Event`, `X-GitHub-Event` and `X-Shopify-Topic`.

use std::sync::Arc;

use http::HeaderName;

use super::{Algorithm, ContentPart, Encoding, Grammar, KeyForm, Recipe, Scheme};

/// A preset under its name.
type Preset = (&'static str, fn() -> Scheme);

/// HMAC-SHA256 of the body only, with the secret as it was typed.
fn of_body(header: &'static str, encoding: Encoding) -> Recipe {
    Recipe {
        algorithm: Algorithm::HmacSha256,
        key: KeyForm::AsGiven,
        content: vec![ContentPart::Body],
        encoding,
        header: HeaderName::from_static(header),
        grammar: Grammar::Bare { prefix: "" },
    }
}

/// Standard Webhooks v1, with the header names of one sender, and keys of 24 to `key_max`
/// bytes.
fn standard_in([id, timestamp, signature]: [&'static str; 3], key_max: usize) -> Recipe {
    Recipe {
        algorithm: Algorithm::HmacSha256,
        key: KeyForm::Base64 { prefix: "whsec_", min: 24, max: key_max },
        content: vec![
            ContentPart::Id(HeaderName::from_static(id)),
            ContentPart::Literal("."),
            ContentPart::Timestamp(HeaderName::from_static(timestamp)),
            ContentPart::Literal("."),
            ContentPart::Body,
        ],
        encoding: Encoding::Base64,
        header: HeaderName::from_static(signature),
        grammar: Grammar::List { version: "v1" },
    }
}

/// A header that lists the time of signing and hexadecimal signatures of it and the body.
fn listed(header: &'static str, grammar: Grammar, between: &'static str) -> Recipe {
    Recipe {
        content: vec![ContentPart::ListedTimestamp, ContentPart::Literal(between), ContentPart::Body],
        grammar,
        ..of_body(header, Encoding::Hex)
    }
}

impl Scheme {
    /// LiveSession: `LiveSession-Signature` contains the body's HMAC-SHA256 in base64.
    #[must_use]
    pub fn live_session() -> Self {
        Self::preset(of_body("livesession-signature", Encoding::Base64))
    }

    /// X-Webhook, as used by Botble Live Chat: `X-Webhook-Signature` contains the body's
    /// HMAC-SHA256 in hexadecimal, without a prefix.
    ///
    /// `X-Webhook-Event`, `X-Webhook-Timestamp` and `X-Webhook-Test` are **not**
    /// signed: trust the body's own `event` and `timestamp` instead.
    #[must_use]
    pub fn x_webhook() -> Self {
        Self::preset(of_body("x-webhook-signature", Encoding::Hex))
    }

    /// Standard Webhooks v1: `webhook-signature` contains a list of `v1,` and the HMAC-SHA256
    /// of id, timestamp and body in base64. Id and timestamp are in `webhook-id` and
    /// `webhook-timestamp`. A secret is `whsec_` and 24 to 64 bytes in base64.
    #[must_use]
    pub fn standard() -> Self {
        Self::preset(standard_in(["webhook-id", "webhook-timestamp", "webhook-signature"], 64))
    }

    /// Standard Webhooks v1a: like v1, but with ed25519 under `v1a,`. A sender's secret is
    /// `whsk_` and the base64 of a seed, or of a seed and its public key (as Svix writes it);
    /// a receiver's is `whpk_` and the base64 of the public key.
    #[cfg(feature = "ed25519")]
    #[must_use]
    pub fn standard_v1a() -> Self {
        Self::preset(Recipe {
            algorithm: Algorithm::Ed25519,
            key: KeyForm::Ed25519 { encoding: Encoding::Base64, public: "whpk_", private: "whsk_" },
            grammar: Grammar::List { version: "v1a" },
            ..Self::standard().recipe().clone()
        })
    }

    /// Svix: Standard Webhooks v1 with `svix-id`, `svix-timestamp` and `svix-signature`. A
    /// verifier also accepts the three headers of Standard Webhooks, `webhook-id` and so on,
    /// which Svix sends for customers that want no brand, but never a mixture of both. A
    /// secret is `whsec_` and 24 to 75 bytes in base64, as Svix's server accepts it
    /// (<https://github.com/svix/svix-webhooks>, `KEY_SIZE` of its core types).
    #[must_use]
    pub fn svix() -> Self {
        Self::preset(standard_in(["svix-id", "svix-timestamp", "svix-signature"], 75))
    }

    /// The same scheme under the header names that its sender writes without its brand.
    pub(in crate::sign) fn unbranded(&self) -> Option<Self> {
        let unbranded = || standard_in(["webhook-id", "webhook-timestamp", "webhook-signature"], 75);
        (*self == Self::svix()).then(|| Self::preset(unbranded()))
    }

    /// Stripe: `Stripe-Signature` lists the time as `t`, and the HMAC-SHA256 of `t.body` in
    /// hexadecimal as `v1`. The key is the whole text of the secret, including `whsec_`.
    #[must_use]
    pub fn stripe() -> Self {
        let grammar = Grammar::Pairs { separator: ',', timestamp: Some("t"), signature: "v1" };
        Self::preset(listed("stripe-signature", grammar, "."))
    }

    /// GitHub: `X-Hub-Signature-256` contains `sha256=` and the body's HMAC-SHA256 in
    /// hexadecimal. The older `X-Hub-Signature` is never read.
    #[must_use]
    pub fn github() -> Self {
        let grammar = Grammar::Bare { prefix: "sha256=" };
        Self::preset(Recipe { grammar, ..of_body("x-hub-signature-256", Encoding::Hex) })
    }

    /// Slack: `X-Slack-Signature` contains `v0=` and the HMAC-SHA256 of `v0:timestamp:body` in
    /// hexadecimal, `X-Slack-Request-Timestamp` the timestamp.
    #[must_use]
    pub fn slack() -> Self {
        Self::preset(Recipe {
            content: vec![
                ContentPart::Literal("v0:"),
                ContentPart::Timestamp(HeaderName::from_static("x-slack-request-timestamp")),
                ContentPart::Literal(":"),
                ContentPart::Body,
            ],
            grammar: Grammar::Bare { prefix: "v0=" },
            ..of_body("x-slack-signature", Encoding::Hex)
        })
    }

    /// Shopify: `X-Shopify-Hmac-Sha256` contains the body's HMAC-SHA256 in base64.
    #[must_use]
    pub fn shopify() -> Self {
        Self::preset(of_body("x-shopify-hmac-sha256", Encoding::Base64))
    }

    /// Discord's interactions: `X-Signature-Ed25519` contains the ed25519 signature of
    /// timestamp and body in hexadecimal, `X-Signature-Timestamp` the timestamp. There is no
    /// separator between the two, so a body that begins with a digit is refused.
    ///
    /// A receiver's secret is the application's public key, 64 hexadecimal digits. To sign in
    /// tests, the secret is a seed of 64 digits, or seed and public key, 128 digits.
    #[cfg(feature = "ed25519")]
    #[must_use]
    pub fn discord() -> Self {
        Self::preset(Recipe {
            algorithm: Algorithm::Ed25519,
            key: KeyForm::Ed25519 { encoding: Encoding::Hex, public: "", private: "" },
            content: vec![
                ContentPart::Timestamp(HeaderName::from_static("x-signature-timestamp")),
                ContentPart::Body,
            ],
            ..of_body("x-signature-ed25519", Encoding::Hex)
        })
    }

    /// Twilio: `X-Twilio-Signature` contains the **HMAC-SHA1** of the URL and the form's
    /// sorted names and values in base64. If the URL contains the body's hash as `bodySHA256`,
    /// only the URL is signed.
    ///
    /// Names and values are joined without a separator, so `A=BC` and `AB=C` have the same
    /// signature. The URL is the one configured at Twilio, with scheme and query.
    #[must_use]
    pub fn twilio() -> Self {
        Self::preset(Recipe {
            algorithm: Algorithm::HmacSha1,
            content: vec![ContentPart::Url, ContentPart::FormPairs],
            ..of_body("x-twilio-signature", Encoding::Base64)
        })
    }

    /// Paddle: `Paddle-Signature` lists the time as `ts`, and the HMAC-SHA256 of `ts:body` in
    /// hexadecimal as `h1`.
    #[must_use]
    pub fn paddle() -> Self {
        let grammar = Grammar::Pairs { separator: ';', timestamp: Some("ts"), signature: "h1" };
        Self::preset(listed("paddle-signature", grammar, ":"))
    }

    /// Square: `X-Square-HmacSha256-Signature` contains the HMAC-SHA256 of the notification
    /// URL, as configured at Square, and the body in base64.
    #[must_use]
    pub fn square() -> Self {
        Self::preset(Recipe {
            content: vec![ContentPart::Url, ContentPart::Body],
            ..of_body("x-square-hmacsha256-signature", Encoding::Base64)
        })
    }

    /// Linear: `Linear-Signature` contains the body's HMAC-SHA256 in hexadecimal. The time is
    /// `webhookTimestamp` in the body; `Linear-Timestamp` is not signed and not read.
    #[must_use]
    pub fn linear() -> Self {
        Self::preset(Recipe {
            content: vec![ContentPart::DatedBody { milliseconds: "webhookTimestamp" }],
            ..of_body("linear-signature", Encoding::Hex)
        })
    }

    /// LINE: `X-Line-Signature` contains the body's HMAC-SHA256 in base64.
    #[must_use]
    pub fn line() -> Self {
        Self::preset(of_body("x-line-signature", Encoding::Base64))
    }

    /// The presets by name. LiveChat is not among them: it does not sign, and
    /// [`Verifier::live_chat`](crate::Verifier::live_chat) checks the key in its bodies.
    pub fn presets() -> impl Iterator<Item = (&'static str, Self)> {
        const PRESETS: &[Preset] = &[
            ("live_session", Scheme::live_session),
            ("x_webhook", Scheme::x_webhook),
            ("standard", Scheme::standard),
            #[cfg(feature = "ed25519")]
            ("standard_v1a", Scheme::standard_v1a),
            ("svix", Scheme::svix),
            ("stripe", Scheme::stripe),
            ("github", Scheme::github),
            ("slack", Scheme::slack),
            ("shopify", Scheme::shopify),
            #[cfg(feature = "ed25519")]
            ("discord", Scheme::discord),
            ("twilio", Scheme::twilio),
            ("paddle", Scheme::paddle),
            ("square", Scheme::square),
            ("linear", Scheme::linear),
            ("line", Scheme::line),
        ];
        PRESETS.iter().map(|(name, preset)| (*name, preset()))
    }

    /// The preset with this name; `None` if there is none.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::presets().find(|(own, _)| *own == name).map(|(_, preset)| preset)
    }

    fn preset(recipe: Recipe) -> Self {
        Self(Arc::new(recipe))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_preset_but_twilio_keeps_the_rules_of_a_recipe() {
        for (name, preset) in Scheme::presets() {
            let checked = Scheme::new(preset.recipe().clone());
            if name == "twilio" {
                assert!(checked.is_err(), "SHA-1 and joined pairs are for the preset alone");
            } else {
                assert_eq!(checked, Ok(preset), "{name}");
            }
        }
    }
}
