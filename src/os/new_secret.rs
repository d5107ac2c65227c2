//! Generates secrets from the operating system's random numbers.

use crate::backend::Entropy as _;
use crate::secret::{Secret, SecretError};
use crate::sign::Scheme;

use super::OsEntropy;

impl Secret {
    /// Creates a new secret in the form that `scheme` requires, from the operating system's
    /// random numbers. Show it to your customer once, by [`expose`](Self::expose), and give it
    /// to the endpoint.
    ///
    /// ```
    /// use hookpost::{NewEndpoint, Scheme, Secret};
    ///
    /// let secret = Secret::generate(&Scheme::standard())?;
    /// let shown = String::from_utf8(secret.expose().to_vec())?;
    /// assert!(shown.starts_with("whsec_"));
    /// let endpoint = NewEndpoint::new("acme", "https://example.com/hooks", "standard")?.secret(shown)?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// [`NoRandomness`](SecretError::NoRandomness) if the entropy source fails, and
    /// [`Length`](SecretError::Length) for a scheme whose secrets cannot have 32 bytes.
    pub fn generate(scheme: &Scheme) -> Result<Self, SecretError> {
        let mut random = [0; 32];
        OsEntropy.fill(&mut random).map_err(|_| SecretError::NoRandomness)?;
        scheme.new_secret(&random)
    }
}
