//! Verifies by this machine's clock, which the code below does not read.

use std::time::SystemTime;

use crate::sign::{HeaderLookup, Verified, Verifier, VerifyError};
use crate::time::Timestamp;

impl Verifier {
    /// [`verify`](Self::verify) for a request that was received just now, by this machine's
    /// clock.
    ///
    /// # Errors
    /// If it is not proven to be authentic, or if its timestamp is too far from now.
    pub fn verify_now<T: AsRef<[u8]>>(
        &self,
        headers: &(impl HeaderLookup + ?Sized),
        body: T,
    ) -> Result<Verified<T>, VerifyError> {
        self.verify(headers, body, Timestamp::from(SystemTime::now()))
    }
}
