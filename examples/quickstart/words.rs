//! Short words for what came back and for how it ended.

use hookpost::delivery::{AttemptResult, State};

pub fn result(result: AttemptResult) -> String {
    match result {
        AttemptResult::Status(status) => status.as_str().to_owned(),
        AttemptResult::NotSent(why) => why.as_str().to_owned(),
        AttemptResult::Unknown(why) => why.as_str().to_owned(),
    }
}

pub fn state(state: State) -> String {
    match state {
        State::Pending => "pending".to_owned(),
        State::Delivered { .. } => "delivered".to_owned(),
        State::Failed(reason) => format!("failed: {reason}"),
        State::Cancelled(reason) => format!("cancelled: {reason}"),
    }
}
