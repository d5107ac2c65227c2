//! The built-in targets and systems as constructors of [`Profile`].
//!
//! Only the crate that defines a type can add constructors to it. They are therefore the one
//! part of `targets` and `systems` that a host could not write, and they stand apart:
//! everything else there uses public items only.

use crate::error::BoxError;
use crate::profile::Profile;

/// A built-in profile is made of constants, and a test makes each of them: none is an error.
fn built_in(profile: Result<Profile, BoxError>) -> Profile {
    profile.unwrap_or_else(|_| Profile::standard())
}

#[cfg(feature = "targets")]
mod of_targets {
    use super::{Profile, built_in};
    use crate::policy::egress::EndpointUrl;
    use crate::targets::{
        Kind, automations, discord, google_chat, mattermost, pagerduty, slack, teams, telegram,
    };

    impl Profile {
        /// Slack's incoming webhooks: the URL is the credential; one request at a time, ten in
        /// any ten seconds. A response is judged by its text before its status.
        #[must_use]
        pub fn slack() -> Self {
            built_in(slack::profile())
        }

        /// Discord's webhooks: the URL is the credential; one request at a time, 30 in any
        /// minute per endpoint and 50 in any second in all. Lower limits are learned from the
        /// responses' headers before they are reached.
        #[must_use]
        pub fn discord() -> Self {
            built_in(discord::profile())
        }

        /// Microsoft Teams: the URL with its signature is the credential, and is sent
        /// unchanged; four requests in any second. A workflow's 202 means that the flow was
        /// started, not that a message was posted.
        #[must_use]
        pub fn teams() -> Self {
            built_in(teams::profile())
        }

        /// Google Chat's incoming webhooks: key and token in the URL are the credential; 60
        /// requests in any minute per space. A retry of a message that was posted posts
        /// nothing.
        #[must_use]
        pub fn google_chat() -> Self {
            built_in(google_chat::profile())
        }

        /// Telegram's bots: the token in the URL is the credential; 20 messages in any minute
        /// per chat. See [`Telegram`](crate::targets::Telegram) for how the URL names the
        /// chat.
        #[must_use]
        pub fn telegram() -> Self {
            built_in(telegram::profile())
        }

        /// Mattermost's incoming webhooks: the URL is the credential. For a server in your own
        /// network, allow its address in the policies of the builder and of the transport.
        #[must_use]
        pub fn mattermost() -> Self {
            built_in(mattermost::profile())
        }

        /// PagerDuty's Events API, version 2: alerts of severity `error`. The endpoint's secret
        /// is the integration's routing key. A retry joins the incident that the first attempt
        /// created.
        #[must_use]
        pub fn pagerduty() -> Self {
            built_in(pagerduty::profile())
        }

        /// Zapier's catch hook: the payload as published, 30 requests in any second. It answers
        /// 200 whether or not a Zap is active, so no delivery is ever confirmed.
        #[must_use]
        pub fn zapier() -> Self {
            built_in(automations::zapier())
        }

        /// Make's custom webhook: the payload as published, 30 requests in any second. Events
        /// wait while the queue is full or the scenario is switched off.
        #[must_use]
        pub fn make() -> Self {
            built_in(automations::make())
        }

        /// n8n's webhook node: the payload as published. Events wait while n8n starts, when it
        /// answers 200, and while the workflow is not active, when it answers 404.
        #[must_use]
        pub fn n8n() -> Self {
            built_in(automations::n8n())
        }

        /// The built-in targets: chat, alert and automation services. A builder does not know
        /// them until you add them.
        #[must_use]
        pub fn targets() -> [Self; 10] {
            [
                Self::slack(),
                Self::discord(),
                Self::teams(),
                Self::google_chat(),
                Self::telegram(),
                Self::mattermost(),
                Self::pagerduty(),
                Self::zapier(),
                Self::make(),
                Self::n8n(),
            ]
        }

        /// The profile for a URL: that of the target it belongs to, or else `native`. A host
        /// that knows better names another profile when it registers the endpoint.
        #[must_use]
        pub fn for_url(url: &EndpointUrl, native: Self) -> Self {
            Kind::of(url).map_or(native, Kind::profile)
        }
    }
}

#[cfg(feature = "systems")]
mod of_systems {
    use super::{Profile, built_in};
    use crate::id::ProfileName;
    use crate::systems::live_chat::payload::ApiVersion;
    use crate::systems::{live_chat, live_session, x_webhook};

    impl Profile {
        /// The profile of LiveSession: http and https, 1000 requests in any minute per tenant
        /// and per endpoint, retries after 1, 2, 4, 8 and then 10 minutes for 8 hours from the
        /// first attempt, never after 24 hours of age, and no disabling after long failure.
        #[must_use]
        pub fn live_session() -> Self {
            built_in(live_session::profile::profile())
        }

        /// The profile of X-Webhook: only https, a signature only if a secret is set, 10
        /// seconds to answer, three attempts a minute apart. Enabling an endpoint again cancels
        /// its pending deliveries.
        #[must_use]
        pub fn x_webhook() -> Self {
            built_in(x_webhook::profile::profile())
        }

        /// The profile of LiveChat in the stable version of its API; see
        /// [`live_chat_at`](Self::live_chat_at).
        #[must_use]
        pub fn live_chat() -> Self {
            built_in(live_chat::profile::profile())
        }

        /// The profile of LiveChat in one version: http and https, the secret key in the body
        /// and no signature, only 200 is a success, 10 seconds to answer, and three more
        /// attempts within a minute even if each of them times out.
        ///
        /// The history keeps nothing of a receiver's response: it could contain the body, and
        /// thus the key.
        #[must_use]
        pub fn live_chat_at(version: ApiVersion) -> Self {
            built_in(live_chat::profile::profile_at(version))
        }

        /// The name of a version's profile. It keeps its version when the stable version
        /// changes.
        #[must_use]
        pub fn live_chat_name(version: ApiVersion) -> ProfileName {
            Self::live_chat_at(version).name
        }

        /// The profiles of the built-in integrations: `live_session`, `x_webhook`, and
        /// `live_chat` with each of its versions.
        #[must_use]
        pub fn systems() -> Vec<Self> {
            let versions = ApiVersion::ALL.map(Self::live_chat_at);
            [Self::live_session(), Self::x_webhook(), Self::live_chat()].into_iter().chain(versions).collect()
        }
    }
}

#[cfg(all(test, feature = "targets", feature = "systems"))]
mod tests {
    use super::*;

    #[test]
    fn every_built_in_profile_is_made_without_an_error() {
        let names: Vec<_> =
            Profile::targets().into_iter().chain(Profile::systems()).map(|profile| profile.name).collect();
        assert_eq!(names.len(), 17);
        assert!(!names.contains(&Profile::standard().name), "one could not be made: {names:?}");
    }
}
