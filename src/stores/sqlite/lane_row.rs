//! Reads a lane from its row. A field that cannot be read gets the value of a new lane. That loses
//! some of its endpoint's health, where an error would affect every delivery in the lane.

use std::borrow::Cow;
use std::num::NonZeroU32;

use rusqlite::Row;

use crate::id::{EndpointId, Generation, HostName, TenantId};
use crate::policy::failing::Failing;
use crate::policy::lane::{CatchUp, Lane};

use super::damage::readable;
use super::failure::Failure;
use super::lane::LaneKey;
use super::row;

/// A lane's row.
pub(super) struct Stored {
    pub(super) key: LaneKey,
    pub(super) lane: Lane,
    pub(super) turn: i64,
    pub(super) deliveries: i64,
    /// Whether a field could not be read.
    pub(super) is_mended: bool,
}

/// Reads the columns of a lane's row after its names. A field that cannot be read is added to
/// `defects` and gets the value of a new lane.
pub(super) fn stored(
    row: &Row<'_>,
    endpoint: EndpointId,
    tenant: TenantId,
    defects: &mut Vec<Cow<'static, str>>,
) -> Result<Stored, Failure> {
    let width = row::count(row, 7).and_then(|width| NonZeroU32::new(width).ok_or_else(|| row::unfit(row, 7)));
    let lane = Lane {
        endpoint,
        tenant,
        host: mended(row::name(row, 3), HostName::of_unreadable, defects)?,
        paused: row::get(row, 4)?,
        held_until: row::time_maybe(row, 5)?,
        ready_at: row::time_maybe(row, 6)?,
        width: mended(width, || NonZeroU32::MIN, defects)?.get(),
        proven: mended(row::flag(row, 8), || false, defects)?,
        streak: mended(row::count(row, 9), u32::default, defects)?,
        version: mended(row::natural(row, 10), u64::default, defects)?,
        failing: failing(row)?,
        catch_up: mended(catch_up(row), || None, defects)?,
        generation: mended(row::generation(row, 19, 20), || Generation::UNKNOWN, defects)?,
    };
    let (turn, deliveries) = (row::get(row, 11)?, row::get(row, 16)?);
    Ok(Stored { key: row::get(row, 0)?, lane, turn, deliveries, is_mended: !defects.is_empty() })
}

fn mended<T>(
    read: Result<T, Failure>,
    new: impl FnOnce() -> T,
    defects: &mut Vec<Cow<'static, str>>,
) -> Result<T, Failure> {
    Ok(readable(read)?.unwrap_or_else(|field| {
        defects.push(field);
        new()
    }))
}

fn catch_up(row: &Row<'_>) -> Result<Option<CatchUp>, Failure> {
    let Some(tried_by) = row::time_maybe(row, 17)? else { return Ok(None) };
    Ok(Some(CatchUp { tried_by, gap: row::span(row, 18)? }))
}

fn failing(row: &Row<'_>) -> Result<Option<Failing>, Failure> {
    let (since, last, from) =
        (row::time_maybe(row, 12)?, row::time_maybe(row, 13)?, row::time_maybe(row, 14)?);
    let counts: Option<bool> = row::get(row, 15)?;
    let known = since.zip(last).zip(from).zip(counts);
    Ok(known.map(|(((since, last), from), counts)| Failing { since, last, from, counts }))
}
