//! The values that a signature covers, in one request.

use super::{ContentPart, form};

/// What a signature may cover. Parts that the scheme does not sign are empty.
#[derive(Clone, Copy, Default)]
pub(in crate::sign) struct Message<'a> {
    pub(in crate::sign) url: &'a str,
    pub(in crate::sign) id: &'a [u8],
    pub(in crate::sign) timestamp: &'a [u8],
    pub(in crate::sign) body: &'a [u8],
}

impl Message<'_> {
    /// Hands over the signed bytes, part after part.
    pub(super) fn each(&self, content: &[ContentPart], mut take: impl FnMut(&[u8])) {
        for part in content {
            match part {
                ContentPart::Url => take(self.url.as_bytes()),
                ContentPart::Id(_) => take(self.id),
                ContentPart::Timestamp(_) | ContentPart::ListedTimestamp => take(self.timestamp),
                ContentPart::Literal(text) => take(text.as_bytes()),
                ContentPart::Body | ContentPart::DatedBody { .. } => take(self.body),
                ContentPart::FormPairs => self.each_pair(&mut take),
            }
        }
    }

    /// A URL that carries the body's hash signs the body by that hash.
    fn each_pair(&self, take: &mut impl FnMut(&[u8])) {
        if form::body_hash(self.url).is_some() {
            return;
        }
        for (name, value) in form::pairs(self.body) {
            take(&name);
            take(&value);
        }
    }

    /// Whether the body is the one whose hash the signed URL carries, where it carries one.
    pub(in crate::sign) fn body_fits_url(&self) -> bool {
        form::body_hash(self.url).is_none_or(|hash| form::is_hash_of(hash, self.body))
    }
}
