//! How a table is described: the one description from which rows are read, checked, written and joined.

/// A table that callers may name.
#[derive(Debug)]
pub struct Table {
    /// Its name.
    pub name: &'static str,
    /// Its columns, in the order in which `*` gives them. Columns that are not described are the worker's own.
    pub columns: &'static [Column],
    /// The primary key.
    pub key: &'static [&'static str],
    /// What else is unique.
    pub unique: &'static [&'static [&'static str]],
    /// Columns that are not described and that a new row must have, with what it has there, as SQL.
    pub unlisted: &'static [(&'static str, &'static str)],
}

/// A column.
#[derive(Debug)]
pub struct Column {
    /// Its name.
    pub name: &'static str,
    /// What it holds.
    pub kind: Kind,
    /// Whether it may be null.
    pub nullable: bool,
    /// What a new row has there, unless it says so.
    pub default: Default,
    /// What its values must satisfy, beside their kind and what the database checks.
    pub check: Check,
    /// The table whose primary key it refers to.
    pub references: Option<&'static str>,
    /// Whether a query may search it by words.
    pub searchable: bool,
}

/// What a column holds, and how that is stored and written as JSON.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A UUID; text in lower case.
    Uuid,
    /// A text.
    Text,
    /// A whole number within ±2^53.
    Integer,
    /// True or false; 1 or 0.
    Boolean,
    /// An instant; text as [`crate::time::parse_timestamp`] writes it.
    Timestamp,
    /// Any JSON; its text.
    Json,
    /// An array of texts; its JSON text.
    TextArray,
}

/// What a new row has in a column that it does not name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Default {
    /// Null.
    Null,
    /// A new id.
    NewId,
    /// The time of the request.
    Now,
    /// The user who asks.
    Caller,
    /// False.
    False,
    /// True.
    True,
    /// 0.
    Zero,
}

/// What the values of a column must satisfy that the database does not check.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Check {
    /// Nothing.
    Any,
    /// A text has at most so many characters.
    Characters(usize),
    /// A text has 1 to so many characters, and none that controls: it is an id that callers choose.
    Key(usize),
    /// A text is no UUID, for paths name rows by both.
    NoUuid(usize),
}

impl Table {
    /// The column of this name.
    #[must_use]
    pub fn column(&self, name: &str) -> Option<&'static Column> {
        self.columns.iter().find(|column| column.name == name)
    }

    /// The column that refers to `other`, if it is one.
    #[must_use]
    pub fn reference_to(&self, other: &Table) -> Option<&'static Column> {
        self.columns.iter().find(|column| column.references == Some(other.name))
    }

    /// The names of its columns, in their order.
    pub fn column_names(&self) -> impl Iterator<Item = &'static str> {
        self.columns.iter().map(|column| column.name)
    }
}

impl Column {
    /// Whether its values are stored as texts whose length callers decide: they count for what an answer may have.
    #[must_use]
    pub fn is_text(&self) -> bool {
        matches!(self.kind, Kind::Text | Kind::Json | Kind::TextArray)
    }

    /// A column that may be null.
    #[must_use]
    pub const fn new(name: &'static str, kind: Kind) -> Self {
        let (default, check) = (Default::Null, Check::Any);
        Self { name, kind, nullable: true, default, check, references: None, searchable: false }
    }

    /// The same, never null.
    #[must_use]
    pub const fn required(self) -> Self {
        Self { nullable: false, ..self }
    }

    /// The same, never null, with this in rows that do not name it.
    #[must_use]
    pub const fn or(self, default: Default) -> Self {
        Self { nullable: false, default, ..self }
    }

    /// The same, with values that satisfy this.
    #[must_use]
    pub const fn where_value(self, check: Check) -> Self {
        Self { check, ..self }
    }

    /// The same, referring to this table's primary key.
    #[must_use]
    pub const fn references(self, table: &'static str) -> Self {
        Self { references: Some(table), ..self }
    }

    /// The same, searchable by words.
    #[must_use]
    pub const fn searchable(self) -> Self {
        Self { searchable: true, ..self }
    }
}
