//! Recognises the built-in target that a URL belongs to.

use crate::id::ProfileName;
use crate::policy::egress::{EndpointUrl, UrlScheme};
use crate::profile::Profile;

use super::discord::HOSTS;

/// A built-in target that can be recognised by its URL. n8n and Mattermost run on their users'
/// own hosts, so they cannot be.
///
/// ```
/// use hookpost::policy::egress::{EndpointUrl, UrlPolicy};
/// use hookpost::targets::Kind;
///
/// let kind = |url| EndpointUrl::parse(url, &UrlPolicy::https_only()).map(|url| Kind::of(&url));
/// assert_eq!(kind("https://hooks.slack.com/services/T0/B0/x")?, Some(Kind::Slack));
/// assert_eq!(kind("https://evil.example/hooks.slack.com/services/T0/B0/x")?, None);
/// # Ok::<(), hookpost::policy::egress::UrlError>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Kind {
    /// Slack's incoming webhooks.
    Slack,
    /// Discord's webhooks.
    Discord,
    /// Microsoft Teams.
    Teams,
    /// Zapier's catch hooks.
    Zapier,
    /// Make's custom webhooks.
    Make,
    /// Google Chat's incoming webhooks.
    GoogleChat,
    /// Telegram's bots.
    Telegram,
    /// PagerDuty's events.
    PagerDuty,
}

impl Kind {
    /// The target that this URL belongs to, by its whole host and path; `None` for every other
    /// URL, for which the host chooses the profile.
    #[must_use]
    pub fn of(url: &EndpointUrl) -> Option<Self> {
        if url.scheme() != UrlScheme::Https || url.port() != 443 {
            return None;
        }
        let path = url.expose_target();
        match url.host().as_str() {
            // Workflows and triggers take variables of their owner's choice instead.
            "hooks.slack.com" | "hooks.slack-gov.com" if path.starts_with("/services/") => Some(Self::Slack),
            host if HOSTS.contains(&host) && is_discord_webhook(path) => Some(Self::Discord),
            "hooks.zapier.com" if path.starts_with("/hooks/") => Some(Self::Zapier),
            "chat.googleapis.com" if path.starts_with("/v1/spaces/") => Some(Self::GoogleChat),
            "api.telegram.org" if path.starts_with("/bot") => Some(Self::Telegram),
            "events.pagerduty.com" | "events.eu.pagerduty.com" if path.starts_with("/v2/enqueue") => {
                Some(Self::PagerDuty)
            }
            host if is_teams(host, path) => Some(Self::Teams),
            host if is_make(host) && path.len() > 1 => Some(Self::Make),
            _ => None,
        }
    }

    /// The name of the target's profile, for an endpoint.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Slack => "slack",
            Self::Discord => "discord",
            Self::Teams => "teams",
            Self::Zapier => "zapier",
            Self::Make => "make",
            Self::GoogleChat => "google_chat",
            Self::Telegram => "telegram",
            Self::PagerDuty => "pagerduty",
        }
    }

    /// The target's profile.
    #[must_use]
    pub fn profile(self) -> Profile {
        match self {
            Self::Slack => Profile::slack(),
            Self::Discord => Profile::discord(),
            Self::Teams => Profile::teams(),
            Self::Zapier => Profile::zapier(),
            Self::Make => Profile::make(),
            Self::GoogleChat => Profile::google_chat(),
            Self::Telegram => Profile::telegram(),
            Self::PagerDuty => Profile::pagerduty(),
        }
    }
}

/// The target whose URL this is, if the built-in profile of that name is for another target:
/// its messages, and how it judges the responses, would be wrong there.
///
/// `None` for Discord's URL that accepts Slack's messages, and for `zapier`, `make` and `n8n`
/// with the URL of a chat or alert target: they send the payload as published, which a host
/// may have written for that target. A profile with another name may be used anywhere.
pub(super) fn url_of_another(profile: &ProfileName, url: &EndpointUrl) -> Option<&'static str> {
    let kind = Kind::of(url)?;
    let name = profile.as_str();
    let is_wrong = if FORWARDING.contains(&name) {
        FORWARDING.contains(&kind.name())
    } else {
        TELLING.contains(&name) && !(name == "slack" && takes_slacks_messages(kind, url))
    };
    (is_wrong && name != kind.name()).then(|| kind.name())
}

/// The profiles that write a message in their target's own form.
const TELLING: [&str; 7] =
    ["slack", "discord", "teams", "google_chat", "telegram", "mattermost", "pagerduty"];
/// The profiles that send the payload as published.
const FORWARDING: [&str; 3] = ["zapier", "make", "n8n"];

/// Discord's "Execute Slack-Compatible Webhook": `/webhooks/{id}/{token}/slack`.
fn takes_slacks_messages(kind: Kind, url: &EndpointUrl) -> bool {
    let path = url.expose_target().split('?').next().unwrap_or_default();
    kind == Kind::Discord && path.ends_with("/slack")
}

/// `/api[/v10]/webhooks/…`, except for the form that accepts GitHub's webhooks.
fn is_discord_webhook(target: &str) -> bool {
    let path = target.split('?').next().unwrap_or_default();
    let mut parts = path.split('/').skip(1).filter(|part| {
        !part.strip_prefix('v').is_some_and(|number| number.bytes().all(|byte| byte.is_ascii_digit()))
    });
    parts.next() == Some("api") && parts.next() == Some("webhooks") && !path.ends_with("/github")
}

/// The hosts of flows of Logic Apps and of older Power Automate, including Azure's national
/// clouds.
const LOGIC_APPS: [&str; 4] = [".logic.azure.com", ".logic.azure.us", ".logic.azure.cn", ".logic.azure.de"];
/// The hosts of flows of Power Automate: worldwide, for the American government, its
/// contractors and its military, in China, and in the two clouds without internet access.
const POWER_PLATFORM: [&str; 7] = [
    ".api.powerplatform.com",
    ".api.gov.powerplatform.microsoft.us",
    ".api.high.powerplatform.microsoft.us",
    ".api.appsplatform.us",
    ".api.powerplatform.partner.microsoftonline.cn",
    ".api.powerplatform.eaglex.ic.gov",
    ".api.powerplatform.microsoft.scloud",
];
/// The hosts of connectors before each organisation had its own host.
const OLD_CONNECTORS: [&str; 2] = ["outlook.office.com", "outlook.office365.com"];

fn is_teams(host: &str, path: &str) -> bool {
    let under = |suffixes: &[&str]| suffixes.iter().any(|suffix| host.ends_with(suffix));
    (under(&LOGIC_APPS) && path.starts_with("/workflows/"))
        || (under(&POWER_PLATFORM) && path.contains("/automations/"))
        || (host.ends_with(".webhook.office.com") && path.len() > 1)
        || (OLD_CONNECTORS.contains(&host) && path.starts_with("/webhook/"))
}

/// `hook.<zone>.make.com`, the same of the Make that Celonis runs, with a zone of one
/// label, and the host from when Make was Integromat.
fn is_make(host: &str) -> bool {
    let rest = host.strip_prefix("hook.").unwrap_or_default();
    let zone = rest.strip_suffix(".make.com").or_else(|| rest.strip_suffix(".make.celonis.com"));
    host == "hook.integromat.com" || zone.is_some_and(|zone| !zone.is_empty() && !zone.contains('.'))
}
