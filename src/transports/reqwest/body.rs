//! The beginning of a response's body.

use std::time::Duration;

use bytes::Bytes;
use reqwest::Response;
use tokio::time::timeout;

/// How long the body is read after the head. The attempt's own deadline goes on
/// beside this one.
const AFTER_HEAD: Duration = Duration::from_secs(1);

/// Reads at most `max` bytes; says whether more was there, broke off, or took too
/// long. The head has told what became of the request, so nothing here can fail.
///
/// What is left unread is dropped with the response, and its connection with it.
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
