//! Converts values to and from columns.

use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use base64::{Engine as _, alphabet};
use bytes::Bytes;
use http::StatusCode;
use rusqlite::Row;
use rusqlite::types::{FromSql, ToSql, ToSqlOutput, ValueRef};

use crate::delivery::{AttemptResult, CancelReason, FailReason, State};
use crate::endpoint::Generation;
use crate::event::Event;
use crate::id::{DeliveryId, IdError, Token};
use crate::policy::outcome::{NotSent, Unknown};
use crate::sequence::Sequence;
use crate::time::Timestamp;

use super::failure::Failure;

/// The host's own SQL is checked for the alphabet and the length only, so extra bits are ignored.
const LENIENT_BASE64: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new()
        .with_decode_allow_trailing_bits(true)
        .with_decode_padding_mode(DecodePaddingMode::RequireCanonical),
);

/// Reads a column of any type.
pub(super) fn get<T: FromSql>(row: &Row<'_>, column: usize) -> Result<T, Failure> {
    row.get(column).map_err(|_| unfit(row, column))
}

/// A failure because a column's value breaks its rule. It names the column, never the value.
pub(super) fn unfit(row: &Row<'_>, column: usize) -> Failure {
    match row.as_ref().column_name(column) {
        Ok(name) => Failure::stored(name.to_owned()),
        Err(error) => error.into(),
    }
}

/// Reads a time.
pub(super) fn time(row: &Row<'_>, column: usize) -> Result<Timestamp, Failure> {
    Ok(Timestamp::from_micros(get(row, column)?))
}

/// Reads a time that may be `NULL`, which never comes.
pub(super) fn time_maybe(row: &Row<'_>, column: usize) -> Result<Option<Timestamp>, Failure> {
    Ok(get::<Option<i64>>(row, column)?.map(Timestamp::from_micros))
}

/// Converts a time for a column.
pub(super) fn micros(moment: Option<Timestamp>) -> Option<i64> {
    moment.map(Timestamp::as_micros)
}

/// Reads the generation of an endpoint from two columns.
pub(super) fn generation(row: &Row<'_>, registration: usize, renewal: usize) -> Result<Generation, Failure> {
    Ok(Generation { registration: natural(row, registration)?, renewal: natural(row, renewal)? })
}

/// Reads a place in the store's order.
pub(super) fn sequence(row: &Row<'_>, column: usize) -> Result<Sequence, Failure> {
    natural(row, column).map(Sequence::from_number)
}

/// Converts a row number to a place in the store's order.
pub(super) fn place(stored: i64) -> Result<Sequence, Failure> {
    u64::try_from(stored).map(Sequence::from_number).map_err(|_| Failure::stored("sequence"))
}

/// Reads a number that is not negative.
pub(super) fn natural(row: &Row<'_>, column: usize) -> Result<u64, Failure> {
    u64::try_from(get::<i64>(row, column)?).map_err(|_| unfit(row, column))
}

/// Reads a flag. Other numbers than 0 and 1 are refused, since an index finds rows by the flag.
pub(super) fn flag(row: &Row<'_>, column: usize) -> Result<bool, Failure> {
    match get(row, column)? {
        0 => Ok(false),
        1 => Ok(true),
        _ => Err(unfit(row, column)),
    }
}

/// Reads a count.
pub(super) fn count(row: &Row<'_>, column: usize) -> Result<u32, Failure> {
    u32::try_from(get::<i64>(row, column)?).map_err(|_| unfit(row, column))
}

/// Converts a limit on rows. No list is longer than the largest `i64`.
pub(super) fn limit(rows: usize) -> i64 {
    i64::try_from(rows).unwrap_or(i64::MAX)
}

/// Reads a name.
pub(super) fn name<T: FromStr<Err = IdError>>(row: &Row<'_>, column: usize) -> Result<T, Failure> {
    text(row, column)?.parse().map_err(|_| unfit(row, column))
}

/// Reads a name that may be `NULL`.
pub(super) fn name_maybe<T: FromStr<Err = IdError>>(
    row: &Row<'_>,
    column: usize,
) -> Result<Option<T>, Failure> {
    text_maybe(row, column)?.map(str::parse).transpose().map_err(|_| unfit(row, column))
}

/// Reads a text without copying it.
pub(super) fn text<'row>(row: &'row Row<'_>, column: usize) -> Result<&'row str, Failure> {
    row.get_ref(column)?.as_str().map_err(|_| unfit(row, column))
}

/// Reads a text that may be `NULL`, without copying it.
pub(super) fn text_maybe<'row>(row: &'row Row<'_>, column: usize) -> Result<Option<&'row str>, Failure> {
    row.get_ref(column)?.as_str_or_null().map_err(|_| unfit(row, column))
}

/// A text as bytes, which need not be UTF-8: used to find the row again that it was read from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct RawText(Vec<u8>);

impl RawText {
    pub(super) const EMPTY: Self = Self(Vec::new());

    /// Reads the text of a column that is not `NULL`.
    pub(super) fn read(row: &Row<'_>, column: usize) -> Result<Self, Failure> {
        Ok(Self::read_maybe(row, column)?.unwrap_or(Self::EMPTY))
    }

    /// Reads the text of a column that may be `NULL`.
    pub(super) fn read_maybe(row: &Row<'_>, column: usize) -> Result<Option<Self>, Failure> {
        let bytes = row.get_ref(column)?.as_bytes_or_null().map_err(|_| unfit(row, column))?;
        Ok(bytes.map(|bytes| Self(bytes.to_vec())))
    }

    /// Parses the text as a name.
    pub(super) fn name<T: FromStr<Err = IdError>>(&self) -> Option<T> {
        std::str::from_utf8(&self.0).ok()?.parse().ok()
    }

    /// The text for people to read, or its bytes if it is not readable.
    pub(super) fn shown(&self) -> String {
        match std::str::from_utf8(&self.0) {
            Ok(text) if text.bytes().all(|byte| byte.is_ascii_graphic()) && text.len() <= 253 => {
                text.to_owned()
            }
            _ => format!("x'{}'", hex::encode(&self.0[..self.0.len().min(64)])),
        }
    }
}

impl From<&str> for RawText {
    fn from(text: &str) -> Self {
        Self(text.as_bytes().to_vec())
    }
}

impl ToSql for RawText {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::Borrowed(ValueRef::Text(&self.0)))
    }
}

/// Reads a delivery's id.
pub(super) fn delivery_id(row: &Row<'_>, column: usize) -> Result<DeliveryId, Failure> {
    get(row, column).map(DeliveryId::from_bytes)
}

/// Reads a token.
pub(super) fn token(row: &Row<'_>, column: usize) -> Result<Token, Failure> {
    get(row, column).map(Token::from_bytes)
}

/// Reads a token that may be `NULL`.
pub(super) fn token_maybe(row: &Row<'_>, column: usize) -> Result<Option<Token>, Failure> {
    Ok(get::<Option<[u8; 16]>>(row, column)?.map(Token::from_bytes))
}

/// Reads the event of an `event_by_*` statement.
pub(super) fn event(row: &Row<'_>) -> Result<Arc<Event>, Failure> {
    let payload = row.get_ref(12)?.as_bytes().map_err(|_| unfit(row, 12))?;
    let payload = match text_maybe(row, 11)? {
        None => Bytes::copy_from_slice(payload),
        Some("base64") => LENIENT_BASE64.decode(payload).map_err(|_| unfit(row, 12))?.into(),
        Some(_) => return Err(unfit(row, 11)),
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
        trace: text_maybe(row, 9)?.map(str::to_owned),
        content_type: text(row, 10)?.to_owned(),
        payload,
    }))
}

/// Converts a state to its number and its word.
pub(super) const fn state_columns(state: State) -> (i64, Option<&'static str>) {
    match state {
        State::Pending => (0, None),
        State::Delivered { confirmed: true } => (1, None),
        State::Delivered { confirmed: false } => (1, Some("unconfirmed")),
        State::Failed(reason) => (2, Some(reason.as_str())),
        State::Cancelled(reason) => (3, Some(reason.as_str())),
    }
}

/// Converts the columns of a state.
pub(super) fn state(number: i64, word: Option<&str>) -> Result<State, Failure> {
    let broken = Failure::stored("state");
    match (number, word) {
        (0, None) => Ok(State::Pending),
        (1, None) => Ok(State::Delivered { confirmed: true }),
        (1, Some("unconfirmed")) => Ok(State::Delivered { confirmed: false }),
        (2, Some(word)) => FailReason::from_word(word).map(State::Failed).ok_or(broken),
        (3, Some(word)) => CancelReason::from_word(word).map(State::Cancelled).ok_or(broken),
        _ => Err(broken),
    }
}

/// Converts the result of an attempt to a status or a word.
pub(super) fn result_columns(result: AttemptResult) -> (Option<u16>, Option<&'static str>) {
    match result {
        AttemptResult::Status(status) => (Some(status.as_u16()), None),
        AttemptResult::NotSent(fault) => (None, Some(fault.as_str())),
        AttemptResult::Unknown(fault) => (None, Some(fault.as_str())),
    }
}

/// Converts the columns of the result of an attempt.
pub(super) fn result(status: Option<u16>, fault: Option<&str>) -> Result<AttemptResult, Failure> {
    let broken = Failure::stored("result");
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

const NOT_SENT: [NotSent; 11] = [
    NotSent::Name,
    NotSent::NoSuchName,
    NotSent::Blocked,
    NotSent::BlockedLiteral,
    NotSent::Refused,
    NotSent::Unreachable,
    NotSent::ConnectTimeout,
    NotSent::Tls,
    NotSent::Proxy,
    NotSent::Busy,
    NotSent::Ours,
];
const UNKNOWN: [Unknown; 4] = [Unknown::Timeout, Unknown::Reset, Unknown::Protocol, Unknown::Aborted];

/// Converts a duration to whole microseconds.
pub(super) fn span_column(span: Duration) -> i64 {
    i64::try_from(span.as_micros()).unwrap_or(i64::MAX)
}

/// Reads a duration.
pub(super) fn span(row: &Row<'_>, column: usize) -> Result<Duration, Failure> {
    natural(row, column).map(Duration::from_micros)
}
