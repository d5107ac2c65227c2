//! The errors of a host's own profile.

use std::time::Duration;

use crate::endpoint::{TIMEOUT_MAX, WIDTH_MAX};
use crate::error::Invalid;
use crate::id::HostName;
use crate::policy::retry::SPAN_MAX;

use crate::sign::FRAME;

use super::{Profile, Signing};

/// The most of a response's body that a history keeps.
const KEEP_BODY_MAX: usize = 4096;

impl Profile {
    /// Checks the rules that the types of the parts do not enforce.
    ///
    /// # Errors
    /// All problems at once, each with its field.
    pub fn check(&self) -> Result<(), Vec<Invalid>> {
        let mut problems = Vec::new();
        let mut hold = |holds: bool, field, rule| {
            if !holds {
                problems.push(Invalid { field, rule });
            }
        };
        let least = Duration::from_millis(1);
        hold((least..=TIMEOUT_MAX).contains(&self.timeout), "timeout", "must be between 1 ms and 120 s");
        hold(self.width.get() <= WIDTH_MAX, "width", "must be at most 1024");
        hold(self.keep_body <= KEEP_BODY_MAX, "keep_body", "must be at most 4096 bytes");
        let is_lower_case = |host: &HostName| !host.as_str().bytes().any(|byte| byte.is_ascii_uppercase());
        hold(self.service.iter().all(is_lower_case), "service", "must name its hosts in lower case");
        hold(
            (least..=SPAN_MAX).contains(&self.probe_gap_max),
            "probe_gap_max",
            "must be between 1 ms and 366 days",
        );
        hold(
            self.disable_after.is_none_or(|span| !span.is_zero() && span <= SPAN_MAX),
            "disable_after",
            "must be none, or more than zero and at most 366 days",
        );
        hold(
            !self.schemes.is_empty() || self.envelope.carries_secret() || self.signing == Signing::Optional,
            "signing",
            "must be optional in a profile whose schemes and envelope use no secret",
        );
        hold(
            !self.schemes.iter().any(|scheme| scheme.signs_url() || scheme.dates_body()),
            "schemes",
            "must sign no URL, and no moment in the body: every endpoint and attempt gets the same body",
        );
        let is_anothers = |name| FRAME.contains(name) || self.schemes.header_names().any(|own| own == name);
        hold(
            !self.headers.keys().any(is_anothers),
            "headers",
            "must leave out what the frame, the envelope and the schemes write",
        );
        hold(
            !self.envelope.header_names().iter().any(is_anothers),
            "envelope",
            "must write no header of the frame and of the schemes",
        );
        if problems.is_empty() { Ok(()) } else { Err(problems) }
    }
}

#[cfg(test)]
mod tests {
    use std::num::NonZeroU32;

    use http::{HeaderMap, HeaderName, HeaderValue, header};

    use crate::id::ProfileName;
    use crate::sign::{Recipe, Scheme, Schemes};
    use crate::systems::live_chat::payload::ApiVersion;

    use super::*;

    fn fields(profile: &Profile) -> Vec<&'static str> {
        let problems = profile.check().err().unwrap_or_default();
        problems.into_iter().map(|problem| problem.field).collect()
    }

    #[test]
    fn every_preset_passes() {
        let systems = [Profile::live_session(), Profile::x_webhook(), Profile::standard()];
        for preset in systems.into_iter().chain(Profile::targets()) {
            assert_eq!(preset.check(), Ok(()), "{}", preset.name);
        }
        for version in ApiVersion::ALL {
            let preset = Profile::live_chat_at(version);
            assert_eq!(preset.check(), Ok(()), "{}", preset.name);
            assert_eq!(ProfileName::new(preset.name.as_str()), Ok(preset.name));
        }
    }

    #[test]
    fn each_part_that_cannot_be_meant_is_named() {
        let headers = |name| HeaderMap::from_iter([(name, HeaderValue::from_static("x"))]);
        let base = Profile::standard;
        let in_envelopes_header = Recipe {
            header: HeaderName::from_static("x-webhook-event"),
            ..Scheme::x_webhook().recipe().clone()
        };
        let schemes = Scheme::new(in_envelopes_header).unwrap().into();
        for (field, profile) in [
            ("timeout", Profile { timeout: Duration::ZERO, ..base() }),
            ("timeout", Profile { timeout: Duration::from_secs(121), ..base() }),
            ("width", Profile { width: NonZeroU32::new(1025).unwrap(), ..base() }),
            ("keep_body", Profile { keep_body: 4097, ..base() }),
            ("probe_gap_max", Profile { probe_gap_max: Duration::ZERO, ..base() }),
            ("probe_gap_max", Profile { probe_gap_max: Duration::MAX, ..base() }),
            ("disable_after", Profile { disable_after: Some(Duration::ZERO), ..base() }),
            ("disable_after", Profile { disable_after: Some(Duration::MAX), ..base() }),
            ("signing", Profile { schemes: Schemes::none(), ..base() }),
            ("service", Profile { service: vec!["Chat.example".parse().unwrap()], ..base() }),
            ("schemes", Profile { schemes: Scheme::square().into(), ..base() }),
            ("schemes", Profile { schemes: Scheme::linear().into(), ..base() }),
            ("headers", Profile { headers: headers(header::CONTENT_LENGTH), ..base() }),
            ("headers", Profile { headers: headers(HeaderName::from_static("webhook-id")), ..base() }),
            ("envelope", Profile { schemes, ..Profile::x_webhook() }),
        ] {
            assert_eq!(fields(&profile), [field]);
        }
        assert_eq!(
            fields(&Profile { schemes: Schemes::none(), signing: Signing::Optional, ..base() }),
            Vec::<&str>::new()
        );
    }

    #[test]
    fn all_problems_are_told_at_once() {
        let profile = Profile { timeout: Duration::ZERO, keep_body: 9999, ..Profile::x_webhook() };
        assert_eq!(fields(&profile), ["timeout", "keep_body"]);
    }
}
