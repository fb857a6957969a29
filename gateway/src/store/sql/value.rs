//! Values on their way into a database and out of it.

use crate::store::StoreError;

const ODD: StoreError = StoreError::Damaged("a stored value is of another kind");

/// A value. Every number is a 64-bit one.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Value<'a> {
    /// Nothing.
    Null,
    /// A number.
    Int(i64),
    /// Bytes.
    Bytes(&'a [u8]),
    /// Text.
    Text(&'a str),
}

impl std::fmt::Debug for Value<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // Ids and documents of patients do not belong in any log.
        f.write_str("Value")
    }
}

impl<'a, const N: usize> From<&'a [u8; N]> for Value<'a> {
    fn from(bytes: &'a [u8; N]) -> Self {
        Self::Bytes(bytes)
    }
}

impl<'a> From<&'a Vec<u8>> for Value<'a> {
    fn from(bytes: &'a Vec<u8>) -> Self {
        Self::Bytes(bytes)
    }
}

impl<'a> From<&'a str> for Value<'a> {
    fn from(text: &'a str) -> Self {
        Self::Text(text)
    }
}

impl<'a> From<&'a String> for Value<'a> {
    fn from(text: &'a String) -> Self {
        Self::Text(text)
    }
}

impl From<u64> for Value<'_> {
    /// Times and counts; none of them comes near the largest.
    fn from(number: u64) -> Self {
        Self::Int(i64::try_from(number).unwrap_or(i64::MAX))
    }
}

impl From<u32> for Value<'_> {
    fn from(number: u32) -> Self {
        Self::Int(number.into())
    }
}

impl From<u8> for Value<'_> {
    fn from(number: u8) -> Self {
        Self::Int(number.into())
    }
}

impl<'a, T: Into<Self>> From<Option<T>> for Value<'a> {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Null, Into::into)
    }
}

/// The values of a statement.
macro_rules! values {
    ($($value:expr),* $(,)?) => { &[$($crate::store::sql::Value::from($value)),*] };
}
pub(in crate::store) use values;

/// A row of an answer; its columns are counted from 0.
pub trait Row {
    /// The value in a column.
    ///
    /// # Errors
    /// [`StoreError`].
    fn value(&self, column: usize) -> Result<Value<'_>, StoreError>;
}

impl dyn Row + '_ {
    /// A number.
    pub(super) fn int<T: TryFrom<i64>>(&self, column: usize) -> Result<T, StoreError> {
        match self.value(column)? {
            Value::Int(number) => number.try_into().map_err(|_| ODD),
            _ => Err(ODD),
        }
    }

    /// Bytes of a known length.
    pub(super) fn array<const N: usize>(&self, column: usize) -> Result<[u8; N], StoreError> {
        match self.value(column)? {
            Value::Bytes(bytes) => bytes.try_into().map_err(|_| ODD),
            _ => Err(ODD),
        }
    }

    /// Bytes.
    pub(super) fn bytes(&self, column: usize) -> Result<Vec<u8>, StoreError> {
        match self.value(column)? {
            Value::Bytes(bytes) => Ok(bytes.to_vec()),
            _ => Err(ODD),
        }
    }

    /// Text.
    pub(super) fn text(&self, column: usize) -> Result<&str, StoreError> {
        self.text_if_any(column)?.ok_or(ODD)
    }

    /// Text, or nothing.
    pub(super) fn text_if_any(&self, column: usize) -> Result<Option<&str>, StoreError> {
        match self.value(column)? {
            Value::Text(text) => Ok(Some(text)),
            Value::Null => Ok(None),
            _ => Err(ODD),
        }
    }
}
