//! Columns read as what they mean, on top of the texts and numbers that a database gives.

use super::{Error, Row};

impl Row {
    /// A count that fits 32 bits.
    ///
    /// # Errors
    /// [`Error::Corrupt`].
    pub fn count(&self, column: &str) -> Result<u32, Error> {
        u32::try_from(self.int(column)?).map_err(|_| self.corrupt(column))
    }

    /// A flag.
    ///
    /// # Errors
    /// [`Error::Corrupt`].
    pub fn flag(&self, column: &str) -> Result<bool, Error> {
        Ok(self.int(column)? != 0)
    }

    /// An instant.
    ///
    /// # Errors
    /// [`Error::Corrupt`].
    pub fn at(&self, column: &str) -> Result<domain::time::Timestamp, Error> {
        self.int(column).map(domain::time::Timestamp::from_ms)
    }

    /// An instant or null.
    ///
    /// # Errors
    /// [`Error::Corrupt`].
    pub fn opt_at(&self, column: &str) -> Result<Option<domain::time::Timestamp>, Error> {
        Ok(self.opt_int(column)?.map(domain::time::Timestamp::from_ms))
    }

    /// An id or another value that parses from text.
    ///
    /// # Errors
    /// [`Error::Corrupt`].
    pub fn parse<T: std::str::FromStr>(&self, column: &str) -> Result<T, Error> {
        self.text(column)?.parse().map_err(|_| self.corrupt(column))
    }

    /// The same, or null.
    ///
    /// # Errors
    /// [`Error::Corrupt`].
    pub fn opt_parse<T: std::str::FromStr>(&self, column: &str) -> Result<Option<T>, Error> {
        self.opt_text(column)?
            .map(|text| text.parse().map_err(|_| self.corrupt(column)))
            .transpose()
    }

    /// A JSON value.
    ///
    /// # Errors
    /// [`Error::Corrupt`].
    pub fn json<T: serde::de::DeserializeOwned>(&self, column: &str) -> Result<T, Error> {
        serde_json::from_str(&self.text(column)?).map_err(|_| self.corrupt(column))
    }

    /// A JSON value or null.
    ///
    /// # Errors
    /// [`Error::Corrupt`].
    pub fn opt_json<T: serde::de::DeserializeOwned>(
        &self,
        column: &str,
    ) -> Result<Option<T>, Error> {
        self.opt_text(column)?
            .map(|text| serde_json::from_str(&text).map_err(|_| self.corrupt(column)))
            .transpose()
    }
}
