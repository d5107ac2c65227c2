//! Tables that are indexed by a delivery's id, which is a digest already.

use std::collections::HashMap;
use std::collections::hash_map::RandomState;
use std::hash::{BuildHasher, Hasher};

use crate::id::DeliveryId;

/// A table indexed by delivery id.
pub(super) type ByDelivery<T> = HashMap<DeliveryId, T, Mixing>;

/// Hashes a digest with two multiplications. Each table has a random seed. Anyone who chooses event
/// ids could create digests that agree in some bits, but cannot know which bits this table uses.
#[derive(Clone, Copy)]
pub(super) struct Mixing {
    seed: u64,
}

impl Default for Mixing {
    fn default() -> Self {
        Self { seed: RandomState::new().hash_one(()) }
    }
}

impl BuildHasher for Mixing {
    type Hasher = Mixed;

    fn build_hasher(&self) -> Mixed {
        Mixed(self.seed)
    }
}

pub(super) struct Mixed(u64);

impl Hasher for Mixed {
    /// Hashes the end of an id: that is part of a digest. The beginning of an id is a time.
    fn write(&mut self, bytes: &[u8]) {
        // An odd number without a pattern: the fraction of the golden ratio.
        const FACTOR: u64 = 0x9e37_79b9_7f4a_7c15;
        let digest = bytes.last_chunk().map_or(0, |digest| u64::from_le_bytes(*digest));
        let stir = |word: u64| word.wrapping_mul(FACTOR) ^ (word.wrapping_mul(FACTOR) >> 32);
        // Twice, so that each bit of the digest and of the seed affects every bit of the result.
        self.0 = stir(stir(self.0 ^ digest));
    }

    /// The length is not hashed: all ids have the same length.
    fn write_usize(&mut self, _: usize) {}

    fn finish(&self) -> u64 {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_that_agree_in_their_low_bits_do_not_share_a_bucket() {
        let mixing = Mixing::default();
        let buckets: std::collections::BTreeSet<_> = (0..1024_u64)
            .map(|n| {
                let mut bytes = [0; 16];
                bytes[8..].copy_from_slice(&(n << 40).to_le_bytes());
                mixing.hash_one(DeliveryId::from_bytes(bytes)) & 0x3ff
            })
            .collect();
        // 1,024 random ids are expected to use about 647 of as many buckets.
        assert!(buckets.len() > 400, "{}", buckets.len());
    }
}
