//! The beginning of a response's body.

use std::time::Duration;

use bytes::Bytes;
use reqwest::Response;
use tokio::time::timeout;

/// How long the body is read after the head. The attempt's own timeout applies too.
const AFTER_HEAD: Duration = Duration::from_secs(1);

/// Reads at most `max` bytes. Returns whether there was more, or it broke off, or it took too
/// long. The head has already decided the result of the request, so nothing here can fail.
///
/// The unread rest is dropped with the response, and the connection with it.
pub(super) async fn read(mut response: Response, max: usize) -> (Bytes, bool) {
    let mut kept = Vec::new();
    let reading = async {
        loop {
            match response.chunk().await {
                Ok(Some(chunk)) => {
                    let room = max.saturating_sub(kept.len());
                    kept.extend(chunk.iter().take(room));
                    if chunk.len() > room {
                        return true;
                    }
                }
                Ok(None) => return false,
                Err(_) => return true,
            }
        }
    };
    let cut = timeout(AFTER_HEAD, reading).await.unwrap_or(true);
    (Bytes::from(kept), cut)
}
