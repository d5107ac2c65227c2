//! The search for forms at every place of a text, within a bounded number of comparisons.

use super::escape::{escaped, is_cut_escape};
use super::forms::{Beginning, Forms};
use super::{COMPARED_PER_BYTE, LEAST, LEAST_AT_A_CUT, TooMuchWork};

/// A search and what it has marked.
pub(super) struct Search<'a> {
    text: &'a [u8],
    /// How much of a form must stand at the end of the text.
    least_at_end: usize,
    pub(super) marked: Vec<bool>,
    /// How many bytes may still be compared.
    pub(super) left: usize,
}

impl<'a> Search<'a> {
    pub(super) fn new(text: &'a [u8], cut: bool) -> Self {
        Self {
            text,
            least_at_end: if cut { LEAST_AT_A_CUT } else { LEAST },
            marked: vec![false; text.len()],
            left: text.len().saturating_mul(COMPARED_PER_BYTE),
        }
    }

    /// Marks each place where one of the forms stands.
    pub(super) fn mark(&mut self, forms: &Forms) -> Result<(), TooMuchWork> {
        let mut open = Vec::new();
        for start in 0..self.text.len() {
            let mut end_of_longest = start;
            open.push((start, forms.all()));
            while let Some((at, found)) = open.pop() {
                if let Some(end) = self.end_of(at, found) {
                    end_of_longest = end_of_longest.max(end);
                }
                self.read_on(at, found, forms, &mut open)?;
            }
            self.marked[start..end_of_longest].fill(true);
        }
        Ok(())
    }

    /// Where what was found up to here ends, if it is to be marked.
    fn end_of(&self, at: usize, found: Beginning<'_>) -> Option<usize> {
        let rest = self.text.get(at..).unwrap_or_default();
        let at_end = rest.is_empty() || is_cut_escape(rest);
        if at_end && found.goes_on() && found.length >= self.least_at_end {
            return Some(self.text.len());
        }
        found.is_whole().then_some(at)
    }

    /// What stands there raw may itself look like an escape, so both are read.
    fn read_on<'f>(
        &mut self,
        at: usize,
        found: Beginning<'f>,
        forms: &Forms,
        open: &mut Vec<(usize, Beginning<'f>)>,
    ) -> Result<(), TooMuchWork> {
        let rest = self.text.get(at..).unwrap_or_default();
        let raw = rest.first().map(|raw| (*raw, 1));
        for (byte, length) in raw.into_iter().chain(escaped(rest)) {
            self.left = self.left.checked_sub(1).ok_or(TooMuchWork)?;
            if let Some(longer) = found.then(forms.alphabet.normal(byte)) {
                open.push((at + length, longer));
            }
        }
        Ok(())
    }
}
