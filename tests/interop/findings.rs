//! What came of the cases of one library, held against what is stated.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use crate::request::Verdict;
use crate::stated::{Stated, is_about, stated};

/// Who signed a request.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum By {
    Us,
    Them,
}

impl fmt::Display for By {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if *self == Self::Us { "signed by us" } else { "signed by them" })
    }
}

/// A request that both are asked about.
pub struct Case<'a> {
    /// What the stated differences call it.
    pub name: &'a str,
    pub body: &'a str,
    pub by: By,
    /// Whether it should be taken.
    pub genuine: bool,
}

pub struct Findings {
    stated: Vec<(&'static str, Stated)>,
    met: BTreeSet<usize>,
    taken_by_them: usize,
    taken_by_us: usize,
    refused_by_both: usize,
    /// By the name of a case: the first of its faults, and how many there are.
    faults: BTreeMap<String, (String, usize)>,
}

impl Findings {
    pub fn about(library: &str) -> Self {
        Self {
            stated: stated(library),
            met: BTreeSet::new(),
            taken_by_them: 0,
            taken_by_us: 0,
            refused_by_both: 0,
            faults: BTreeMap::new(),
        }
    }

    /// Both judged this request; says whether both were right.
    pub fn judged(&mut self, case: &Case<'_>, ours: &Verdict, theirs: &Verdict) -> bool {
        let right = ours.is_ok() == case.genuine && theirs.is_ok() == case.genuine;
        let said = |verdict: &Verdict| match verdict {
            Ok(()) => "take it".to_owned(),
            Err(reason) => format!("refuse it ({})", reason.trim()),
        };
        let found = format!("we {}, they {}", said(ours), said(theirs));
        if right && self.line(case).is_none() {
            match case.by {
                _ if !case.genuine => self.refused_by_both += 1,
                By::Us => self.taken_by_them += 1,
                By::Them => self.taken_by_us += 1,
            }
        } else {
            self.hold(case, &found, |stated| match (stated, ours, theirs) {
                (Stated::WeTake(part), Ok(()), Err(reason))
                | (Stated::TheyTake(part), Err(reason), Ok(())) => reason.contains(part),
                _ => false,
            });
        }
        right
    }

    /// They gave no signature.
    pub fn unsigned(&mut self, case: &Case<'_>, reason: &str) {
        let found = format!("it is not signed ({reason})");
        self.hold(case, &found, |stated| matches!(stated, Stated::Unsigned(part) if reason.contains(part)));
    }

    fn line(&self, case: &Case<'_>) -> Option<usize> {
        self.stated.iter().position(|(line, _)| is_about(line, case.name))
    }

    fn hold(&mut self, case: &Case<'_>, found: &str, is_it: impl Fn(Stated) -> bool) {
        match self.line(case) {
            Some(line) if is_it(self.stated[line].1) => {
                self.met.insert(line);
            }
            line => {
                let expected = line.map_or("", |_| ", which is not what is stated");
                let whose = if case.name.starts_with(case.body) {
                    String::new()
                } else {
                    format!("{}, {}: ", case.body, case.by)
                };
                let first = || (format!("{whose}{found}{expected}"), 0);
                self.faults.entry(case.name.to_owned()).or_insert_with(first).1 += 1;
            }
        }
    }

    /// The stated differences that were met, in words.
    pub fn met(&self) -> impl Iterator<Item = String> {
        self.met.iter().map(|line| in_words(&self.stated[*line]))
    }

    /// What is not stated, and what is stated and was not met.
    pub fn faults(&self) -> impl Iterator<Item = String> {
        let found = self.faults.iter();
        let found = found.map(|(name, (first, count))| format!("{name}: {first} ({count} times)"));
        let unmet = (0..self.stated.len()).filter(|line| !self.met.contains(line));
        found.chain(unmet.map(|line| format!("stated, and not met: {}", in_words(&self.stated[line]))))
    }
}

fn in_words((case, stated): &(&str, Stated)) -> String {
    match stated {
        Stated::WeTake(reason) => format!("{case}: we take it, they do not ({reason})"),
        Stated::TheyTake(reason) => format!("{case}: they take it, we do not ({reason})"),
        Stated::Unsigned(reason) => format!("{case}: it is not signed ({reason})"),
    }
}

impl fmt::Display for Findings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { taken_by_them, taken_by_us, refused_by_both, met, .. } = self;
        write!(f, "{taken_by_them} signed by us verified by them, ")?;
        write!(f, "{taken_by_us} signed by them verified by us, ")?;
        write!(f, "{refused_by_both} refused by both, {} stated differences", met.len())
    }
}
