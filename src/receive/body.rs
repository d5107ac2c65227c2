//! Reading a body whole, up to a limit.

use std::pin::pin;

use bytes::{Buf, BufMut, Bytes, BytesMut};
use http::HeaderMap;
use http::header::CONTENT_LENGTH;
use http_body::Body;
use http_body_util::BodyExt;

use super::Refused;

/// Reads all bytes of the body. A body that announces more than `limit` bytes is not read at
/// all; one that turns out to be longer is read no further.
pub(super) async fn read(headers: &HeaderMap, body: impl Body, limit: usize) -> Result<Bytes, Refused> {
    let announced = body.size_hint().lower();
    if usize::try_from(announced).map_or(true, |least| least > limit) || announces_over(headers, limit) {
        return Err(Refused::TooLarge);
    }
    let mut body = pin!(body);
    let mut whole = BytesMut::new();
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|_| Refused::Unreadable)?;
        // What is no data are trailers, which no scheme signs.
        let Ok(data) = frame.into_data() else { continue };
        if data.remaining() > limit.saturating_sub(whole.len()) {
            return Err(Refused::TooLarge);
        }
        whole.put(data);
    }
    Ok(whole.freeze())
}

/// Whether the headers announce more than `limit`. Servers give the body the announced length;
/// a body that another layer replaced may not have it.
fn announces_over(headers: &HeaderMap, limit: usize) -> bool {
    let announced = headers.get(CONTENT_LENGTH).and_then(|length| length.to_str().ok());
    let announced =
        announced.filter(|length| !length.is_empty() && length.bytes().all(|b| b.is_ascii_digit()));
    announced.is_some_and(|length| length.parse::<usize>().map_or(true, |length| length > limit))
}
