//! Several schemes in one request, so that each receiver can change from one to another in its
//! own time.

use http::HeaderName;

use crate::error::Invalid;
use crate::secret::{Secret, SecretError, SecretSet};
use crate::time::Timestamp;

use super::grammar::Grammar;
use super::{ContentPart, KeyForm, Scheme};

/// The most schemes in use together: each uses a part of a list that they share.
const SCHEMES_MAX: usize = 8;

/// The schemes that a sender signs every request with, all at once.
///
/// The form of a secret decides which schemes use it. A secret that begins with the prefix of
/// some schemes' keys, such as `whsec_`, belongs to those schemes. Any other secret belongs to
/// the schemes that accept any text, or else to the first scheme that accepts its keys without
/// their prefix. The schemes that accept any text use a prefixed secret too if an endpoint has
/// no other. A scheme for which an endpoint has no secret writes no headers.
///
/// ```
/// use hookpost::sign::{KeyForm, Recipe, Schemes};
/// use hookpost::{Profile, Scheme};
///
/// // Receivers know `X-Webhook-Signature` and are to learn Standard Webhooks. An endpoint
/// // gets a second secret, `whsec_…`, when its receiver is ready to move.
/// let profile = Profile {
///     name: "moving".parse()?,
///     schemes: Schemes::new([Scheme::x_webhook(), Scheme::standard()])?,
///     ..Profile::x_webhook()
/// };
/// assert!(profile.check().is_ok());
///
/// // Or both sign with the secret that each endpoint has: what a receiver configures for
/// // Standard Webhooks is `whsec_` and base64 of that text.
/// let of_text = Recipe { key: KeyForm::AsGiven, ..Scheme::standard().recipe().clone() };
/// Schemes::new([Scheme::x_webhook(), Scheme::new(of_text)?])?;
///
/// // Two versions may stand in one list, as Standard Webhooks has it.
/// # #[cfg(feature = "ed25519")]
/// Schemes::new([Scheme::standard(), Scheme::standard_v1a()])?;
/// // Two schemes that write one header may not.
/// assert!(Schemes::new([Scheme::standard(), Scheme::standard()]).is_err());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Schemes(Vec<Scheme>);

impl Schemes {
    /// No schemes: nothing is signed.
    #[must_use]
    pub const fn none() -> Self {
        Self(Vec::new())
    }

    /// Uses these schemes together.
    ///
    /// # Errors
    /// If a header would have two meanings, if a secret could belong to two schemes that read
    /// it differently, or if there are more than 8.
    pub fn new(schemes: impl IntoIterator<Item = Scheme>) -> Result<Self, Invalid> {
        let schemes: Vec<_> = schemes.into_iter().collect();
        if schemes.len() > SCHEMES_MAX {
            return Err(Invalid { field: "schemes", rule: "must be at most 8" });
        }
        for (at, one) in schemes.iter().enumerate() {
            for other in &schemes[..at] {
                check_headers(one, other)?;
                check_keys(one.recipe().key, other.recipe().key)?;
            }
        }
        Ok(Self(schemes))
    }

    /// The schemes, in the order in which they were given.
    pub fn iter(&self) -> impl Iterator<Item = &Scheme> {
        self.0.iter()
    }

    /// Whether nothing is signed.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The headers that signing writes.
    pub fn header_names(&self) -> impl Iterator<Item = &HeaderName> {
        self.iter().flat_map(Scheme::header_names)
    }

    /// Makes `next` current. The secret that it replaces also signs until `until`. The secrets
    /// of schemes that cannot read `next` do not change.
    #[must_use]
    pub fn rotated(&self, secrets: SecretSet, next: Secret, until: Timestamp) -> SecretSet {
        let form = self.form_of(&next);
        let stays = |secret: &Secret| self.form_of(secret).is_some_and(|own| Some(own) != form);
        secrets.rotated_where(next, until, |secret| !stays(secret))
    }

    /// The prefix that distinguishes this secret from those of other schemes: empty for plain
    /// text, `None` if no scheme reads it.
    pub(crate) fn form_of(&self, secret: &Secret) -> Option<&'static str> {
        let prefixes = || self.iter().map(|scheme| scheme.recipe().key.prefix());
        let own = |prefix: &&str| !prefix.is_empty() && secret.expose().starts_with(prefix.as_bytes());
        let plain = || prefixes().find(|prefix| prefix.is_empty());
        let keys = || self.iter().map(|scheme| scheme.recipe().key);
        let without = || keys().find(|key| key.may_be_without_prefix(secret)).map(|key| key.prefix());
        prefixes().find(own).or_else(plain).or_else(without)
    }

    /// The reason why no scheme reads this secret. If the only fault is white space, that is
    /// the reason, and not a missing prefix.
    pub(crate) fn misread(&self, secret: &Secret) -> SecretError {
        let mut reasons = self.iter().map(|scheme| scheme.recipe().key.misread(secret));
        reasons.find(|reason| *reason != SecretError::Prefix).unwrap_or(SecretError::Prefix)
    }

    /// Whether this scheme signs with this secret, if the secrets in `current` are in force.
    pub(super) fn signs_with(&self, scheme: &Scheme, secret: &Secret, current: &[Secret]) -> bool {
        let key = scheme.recipe().key;
        let is_own = |secret| self.form_of(secret) == Some(key.prefix());
        is_own(secret) || (matches!(key, KeyForm::AsGiven) && !current.iter().any(is_own))
    }

    /// The number of schemes that write their signatures into this scheme's header.
    pub(super) fn sharing(&self, scheme: &Scheme) -> usize {
        self.iter().filter(|other| other.recipe().header == scheme.recipe().header).count()
    }
}

impl From<Scheme> for Schemes {
    fn from(scheme: Scheme) -> Self {
        Self(vec![scheme])
    }
}

impl From<&Scheme> for Schemes {
    fn from(scheme: &Scheme) -> Self {
        scheme.clone().into()
    }
}

impl From<&Self> for Schemes {
    fn from(schemes: &Self) -> Self {
        schemes.clone()
    }
}

/// Two schemes may share the header of an id or a timestamp, which is the same for both, and
/// the header of a list in which each has its own version.
fn check_headers(one: &Scheme, other: &Scheme) -> Result<(), Invalid> {
    let (one, other) = (one.recipe(), other.recipe());
    let lists = match (one.grammar, other.grammar) {
        (Grammar::List { version }, Grammar::List { version: other }) => version != other,
        _ => false,
    };
    let clash = |part: &ContentPart| {
        let name = part.header();
        let twin = other.content.iter().find(|theirs| theirs.header() == name);
        name.is_some() && (name == Some(&other.header) || twin.is_some_and(|twin| twin != part))
    };
    let signature_clashes = if one.header == other.header {
        !lists
    } else {
        other.content.iter().any(|part| part.header() == Some(&one.header))
    };
    if signature_clashes || one.content.iter().any(clash) {
        let rule = "must stand for one thing, or be a list in which each scheme has a version of its own";
        return Err(Invalid { field: "header", rule });
    }
    Ok(())
}

fn check_keys(one: KeyForm, other: KeyForm) -> Result<(), Invalid> {
    let (prefix, theirs) = (one.prefix(), other.prefix());
    let told_apart = match (prefix.is_empty(), theirs.is_empty()) {
        (false, false) => !prefix.starts_with(theirs) && !theirs.starts_with(prefix),
        (true, true) => false,
        _ => true,
    };
    if told_apart || one == other {
        return Ok(());
    }
    let rule = "must be written as the other schemes' keys are, or begin with a prefix of its own";
    Err(Invalid { field: "key", rule })
}

#[cfg(test)]
mod tests {
    use super::super::Recipe;
    use super::*;

    fn refused(schemes: impl IntoIterator<Item = Recipe>) -> Option<&'static str> {
        let schemes = schemes.into_iter().map(|recipe| Scheme::new(recipe).unwrap());
        Schemes::new(schemes).err().map(|error| error.field)
    }

    #[test]
    fn a_header_stands_for_one_thing_in_all_schemes() {
        let standard = || Scheme::standard().recipe().clone();
        let of = |content| Recipe { content, grammar: Grammar::List { version: "v9" }, ..standard() };
        let (id, time) = (standard().content[0].clone(), standard().content[2].clone());
        let dot = ContentPart::Literal(".");
        let named = |part: &ContentPart| part.header().unwrap().clone();
        assert_eq!(refused([standard(), standard()]), Some("header"), "one version twice");
        let swapped =
            vec![ContentPart::Id(named(&time)), dot.clone(), ContentPart::Timestamp(named(&id)), dot.clone()];
        assert_eq!(refused([standard(), of([swapped, vec![ContentPart::Body]].concat())]), Some("header"));
        let of_id = Recipe { header: named(&id), ..Scheme::x_webhook().recipe().clone() };
        let ours = [of_id, standard()];
        assert_eq!(refused(ours.clone()), Some("header"));
        assert_eq!(refused(ours.into_iter().rev()), Some("header"));
        assert_eq!(refused([standard(), of(standard().content)]), None, "two versions in one list");
        assert_eq!(refused([standard(), of(vec![id, dot, ContentPart::Body])]), None, "one id for both");
    }

    #[test]
    fn more_schemes_than_a_shared_list_has_room_for_are_refused() {
        let versions = ["v1", "v2", "v3", "v4", "v5", "v6", "v7", "v8", "v9"].map(|version| Recipe {
            grammar: Grammar::List { version },
            ..Scheme::standard().recipe().clone()
        });
        assert_eq!(refused(versions[..8].to_vec()), None);
        assert_eq!(refused(versions), Some("schemes"));
    }

    #[test]
    fn a_secret_is_read_in_one_way_by_all_whose_it_is() {
        let with = |header: &'static str, key| Recipe {
            key,
            header: HeaderName::from_static(header),
            ..Scheme::x_webhook().recipe().clone()
        };
        let based = |prefix, min| KeyForm::Base64 { prefix, min, max: 64 };
        for (one, other, fits) in [
            (KeyForm::AsGiven, KeyForm::AsGiven, true),
            (KeyForm::AsGiven, based("whsec_", 24), true),
            (based("whsec_", 24), based("whsec_", 24), true),
            (based("whsec_", 24), based("whsec_", 16), false),
            (based("whsec_", 24), based("wh", 24), false),
            (based("whsec_", 24), based("other_", 24), true),
            (KeyForm::AsGiven, based("", 24), false),
        ] {
            let pair = [with("x-one", one), with("x-other", other)];
            assert_eq!(refused(pair.clone()), (!fits).then_some("key"), "{one:?} {other:?}");
            assert_eq!(refused(pair.into_iter().rev()), (!fits).then_some("key"), "{other:?} {one:?}");
        }
    }

    #[test]
    fn a_rotation_replaces_the_secret_of_its_form_and_what_nobody_reads() {
        let [plain, whsec, next] = ["plain", "whsec_1", "whsec_2"].map(|text| Secret::new(text).unwrap());
        let both = Schemes::new([Scheme::x_webhook(), Scheme::standard()]).unwrap();
        let texts = |set: &SecretSet| {
            let text = |secret: &Secret| String::from_utf8(secret.expose().to_vec()).unwrap();
            let retiring = set.retiring.iter().map(|old| text(&old.secret));
            (set.current.iter().map(text).collect::<Vec<_>>(), retiring.collect::<Vec<_>>())
        };
        let rotated = |schemes: &Schemes, set: SecretSet| {
            let (current, retiring) = texts(&schemes.rotated(set, next.clone(), Timestamp::MAX));
            (current.join(" "), retiring.join(" "))
        };
        let expected = |current: &str, retiring: &str| (current.to_owned(), retiring.to_owned());
        let two = SecretSet::of(plain.clone()).and(whsec.clone());
        assert_eq!(rotated(&both, two.clone()), expected("plain whsec_2", "whsec_1"));
        assert_eq!(rotated(&both, SecretSet::of(plain)), expected("plain whsec_2", ""));
        assert_eq!(rotated(&Scheme::standard().into(), two.clone()), expected("whsec_2", "plain whsec_1"));
        assert_eq!(rotated(&Scheme::x_webhook().into(), two.clone()), expected("whsec_2", "plain whsec_1"));
        assert_eq!(rotated(&Schemes::none(), SecretSet::of(whsec)), expected("whsec_2", "whsec_1"));
    }
}
