//! Reads as SQL: one statement for the rows, with what belongs to one of them at most joined to it; one for each table
//! of which a row may have many; one for the number of rows.

use super::columns::Cells;
use super::condition_sql::{PushTest, push_condition};
use super::error::DataError;
use super::merged_page::MergedPage;
use super::page_sql::{Tables, many, push_order, push_page};
use super::query::{Condition, Embed, Part, Query};
use super::rows::{Shape, Slot};
use crate::data::policy::Action;
use crate::http::identity::Identity;
use crate::limits::{ANSWER_BYTES, EMBEDDED_ROWS, STATEMENT_COLUMNS};
use crate::sql::predicate::allowed;
use crate::sql::statement::{Statement, Value};

/// A read: its statements, which belong into one transaction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Read {
    /// The rows.
    pub rows: Statement,
    /// How the cells of the rows are told.
    pub shape: Shape,
    /// Embedded rows: each row's first cell tells what it belongs to.
    pub children: Vec<(Statement, Shape)>,
    /// The number of rows on all pages.
    pub count: Option<Statement>,
}

/// The statements of a read of what `identity` may see.
///
/// # Errors
/// [`super::error::ErrorCode::Unsupported`] for more columns than a statement gives.
pub fn read(query: &Query, identity: &Identity, counts: bool) -> Result<Read, DataError> {
    let most_bytes = ANSWER_BYTES / (1 + many(query));
    let merged = MergedPage::of(query, identity);
    let mut reader = Reader { identity, merged, children: Vec::new(), most_columns: 0, most_bytes };
    let mut rows = Statement::default();
    let shape = reader.push_rows(&mut rows, &[Link::new(query, None)]);
    let count = counts.then(|| {
        let mut count = Statement::new("select count(*) as c0");
        let tables = Tables::of(&mut count, query);
        reader.push_from(&mut count, query, &tables);
        reader.push_where(&mut count, query, &tables);
        count
    });
    if reader.most_columns > STATEMENT_COLUMNS {
        return Err(DataError::unsupported(format!("a select of more than {STATEMENT_COLUMNS} columns")));
    }
    Ok(Read { rows, shape, children: reader.children, count })
}

/// A query on the way from the rows that are asked for to rows that are embedded in them.
#[derive(Clone)]
struct Link<'a> {
    query: &'a Query,
    /// The column in which its rows tell to which row of the link before they belong.
    key: Option<&'static str>,
    /// The places of the embedded rows, one within the other, that the next query is embedded in.
    path: Vec<usize>,
    /// The column of those that the next query's rows refer to.
    ours: &'static str,
}

impl<'a> Link<'a> {
    fn new(query: &'a Query, key: Option<&'static str>) -> Self {
        Self { query, key, path: Vec::new(), ours: "" }
    }
}

/// What a condition may say of embedded rows.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Embedded {
    /// Those that are joined may be named.
    Joined,
    /// None may be named yet: they are joined further on.
    Unknown,
}

struct Reader<'a> {
    identity: &'a Identity,
    /// The page of the rows, where it is merged.
    merged: Option<MergedPage<'a>>,
    children: Vec<(Statement, Shape)>,
    most_columns: usize,
    /// Bytes that the large texts of one statement may have.
    most_bytes: i64,
}

impl Reader<'_> {
    /// Adds the rows of the last link.
    fn push_rows(&mut self, statement: &mut Statement, links: &[Link<'_>]) -> Shape {
        let Some((link, parents)) = links.split_last() else { return Shape::default() };
        let Link { query, key, .. } = *link;
        let tables = Tables::of(statement, query);
        let is_paged_within = key.is_some() && (query.limit.is_some() || query.offset > 0);
        statement.push(if is_paged_within { "select * from (select " } else { "select " });
        let mut cells = Cells::default();
        if let Some(key) = key {
            cells.push(statement, &tables.alias, key);
        }
        let mut shape = self.push_fields(statement, query, &tables, &mut cells, links, &[]);
        if cells.len() == 0 {
            statement.push("1 as c0");
        }
        self.most_columns = self.most_columns.max(cells.len());
        if let Some(key) = key.filter(|_| is_paged_within) {
            statement.push(", row_number() over (partition by ").push(&tables.alias).push(".").push(key);
            push_order(statement, query, &tables, self.is_order_total(link));
            statement.push(") as place");
        }
        self.push_from(statement, query, &tables);
        self.push_where_of(statement, link, &tables);
        self.push_belonging(statement, key, &tables, parents);
        if is_paged_within {
            statement.push(") where place > ").bind(Value::Integer(query.offset));
            if let Some(limit) = query.limit {
                statement.push(" and place <= ").bind(Value::Integer(query.offset + limit));
            }
            statement.push(" order by place");
        } else {
            push_order(statement, query, &tables, self.is_order_total(link));
        }
        if key.is_some() {
            statement.push(" limit ").bind(Value::Integer(EMBEDDED_ROWS + 1));
        } else {
            push_page(statement, query);
        }
        shape.bytes = cells.bound(statement, self.most_bytes);
        shape
    }

    /// Adds the key of the rows of the last link that rows of the next refer to.
    fn push_keys(&self, statement: &mut Statement, links: &[Link<'_>]) {
        let Some((link, parents)) = links.split_last() else { return };
        let tables = Tables::of(statement, link.query);
        let mut owner = &tables;
        for place in &link.path {
            owner = owner.one(*place).unwrap_or(owner);
        }
        statement.push("select ").push(&owner.alias).push(".").push(link.ours);
        self.push_from(statement, link.query, &tables);
        self.push_where_of(statement, link, &tables);
        self.push_belonging(statement, link.key, &tables, parents);
        if link.key.is_none() {
            push_order(statement, link.query, &tables, self.is_order_total(link));
            push_page(statement, link.query);
        }
    }

    /// Whether the order of a link's rows is total: their page is read again for each table of which they may have many,
    /// or is merged, and must be the same each time.
    fn is_order_total(&self, link: &Link<'_>) -> bool {
        let is_merged = link.key.is_none() && self.merged.is_some();
        is_merged || (link.query.limit.is_some() && many(link.query) > 0)
    }

    /// Adds which rows of its table a link's are.
    fn push_where_of(&self, statement: &mut Statement, link: &Link<'_>, tables: &Tables) {
        match &self.merged {
            Some(page) if link.key.is_none() => page.push(statement.push(" where "), &tables.alias),
            _ => self.push_where(statement, link.query, tables),
        }
    }

    /// Adds that rows belong to rows of the last link.
    fn push_belonging(&self, statement: &mut Statement, key: Option<&str>, tables: &Tables, links: &[Link<'_>]) {
        if let Some(key) = key {
            statement.push(" and ").push(&tables.alias).push(".").push(key).push(" in (");
            self.push_keys(statement, links);
            statement.push(")");
        }
    }

    /// Adds the columns of the result, and the statements for what rows may have many of.
    fn push_fields(
        &mut self,
        statement: &mut Statement,
        query: &Query,
        tables: &Tables,
        cells: &mut Cells,
        links: &[Link<'_>],
        path: &[usize],
    ) -> Shape {
        let mut shape = Shape::default();
        for (place, field) in query.fields.iter().enumerate() {
            let slot = match &field.part {
                Part::Column(column) => Slot::Cell(cells.push_told(statement, &tables.alias, column), column.kind),
                Part::Embed(embed) if embed.query.fields.is_empty() => continue,
                Part::Embed(embed) if embed.is_one => {
                    let Some(one) = tables.one(place) else { continue };
                    let present = cells.push(statement, &one.alias, embed.theirs);
                    let path: Vec<usize> = path.iter().copied().chain([place]).collect();
                    Slot::One(present, self.push_fields(statement, &embed.query, one, cells, links, &path))
                }
                Part::Embed(embed) => {
                    let key = cells.push(statement, &tables.alias, embed.ours);
                    Slot::Many(key, self.add_child(embed, links, path))
                }
            };
            shape.fields.push((field.name.clone(), slot));
        }
        shape
    }

    fn add_child(&mut self, embed: &Embed, links: &[Link<'_>], path: &[usize]) -> usize {
        let mut links = links.to_vec();
        if let Some(parent) = links.last_mut() {
            parent.path = path.to_vec();
            parent.ours = embed.ours;
        }
        links.push(Link::new(&embed.query, Some(embed.theirs)));
        let mut child = Statement::default();
        let shape = self.push_rows(&mut child, &links);
        self.children.push((child, shape));
        self.children.len() - 1
    }

    fn push_from(&self, statement: &mut Statement, query: &Query, tables: &Tables) {
        statement.push(" from ");
        self.push_joins(statement, query, tables);
    }

    /// Adds the table of a query, and behind it those of which a row has one at most, each with what its rows satisfy.
    fn push_joins(&self, statement: &mut Statement, query: &Query, tables: &Tables) {
        statement.push(query.table.name).push(" ").push(&tables.alias);
        self.push_joins_of(statement, query, tables, true);
    }

    fn push_joins_of(&self, statement: &mut Statement, query: &Query, tables: &Tables, all_inner: bool) {
        for (place, embed) in query.embeds() {
            let Some(one) = tables.one(place) else { continue };
            self.push_join(statement, embed, one, &tables.alias, all_inner && embed.is_inner);
        }
    }

    fn push_join(&self, statement: &mut Statement, embed: &Embed, one: &Tables, parent: &str, is_inner: bool) {
        statement.push(if is_inner { " join " } else { " left join " });
        statement.push(embed.query.table.name).push(" ").push(&one.alias).push(" on ");
        statement.push(&one.alias).push(".").push(embed.theirs);
        statement.push(" = ").push(parent).push(".").push(embed.ours).push(" and ");
        self.push_tests(statement, &embed.query, one, Embedded::Unknown);
        self.push_joins_of(statement, &embed.query, one, is_inner);
    }

    fn push_where(&self, statement: &mut Statement, query: &Query, tables: &Tables) {
        statement.push(" where ");
        self.push_tests(statement, query, tables, Embedded::Joined);
    }

    /// Adds what the rows of one table satisfy: the policy, the conditions, and that there are rows that must be.
    fn push_tests(&self, statement: &mut Statement, query: &Query, tables: &Tables, embedded: Embedded) {
        allowed(query.table, Action::Select, self.identity).push_on(statement, &tables.alias);
        if !query.conditions.is_empty() {
            statement.push(" and ");
            statement.push_balanced(&query.conditions, " and ", &mut |statement, condition| {
                self.push_condition(statement, query, tables, condition, embedded);
            });
        }
        let is_joined = |embed: &Embed| embed.is_one && embedded == Embedded::Joined;
        for (_, embed) in query.embeds().filter(|(_, embed)| embed.is_inner && !is_joined(embed)) {
            statement.push(" and ");
            self.push_exists(statement, embed, &tables.alias, &mut |_, _| {});
        }
    }

    fn push_condition(
        &self,
        statement: &mut Statement,
        query: &Query,
        tables: &Tables,
        condition: &Condition,
        embedded: Embedded,
    ) {
        push_condition(statement, condition, &mut |statement, place, push| {
            let embed = place.and_then(|place| Some((place, query.embed(place)?)));
            match embed {
                None => push(statement, &tables.alias),
                Some((place, embed)) => match tables.one(place).filter(|_| embedded == Embedded::Joined) {
                    Some(one) => push(statement, &one.alias),
                    None if embed.is_one => self.push_of_one(statement, embed, &tables.alias, push),
                    None => self.push_exists(statement, embed, &tables.alias, &mut |statement, alias| {
                        statement.push(" and ");
                        push(statement, alias);
                    }),
                },
            }
        });
    }

    /// Adds a test of the one row that is embedded, of nulls where there is none: as where it is joined.
    fn push_of_one(&self, statement: &mut Statement, embed: &Embed, parent: &str, test: &mut PushTest<'_>) {
        let one = Tables::of(statement, &embed.query);
        statement.push("(select ");
        test(statement, &one.alias);
        statement.push(" from (select 1)");
        self.push_join(statement, embed, &one, parent, false);
        statement.push(")");
    }

    /// Adds that a row has embedded rows; `more` adds what they satisfy besides.
    fn push_exists(&self, statement: &mut Statement, embed: &Embed, parent: &str, more: &mut PushTest<'_>) {
        let tables = Tables::of(statement, &embed.query);
        statement.push("exists (select 1");
        self.push_from(statement, &embed.query, &tables);
        self.push_where(statement, &embed.query, &tables);
        statement.push(" and ").push(&tables.alias).push(".").push(embed.theirs);
        statement.push(" = ").push(parent).push(".").push(embed.ours);
        more(statement, &tables.alias);
        statement.push(")");
    }
}
