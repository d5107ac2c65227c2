//! A number of a JSON text as a decimal: by its value, of any size.

/// The most digits that the exponent of a number may have: what has more is not read.
const EXPONENT_DIGITS_MAX: usize = 18;

/// A number in the one form that all spellings of its value have: `-?<digits>e<exponent>`,
/// whose digits neither begin nor end with a zero, or `0`. `None` where its exponent has
/// more than 18 digits.
pub(super) fn decimal(text: &str) -> Option<String> {
    let (sign, unsigned) = text.strip_prefix('-').map_or(("", text), |unsigned| ("-", unsigned));
    let (mantissa, exponent) = unsigned.split_once(['e', 'E']).unwrap_or((unsigned, "0"));
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let mut digits = String::with_capacity(text.len() + EXPONENT_DIGITS_MAX);
    digits.push_str(sign);
    let leading = |digits: &str| digits.trim_start_matches('0').len();
    if leading(whole) > 0 {
        digits.extend([whole.trim_start_matches('0'), fraction]);
    } else {
        digits.push_str(fraction.trim_start_matches('0'));
    }
    if digits.len() == sign.len() {
        return Some("0".to_owned());
    }
    let significant = digits.trim_end_matches('0').len();
    let zeros = digits.len() - significant;
    digits.truncate(significant);
    let exponent =
        self::exponent(exponent)? + i64::try_from(zeros).ok()? - i64::try_from(fraction.len()).ok()?;
    digits.push('e');
    digits.push_str(&exponent.to_string());
    Some(digits)
}

fn exponent(text: &str) -> Option<i64> {
    let (sign, digits) = match text.strip_prefix('-') {
        Some(digits) => (-1, digits),
        None => (1, text.strip_prefix('+').unwrap_or(text)),
    };
    let digits = digits.trim_start_matches('0');
    if digits.is_empty() {
        return Some(0);
    }
    let value = digits.parse::<i64>().ok().filter(|_| digits.len() <= EXPONENT_DIGITS_MAX)?;
    Some(sign * value)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// `digits` times ten to `exponent`, with its point moved and zeros added.
    fn spelled(digits: i64, exponent: i32, point: usize, zeros: usize, upper: bool) -> String {
        let sign = if digits < 0 { "-" } else { "" };
        let padded = format!("{:0>width$}", digits.unsigned_abs(), width = point + 1);
        let (whole, fraction) = padded.split_at(padded.len() - point);
        let fraction = format!("{fraction}{}", "0".repeat(zeros));
        let fraction = if fraction.is_empty() { fraction } else { format!(".{fraction}") };
        let exponent = exponent + i32::try_from(point).unwrap();
        match (exponent, upper) {
            (0, false) => format!("{sign}{whole}{fraction}"),
            (_, false) => format!("{sign}{whole}{fraction}e{exponent}"),
            (_, true) => format!("{sign}{whole}{fraction}E{exponent:+04}"),
        }
    }

    proptest! {
        #[test]
        fn two_numbers_have_one_form_where_they_are_one_value(
            digits in prop_oneof![-20_i64..20, any::<i64>()],
            other in prop_oneof![-20_i64..20, any::<i64>()],
            exponent in -3_i32..3,
            (point, zeros, upper) in (0_usize..25, 0_usize..4, any::<bool>()),
        ) {
            let one = spelled(digits, exponent, point, zeros, upper);
            prop_assert!(serde_json::from_str::<&serde_json::value::RawValue>(&one).is_ok(), "{}", one);
            prop_assert_eq!(decimal(&one), decimal(&format!("{digits}e{exponent}")), "{}", one);
            let is_equal = i128::from(digits) * 10_i128.pow(exponent.max(0).unsigned_abs())
                == i128::from(other) * 10_i128.pow(exponent.min(0).unsigned_abs());
            prop_assert_eq!(decimal(&one) == decimal(&other.to_string()), is_equal, "{} {}", one, other);
        }
    }

    #[test]
    fn each_spelling_of_a_number_has_one_form() {
        let rows: [(&str, &[&str]); 7] = [
            ("0", &["0", "-0", "0.000", "-0e7", "0E-99999999999999999999"]),
            ("1e1", &["10", "10.0", "1e1", "1E+01", "0.001e4", "1000e-2"]),
            ("-25e-1", &["-2.5", "-25E-1", "-0.25e0001", "-2.500"]),
            ("1e0", &["1", "1.0"]),
            ("18446744073709551617e0", &["18446744073709551617", "1.8446744073709551617e19"]),
            ("1e999999999999999999", &["1e999999999999999999", "1e+000999999999999999999"]),
            ("1005e-3", &["1.005", "01005e-3"]),
        ];
        for (form, texts) in rows {
            for text in texts {
                assert_eq!(decimal(text).as_deref(), Some(form), "{text}");
            }
        }
    }

    #[test]
    fn an_exponent_of_more_than_18_digits_is_not_read() {
        assert_eq!(decimal("1e1000000000000000000"), None);
        assert_eq!(decimal("1e-1000000000000000000"), None);
        assert_eq!(decimal(&format!("1e{}", "9".repeat(100))), None);
    }
}
