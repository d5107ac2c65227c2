//! One pass over the bytes of a JSON text, which remembers what stands where a pointer points.
//! No value is built: of what filters compare, only its identity is kept.

use super::identity::{Identities, Identity};
use super::text::{Text, content};
use super::wanted::{Asked, Node, ROOT, Wanted};

/// What stands at a place.
#[derive(Debug, Default)]
pub(super) struct Stands {
    /// Whether an object on the way has a key that cannot be read. It may hold anything.
    pub(super) is_hidden: bool,
    /// Whether a string in it, or a number that a filter compares with, cannot be read.
    pub(super) is_unreadable: bool,
    /// What it is; `None` where nothing stands there, or nothing that a filter compares with.
    pub(super) value: Option<Identity>,
    /// Of an array, its members that a filter may compare with.
    pub(super) members: Identities,
}

/// What stands at each node of `wanted` in a JSON text, which is known to be one.
pub(super) fn scan(text: &str, wanted: &Wanted) -> Vec<Stands> {
    #[cfg(test)]
    super::work::pass();
    let met = wanted.nodes().iter().map(|_| Met::default()).collect();
    let mut scan = Scan { text: Text(text), nodes: wanted.nodes(), met, visits: 0, unreadable: 0 };
    scan.value(0, Some(ROOT), 0, Asked::default());
    scan.stands()
}

/// What a JSON text of at most so many levels is, which is known to be one; `None` where it
/// is nested deeper, or a part of it cannot be read.
pub(super) fn identity(text: &str, levels: usize) -> Option<Identity> {
    let mut wanted = Wanted::new();
    wanted.ask(ROOT, Asked { value: Some(levels), members: None });
    scan(text, &wanted).first().and_then(|root| root.value)
}

struct Scan<'a, 'w> {
    text: Text<'a>,
    nodes: &'w [Node],
    /// One for each node.
    met: Vec<Met>,
    visits: usize,
    /// How much of what was passed cannot be read.
    unreadable: usize,
}

/// What was met at a node last: of a key that comes twice, the last one counts, and with it
/// nothing of what stands in those before.
#[derive(Default)]
struct Met {
    /// Which visit this was, and in which visit of its parent; 0 before the first.
    visit: usize,
    within: usize,
    /// Whether it is an object with a key that cannot be read.
    hides: bool,
    stands: Stands,
}

/// A value that was passed.
struct Value {
    end: usize,
    /// `None` where nobody asks for it, it is nested too deep to be what is asked for, or it
    /// cannot be read.
    identity: Option<Identity>,
}

impl Scan<'_, '_> {
    /// What stands at each node.
    fn stands(self) -> Vec<Stands> {
        /// What is known of a node for its children.
        struct Above {
            visit: usize,
            is_there: bool,
            hides: bool,
        }
        let mut above: Vec<Above> = Vec::with_capacity(self.met.len());
        let mut found = Vec::with_capacity(self.met.len());
        for (node, met) in self.nodes.iter().zip(self.met) {
            let parent = above.get(node.parent);
            let is_there =
                met.visit > 0 && parent.is_none_or(|parent| parent.is_there && met.within == parent.visit);
            let is_hidden = parent.is_some_and(|parent| parent.hides);
            let hides = is_hidden || (is_there && met.hides);
            above.push(Above { visit: met.visit, is_there, hides });
            let stands = if is_there { met.stands } else { Stands::default() };
            found.push(Stands { is_hidden, ..stands });
        }
        found
    }

    /// Passes over the value that begins here or after white space.
    fn value(&mut self, at: usize, place: Option<usize>, within: usize, mut asked: Asked) -> Value {
        let start = self.text.after_space(at);
        let node = place.and_then(|place| self.nodes.get(place));
        let leads_on = node.is_some_and(Node::has_children);
        asked = node.map_or(asked, |node| asked.or(node.asked));
        self.visits += usize::from(node.is_some());
        let (visit, unreadable) = (self.visits, self.unreadable);
        if let Some(met) = self.met_at(place) {
            *met = Met { visit, within, ..Met::default() };
        }
        let value = match self.text.byte(start) {
            b'{' if leads_on || asked.is_nested() => self.object(start + 1, place, visit, asked),
            b'[' if leads_on || asked.is_nested() || asked.members.is_some() => {
                self.array(start + 1, place, visit, asked)
            }
            b'{' | b'[' => Value { end: self.skip(start), identity: None },
            _ => self.scalar(start, asked),
        };
        let is_unreadable = self.unreadable > unreadable;
        if let Some(met) = self.met_at(place) {
            met.stands.is_unreadable = is_unreadable;
            met.stands.value = value.identity;
        }
        value
    }

    fn object(&mut self, mut at: usize, place: Option<usize>, visit: usize, asked: Asked) -> Value {
        let (text, node) = (self.text, place.and_then(|place| self.nodes.get(place)));
        let (mut members, mut is_known) = (Vec::new(), asked.is_nested());
        loop {
            at = text.after_space(at);
            if text.byte(at) != b'"' {
                break;
            }
            let end = self.string(at);
            let key = content(text.between(at, end));
            if key.is_none()
                && let Some(met) = self.met_at(place)
            {
                met.hides = true;
            }
            let child = node.zip(key.as_deref()).and_then(|(node, key)| node.entry(key));
            let colon = text.after_space(end);
            let value = self.value(colon + 1, child, visit, asked.of_entry());
            if is_known {
                let member = key.as_deref().map(Identity::of_string).zip(value.identity);
                is_known = member.is_some();
                members.extend(member);
            }
            at = text.after_space(value.end);
            if text.byte(at) != b',' {
                break;
            }
            at += 1;
        }
        Value { end: at + 1, identity: is_known.then(|| Identity::of_object(members)) }
    }

    fn array(&mut self, at: usize, place: Option<usize>, visit: usize, asked: Asked) -> Value {
        let (text, node) = (self.text, place.and_then(|place| self.nodes.get(place)));
        let (mut members, mut is_known) = (Vec::new(), asked.is_nested());
        let mut at = text.after_space(at);
        let (mut number, mut has_next) = (0, text.byte(at) != b']');
        while has_next {
            let child = node.and_then(|node| node.member(number));
            let member = self.value(at, child, visit, asked.of_member());
            is_known &= member.identity.is_some();
            if is_known || asked.members.is_some() {
                members.extend(member.identity);
            }
            at = text.after_space(member.end);
            has_next = text.byte(at) == b',';
            (at, number) = (at + usize::from(has_next), number + 1);
        }
        let identity = is_known.then(|| Identity::of_array(&members));
        if asked.members.is_some()
            && let Some(met) = self.met_at(place)
        {
            met.stands.members = members.into();
        }
        Value { end: at + 1, identity }
    }

    fn scalar(&mut self, start: usize, asked: Asked) -> Value {
        let end = self.skip(start);
        if asked.value.is_none() {
            return Value { end, identity: None };
        }
        let identity = Identity::of_scalar(self.text.between(start, end));
        self.unreadable += usize::from(identity.is_none());
        Value { end, identity }
    }

    /// Passes over a value that nobody looks into.
    fn skip(&mut self, start: usize) -> usize {
        let passed = self.text.skip(start);
        self.unreadable += usize::from(!passed.is_unicode);
        passed.end
    }

    fn string(&mut self, start: usize) -> usize {
        let passed = self.text.string(start);
        self.unreadable += usize::from(!passed.is_unicode);
        passed.end
    }

    fn met_at(&mut self, place: Option<usize>) -> Option<&mut Met> {
        self.met.get_mut(place?)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::Value;

    use super::super::bounds::FILTER_DEPTH_MAX;
    use super::super::places::tests::texts;
    use super::*;

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2000))]

        #[test]
        fn two_texts_have_one_identity_where_they_are_one_value(one in texts(), other in texts()) {
            let read = |text: &str| serde_json::from_str::<Value>(text).ok();
            let of = |text: &str| identity(text, FILTER_DEPTH_MAX);
            prop_assert_eq!(of(&one).is_some(), read(&one).is_some());
            prop_assert_eq!(of(&one).is_some() && of(&one) == of(&other), read(&one).is_some() && read(&one) == read(&other));
            // Written anew, in another order and without repetitions, it is the same.
            let again = read(&one).map(|value| value.to_string());
            prop_assert_eq!(again.and_then(|text| of(&text)), of(&one));
        }
    }

    #[test]
    fn a_value_is_told_apart_only_as_deep_as_is_asked() {
        for (text, levels) in [("7", 0), ("[]", 1), ("{}", 1), ("[[1],2]", 2), (r#"{"a":[{}]}"#, 3)] {
            assert!(identity(text, levels).is_some(), "{text}");
            assert_eq!(levels.checked_sub(1).and_then(|less| identity(text, less)), None, "{text}");
        }
    }
}
