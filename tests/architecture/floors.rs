//! The house: which floor a module stands on, and what it may import from there.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use crate::source::{Names, Source};

/// Where a module stands: a floor, and which part of it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Place {
    pub(crate) floor: u8,
    /// Modules of one part know each other.
    pub(crate) part: String,
}

impl Place {
    /// `None` for a module that has no floor yet, and for the crate's root.
    pub(crate) fn of(path: &[String]) -> Option<Self> {
        let (first, second) = (path.first()?.as_str(), path.get(1).map(String::as_str));
        let (floor, part) = match (first, second) {
            ("as_text" | "time" | "id" | "secret" | "sequence" | "error", _) => (0, "values".to_owned()),
            ("event" | "endpoint" | "subscription" | "delivery" | "history" | "notice", _) => {
                (1, "nouns".to_owned())
            }
            ("sign" | "profile" | "policy" | "decide", _) => (1, first.to_owned()),
            ("backend", _) => (2, "backend".to_owned()),
            ("webhooks" | "engine" | "os", _) => (3, "engine".to_owned()),
            ("stores" | "transports", Some(adapter)) => (4, format!("{first}/{adapter}")),
            ("stores" | "transports", None) => (4, first.to_owned()),
            // What a message for people is made of, which targets and systems both use.
            ("targets", Some("message")) => (5, "targets/message".to_owned()),
            ("receive" | "conformance" | "testing" | "targets" | "systems" | "guide", _) => {
                (5, first.to_owned())
            }
            // The constructors of `Profile` for what floor 5 builds.
            ("presets", _) => (6, "presets".to_owned()),
            _ => return None,
        };
        Some(Self { floor, part })
    }

    /// On these floors parts may import each other, as long as there is no cycle.
    const fn has_free_parts(&self) -> bool {
        matches!(self.floor, 1 | 5)
    }

    /// `stores` and `transports` themselves list their adapters.
    fn lists(&self, other: &Self) -> bool {
        other.part.split_once('/').is_some_and(|(list, _)| list == self.part)
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "floor {}", self.floor)
    }
}

/// Every import that the house forbids, one line each.
pub(crate) fn violations(sources: &[Source]) -> Vec<String> {
    let names = Names::of(sources);
    let mut found = Vec::new();
    let mut beside: BTreeMap<Place, BTreeSet<Place>> = BTreeMap::new();
    for source in sources.iter().filter(|source| !source.module.is_empty()) {
        let Some(here) = Place::of(&source.module) else {
            found.push(format!("src/{}: stands on no floor", source.file));
            continue;
        };
        for path in names.imports(source) {
            let import = format!("src/{}: imports crate::{}", source.file, path.join("::"));
            match Place::of(&path) {
                None => found.push(format!("{import} ({here} -> no floor)")),
                Some(there) if there.floor < here.floor || there == here || here.lists(&there) => {}
                Some(there) if there.floor == here.floor && here.has_free_parts() => {
                    beside.entry(here.clone()).or_default().insert(there);
                }
                Some(there) => found.push(format!("{import} ({here} -> {there})")),
            }
        }
    }
    found.extend(cycle(&beside));
    found
}

/// One cycle, if there is any: what no part is left without is taken away until
/// nothing changes; the rest goes round.
fn cycle(imports: &BTreeMap<Place, BTreeSet<Place>>) -> Option<String> {
    let mut left = imports.clone();
    loop {
        let open: BTreeSet<_> = left.keys().cloned().collect();
        let before = left.len();
        left.retain(|_, to| to.iter().any(|place| open.contains(place)));
        if left.len() == before {
            break;
        }
    }
    let mut at = left.keys().next()?.clone();
    let mut way: Vec<Place> = Vec::new();
    while !way.contains(&at) {
        let next = left[&at].iter().find(|place| left.contains_key(*place))?.clone();
        way.push(std::mem::replace(&mut at, next));
    }
    let start = way.iter().position(|place| *place == at)?;
    let parts: Vec<_> = way[start..].iter().chain([&at]).map(|place| place.part.as_str()).collect();
    Some(format!("{at}: a cycle, {}", parts.join(" -> ")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn judged(files: &[(&str, &str)]) -> Vec<String> {
        let lib = ("lib.rs", "pub mod time; pub mod policy; pub use engine::Slots;");
        let known = ["engine/mod.rs", "policy/mod.rs", "stores/mod.rs"].map(|file| (file, ""));
        let sources: Vec<_> =
            [lib].iter().chain(&known).chain(files).map(|(file, text)| Source::new(file, text)).collect();
        violations(&sources)
    }

    #[test]
    fn an_import_from_a_floor_above_is_named() {
        for (file, text, line) in [
            ("time.rs", "use crate::event::Event;", "crate::event::Event (floor 0 -> floor 1)"),
            ("policy/rate.rs", "use crate::backend::Clock;", "crate::backend::Clock (floor 1 -> floor 2)"),
            (
                "policy/rate.rs",
                "fn f(_: super::super::engine::X) {}",
                "crate::engine::X (floor 1 -> floor 3)",
            ),
            ("backend/store.rs", "use crate::Slots;", "crate::engine::Slots (floor 2 -> floor 3)"),
            ("webhooks.rs", "use crate::stores::memory::X;", "crate::stores::memory::X (floor 3 -> floor 4)"),
            ("stores/memory.rs", "use crate::testing::X;", "crate::testing::X (floor 4 -> floor 5)"),
            ("stores/memory.rs", "use crate::no_such::X;", "crate::no_such::X (floor 4 -> no floor)"),
        ] {
            assert_eq!(judged(&[(file, text)]), [format!("src/{file}: imports {line}")]);
        }
    }

    #[test]
    fn adapters_do_not_know_each_other_nor_the_list_they_stand_in() {
        for text in
            ["use super::memory::X;", "use crate::stores::MemoryStore;", "use crate::transports::reqwest::X;"]
        {
            assert_eq!(judged(&[("stores/sqlite/mod.rs", text)]).len(), 1, "{text}");
        }
        let own = ("stores/sqlite/rows.rs", "use super::schema::X; use crate::stores::sqlite::Y;");
        let list = ("stores/mod.rs", "mod memory; pub use memory::MemoryStore;");
        assert_eq!(judged(&[own, list, ("stores/memory.rs", "")]), [""; 0]);
    }

    #[test]
    fn parts_of_the_first_floor_go_round_in_no_circle() {
        let wire = ("profile/mod.rs", "use crate::policy::X; use crate::event::Event;");
        let nouns = ("event.rs", "use crate::policy::X;");
        assert_eq!(judged(&[wire, nouns]), [""; 0]);
        let policy = ("policy/retry.rs", "use crate::profile::X;");
        assert_eq!(
            judged(&[("profile/mod.rs", "use crate::policy::X;"), policy]),
            ["floor 1: a cycle, policy -> profile -> policy"]
        );
        let step = ("policy/retry.rs", "use crate::decide::X;");
        let long = ("decide/mod.rs", "use crate::profile::X;");
        assert_eq!(
            judged(&[("profile/mod.rs", "use crate::policy::X;"), step, long]),
            ["floor 1: a cycle, decide -> profile -> policy -> decide"]
        );
    }

    #[test]
    fn a_module_without_a_floor_is_named() {
        assert_eq!(judged(&[("attic.rs", "")]), ["src/attic.rs: stands on no floor"]);
    }

    #[test]
    fn floors_below_and_the_own_part_are_free() {
        let allowed = [
            (
                "engine/inbox.rs",
                "use super::X; use crate::webhooks::Y; use crate::backend::Store; use crate::time::Z;",
            ),
            ("testing/mod.rs", "use crate::stores::MemoryStore; use crate::conformance::X;"),
            ("policy/rate.rs", "#[cfg(test)] mod tests { use crate::testing::X; }"),
        ];
        assert_eq!(judged(&allowed), [""; 0]);
    }
}
