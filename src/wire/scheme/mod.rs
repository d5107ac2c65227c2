//! How a request is signed, as data: signing and verifying read the same description.

mod sign;

pub use sign::Signer;

/// One signature scheme.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Scheme {
    _private: (),
}
