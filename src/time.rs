//! Points in time, as whole microseconds since the Unix epoch.
//!
//! No code below the engine reads a clock: the time is always an argument.

use std::fmt;
use std::str::FromStr;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde::Deserialize;

use crate::as_text::serialize_as_text;

const MICROS_PER_SECOND: i64 = 1_000_000;
const SECONDS_PER_DAY: i64 = 86_400;

/// A point in time in UTC, in microseconds since 1970-01-01, without leap seconds.
///
/// All arithmetic saturates, so no number that a receiver sends can cause a panic.
///
/// ```
/// use hookpost::Timestamp;
/// use std::time::Duration;
///
/// let created: Timestamp = "2025-01-15T10:30:00+00:00".parse()?;
/// assert_eq!(created.unix_seconds(), 1_736_937_000);
/// assert_eq!((created + Duration::from_millis(1500)).to_string(), "2025-01-15T10:30:01.500000Z");
/// # Ok::<(), hookpost::TimestampError>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize)]
#[serde(try_from = "String")]
pub struct Timestamp(i64);

impl Timestamp {
    /// 1970-01-01T00:00:00Z.
    pub const EPOCH: Self = Self(0);
    /// The last point in time that can be represented; it stands for "never" in comparisons.
    pub const MAX: Self = Self(i64::MAX);

    /// The time that many microseconds after the epoch.
    #[must_use]
    pub const fn from_micros(micros: i64) -> Self {
        Self(micros)
    }

    /// The time that many seconds after the epoch, limited to what can be represented.
    #[must_use]
    pub const fn from_unix_seconds(seconds: i64) -> Self {
        Self(seconds.saturating_mul(MICROS_PER_SECOND))
    }

    /// Microseconds since the epoch.
    #[must_use]
    pub const fn as_micros(self) -> i64 {
        self.0
    }

    /// Whole seconds since the epoch, rounded down.
    #[must_use]
    pub const fn unix_seconds(self) -> i64 {
        self.0.div_euclid(MICROS_PER_SECOND)
    }

    /// The duration since `earlier`; zero if this time is not after it.
    #[must_use]
    pub fn since(self, earlier: Self) -> Duration {
        Duration::from_micros(u64::try_from(self.0.saturating_sub(earlier.0)).unwrap_or(0))
    }

    /// The distance between two times, whichever is first.
    #[must_use]
    pub fn distance(self, other: Self) -> Duration {
        Duration::from_micros(self.0.abs_diff(other.0))
    }

    /// `2025-01-15T10:30:00+00:00`: whole seconds, with an offset rather than `Z`.
    #[must_use]
    pub fn to_rfc3339_seconds(self) -> String {
        let civil = Civil::of(self);
        format!(
            "{:04}-{:02}-{:02}T{:02}:{:02}:{:02}+00:00",
            civil.year, civil.month, civil.day, civil.hour, civil.minute, civil.second
        )
    }
}

impl std::ops::Add<Duration> for Timestamp {
    type Output = Self;
    fn add(self, by: Duration) -> Self {
        Self(self.0.saturating_add(i64::try_from(by.as_micros()).unwrap_or(i64::MAX)))
    }
}

impl std::ops::Sub<Duration> for Timestamp {
    type Output = Self;
    fn sub(self, by: Duration) -> Self {
        Self(self.0.saturating_sub(i64::try_from(by.as_micros()).unwrap_or(i64::MAX)))
    }
}

impl From<SystemTime> for Timestamp {
    fn from(time: SystemTime) -> Self {
        match time.duration_since(UNIX_EPOCH) {
            Ok(after) => Self::EPOCH + after,
            Err(before) => Self::EPOCH - before.duration(),
        }
    }
}

/// RFC 3339 with microseconds and `Z`.
impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let civil = Civil::of(*self);
        write!(
            f,
            "{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:06}Z",
            civil.year, civil.month, civil.day, civil.hour, civil.minute, civil.second, civil.micros
        )
    }
}

serialize_as_text!(Timestamp);

impl TryFrom<String> for Timestamp {
    type Error = TimestampError;

    fn try_from(text: String) -> Result<Self, TimestampError> {
        text.parse()
    }
}

impl fmt::Debug for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// The error for a text that is not a time in RFC 3339.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must be a moment in RFC 3339, such as 2025-01-15T10:30:00Z")]
pub struct TimestampError;

/// Parses RFC 3339: `T` or a space, `Z` or an offset, and up to nine fraction digits, of which
/// those past the sixth are dropped.
impl FromStr for Timestamp {
    type Err = TimestampError;

    fn from_str(text: &str) -> Result<Self, TimestampError> {
        let bytes = text.as_bytes();
        if bytes.len() < 20 || !text.is_ascii() {
            return Err(TimestampError);
        }
        let separators = [(4, b"-"), (7, b"-"), (13, b":"), (16, b":")];
        if separators.iter().any(|(at, byte)| bytes[*at] != byte[0]) || !b"Tt ".contains(&bytes[10]) {
            return Err(TimestampError);
        }
        let civil = Civil {
            year: digits(&bytes[0..4])?,
            month: digits(&bytes[5..7])?,
            day: digits(&bytes[8..10])?,
            hour: digits(&bytes[11..13])?,
            minute: digits(&bytes[14..16])?,
            second: digits(&bytes[17..19])?,
            micros: 0,
        };
        let (micros, zone) = fraction(&bytes[19..])?;
        let offset = offset_seconds(zone)?;
        let seconds = civil.unix_seconds().ok_or(TimestampError)? - offset;
        Ok(Self(seconds * MICROS_PER_SECOND + micros))
    }
}

fn digits(bytes: &[u8]) -> Result<i64, TimestampError> {
    bytes.iter().try_fold(0_i64, |value, byte| match byte {
        b'0'..=b'9' => Ok(value * 10 + i64::from(byte - b'0')),
        _ => Err(TimestampError),
    })
}

fn fraction(rest: &[u8]) -> Result<(i64, &[u8]), TimestampError> {
    let Some(after_dot) = rest.strip_prefix(b".") else {
        return Ok((0, rest));
    };
    let length = after_dot.iter().take_while(|byte| byte.is_ascii_digit()).count();
    if !(1..=9).contains(&length) {
        return Err(TimestampError);
    }
    let kept = length.min(6);
    let mut micros = digits(&after_dot[..kept])?;
    for _ in kept..6 {
        micros *= 10;
    }
    Ok((micros, &after_dot[length..]))
}

fn offset_seconds(zone: &[u8]) -> Result<i64, TimestampError> {
    match zone {
        b"Z" | b"z" => Ok(0),
        [sign @ (b'+' | b'-'), h1, h2, b':', m1, m2] => {
            let (hours, minutes) = (digits(&[*h1, *h2])?, digits(&[*m1, *m2])?);
            if hours > 23 || minutes > 59 {
                return Err(TimestampError);
            }
            let seconds = hours * 3600 + minutes * 60;
            Ok(if *sign == b'-' { -seconds } else { seconds })
        }
        _ => Err(TimestampError),
    }
}

/// A time as a date and time of day (proleptic Gregorian calendar, UTC).
struct Civil {
    year: i64,
    month: i64,
    day: i64,
    hour: i64,
    minute: i64,
    second: i64,
    micros: i64,
}

impl Civil {
    /// Days are counted from 0000-03-01, so that the leap day ends its year
    /// (Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms").
    fn of(moment: Timestamp) -> Self {
        let seconds = moment.unix_seconds();
        let (days, in_day) = (seconds.div_euclid(SECONDS_PER_DAY), seconds.rem_euclid(SECONDS_PER_DAY));
        let shifted = days + 719_468;
        let era = shifted.div_euclid(146_097);
        let day_of_era = shifted.rem_euclid(146_097);
        let year_of_era =
            (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
        let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
        let month_from_march = (5 * day_of_year + 2) / 153;
        let month = if month_from_march < 10 { month_from_march + 3 } else { month_from_march - 9 };
        Self {
            year: era * 400 + year_of_era + i64::from(month <= 2),
            month,
            day: day_of_year - (153 * month_from_march + 2) / 5 + 1,
            hour: in_day / 3600,
            minute: in_day % 3600 / 60,
            second: in_day % 60,
            micros: moment.0.rem_euclid(MICROS_PER_SECOND),
        }
    }

    /// `None` when a field is outside the calendar (30 February, 24:00, second 60).
    fn unix_seconds(&self) -> Option<i64> {
        if !(1..=12).contains(&self.month)
            || !(1..=self.days_in_month()).contains(&self.day)
            || self.hour > 23
            || self.minute > 59
            || self.second > 59
        {
            return None;
        }
        let year = self.year - i64::from(self.month <= 2);
        let era = year.div_euclid(400);
        let year_of_era = year.rem_euclid(400);
        let month_from_march = if self.month > 2 { self.month - 3 } else { self.month + 9 };
        let day_of_year = (153 * month_from_march + 2) / 5 + self.day - 1;
        let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
        let days = era * 146_097 + day_of_era - 719_468;
        Some(days * SECONDS_PER_DAY + self.hour * 3600 + self.minute * 60 + self.second)
    }

    fn days_in_month(&self) -> i64 {
        let leap = self.year % 4 == 0 && (self.year % 100 != 0 || self.year % 400 == 0);
        match self.month {
            4 | 6 | 9 | 11 => 30,
            2 => 28 + i64::from(leap),
            _ => 31,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_and_writes_the_forms_of_the_carried_systems() {
        for (text, micros) in [
            ("1970-01-01T00:00:00Z", 0),
            ("2025-01-15T10:30:00+00:00", 1_736_937_000_000_000),
            ("2026-03-01T10:00:05.000001Z", 1_772_359_205_000_001),
            ("2026-03-01T15:01:07+07:00", 1_772_352_067_000_000),
            ("2024-02-29 23:59:59.9999999-00:30", 1_709_252_999_999_999),
            ("1969-12-31T23:59:59.5Z", -500_000),
        ] {
            assert_eq!(text.parse::<Timestamp>().map(Timestamp::as_micros), Ok(micros), "{text}");
        }
    }

    #[test]
    fn refuses_what_is_no_moment() {
        for text in [
            "",
            "2025-01-15",
            "2025-01-15T10:30:00",
            "2025-02-29T00:00:00Z",
            "2025-13-01T00:00:00Z",
            "2025-01-15T24:00:00Z",
            "2025-01-15T10:30:60Z",
            "2025-01-15T10:30:00.Z",
            "2025-01-15T10:30:00+0000",
            "+025-01-15T10:30:00Z",
            "2025-01-15T10:30:00+24:00",
            "٢٠٢٥-01-15T10:30:00Z",
        ] {
            assert_eq!(text.parse::<Timestamp>(), Err(TimestampError), "{text}");
        }
    }

    #[test]
    fn arithmetic_saturates_at_both_ends() {
        assert_eq!(Timestamp::MAX + Duration::MAX, Timestamp::MAX);
        assert_eq!(Timestamp::from_micros(i64::MIN) - Duration::MAX, Timestamp::from_micros(i64::MIN));
        assert_eq!(Timestamp::EPOCH.since(Timestamp::MAX), Duration::ZERO);
        assert_eq!(
            Timestamp::from_micros(i64::MIN).distance(Timestamp::MAX),
            Duration::from_micros(u64::MAX)
        );
    }

    proptest::proptest! {
        #[test]
        fn printing_then_reading_gives_the_same_moment(micros in -62_135_596_800_000_000_i64..253_402_300_799_999_999) {
            let moment = Timestamp::from_micros(micros);
            proptest::prop_assert_eq!(moment.to_string().parse(), Ok(moment));
        }
    }
}
