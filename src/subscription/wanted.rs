//! Where filters look in payloads, and how far what stands there has to be read.

use std::collections::BTreeMap;

/// The pointers that are looked at, as a tree of their steps. A node stands after its
/// parent.
pub(super) struct Wanted {
    nodes: Vec<Node>,
}

/// A step of pointers.
#[derive(Default)]
pub(super) struct Node {
    pub(super) parent: usize,
    pub(super) asked: Asked,
    by_name: BTreeMap<String, usize>,
    /// Those of its children that may be members of an array.
    by_number: BTreeMap<usize, usize>,
}

/// What filters compare with the value at a place: the value itself, the members of an
/// array, or both. `None` is neither, `Some` how many levels the deepest value is nested
/// that one of them compares with: a string is no level, an array of strings is one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Asked {
    pub(super) value: Option<usize>,
    pub(super) members: Option<usize>,
}

impl Asked {
    /// What either of two asks for.
    pub(super) fn or(self, other: Self) -> Self {
        Self { value: self.value.max(other.value), members: self.members.max(other.members) }
    }

    /// Whether an array or an object has to be told from others.
    pub(super) fn is_nested(self) -> bool {
        self.value > Some(0)
    }

    /// What is asked of a member of the value.
    pub(super) fn of_member(self) -> Self {
        let inner = self.value.and_then(|levels| levels.checked_sub(1));
        Self { value: inner.max(self.members), members: None }
    }

    /// What is asked of a value in an object.
    pub(super) fn of_entry(self) -> Self {
        Self { members: None, ..self }.of_member()
    }
}

pub(super) const ROOT: usize = 0;

impl Wanted {
    pub(super) fn new() -> Self {
        Self { nodes: vec![Node::default()] }
    }

    /// Each node after its parent.
    pub(super) fn nodes(&self) -> &[Node] {
        &self.nodes
    }

    /// The node of an RFC 6901 pointer.
    pub(super) fn add(&mut self, pointer: &str) -> usize {
        let steps = pointer.split('/').skip(1);
        steps.fold(ROOT, |at, step| self.child(at, step.replace("~1", "/").replace("~0", "~")))
    }

    /// Asks more of the value at a node.
    pub(super) fn ask(&mut self, at: usize, asked: Asked) {
        if let Some(node) = self.nodes.get_mut(at) {
            node.asked = node.asked.or(asked);
        }
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

impl Node {
    /// Whether a pointer leads on from it.
    pub(super) fn has_children(&self) -> bool {
        !self.by_name.is_empty()
    }

    pub(super) fn entry(&self, name: &str) -> Option<usize> {
        self.by_name.get(name).copied()
    }

    pub(super) fn member(&self, number: usize) -> Option<usize> {
        self.by_number.get(&number).copied()
    }
}
