//! Lengths of time: `300s`, `5m`, `1h`, `250ms`, or a number of seconds.

use std::borrow::Cow;
use std::fmt;
use std::time::Duration;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{Error, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A length of time in the configuration.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct TimeSpan(pub(super) Duration);

impl TimeSpan {
    /// Its name in the schema.
    pub(super) const NAME: &'static str = "TimeSpan";
    pub(super) const EXPECTED: &'static str =
        "a length of time such as `300s`, `5m`, `1h`, `250ms`, or a number of seconds";

    pub(super) fn parse(text: &str) -> Option<Self> {
        let unit = text.find(|c: char| !c.is_ascii_digit())?;
        let (number, unit) = text.split_at_checked(unit)?;
        let number: u64 = number.parse().ok()?;
        let seconds = |each: u64| number.checked_mul(each).map(Duration::from_secs);
        match unit {
            "ms" => Some(Duration::from_millis(number)),
            "s" => seconds(1),
            "m" => seconds(60),
            "h" => seconds(60 * 60),
            _ => None,
        }
        .map(Self)
    }
}

impl<'de> Deserialize<'de> for TimeSpan {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(TimeSpanVisitor)
    }
}

struct TimeSpanVisitor;

impl Visitor<'_> for TimeSpanVisitor {
    type Value = TimeSpan;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(TimeSpan::EXPECTED)
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<TimeSpan, E> {
        TimeSpan::parse(text).ok_or_else(|| E::custom(TimeSpan::EXPECTED))
    }

    fn visit_u64<E: Error>(self, seconds: u64) -> Result<TimeSpan, E> {
        Ok(TimeSpan(Duration::from_secs(seconds)))
    }
}

impl Serialize for TimeSpan {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&format_args!("{}s", self.0.as_secs()))
    }
}

impl JsonSchema for TimeSpan {
    fn schema_name() -> Cow<'static, str> {
        Self::NAME.into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "description": "A length of time: `300s`, `5m`, `1h`, `250ms`, or a number of seconds.",
            "anyOf": [
                { "type": "string", "pattern": "^[0-9]+(ms|s|m|h)$" },
                { "type": "integer", "minimum": 0 }
            ]
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn units_are_read() {
        let millis = |text| TimeSpan::parse(text).map(|span| span.0.as_millis());
        assert_eq!(millis("250ms"), Some(250));
        assert_eq!(millis("300s"), Some(300_000));
        assert_eq!(millis("5m"), Some(300_000));
        assert_eq!(millis("1h"), Some(3_600_000));
        for text in [
            "",
            "5",
            "s",
            "5 m",
            "-1s",
            "1.5s",
            "5M",
            "99999999999999999999s",
            "6000000000000000000h",
        ] {
            assert_eq!(millis(text), None, "{text}");
        }
    }
}
