//! The types of scalars: the core schema of YAML 1.2, for plain scalars only.

/// How a scalar is written in its document.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Style {
    /// Without quotes.
    Plain,
    /// In `'…'`.
    Single,
    /// In `"…"`.
    Double,
    /// A block that starts with `|`.
    Literal,
    /// A block that starts with `>`.
    Folded,
}

/// What a scalar means. Only plain scalars are anything but text, and what YAML 1.1 alone reads
/// as something else (`yes`, `010`, `1_000`, `2024-01-01`) is text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ScalarType {
    /// `null`, `~` or nothing.
    Null,
    /// `true` or `false`.
    Bool,
    /// Decimal, `0o17` or `0x1f`, of any length.
    Int,
    /// Decimal with a point or an exponent, `.inf` or `.nan`.
    Float,
    /// Everything else.
    String,
}

/// The type of a plain scalar.
pub(crate) fn plain_type(text: &str) -> ScalarType {
    match text {
        "" | "~" | "null" | "Null" | "NULL" => ScalarType::Null,
        "true" | "True" | "TRUE" | "false" | "False" | "FALSE" => ScalarType::Bool,
        _ if radix(text).is_some() => ScalarType::Int,
        _ if is_special_float(text) => ScalarType::Float,
        _ => match Decimal::parse(text) {
            Some(decimal) if decimal.is_integer() => ScalarType::Int,
            Some(_) => ScalarType::Float,
            None => ScalarType::String,
        },
    }
}

/// The JSON form of a plain number with all its digits; `None` for what JSON cannot say
/// (`.inf`, `.nan`) and for hexadecimal and octal numbers over 128 bits.
pub(crate) fn json_number(text: &str) -> Option<String> {
    if let Some((digits, base)) = radix(text) {
        return u128::from_str_radix(digits, base)
            .ok()
            .map(|number| number.to_string());
    }
    Decimal::parse(text).map(|decimal| decimal.to_json())
}

/// The digits and base of `0x…` and `0o…`.
fn radix(text: &str) -> Option<(&str, u32)> {
    let (digits, base) = match text.split_at_checked(2)? {
        ("0x", digits) => (digits, 16),
        ("0o", digits) => (digits, 8),
        _ => return None,
    };
    let valid = !digits.is_empty() && digits.chars().all(|c| c.is_digit(base));
    valid.then_some((digits, base))
}

fn is_special_float(text: &str) -> bool {
    let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
    matches!(unsigned, ".inf" | ".Inf" | ".INF") || matches!(text, ".nan" | ".NaN" | ".NAN")
}

/// A decimal number taken apart: `-12.5e+3`.
struct Decimal<'a> {
    negative: bool,
    whole: &'a str,
    fraction: Option<&'a str>,
    exponent: Option<&'a str>,
}

impl<'a> Decimal<'a> {
    /// Leading zeros make it text: `010` and `007.5` are codes rather than numbers, and readers
    /// disagree about them.
    fn parse(text: &'a str) -> Option<Self> {
        let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
        let (mantissa, exponent) = match unsigned.split_once(['e', 'E']) {
            Some((mantissa, exponent)) => (mantissa, Some(exponent)),
            None => (unsigned, None),
        };
        let (whole, fraction) = match mantissa.split_once('.') {
            Some((whole, fraction)) => (whole, Some(fraction)),
            None => (mantissa, None),
        };
        let digits = |text: &str| text.bytes().all(|b| b.is_ascii_digit());
        let valid = digits(whole)
            && fraction.is_none_or(digits)
            && !(whole.is_empty() && fraction.is_none_or(str::is_empty))
            && exponent.is_none_or(|exponent| {
                let power = exponent.strip_prefix(['+', '-']).unwrap_or(exponent);
                !power.is_empty() && digits(power)
            })
            && !(whole.len() > 1 && whole.starts_with('0'));
        valid.then_some(Self {
            negative: text.starts_with('-'),
            whole,
            fraction,
            exponent,
        })
    }

    fn is_integer(&self) -> bool {
        self.fraction.is_none() && self.exponent.is_none()
    }

    /// A number with an exponent gets a point and a sign (`1.0e+5`), without which YAML 1.1
    /// readers take it for text.
    fn to_json(&self) -> String {
        let mut json = String::from(if self.negative { "-" } else { "" });
        json.push_str(if self.whole.is_empty() {
            "0"
        } else {
            self.whole
        });
        if !self.is_integer() {
            let fraction = self.fraction.filter(|fraction| !fraction.is_empty());
            json.push('.');
            json.push_str(fraction.unwrap_or("0"));
        }
        if let Some(exponent) = self.exponent {
            json.push('e');
            if !exponent.starts_with(['+', '-']) {
                json.push('+');
            }
            json.push_str(exponent);
        }
        json
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_scalars_follow_the_core_schema() {
        for text in ["", "~", "null", "NULL"] {
            assert_eq!(plain_type(text), ScalarType::Null, "{text}");
        }
        for text in ["true", "False"] {
            assert_eq!(plain_type(text), ScalarType::Bool, "{text}");
        }
        for text in [
            "0",
            "-1",
            "+12",
            "0x1F",
            "0o17",
            "123456789012345678901234567890",
        ] {
            assert_eq!(plain_type(text), ScalarType::Int, "{text}");
        }
        for text in ["1.5", ".5", "5.", "1e5", "-1.2E-3", ".inf", "-.INF", ".nan"] {
            assert_eq!(plain_type(text), ScalarType::Float, "{text}");
        }
    }

    #[test]
    fn yaml_1_1_forms_stay_text() {
        let texts = [
            "yes",
            "No",
            "on",
            "y",
            "010",
            "1_000",
            "2024-01-01",
            "1:30",
            "0b1",
            "0X1f",
            "0o8",
            "nUll",
            "007.5",
            ".",
            "+",
            "-",
            "e5",
            "1e",
            "1e+",
            "1.2.3",
            ".e5",
            "+.nan",
            "0x",
            "inf",
            "١",
        ];
        for text in texts {
            assert_eq!(plain_type(text), ScalarType::String, "{text}");
        }
    }

    #[test]
    fn json_numbers_keep_every_digit() {
        let cases = [
            ("+12", Some("12")),
            ("0x1F", Some("31")),
            (
                "123456789012345678901234567890",
                Some("123456789012345678901234567890"),
            ),
            ("1.10", Some("1.10")),
            (".5", Some("0.5")),
            ("-5.", Some("-5.0")),
            ("1e5", Some("1.0e+5")),
            (".inf", None),
        ];
        for (text, json) in cases {
            assert_eq!(json_number(text).as_deref(), json, "{text}");
        }
    }
}
