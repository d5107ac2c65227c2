//! The headers that no scheme and no envelope may write.

use http::{HeaderName, header};

/// The headers of the message's frame, for which the transport answers, and for the type
/// of its content the envelope: one of another meaning would break the request, or would
/// be lost on the way.
pub(crate) const FRAME: [HeaderName; 10] = [
    header::HOST,
    header::CONTENT_LENGTH,
    header::CONTENT_TYPE,
    header::CONTENT_ENCODING,
    header::TRANSFER_ENCODING,
    header::CONNECTION,
    header::TE,
    header::TRAILER,
    header::UPGRADE,
    header::EXPECT,
];
