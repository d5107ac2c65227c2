//! The schemes of known systems.

use std::sync::Arc;

use http::HeaderName;

use super::{Algorithm, Encoding, Grammar, KeyForm, Part, Recipe, Scheme};

impl Scheme {
    /// LiveSession: `LiveSession-Signature` holds base64 of the body's HMAC-SHA256.
    #[must_use]
    pub fn live_session() -> Self {
        Self(Arc::new(Recipe {
            algorithm: Algorithm::HmacSha256,
            key: KeyForm::AsGiven,
            content: vec![Part::Body],
            encoding: Encoding::Base64,
            header: HeaderName::from_static("livesession-signature"),
            grammar: Grammar::Bare { prefix: "" },
        }))
    }

    /// X-Webhook, as Botble Live Chat speaks it: `X-Webhook-Signature` holds the
    /// body's HMAC-SHA256 in hexadecimal, without a prefix.
    ///
    /// `X-Webhook-Event`, `X-Webhook-Timestamp` and `X-Webhook-Test` are **not**
    /// signed: trust the body's own `event` and `timestamp` instead.
    #[must_use]
    pub fn x_webhook() -> Self {
        Self(Arc::new(Recipe {
            algorithm: Algorithm::HmacSha256,
            key: KeyForm::AsGiven,
            content: vec![Part::Body],
            encoding: Encoding::Hex,
            header: HeaderName::from_static("x-webhook-signature"),
            grammar: Grammar::Bare { prefix: "" },
        }))
    }

    /// Standard Webhooks v1: `webhook-signature` holds a list of `v1,` and base64 of
    /// the HMAC-SHA256 of id, timestamp and body, which `webhook-id` and
    /// `webhook-timestamp` carry. A secret is `whsec_` and base64 of 24 to 64 bytes.
    #[must_use]
    pub fn standard() -> Self {
        Self(Arc::new(Recipe {
            algorithm: Algorithm::HmacSha256,
            key: KeyForm::Base64 { prefix: "whsec_", min: 24, max: 64 },
            content: vec![
                Part::Id(HeaderName::from_static("webhook-id")),
                Part::Literal("."),
                Part::Timestamp(HeaderName::from_static("webhook-timestamp")),
                Part::Literal("."),
                Part::Body,
            ],
            encoding: Encoding::Base64,
            header: HeaderName::from_static("webhook-signature"),
            grammar: Grammar::List { version: "v1" },
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_preset_keeps_the_rules_of_a_recipe() {
        for preset in [Scheme::live_session(), Scheme::x_webhook(), Scheme::standard()] {
            assert_eq!(Scheme::new(preset.recipe().clone()), Ok(preset));
        }
    }
}
