//! The sealed part of an endpoint's row: its secrets, and its own headers, whose values may be
//! credentials. The plain form is a list of fields, each with its length.
//!
//! The buffers here that hold secrets in plain form are wiped. Header values remain in memory
//! longer, in the `http` crate. SQLite wipes neither its page cache nor the values that are bound to
//! a statement.

use std::sync::Arc;

use zeroize::Zeroizing;

use crate::backend::{Cipher, CipherError, Sealed};
use crate::endpoint::{Endpoint, Headers};
use crate::error::{StoreError, StoreErrorKind};
use crate::id::{EndpointId, TenantId};
use crate::secret::{Retiring, Secret, SecretSet, Secrets, WhySealed};
use crate::time::Timestamp;

use super::panics::panicked;

const FORMAT: u8 = 1;
/// The number of bytes of a count or a length.
const COUNT: usize = size_of::<u32>();

/// What a seal is bound to, besides the endpoint's names. Of all seals that were ever made for a
/// row, only the one written last opens.
#[derive(Debug, Clone, Copy)]
pub(super) struct Binding {
    /// The number of the endpoint's registration, which is never used twice. `None` if the number
    /// is drawn when the row is inserted, because nothing is bound to it.
    pub(super) registration: Option<i64>,
    /// The version of the endpoint for which the seal was made.
    pub(super) version: u64,
}

/// A seal, and what it is bound to.
#[derive(Clone)]
pub(super) struct Seal {
    pub(super) sealed: Sealed,
    pub(super) binding: Binding,
}

/// Seals the secrets and headers of an endpoint; `None` if its secrets are sealed already and stay
/// as they are in the row.
pub(super) fn seal(
    cipher: &Arc<dyn Cipher>,
    endpoint: &Endpoint,
    binding: Binding,
) -> Result<Option<Seal>, StoreError> {
    let set = match &endpoint.secrets {
        Secrets::Open(set) => set,
        Secrets::Sealed { .. } if endpoint.headers.as_map().is_empty() => return Ok(None),
        Secrets::Sealed { .. } => {
            return Err(StoreError::new(
                StoreErrorKind::Invalid,
                "endpoint: its secrets must be open, since its headers are sealed with them",
            ));
        }
    };
    let plain = write(set, &endpoint.headers)?;
    // Written again, the values that were read must give the same bytes, or something was lost.
    let again = read(&plain).map(|(set, headers)| write(&set, &headers)).transpose()?;
    if again.is_none_or(|again| *again != *plain) {
        return Err(StoreError::new(
            StoreErrorKind::Invalid,
            "endpoint: its secrets and headers must be such that they are read back as they were given",
        ));
    }
    let context = context(&endpoint.tenant, &endpoint.id, binding);
    match cipher.seal(&plain, &context) {
        Ok(sealed) => Ok(Some(Seal { sealed, binding })),
        Err(CipherError::Panicked) => Err(panicked("sealing secrets")),
        Err(error) => Err(unreachable(error)),
    }
}

/// Opens the sealed part of a row. Without the key the endpoint has no headers, and its lane is
/// held.
pub(super) fn open(
    cipher: &Arc<dyn Cipher>,
    tenant: &TenantId,
    id: &EndpointId,
    Seal { sealed, binding }: &Seal,
) -> (Secrets, Headers) {
    let shut = |why| (Secrets::Sealed { key_id: sealed.key_id.clone(), why }, Headers::none());
    let context = context(tenant, id, *binding);
    match cipher.open(sealed, &context).map(Zeroizing::new) {
        Ok(plain) => {
            let read = read(&plain).map(|(set, headers)| (Secrets::Open(set), headers));
            read.unwrap_or_else(|| shut(WhySealed::Broken))
        }
        Err(CipherError::UnknownKey(_)) => shut(WhySealed::UnknownKey),
        Err(CipherError::Broken) => shut(WhySealed::Broken),
        Err(CipherError::Panicked) => shut(WhySealed::Panicked),
        Err(CipherError::Unreachable(_)) => shut(WhySealed::Unreachable),
    }
}

fn unreachable(error: CipherError) -> StoreError {
    StoreError::new(StoreErrorKind::Unavailable, "endpoint: the cipher of its secrets cannot be used now")
        .with_source(error)
}

/// The context of a seal. Ids contain no control characters, so a NUL separates them unambiguously.
/// It begins with the tenant, by which calls of the cipher are limited.
fn context(tenant: &TenantId, id: &EndpointId, binding: Binding) -> Vec<u8> {
    let Binding { registration, version } = binding;
    let (tenant, id) = (tenant.as_str().as_bytes(), id.as_str().as_bytes());
    let registration = registration.unwrap_or(0).to_be_bytes();
    [tenant, &[0], id, &[0], &registration, &version.to_be_bytes()].concat()
}

fn write(set: &SecretSet, headers: &Headers) -> Result<Zeroizing<Vec<u8>>, StoreError> {
    // Allocated at once: a vector that grows leaves copies behind that are not wiped.
    let mut plain = Plain(Zeroizing::new(Vec::with_capacity(length(set, headers))));
    plain.0.push(FORMAT);
    plain.count(set.current.len())?;
    for secret in &set.current {
        plain.field(secret.expose())?;
    }
    plain.count(set.retiring.len())?;
    for Retiring { secret, until } in &set.retiring {
        plain.field(&until.as_micros().to_be_bytes())?;
        plain.field(secret.expose())?;
    }
    for (name, value) in headers.as_map() {
        plain.field(name.as_str().as_bytes())?;
        plain.field(value.as_bytes())?;
    }
    Ok(plain.0)
}

/// How many bytes `write` returns.
fn length(set: &SecretSet, headers: &Headers) -> usize {
    let current = set.current.iter().map(|secret| COUNT + secret.expose().len());
    let retiring =
        set.retiring.iter().map(|old| COUNT + size_of::<i64>() + COUNT + old.secret.expose().len());
    let headers =
        headers.as_map().iter().map(|(name, value)| COUNT + name.as_str().len() + COUNT + value.len());
    size_of_val(&FORMAT) + 2 * COUNT + current.chain(retiring).chain(headers).sum::<usize>()
}

/// Parses the bytes that `write` returns; `None` for any other bytes.
fn read(plain: &[u8]) -> Option<(SecretSet, Headers)> {
    let mut fields = Fields(plain.strip_prefix(&[FORMAT])?);
    let mut set = SecretSet::none();
    for _ in 0..fields.count()? {
        set.current.push(Secret::new(fields.field()?).ok()?);
    }
    for _ in 0..fields.count()? {
        let until = Timestamp::from_micros(i64::from_be_bytes(fields.field()?.try_into().ok()?));
        set.retiring.push(Retiring { secret: Secret::new(fields.field()?).ok()?, until });
    }
    let mut headers = Headers::none();
    while !fields.0.is_empty() {
        let (name, value) = (fields.field()?, fields.field()?);
        headers = headers.with(std::str::from_utf8(name).ok()?, std::str::from_utf8(value).ok()?).ok()?;
    }
    Some((set, headers))
}

struct Plain(Zeroizing<Vec<u8>>);

impl Plain {
    fn count(&mut self, count: usize) -> Result<(), StoreError> {
        let count = u32::try_from(count)
            .map_err(|_| StoreError::new(StoreErrorKind::Invalid, "endpoint: its secrets are too long"))?;
        self.0.extend_from_slice(&count.to_be_bytes());
        Ok(())
    }

    fn field(&mut self, bytes: &[u8]) -> Result<(), StoreError> {
        self.count(bytes.len())?;
        self.0.extend_from_slice(bytes);
        Ok(())
    }
}

struct Fields<'a>(&'a [u8]);

impl<'a> Fields<'a> {
    fn count(&mut self) -> Option<usize> {
        let (count, rest) = self.0.split_first_chunk()?;
        self.0 = rest;
        usize::try_from(u32::from_be_bytes(*count)).ok()
    }

    fn field(&mut self) -> Option<&'a [u8]> {
        let length = self.count()?;
        let (field, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        Some(field)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn secret(text: &str) -> Secret {
        Secret::new(text).unwrap()
    }

    #[test]
    fn secrets_and_headers_come_back_as_they_were() {
        let set = SecretSet::of(secret("old\0\n")).rotated(secret("new"), Timestamp::from_micros(-7));
        let set = set.and(secret("of another scheme"));
        let headers = Headers::none().with("x-own", "a b").unwrap().with("authorization", "c").unwrap();
        for (set, headers) in [(set, headers), (SecretSet::none(), Headers::none())] {
            let written = write(&set, &headers).unwrap();
            // It did not grow, so it left no copy behind.
            assert_eq!((written.len(), written.capacity()), (length(&set, &headers), written.len()));
            let (read_set, read_headers) = read(&written).unwrap();
            let parts = |set: &SecretSet| {
                (
                    set.current.iter().map(|secret| secret.expose().to_vec()).collect::<Vec<_>>(),
                    set.retiring
                        .iter()
                        .map(|old| (old.secret.expose().to_vec(), old.until))
                        .collect::<Vec<_>>(),
                )
            };
            assert_eq!(parts(&read_set), parts(&set));
            assert_eq!(read_headers.as_map(), headers.as_map());
        }
    }

    #[test]
    fn what_was_cut_or_is_of_another_format_does_not_open() {
        let whole = write(&SecretSet::of(secret("canary")), &Headers::none()).unwrap();
        for end in 0..whole.len() {
            assert!(read(&whole[..end]).is_none(), "{end}");
        }
        assert!(read(&[&[FORMAT + 1], &whole[1..]].concat()).is_none());
    }
}
