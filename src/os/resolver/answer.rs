//! The result of a look-up.

use std::io;
use std::net::IpAddr;
use std::sync::Arc;

use crate::backend::ResolveError;

/// The result that every caller of a look-up gets.
#[derive(Debug, Clone)]
pub(super) enum Answer {
    /// The addresses; there is at least one.
    Addresses(Arc<[IpAddr]>),
    /// The name does not exist, or it has no address.
    NoAddress,
    /// The look-up failed.
    Failed(Arc<io::Error>),
}

/// The standard library returns the errors of `getaddrinfo` only as text. These are the texts for
/// "no such name" and "no address" of glibc, musl, the BSDs, macOS and Windows.
const NO_SUCH_NAME: [&str; 6] = [
    "Name or service not known",
    "No address associated with hostname",
    "Name does not resolve",
    "Name has no usable address",
    "nodename nor servname provided, or not known",
    "No such host is known",
];

impl Answer {
    pub(super) fn of(found: io::Result<Vec<IpAddr>>) -> Self {
        match found {
            Ok(addresses) if addresses.is_empty() => Self::NoAddress,
            Ok(addresses) => Self::Addresses(addresses.into()),
            Err(error) => {
                let text = error.to_string();
                if NO_SUCH_NAME.iter().any(|known| text.contains(known)) {
                    Self::NoAddress
                } else {
                    Self::Failed(Arc::new(error))
                }
            }
        }
    }

    /// Whether this is a definite answer about the name.
    pub(super) const fn is_definite(&self) -> bool {
        matches!(self, Self::Addresses(_) | Self::NoAddress)
    }

    pub(super) fn for_caller(self) -> Result<Vec<IpAddr>, ResolveError> {
        match self {
            Self::Addresses(addresses) => Ok(addresses.to_vec()),
            Self::NoAddress => Err(ResolveError::NoAddress),
            Self::Failed(error) => Err(ResolveError::Failed(Box::new(again(&error)))),
        }
    }
}

/// Copies an error for another caller. The copy keeps its kind: running out of file descriptors,
/// for example, is not the fault of a name.
fn again(error: &io::Error) -> io::Error {
    match error.raw_os_error() {
        Some(code) => io::Error::from_raw_os_error(code),
        None => io::Error::new(error.kind(), error.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use std::io::ErrorKind;
    use std::net::Ipv4Addr;

    use super::*;

    #[test]
    fn a_definite_answer_is_told_from_a_failure() {
        let of = |text: &str| {
            Answer::of(Err(io::Error::other(format!("failed to lookup address information: {text}"))))
        };
        for text in NO_SUCH_NAME {
            assert!(matches!(of(text), Answer::NoAddress), "{text}");
        }
        for text in ["Temporary failure in name resolution", "System error", ""] {
            assert!(matches!(of(text), Answer::Failed(_)), "{text}");
        }
        assert!(matches!(Answer::of(Ok(Vec::new())), Answer::NoAddress));
        assert!(matches!(Answer::of(Ok(vec![Ipv4Addr::LOCALHOST.into()])), Answer::Addresses(_)));
    }

    #[test]
    fn every_caller_is_told_the_same_kind_of_failure() {
        for error in [io::Error::from_raw_os_error(24), io::Error::new(ErrorKind::OutOfMemory, "no thread")] {
            let (kind, code) = (error.kind(), error.raw_os_error());
            let answer = Answer::of(Err(error));
            for told in [answer.clone().for_caller(), answer.for_caller()] {
                let Err(ResolveError::Failed(error)) = told else { panic!("{told:?}") };
                let error = error.downcast::<io::Error>().unwrap();
                assert_eq!((error.kind(), error.raw_os_error()), (kind, code));
            }
        }
    }
}
