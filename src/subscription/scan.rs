//! One pass over the bytes of a JSON text, which remembers what stands where a pointer points.

use std::borrow::Cow;
use std::collections::BTreeMap;

/// The pointers that are looked at, as a tree of their steps. A node stands after its
/// parent.
pub(super) struct Wanted {
    nodes: Vec<Node>,
}

#[derive(Default)]
struct Node {
    parent: usize,
    by_name: BTreeMap<String, usize>,
    /// Those of its children that may be members of an array.
    by_number: BTreeMap<usize, usize>,
}

const ROOT: usize = 0;

impl Wanted {
    pub(super) fn new() -> Self {
        Self { nodes: vec![Node::default()] }
    }

    /// How many nodes there are.
    pub(super) const fn len(&self) -> usize {
        self.nodes.len()
    }

    /// The node of an RFC 6901 pointer.
    pub(super) fn add(&mut self, pointer: &str) -> usize {
        let steps = pointer.split('/').skip(1);
        steps.fold(ROOT, |at, step| self.child(at, step.replace("~1", "/").replace("~0", "~")))
    }

    fn child(&mut self, parent: usize, name: String) -> usize {
        let next = self.nodes.len();
        let Some(node) = self.nodes.get_mut(parent) else { return ROOT };
        if let Some(known) = node.by_name.get(&name) {
            return *known;
        }
        // A number is written without a sign and without zeros before it.
        let is_canonical = name == "0" || !name.starts_with(['0', '+']);
        if let Some(number) = name.parse().ok().filter(|_| is_canonical) {
            node.by_number.insert(number, next);
        }
        node.by_name.insert(name, next);
        self.nodes.push(Node { parent, ..Node::default() });
        next
    }
}

/// What stands at a place.
pub(super) struct Stands<'a> {
    /// Its text; `None` where nothing stands there.
    pub(super) text: Option<&'a str>,
    /// Whether an object on the way has a key that cannot be read. It may hold anything.
    pub(super) is_hidden: bool,
}

/// One pass over a JSON text, which is known to be one.
pub(super) struct Scan<'a, 'w> {
    text: Text<'a>,
    wanted: &'w Wanted,
    met: Vec<Met<'a>>,
    visits: usize,
}

/// What was met at a node last: of a key that comes twice, the last one counts, and with it
/// nothing of what stands in those before.
#[derive(Clone, Copy, Default)]
struct Met<'a> {
    text: Option<&'a str>,
    /// Which visit this was, and in which visit of its parent.
    visit: usize,
    within: usize,
    /// Whether it is an object with a key that cannot be read.
    is_unreadable: bool,
}

impl<'a, 'w> Scan<'a, 'w> {
    pub(super) fn over(text: &'a str, wanted: &'w Wanted) -> Self {
        #[cfg(test)]
        super::reads::count();
        let mut scan =
            Self { text: Text(text), wanted, met: vec![Met::default(); wanted.nodes.len()], visits: 0 };
        scan.value(0, Some(ROOT), 0);
        scan
    }

    /// What stands at each node.
    pub(super) fn stands(self) -> Vec<Stands<'a>> {
        let mut found: Vec<Stands<'a>> = Vec::with_capacity(self.met.len());
        let mut stands = vec![false; self.met.len()];
        for (number, (met, node)) in self.met.iter().zip(&self.wanted.nodes).enumerate() {
            let above = self.met.get(node.parent).copied().unwrap_or_default();
            let is_root = number == ROOT;
            let parent_stands = is_root || stands.get(node.parent).copied().unwrap_or(false);
            let is_there = met.text.is_some() && parent_stands && (is_root || met.within == above.visit);
            if let Some(stands) = stands.get_mut(number) {
                *stands = is_there;
            }
            let hidden_above = found.get(node.parent).is_some_and(|parent| parent.is_hidden);
            let is_hidden = !is_root && (hidden_above || (parent_stands && above.is_unreadable));
            found.push(Stands { text: met.text.filter(|_| is_there), is_hidden });
        }
        found
    }

    /// Passes over the value that begins here or after white space; answers its end.
    fn value(&mut self, at: usize, node: Option<usize>, within: usize) -> usize {
        let text = self.text;
        let start = text.after_space(at);
        let Some(number) = node else { return text.skip(start) };
        self.visits += 1;
        let visit = self.visits;
        if let Some(met) = self.met.get_mut(number) {
            *met = Met { text: None, visit, within, is_unreadable: false };
        }
        let has_children = self.wanted.nodes.get(number).is_some_and(|node| !node.by_name.is_empty());
        let end = match text.byte(start) {
            b'{' if has_children => self.object(start + 1, number, visit),
            b'[' if has_children => self.array(start + 1, number, visit),
            _ => text.skip(start),
        };
        if let Some(met) = self.met.get_mut(number) {
            met.text = text.0.get(start..end);
        }
        end
    }

    fn object(&mut self, mut at: usize, number: usize, visit: usize) -> usize {
        let (text, wanted) = (self.text, self.wanted);
        loop {
            at = text.after_space(at);
            if text.byte(at) != b'"' {
                return at + 1;
            }
            let end = text.after_string(at);
            let name = text.0.get(at..end).and_then(name);
            if name.is_none()
                && let Some(met) = self.met.get_mut(number)
            {
                met.is_unreadable = true;
            }
            let node = wanted.nodes.get(number);
            let child = node.zip(name).and_then(|(node, name)| node.by_name.get(&*name)).copied();
            let colon = text.after_space(end);
            at = text.after_space(self.value(colon + 1, child, visit));
            if text.byte(at) != b',' {
                return at + 1;
            }
            at += 1;
        }
    }

    fn array(&mut self, mut at: usize, number: usize, visit: usize) -> usize {
        let (text, wanted) = (self.text, self.wanted);
        at = text.after_space(at);
        if text.byte(at) == b']' {
            return at + 1;
        }
        let mut index = 0;
        loop {
            let child = wanted.nodes.get(number).and_then(|node| node.by_number.get(&index)).copied();
            at = text.after_space(self.value(at, child, visit));
            if text.byte(at) != b',' {
                return at + 1;
            }
            (at, index) = (at + 1, index + 1);
        }
    }
}

/// A JSON text, by the places of its bytes.
#[derive(Clone, Copy)]
struct Text<'a>(&'a str);

impl Text<'_> {
    /// Passes over a value that nobody looks into.
    fn skip(self, start: usize) -> usize {
        let (mut at, mut depth) = (start, 0_usize);
        while at < self.0.len() {
            match self.byte(at) {
                b'"' => at = self.after_string(at),
                b'{' | b'[' => (at, depth) = (at + 1, depth + 1),
                b'}' | b']' if depth > 0 => (at, depth) = (at + 1, depth - 1),
                b'}' | b']' | b',' | b' ' | b'\t' | b'\n' | b'\r' if depth == 0 => return at,
                _ => {
                    at += 1;
                    continue;
                }
            }
            if depth == 0 {
                return at;
            }
        }
        at
    }

    /// The end of the string that begins here.
    fn after_string(self, start: usize) -> usize {
        let mut at = start + 1;
        while at < self.0.len() {
            match self.byte(at) {
                b'"' => return at + 1,
                b'\\' => at += 2,
                _ => at += 1,
            }
        }
        at
    }

    fn after_space(self, mut at: usize) -> usize {
        while matches!(self.byte(at), b' ' | b'\t' | b'\n' | b'\r') {
            at += 1;
        }
        at
    }

    /// The byte there; past the end there is none, and nothing matches.
    fn byte(self, at: usize) -> u8 {
        self.0.as_bytes().get(at).copied().unwrap_or(0)
    }
}

/// The key that a string in quotes is; `None` where it cannot be read.
fn name(quoted: &str) -> Option<Cow<'_, str>> {
    if quoted.contains('\\') {
        return serde_json::from_str(quoted).ok().map(Cow::Owned);
    }
    quoted.get(1..quoted.len().saturating_sub(1)).map(Cow::Borrowed)
}
