//! What is asked of the rows of a table: the closed form that parsing leads to and SQL is written from.

use crate::data::schema::{Column, Kind, Table};
use crate::search::text_query::TextQuery;
use crate::sql::pattern::Pattern;
use crate::sql::statement::Value;

/// Rows of a table.
#[derive(Clone, Debug)]
pub struct Query {
    /// The table.
    pub table: &'static Table,
    /// What is told of each row, in this order.
    pub fields: Vec<Field>,
    /// What each row satisfies.
    pub conditions: Vec<Condition>,
    /// Their order.
    pub order: Vec<Order>,
    /// How many at the most.
    pub limit: Option<i64>,
    /// How many of the first are left out.
    pub offset: i64,
}

/// One thing that is told of a row.
#[derive(Clone, Debug)]
pub struct Field {
    /// Its name in the answer.
    pub name: String,
    /// What it is.
    pub part: Part,
}

/// What a field is.
#[derive(Clone, Debug)]
pub enum Part {
    /// A column.
    Column(&'static Column),
    /// Rows of another table.
    Embed(Embed),
}

/// Rows of another table that belong to a row.
#[derive(Clone, Debug)]
pub struct Embed {
    /// Which of them: those whose column `theirs` equals the row's column `ours`.
    pub ours: &'static str,
    /// See `ours`.
    pub theirs: &'static str,
    /// Whether there is at most one, which is then told as an object.
    pub is_one: bool,
    /// Whether rows without any are left out.
    pub is_inner: bool,
    /// What is asked of them.
    pub query: Query,
}

/// Something that a row satisfies.
#[derive(Clone, Debug)]
pub enum Condition {
    /// A column passes a test: of the row, or of an embedded one, named by its place among the fields.
    Test(Option<usize>, &'static Column, Test),
    /// It does not satisfy this.
    Not(Box<Condition>),
    /// It satisfies all of these.
    All(Vec<Condition>),
    /// It satisfies one of these.
    Any(Vec<Condition>),
}

/// A test of a value. With null it is neither passed nor failed, but for [`Test::IsNull`] and [`Test::Is`].
#[derive(Clone, Debug)]
pub enum Test {
    /// It compares so with this.
    Compare(Comparison, Value),
    /// It matches a pattern.
    Like(Pattern),
    /// It is one of these.
    In(Vec<Value>),
    /// It is null.
    IsNull,
    /// It is true, or false.
    Is(bool),
    /// It has these words.
    Search(TextQuery),
}

/// How two values compare.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Comparison {
    /// Equal.
    Equal,
    /// Not equal.
    NotEqual,
    /// Greater.
    Greater,
    /// Greater or equal.
    GreaterOrEqual,
    /// Less.
    Less,
    /// Less or equal.
    LessOrEqual,
}

/// By what rows are ordered.
#[derive(Clone, Debug)]
pub struct Order {
    /// Of the row, or of an embedded one, named by its place among the fields.
    pub embed: Option<usize>,
    /// The column.
    pub column: &'static Column,
    /// Whether the largest come first.
    pub is_descending: bool,
    /// Whether nulls come first.
    pub nulls_first: bool,
}

impl Condition {
    /// Whether it names the values or words of a column, so that an index finds its rows, and they are few.
    #[must_use]
    pub fn is_selective(&self) -> bool {
        match self {
            Self::Test(_, column, Test::Compare(Comparison::Equal, _) | Test::In(_) | Test::Search(_)) => {
                column.kind != Kind::Boolean
            }
            Self::All(conditions) => conditions.iter().any(Self::is_selective),
            Self::Test(..) | Self::Not(_) | Self::Any(_) => false,
        }
    }

    /// Whether it says something of embedded rows.
    #[must_use]
    pub fn is_on_embedded(&self) -> bool {
        match self {
            Self::Test(embed, ..) => embed.is_some(),
            Self::Not(inner) => inner.is_on_embedded(),
            Self::All(conditions) | Self::Any(conditions) => conditions.iter().any(Self::is_on_embedded),
        }
    }
}

impl Query {
    /// The same rows, told by their keys alone: how many there are is all that is asked.
    #[must_use]
    pub fn keys(&self) -> Self {
        let key = self.table.key.first().and_then(|name| self.table.column(name));
        let mut keys = self.clone();
        for field in &mut keys.fields {
            match (&mut field.part, key) {
                (Part::Column(column), Some(key)) => *column = key,
                (Part::Column(_), None) => {}
                (Part::Embed(embed), _) => embed.query = embed.query.keys(),
            }
        }
        keys
    }

    /// All rows of a table, and nothing told of them.
    #[must_use]
    pub fn of(table: &'static Table) -> Self {
        Self { table, fields: Vec::new(), conditions: Vec::new(), order: Vec::new(), limit: None, offset: 0 }
    }

    /// The embedded rows at this place among the fields.
    #[must_use]
    pub fn embed(&self, place: usize) -> Option<&Embed> {
        match &self.fields.get(place)?.part {
            Part::Embed(embed) => Some(embed),
            Part::Column(_) => None,
        }
    }

    /// The embedded rows, with their places among the fields.
    pub fn embeds(&self) -> impl Iterator<Item = (usize, &Embed)> {
        self.fields.iter().enumerate().filter_map(|(place, field)| match &field.part {
            Part::Embed(embed) => Some((place, embed)),
            Part::Column(_) => None,
        })
    }

    /// The place of the embedded rows of this name.
    #[must_use]
    pub fn embed_named(&self, name: &str) -> Option<usize> {
        self.fields.iter().position(|field| field.name == name && matches!(field.part, Part::Embed(_)))
    }
}
