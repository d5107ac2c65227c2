//! Finds a known name that is similar to a given one.

/// The name that differs least from `name`, if it differs in at most one character in three.
pub(super) fn nearest<'a>(name: &str, among: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let most = name.chars().count().div_ceil(3).min(3);
    let distances = among.map(|other| (distance(name, other), other));
    distances
        .filter(|(distance, _)| *distance <= most)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, other)| other)
}

/// How many characters must be added, left out, replaced or swapped with their neighbour to
/// make one text of the other (the optimal string alignment distance).
fn distance(one: &str, other: &str) -> usize {
    let other: Vec<char> = other.chars().collect();
    let (mut before_last, mut last) = (Vec::new(), (0..=other.len()).collect::<Vec<_>>());
    let mut previous = None;
    for (row, character) in one.chars().enumerate() {
        let mut current = vec![row + 1];
        for (column, theirs) in other.iter().enumerate() {
            let replaced = last[column] + usize::from(character != *theirs);
            let mut fewest = replaced.min(last[column + 1] + 1).min(current[column] + 1);
            if column > 0 && previous == Some(*theirs) && other[column - 1] == character {
                fewest = fewest.min(swapped(&before_last, column));
            }
            current.push(fewest);
        }
        (before_last, last, previous) = (last, current, Some(character));
    }
    last[other.len()]
}

/// The distance if this character and the one before it are swapped.
fn swapped(before_last: &[usize], column: usize) -> usize {
    before_last.get(column - 1).map_or(usize::MAX, |distance| distance + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn additions_gaps_replacements_and_swaps_count_one_each() {
        for (one, other, expected) in [
            ("standard", "standard", 0),
            ("standart", "standard", 1),
            ("standrad", "standard", 1),
            ("standar", "standard", 1),
            ("standards", "standard", 1),
            ("live-session", "live_session", 1),
            ("slack", "discord", 6),
            ("", "abc", 3),
            ("abc", "", 3),
            ("ca", "abc", 3),
        ] {
            assert_eq!(distance(one, other), expected, "{one} {other}");
        }
    }

    #[test]
    fn only_a_name_that_is_like_it_is_meant() {
        let known = ["live_chat", "live_session", "standard", "standard_raw", "x_webhook"];
        for (name, meant) in [
            ("standart", Some("standard")),
            ("livesession", Some("live_session")),
            ("xwebhook", Some("x_webhook")),
            ("standard_row", Some("standard_raw")),
            ("webhook", Some("x_webhook")),
            ("stripe", None),
            ("x", None),
            ("", None),
        ] {
            assert_eq!(nearest(name, known.into_iter()), meant, "{name}");
        }
    }
}
