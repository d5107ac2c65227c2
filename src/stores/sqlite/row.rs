//! How values stand in rows.

use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use bytes::Bytes;
use http::StatusCode;
use rusqlite::Row;

use crate::delivery::{AttemptResult, CancelReason, FailReason, State};
use crate::endpoint::Generation;
use crate::event::Event;
use crate::id::{DeliveryId, IdError, Token};
use crate::policy::outcome::{NotSent, Unknown};
use crate::sequence::Sequence;
use crate::time::Timestamp;

use super::failure::Failure;

/// Foreign SQL checked the alphabet and the length; bits past the end are its own.
const LENIENT_BASE64: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new()
        .with_decode_allow_trailing_bits(true)
        .with_decode_padding_mode(DecodePaddingMode::RequireCanonical),
);

/// A moment.
pub(super) fn time(row: &Row<'_>, column: usize) -> Result<Timestamp, Failure> {
    Ok(Timestamp::from_micros(row.get(column)?))
}

/// A moment that may never come.
pub(super) fn time_maybe(row: &Row<'_>, column: usize) -> Result<Option<Timestamp>, Failure> {
    Ok(row.get::<_, Option<i64>>(column)?.map(Timestamp::from_micros))
}

/// A moment as a column keeps it.
pub(super) fn micros(moment: Option<Timestamp>) -> Option<i64> {
    moment.map(Timestamp::as_micros)
}

/// The generation of an endpoint, of these two columns.
pub(super) fn generation(row: &Row<'_>, registration: usize, renewal: usize) -> Result<Generation, Failure> {
    let number = |column| -> Result<u64, Failure> {
        u64::try_from(row.get::<_, i64>(column)?).map_err(|_| Failure::Stored("endpoint's generation"))
    };
    Ok(Generation { registration: number(registration)?, renewal: number(renewal)? })
}

/// A place in the store's order.
pub(super) fn sequence(row: &Row<'_>, column: usize) -> Result<Sequence, Failure> {
    place(row.get(column)?)
}

/// The place in the store's order that a row number stands for.
pub(super) fn place(stored: i64) -> Result<Sequence, Failure> {
    u64::try_from(stored).map(Sequence::from_number).map_err(|_| Failure::Stored("sequence"))
}

/// A count.
pub(super) fn count(row: &Row<'_>, column: usize) -> Result<u32, Failure> {
    u32::try_from(row.get::<_, i64>(column)?).map_err(|_| Failure::Stored("count"))
}

/// A number as a bound on rows: no list is longer than an `i64` can say.
pub(super) fn limit(rows: usize) -> i64 {
    i64::try_from(rows).unwrap_or(i64::MAX)
}

/// A name.
pub(super) fn name<T: FromStr<Err = IdError>>(row: &Row<'_>, column: usize) -> Result<T, Failure> {
    Ok(text(row, column)?.parse()?)
}

/// A name that may be missing.
pub(super) fn name_maybe<T: FromStr<Err = IdError>>(
    row: &Row<'_>,
    column: usize,
) -> Result<Option<T>, Failure> {
    Ok(text_maybe(row, column)?.map(str::parse).transpose()?)
}

/// A text, read where it stands.
pub(super) fn text<'row>(row: &'row Row<'_>, column: usize) -> Result<&'row str, Failure> {
    Ok(row.get_ref(column)?.as_str().map_err(rusqlite::Error::from)?)
}

/// A text that may be missing.
pub(super) fn text_maybe<'row>(row: &'row Row<'_>, column: usize) -> Result<Option<&'row str>, Failure> {
    Ok(row.get_ref(column)?.as_str_or_null().map_err(rusqlite::Error::from)?)
}

/// A delivery's id.
pub(super) fn delivery_id(row: &Row<'_>, column: usize) -> Result<DeliveryId, Failure> {
    row.get(column).map(DeliveryId::from_bytes).map_err(Failure::from)
}

/// A token that may be missing.
pub(super) fn token_maybe(row: &Row<'_>, column: usize) -> Result<Option<Token>, Failure> {
    Ok(row.get::<_, Option<[u8; 16]>>(column)?.map(Token::from_bytes))
}

/// The event of the `event_by_*` statements.
pub(super) fn event(row: &Row<'_>) -> Result<Arc<Event>, Failure> {
    // Foreign SQL leaves text where this crate writes bytes; both read as bytes.
    let payload = row.get_ref(12)?.as_bytes().map_err(rusqlite::Error::from)?;
    let payload = match text_maybe(row, 11)? {
        None => Bytes::copy_from_slice(payload),
        Some("base64") => LENIENT_BASE64.decode(payload).map_err(|_| Failure::Stored("payload"))?.into(),
        Some(_) => return Err(Failure::Stored("encoding")),
    };
    Ok(Arc::new(Event {
        tenant: name(row, 0)?,
        id: name(row, 1)?,
        kind: name(row, 2)?,
        created_at: time(row, 3)?,
        not_before: time_maybe(row, 4)?,
        expires_at: time_maybe(row, 5)?,
        scope: name_maybe(row, 6)?,
        idempotency_key: name_maybe(row, 7)?,
        ordering_key: name_maybe(row, 8)?,
        trace: row.get(9)?,
        content_type: row.get(10)?,
        payload,
    }))
}

/// A state as its number and its word.
pub(super) const fn state_columns(state: State) -> (i64, Option<&'static str>) {
    match state {
        State::Pending => (0, None),
        State::Delivered { confirmed: true } => (1, None),
        State::Delivered { confirmed: false } => (1, Some("unconfirmed")),
        State::Failed(reason) => (2, Some(reason.as_str())),
        State::Cancelled(reason) => (3, Some(reason.as_str())),
    }
}

/// The state of these columns.
pub(super) fn state(number: i64, word: Option<&str>) -> Result<State, Failure> {
    let broken = Failure::Stored("state");
    match (number, word) {
        (0, None) => Ok(State::Pending),
        (1, None) => Ok(State::Delivered { confirmed: true }),
        (1, Some("unconfirmed")) => Ok(State::Delivered { confirmed: false }),
        (2, Some(word)) => FailReason::from_word(word).map(State::Failed).ok_or(broken),
        (3, Some(word)) => CancelReason::from_word(word).map(State::Cancelled).ok_or(broken),
        _ => Err(broken),
    }
}

/// What came back, as a status or a word.
pub(super) fn result_columns(result: AttemptResult) -> (Option<u16>, Option<&'static str>) {
    match result {
        AttemptResult::Status(status) => (Some(status.as_u16()), None),
        AttemptResult::NotSent(fault) => (None, Some(fault.as_str())),
        AttemptResult::Unknown(fault) => (None, Some(fault.as_str())),
    }
}

/// What came back, from these columns.
pub(super) fn result(status: Option<u16>, fault: Option<&str>) -> Result<AttemptResult, Failure> {
    let broken = Failure::Stored("result");
    match (status, fault) {
        (Some(status), None) => StatusCode::from_u16(status).map(AttemptResult::Status).map_err(|_| broken),
        (None, Some(word)) => {
            let not_sent = NOT_SENT.into_iter().find(|fault| fault.as_str() == word);
            let unknown = UNKNOWN.into_iter().find(|fault| fault.as_str() == word);
            let not_sent = not_sent.map(AttemptResult::NotSent);
            not_sent.or(unknown.map(AttemptResult::Unknown)).ok_or(broken)
        }
        _ => Err(broken),
    }
}

const NOT_SENT: [NotSent; 10] = [
    NotSent::Name,
    NotSent::NoSuchName,
    NotSent::Blocked,
    NotSent::BlockedLiteral,
    NotSent::Refused,
    NotSent::Unreachable,
    NotSent::ConnectTimeout,
    NotSent::Tls,
    NotSent::Proxy,
    NotSent::Ours,
];
const UNKNOWN: [Unknown; 4] = [Unknown::Timeout, Unknown::Reset, Unknown::Protocol, Unknown::Aborted];

/// A span in whole microseconds.
pub(super) fn span_column(span: Duration) -> i64 {
    i64::try_from(span.as_micros()).unwrap_or(i64::MAX)
}

/// The span of a column.
pub(super) fn span(row: &Row<'_>, column: usize) -> Result<Duration, Failure> {
    u64::try_from(row.get::<_, i64>(column)?).map(Duration::from_micros).map_err(|_| Failure::Stored("span"))
}
