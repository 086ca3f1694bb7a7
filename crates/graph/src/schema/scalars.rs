//! Values that GraphQL does not have by itself.

use async_graphql::{InputValueError, InputValueResult, Number, Scalar, ScalarType, Value};
use chrono::SecondsFormat;
use clipsy_domain::clock::Timestamp;

/// A moment, see [`ScalarType`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct DateTime(pub(crate) Timestamp);

/// A time in UTC (RFC 3339) with milliseconds: `2026-11-22T09:30:00.000Z`.
#[Scalar(
    name = "DateTime",
    specified_by_url = "https://www.rfc-editor.org/rfc/rfc3339"
)]
impl ScalarType for DateTime {
    fn parse(value: Value) -> InputValueResult<Self> {
        let Value::String(text) = &value else {
            return Err(InputValueError::expected_type(value));
        };
        let time = chrono::DateTime::parse_from_rfc3339(text)
            .map_err(|_| InputValueError::custom("not a moment as RFC 3339 writes it"))?;
        Ok(Self(time.into()))
    }

    fn to_value(&self) -> Value {
        Value::String(self.0.to_rfc3339_opts(SecondsFormat::Millis, true))
    }
}

impl From<Timestamp> for DateTime {
    fn from(time: Timestamp) -> Self {
        Self(time)
    }
}

/// A whole number, see [`ScalarType`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct BigInt(pub(crate) i64);

/// An integer that may exceed 2^31, such as a number of bytes. Sent as a JSON number, exact up to
/// 2^53; accepted as a number or a string.
#[Scalar(name = "BigInt")]
impl ScalarType for BigInt {
    fn parse(value: Value) -> InputValueResult<Self> {
        let number = match &value {
            Value::Number(number) => number.as_i64(),
            Value::String(text) => text.parse().ok(),
            _ => return Err(InputValueError::expected_type(value)),
        };
        number
            .map(Self)
            .ok_or_else(|| InputValueError::custom("not a whole number of at most 64 bits"))
    }

    fn to_value(&self) -> Value {
        Value::Number(Number::from(self.0))
    }
}

impl From<i64> for BigInt {
    fn from(number: i64) -> Self {
        Self(number)
    }
}

/// A number as an `Int`, which has 32 bits; the nearest one beyond that.
pub(crate) fn int(number: i64) -> i32 {
    i32::try_from(number).unwrap_or(if number < 0 { i32::MIN } else { i32::MAX })
}

#[cfg(test)]
mod tests {
    use super::*;
    use clipsy_domain::clock::from_millis;

    #[test]
    fn moments_are_written_in_one_way_only() {
        let time = DateTime(from_millis(1_705_314_600_000));
        assert_eq!(time.to_value(), Value::from("2024-01-15T10:30:00.000Z"));
        let elsewhere = Value::from("2024-01-15T11:30:00+01:00");
        assert_eq!(DateTime::parse(elsewhere).unwrap(), time);
        assert!(DateTime::parse(Value::from("yesterday")).is_err());
        assert!(DateTime::parse(Value::from(5)).is_err());
    }

    #[test]
    fn large_numbers_are_taken_as_text_too() {
        let large = 1_i64 << 53;
        assert_eq!(BigInt(large).to_value(), Value::from(large));
        for value in [Value::from(large), Value::from(large.to_string())] {
            assert_eq!(BigInt::parse(value).unwrap(), BigInt(large));
        }
        for odd in [Value::from("1.5"), Value::from(1.5), Value::from(true)] {
            assert!(BigInt::parse(odd).is_err());
        }
        assert_eq!(int(i64::MAX), i32::MAX);
        assert_eq!(int(i64::MIN), i32::MIN);
        assert_eq!(int(7), 7);
    }
}
