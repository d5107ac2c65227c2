//! What tells one JSON value from another, in sixteen bytes. Equal values have one identity
//! however they are written: strings by their characters, numbers by their value, objects
//! without the order of their members.

use sha2::{Digest as _, Sha256};

use super::number::decimal;
use super::text::content;

const SIZE: usize = 16;
/// The first byte of an identity that is a digest. That of any other is a length.
const DIGEST: u8 = 0xFF;

/// The identity of a JSON value. A short value is its own identity; that of a longer one is
/// a part of its SHA-256, so that nobody can find two values with the same one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Identity([u8; SIZE]);

impl Identity {
    /// The identity of a string, a number, `true`, `false` or `null`; `None` where it cannot
    /// be read.
    pub(super) fn of_scalar(text: &str) -> Option<Self> {
        match text.as_bytes().first()? {
            b'"' => content(text).map(|content| Self::of_string(&content)),
            b't' | b'f' | b'n' => Some(Self::of(b'n', text.as_bytes())),
            _ => decimal(text).map(|decimal| Self::of(b'#', decimal.as_bytes())),
        }
    }

    /// The identity of a string, or of a key.
    pub(super) fn of_string(content: &str) -> Self {
        Self::of(b'"', content.as_bytes())
    }

    pub(super) fn of_array(members: &[Self]) -> Self {
        Self::of_members(b'[', members.iter())
    }

    /// The identity of an object, of its members in the order of the text: of a key that
    /// comes twice, the last one counts.
    pub(super) fn of_object(mut members: Vec<(Self, Self)>) -> Self {
        members.reverse();
        members.sort_by_key(|(key, _)| *key);
        members.dedup_by_key(|(key, _)| *key);
        Self::of_members(b'{', members.iter().flat_map(|(key, value)| [key, value]))
    }

    fn of_members<'m>(kind: u8, members: impl Iterator<Item = &'m Self>) -> Self {
        let mut members = members.peekable();
        if members.peek().is_none() {
            return Self::of(kind, &[]);
        }
        let kind = Sha256::new().chain_update([kind]);
        Self::of_hash(members.fold(kind, |hash, Self(member)| {
            #[cfg(test)]
            super::work::bytes(SIZE);
            hash.chain_update(member)
        }))
    }

    fn of(kind: u8, content: &[u8]) -> Self {
        #[cfg(test)]
        super::work::bytes(content.len());
        let length = content.len() + 1;
        let mut identity = [0; SIZE];
        let (first, rest) = identity.split_at_mut(1);
        match (rest.get_mut(..length), u8::try_from(length)) {
            (Some(form), Ok(length)) => {
                first.copy_from_slice(&[length]);
                let (start, end) = form.split_at_mut(1);
                start.copy_from_slice(&[kind]);
                end.copy_from_slice(content);
                Self(identity)
            }
            _ => Self::of_hash(Sha256::new().chain_update([kind]).chain_update(content)),
        }
    }

    fn of_hash(hash: Sha256) -> Self {
        let mut identity = [DIGEST; SIZE];
        identity.iter_mut().skip(1).zip(hash.finalize()).for_each(|(byte, of_hash)| *byte = of_hash);
        Self(identity)
    }
}

/// Identities without an order and without repetitions.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Identities(Box<[Identity]>);

impl From<Vec<Identity>> for Identities {
    fn from(mut identities: Vec<Identity>) -> Self {
        #[cfg(test)]
        super::work::kept(std::mem::size_of_val(&*identities));
        identities.sort_unstable();
        identities.dedup();
        Self(identities.into())
    }
}

impl Identities {
    pub(super) fn contain(&self, one: &Identity) -> bool {
        self.0.binary_search(one).is_ok()
    }

    /// Whether one of them is one of the others: of a long list and a short one, only the
    /// short one is gone through.
    pub(super) fn meet(&self, others: &Self) -> bool {
        let (short, long) = if self.0.len() < others.0.len() { (self, others) } else { (others, self) };
        short.0.iter().any(|one| long.contain(one))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_of_any_length_have_one_identity_and_no_other() {
        let texts: Vec<_> = (0..40).map(|length| format!("\"{}\"", "x".repeat(length))).collect();
        let others = ["1", "\"1\"", "null", "\"null\"", "true", "false", "\"[\"", "\"{\"", "\"\\u0000\""];
        let scalars = texts.iter().map(String::as_str).chain(others);
        let scalars: Vec<_> = scalars.map(|text| Identity::of_scalar(text).unwrap()).collect();
        let one = scalars.iter().map(|one| Identity::of_array(&[*one]));
        let two = scalars.iter().map(|one| Identity::of_array(&[*one, *one]));
        let object = scalars.iter().map(|one| Identity::of_object(vec![(*one, *one)]));
        let empty = [Identity::of_array(&[]), Identity::of_object(Vec::new())];
        let all: Vec<_> = scalars.iter().copied().chain(one).chain(two).chain(object).chain(empty).collect();
        assert_eq!(Identities::from(all.clone()).0.len(), all.len());
        assert_eq!(Identity::of_scalar(r#""\u0078""#), Identity::of_scalar(r#""x""#));
    }

    #[test]
    fn an_object_is_known_by_the_last_member_of_each_key_in_any_order() {
        let [a, b, one, two] = ["a", "b", "1", "2"].map(Identity::of_string);
        let object = Identity::of_object(vec![(a, one), (b, two)]);
        assert_eq!(Identity::of_object(vec![(b, two), (a, one)]), object);
        assert_eq!(Identity::of_object(vec![(a, two), (b, two), (a, one)]), object);
        assert_ne!(Identity::of_object(vec![(a, one), (b, two), (a, two)]), object);
    }
}
