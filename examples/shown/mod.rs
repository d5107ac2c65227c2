//! Output of the examples: a title for each part, and at the end whether each expectation
//! was met.
#![allow(dead_code, unreachable_pub, reason = "each example uses its own part")]

use std::error::Error;

pub fn title(text: &str) {
    println!("\n{text}");
}

/// What an example expects, in the order in which it is told.
#[derive(Default)]
pub struct Expected(Vec<(&'static str, bool)>);

impl Expected {
    pub fn that(&mut self, expectation: &'static str, held: bool) {
        self.0.push((expectation, held));
    }

    /// Prints each expectation with whether it held.
    ///
    /// # Errors
    /// When one did not; a `main` that returns it exits with 1.
    pub fn check(self) -> Result<(), Box<dyn Error>> {
        title("what was expected");
        for (expectation, held) in &self.0 {
            println!("{} {expectation}", if *held { "  held  " } else { "  FAILED" });
        }
        match self.0.iter().filter(|(_, held)| !held).count() {
            0 => Ok(()),
            failed => Err(format!("{failed} of {} expectations failed", self.0.len()).into()),
        }
    }
}
