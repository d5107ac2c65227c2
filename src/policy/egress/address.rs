//! Which addresses a request may go to (RELIABILITY 3.1).

use std::net::IpAddr;

/// An address that no request may go to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("address: is not a public one")]
pub struct Refused;

/// A block of addresses, such as `10.0.0.0/8`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Net {
    base: IpAddr,
    prefix: u8,
}

/// Judges addresses: public ones pass.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AddressPolicy {
    danger_allowed: Vec<Net>,
    denied: Vec<Net>,
    nat64: Vec<Net>,
}

impl AddressPolicy {
    /// Only public addresses.
    #[must_use]
    pub fn public_only() -> Self {
        Self::default()
    }

    /// Judges one address.
    ///
    /// # Errors
    /// When no request may go there.
    pub fn judge(&self, address: IpAddr) -> Result<(), Refused> {
        match address {
            IpAddr::V4(_) | IpAddr::V6(_) => Err(Refused),
        }
    }
}
