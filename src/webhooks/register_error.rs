//! Why an endpoint is not written.

use std::time::Duration;

use crate::backend::EntropyError;
use crate::endpoint::{EndpointError, Unreadable};
use crate::error::StoreError;
use crate::id::{EndpointId, ProfileName};
use crate::notice::Panicked;

use super::builder::shortest_lease;
use super::near::nearest;

/// Why an endpoint was not written.
#[derive(Debug, Clone, thiserror::Error)]
#[non_exhaustive]
pub enum RegisterError {
    /// The endpoint breaks a rule.
    #[error(transparent)]
    Endpoint(#[from] EndpointError),
    /// This process does not know the endpoint's profile.
    #[error("profile: {profile} is not known; known are {}{}", listed(known), hint(profile, known))]
    UnknownProfile {
        /// The name of the requested profile.
        profile: ProfileName,
        /// The names of the known profiles.
        known: Vec<ProfileName>,
    },
    /// The profile is a built-in target's, but the URL belongs to another target.
    #[error(
        "profile: must be {other}, since the URL is one of that target (got {profile}); a profile under a name of your own \
         may be used with any URL"
    )]
    AnothersUrl {
        /// The name of the endpoint's profile.
        profile: ProfileName,
        /// The name of the profile that the URL suggests.
        other: &'static str,
    },
    /// Another endpoint of the tenant has this URL.
    #[error("url: must be used once in the tenant (its endpoint {endpoint} has it)")]
    DuplicateUrl {
        /// The id of that endpoint.
        endpoint: EndpointId,
    },
    /// The endpoint's id is already in use.
    #[error("id: is taken{}", at_version(*current))]
    Taken {
        /// The version of the tenant's endpoint with that id; `None` if another tenant has it.
        current: Option<u64>,
    },
    /// The endpoint's version is not the one given in the call.
    #[error("version: must be the endpoint's current version{}", which_is(*current))]
    Conflict {
        /// The stored version; `None` if the tenant has no such endpoint.
        current: Option<u64>,
    },
    /// The endpoint's timeout is longer than the lease allows.
    #[error(
        "timeout: must be at most {longest:?}, since the builder's lease of {:?} also covers connecting, the store \
         and a margin; a longer one is set by Builder::lease",
        shortest_lease(*longest)
    )]
    TimeoutTooLong {
        /// The longest timeout that the lease allows.
        longest: Duration,
    },
    /// The tenant has no such endpoint.
    #[error("the tenant has no such endpoint")]
    NotFound,
    /// The endpoint's secrets are sealed and cannot be opened in this process.
    #[error("secret: must open in this process to be kept (it is sealed)")]
    Sealed,
    /// The endpoint cannot be read, and the call keeps a part of it. It can be disabled,
    /// paused, or removed and then registered again.
    #[error(transparent)]
    Unreadable(Unreadable),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The source of random numbers failed, so no id could be created.
    #[error(transparent)]
    Entropy(#[from] EntropyError),
    /// A part of the endpoint's profile panicked.
    #[error(transparent)]
    Panicked(#[from] Panicked),
}

fn at_version(current: Option<u64>) -> String {
    current.map(|version| format!(" (at version {version})")).unwrap_or_default()
}

fn which_is(current: Option<u64>) -> String {
    current.map_or_else(
        || ", and the tenant has no such endpoint".to_owned(),
        |version| format!(", which is {version}"),
    )
}

fn listed(names: &[ProfileName]) -> String {
    names.iter().map(ProfileName::as_str).collect::<Vec<_>>().join(", ")
}

/// The names of the built-in targets, each with its own constructor. A test compares both
/// lists with the profiles themselves, which this module may not import.
const TARGETS: [&str; 10] = [
    "slack",
    "discord",
    "teams",
    "google_chat",
    "telegram",
    "mattermost",
    "pagerduty",
    "zapier",
    "make",
    "n8n",
];

/// The names of the built-in systems' profiles.
const SYSTEMS: [&str; 7] = [
    "live_session",
    "x_webhook",
    "live_chat",
    "live_chat_v3_3",
    "live_chat_v3_4",
    "live_chat_v3_5",
    "live_chat_v3_6",
];

/// How a builder gets to know a built-in profile.
fn to_build(name: &str) -> String {
    let call = if TARGETS.contains(&name) {
        format!("profile(Profile::{name}())")
    } else {
        "profiles(Profile::systems())".to_owned()
    };
    format!("{name} comes with hookpost: Builder::{call}")
}

/// What may have been meant: a known profile with a similar name, or one that must be added to
/// the builder.
fn hint(name: &ProfileName, known: &[ProfileName]) -> String {
    let built_in = TARGETS.iter().chain(&SYSTEMS).copied();
    if built_in.clone().any(|built_in| built_in == name.as_str()) {
        return format!("; {}", to_build(name.as_str()));
    }
    match nearest(name.as_str(), known.iter().map(ProfileName::as_str).chain(built_in)) {
        None => String::new(),
        Some(meant) if known.iter().any(|known| known.as_str() == meant) => {
            format!("; did you mean {meant}?")
        }
        Some(meant) => format!("; did you mean {meant}? {}", to_build(meant)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::profile::Profile;

    #[test]
    fn every_built_in_profile_is_named_with_the_call_that_adds_it() {
        let names = |profiles: Vec<Profile>| -> Vec<String> {
            profiles.into_iter().map(|profile| profile.name.as_str().to_owned()).collect()
        };
        assert_eq!(names(Profile::targets().into()), TARGETS);
        assert_eq!(names(Profile::systems()), SYSTEMS);
        let hint = |name: &str| hint(&name.parse().unwrap(), &["standard".parse().unwrap()]);
        assert_eq!(hint("slack"), "; slack comes with hookpost: Builder::profile(Profile::slack())");
        assert_eq!(
            hint("livesession"),
            "; did you mean live_session? live_session comes with hookpost: Builder::profiles(Profile::systems())"
        );
    }
}
