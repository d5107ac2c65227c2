//! Reads headers from the types in which frameworks keep them.

use std::collections::{BTreeMap, HashMap};

use http::{HeaderMap, HeaderName};

/// The received headers, as a verifier reads them: `http`'s map, pairs in a slice, an array or
/// a `Vec`, a map by name, or a closure. Names are compared without regard to case.
///
/// All values that were received under a name must be returned, not only the first: a header
/// that occurs twice is refused, because two programs might each use a different value.
pub trait HeaderLookup {
    /// All values of this header, in the order in which they arrived.
    fn values(&self, name: &HeaderName) -> impl Iterator<Item = impl AsRef<[u8]>>;
}

impl HeaderLookup for HeaderMap {
    fn values(&self, name: &HeaderName) -> impl Iterator<Item = impl AsRef<[u8]>> {
        self.get_all(name).iter()
    }
}

impl<N: AsRef<str>, V: AsRef<[u8]>> HeaderLookup for [(N, V)] {
    fn values(&self, name: &HeaderName) -> impl Iterator<Item = impl AsRef<[u8]>> {
        named(self.iter().map(|(own, value)| (own, value)), name)
    }
}

impl<N: AsRef<str>, V: AsRef<[u8]>, const COUNT: usize> HeaderLookup for [(N, V); COUNT] {
    fn values(&self, name: &HeaderName) -> impl Iterator<Item = impl AsRef<[u8]>> {
        self.as_slice().values(name)
    }
}

impl<N: AsRef<str>, V: AsRef<[u8]>> HeaderLookup for Vec<(N, V)> {
    fn values(&self, name: &HeaderName) -> impl Iterator<Item = impl AsRef<[u8]>> {
        self.as_slice().values(name)
    }
}

impl<N: AsRef<str>, V: AsRef<[u8]>, S> HeaderLookup for HashMap<N, V, S> {
    fn values(&self, name: &HeaderName) -> impl Iterator<Item = impl AsRef<[u8]>> {
        named(self.iter(), name)
    }
}

impl<N: AsRef<str>, V: AsRef<[u8]>> HeaderLookup for BTreeMap<N, V> {
    fn values(&self, name: &HeaderName) -> impl Iterator<Item = impl AsRef<[u8]>> {
        named(self.iter(), name)
    }
}

/// A closure from a lower-case name to its values: an `Option` if the framework itself joins
/// or refuses duplicates, otherwise all values.
impl<F, I> HeaderLookup for F
where
    F: Fn(&str) -> I,
    I: IntoIterator<Item: AsRef<[u8]>>,
{
    fn values(&self, name: &HeaderName) -> impl Iterator<Item = impl AsRef<[u8]>> {
        self(name.as_str()).into_iter()
    }
}

fn named<'a, N: AsRef<str> + 'a, V: AsRef<[u8]> + 'a>(
    pairs: impl Iterator<Item = (&'a N, &'a V)>,
    name: &HeaderName,
) -> impl Iterator<Item = &'a V> {
    pairs.filter(|(own, _)| own.as_ref().eq_ignore_ascii_case(name.as_str())).map(|(_, value)| value)
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    fn found(headers: &(impl HeaderLookup + ?Sized)) -> Vec<Vec<u8>> {
        let name = HeaderName::from_static("x-signature");
        headers.values(&name).map(|value| value.as_ref().to_vec()).collect()
    }

    #[test]
    fn every_kind_of_headers_gives_all_values_of_a_name_in_any_case() {
        let expected = vec![b"1".to_vec(), b"2".to_vec()];
        let pairs = [("X-Signature", "1"), ("x-other", "0"), ("x-SIGNATURE", "2")];
        let mut map = HeaderMap::new();
        for (name, value) in pairs {
            let name = HeaderName::from_bytes(name.as_bytes()).unwrap();
            map.append(name, HeaderValue::from_static(value));
        }
        assert_eq!(found(&map), expected);
        assert_eq!(found(&pairs[..]), expected);
        assert_eq!(found(&pairs), expected);
        assert_eq!(found(&pairs.to_vec()), expected);
        assert_eq!(found(&BTreeMap::from(pairs)), expected);
        let mut unordered = found(&HashMap::from(pairs));
        unordered.sort();
        assert_eq!(unordered, expected);
        let all = |name: &str| {
            let own = name.to_owned();
            pairs.into_iter().filter(move |pair| pair.0.eq_ignore_ascii_case(&own)).map(|pair| pair.1)
        };
        assert_eq!(found(&all), expected);
        let one = |name: &str| (name == "x-signature").then(|| "1".to_owned());
        assert_eq!(found(&one), expected[..1]);
    }
}
