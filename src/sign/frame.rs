//! The headers that no scheme and no envelope may write.

use http::{HeaderName, header};

/// The headers of the message's frame, which the transport sets; the envelope sets the content
/// type. A header with another value would break the request or be lost.
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
