//! Searches for forms at every place of a text, with a limited number of comparisons.

use super::escape::Place;
use super::forms::{Beginning, Forms};
use super::{COMPARED_PER_BYTE, LEAST, LEAST_AT_A_CUT, TooMuchWork};

/// A search, and the bytes that it has marked.
pub(super) struct Search {
    places: Vec<Place>,
    /// The shortest beginning of a form that is marked at the end of the text.
    least_at_end: usize,
    pub(super) marked: Vec<bool>,
    /// How many bytes may still be compared.
    pub(super) left: usize,
}

impl Search {
    pub(super) fn new(text: &[u8], cut: bool) -> Self {
        Self {
            places: Place::all(text),
            least_at_end: if cut { LEAST_AT_A_CUT } else { LEAST },
            marked: vec![false; text.len()],
            left: text.len().saturating_mul(COMPARED_PER_BYTE),
        }
    }

    /// Marks each occurrence of one of the forms.
    pub(super) fn mark(&mut self, forms: &Forms) -> Result<(), TooMuchWork> {
        let mut open = Vec::new();
        for start in 0..self.places.len() {
            let mut end_of_longest = start;
            open.push((start, forms.all()));
            while let Some((at, found)) = open.pop() {
                let next = self.behind_separators(at, found, forms)?;
                if let Some(end) = self.end_of(at, next, found) {
                    end_of_longest = end_of_longest.max(end);
                }
                self.read_on(next, found, forms, &mut open)?;
            }
            self.marked[start..end_of_longest].fill(true);
        }
        Ok(())
    }

    /// The place after any separators, where the form may continue.
    fn behind_separators(
        &mut self,
        mut at: usize,
        found: Beginning<'_>,
        forms: &Forms,
    ) -> Result<usize, TooMuchWork> {
        let separates = |(byte, _): &(u8, usize)| forms.alphabet.may_separate(*byte, found.length);
        while let Some((_, length)) = self.places.get(at).and_then(|place| place.readings().find(separates)) {
            self.left = self.left.checked_sub(1).ok_or(TooMuchWork)?;
            at += length;
        }
        Ok(at)
    }

    /// The end of what was found up to here, if it is to be marked. The form may continue at `next`.
    fn end_of(&self, at: usize, next: usize, found: Beginning<'_>) -> Option<usize> {
        let at_end = self.places.get(next).is_none_or(|place| place.is_cut);
        if at_end && found.goes_on() && found.length >= self.least_at_end {
            return Some(self.places.len());
        }
        found.is_whole().then_some(at)
    }

    /// Adds the longer beginnings that result from each possible meaning of this place.
    fn read_on<'f>(
        &mut self,
        at: usize,
        found: Beginning<'f>,
        forms: &Forms,
        open: &mut Vec<(usize, Beginning<'f>)>,
    ) -> Result<(), TooMuchWork> {
        for (byte, length) in self.places.get(at).into_iter().flat_map(Place::readings) {
            self.left = self.left.checked_sub(1).ok_or(TooMuchWork)?;
            if let Some(longer) = found.then(forms.alphabet.normal(byte)) {
                open.push((at + length, longer));
            }
        }
        Ok(())
    }
}
