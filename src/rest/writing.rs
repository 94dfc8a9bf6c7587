//! What a request that writes asks for, and what of it is refused before anything is written.

use super::error::{DataError, ErrorCode};
use super::payload::Payload;
use super::preference::{Format, Resolution};
use super::query::{Condition, Query};
use super::request::Request;
use super::rows::not_one_row;
use super::select::column_of;
use crate::limits::{PARAMETER_BYTES, REREAD_ROWS};

impl Request {
    /// What is told of written rows; `None` where nothing is.
    #[must_use]
    pub fn told(&self) -> Option<&Query> {
        Some(&self.query).filter(|_| self.preferences.returns_rows)
    }

    /// Whether the answer is to be one row, and not a list.
    #[must_use]
    pub fn is_one(&self) -> bool {
        self.format == Format::Object && self.preferences.returns_rows
    }

    /// Whether the answer is read anew: written rows are told without those of other tables, and without order.
    #[must_use]
    pub fn needs_reading(&self) -> bool {
        self.query.embeds().next().is_some() || !self.query.order.is_empty()
    }

    /// What becomes of rows whose key, in these columns, is taken; `None` where that is an error.
    ///
    /// # Errors
    /// Those of [`Self::conflict_target`]; [`ErrorCode::Cardinality`] where a row would be written over twice.
    pub fn conflict(&self, payload: &Payload) -> Result<Option<(Resolution, &'static [&'static str])>, DataError> {
        let Some(resolution) = self.preferences.resolution else { return Ok(None) };
        let key = self.conflict_target()?;
        if resolution == Resolution::Merge && payload.repeats(key) {
            let message = "ON CONFLICT DO UPDATE command cannot affect row a second time";
            let hint =
                "Ensure that no rows proposed for insertion within the same command have duplicate constrained values.";
            return Err(DataError::new(ErrorCode::Cardinality, message).hint(hint));
        }
        Ok(Some((resolution, key)))
    }

    /// Refuses rows that are more than can be inserted or told.
    ///
    /// # Errors
    /// [`ErrorCode::Unsupported`], [`ErrorCode::TooLarge`], [`ErrorCode::NotOneRow`].
    pub fn refuse_amount(&self, payload: &Payload) -> Result<(), DataError> {
        let (table, rows) = (self.query.table, payload.rows.len());
        if self.needs_reading() && table.key.len() > 1 && rows > REREAD_ROWS {
            let what = format!("embedding or order in the answer to more than {REREAD_ROWS} rows of {}", table.name);
            return Err(DataError::unsupported(what));
        }
        if payload.json().len() > PARAMETER_BYTES {
            let hint = "Send them in several requests.";
            return Err(DataError::new(ErrorCode::TooLarge, "these rows are too many bytes together").hint(hint));
        }
        if self.is_one() && rows != 1 {
            return Err(not_one_row(rows));
        }
        Ok(())
    }

    /// What identifies a row that is upserted.
    ///
    /// # Errors
    /// [`ErrorCode::UnknownColumn`], [`ErrorCode::InvalidConflictTarget`] when nothing makes the columns of `on_conflict` unique.
    pub fn conflict_target(&self) -> Result<&'static [&'static str], DataError> {
        let table = self.query.table;
        let Some(named) = &self.on_conflict else { return Ok(table.key) };
        named.iter().try_for_each(|name| column_of(table, name).map(drop))?;
        let is_meant = |key: &&[&str]| {
            key.len() == named.len() && key.iter().all(|column| named.iter().any(|name| name == column))
        };
        let keys = std::iter::once(&table.key).chain(table.unique);
        let message = "there is no unique or exclusion constraint matching the ON CONFLICT specification";
        let error = || DataError::new(ErrorCode::InvalidConflictTarget, message);
        keys.copied().find(is_meant).ok_or_else(error)
    }

    /// The conditions, which a write must have.
    ///
    /// # Errors
    /// [`ErrorCode::Cardinality`] without any, [`ErrorCode::Unsupported`] for a page and for embedded tables.
    pub fn written_conditions(&self, verb: &str) -> Result<&[Condition], DataError> {
        if !self.has_condition {
            let hint = "Add a filter, or one that every row satisfies: ?id=not.is.null";
            return Err(DataError::new(ErrorCode::Cardinality, format!("{verb} requires a WHERE clause")).hint(hint));
        }
        if self.is_paged {
            return Err(DataError::unsupported("limit or offset in a write"));
        }
        if self.query.conditions.iter().any(Condition::is_on_embedded) {
            return Err(DataError::unsupported("a condition on an embedded table in a write"));
        }
        Ok(&self.query.conditions)
    }
}
