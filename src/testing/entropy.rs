//! Random numbers that repeat.

use std::fmt;
use std::sync::{Mutex, PoisonError};

use crate::backend::{Entropy, EntropyError};

/// Random numbers from a seed: the same numbers in the same order, run after run.
///
/// ```
/// use hookpost::backend::Entropy;
/// use hookpost::testing::SeededEntropy;
///
/// let (mut once, mut again) = ([0; 16], [0; 16]);
/// SeededEntropy::new(7).fill(&mut once)?;
/// SeededEntropy::new(7).fill(&mut again)?;
/// assert_eq!(once, again);
/// # Ok::<(), hookpost::backend::EntropyError>(())
/// ```
pub struct SeededEntropy {
    seed: u64,
    generator: Mutex<fastrand::Rng>,
}

impl SeededEntropy {
    /// The random numbers of this seed.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self { seed, generator: Mutex::new(fastrand::Rng::with_seed(seed)) }
    }
}

impl Entropy for SeededEntropy {
    fn fill(&self, buffer: &mut [u8]) -> Result<(), EntropyError> {
        self.generator.lock().unwrap_or_else(PoisonError::into_inner).fill(buffer);
        Ok(())
    }
}

impl fmt::Debug for SeededEntropy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SeededEntropy").field("seed", &self.seed).finish_non_exhaustive()
    }
}
