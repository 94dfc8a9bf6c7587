//! What `select` names: columns, rows of other tables, and how much of them.

use promptmeter::http::identity::Identity;
use promptmeter::limits::{
    ANSWER_BYTES, EMBED_NESTING, EMBEDDED_ROWS, EMBEDDED_TABLES, SELECTED_FIELDS, STATEMENT_COLUMNS,
};
use promptmeter::rest::error::ErrorCode;
use promptmeter::rest::query::{Field, Part, Query};
use promptmeter::rest::read_sql;
use promptmeter::sql::statement::Value;

use crate::database::{self, request};
use crate::parsing::check_refused;

/// The fields of a query: `name:column`, and of embedded rows `name:table one inner ours=theirs(…)`.
fn shown(query: &Query) -> String {
    query.fields.iter().map(shown_field).collect::<Vec<_>>().join(" ")
}

fn shown_field(Field { name, part }: &Field) -> String {
    match part {
        Part::Column(column) if *name == column.name => name.clone(),
        Part::Column(column) => format!("{name}:{}", column.name),
        Part::Embed(embed) => {
            let table = embed.query.table.name;
            let name = if name == table { String::new() } else { format!("{name}:") };
            let how = if embed.is_one { "one" } else { "many" };
            let inner = if embed.is_inner { " inner" } else { "" };
            format!("{name}{table} {how}{inner} {}={}({})", embed.ours, embed.theirs, shown(&embed.query))
        }
    }
}

fn check_select(table: &str, select: &str, expected: &str) {
    let request = request(table, &[("select", select)]).unwrap_or_else(|error| panic!("{select}: {error:?}"));
    assert_eq!(shown(&request.query), expected, "{select}");
}

const USER_COLUMNS: &str = "id email created_at";
const STATS_COLUMNS: &str =
    "prompt_id view_count copy_count fork_count compare_count visit_count unique_visitors updated_at";

#[test]
fn select_names_columns_and_their_names_in_the_answer() {
    for all in ["*", "", " ", " * "] {
        check_select("users", all, USER_COLUMNS);
    }
    check_select("users", "email,id", "email id");
    check_select("users", " email , id ", "email id");
    check_select("users", "mail:email", "mail:email");
    check_select("users", "mail:email,mail2:email", "mail:email mail2:email");
    check_select("users", "\"email\"", "email");
    check_select("users", "\"a, b\\\"(c)\":email", "a, b\"(c):email");
    check_select("users", "*,id", "id email created_at id");
    assert_eq!(shown(&request("prompt_stats", &[]).unwrap().query), STATS_COLUMNS);
}

#[test]
fn select_embeds_rows_that_belong_to_rows() {
    check_select("prompts", "id,users(id)", "id users one user_id=id(id)");
    check_select("prompts", "id,prompt_stats(*)", &format!("id prompt_stats one id=prompt_id({STATS_COLUMNS})"));
    check_select("users", "prompts(id)", "prompts many id=user_id(id)");
    check_select("users", "mine:prompts(id)", "mine:prompts many id=user_id(id)");
    check_select("prompt_templates", "prompts!inner(title)", "prompts one inner prompt_id=id(title)");
    check_select("prompt_templates", "prompts!left(title)", "prompts one prompt_id=id(title)");
    check_select("prompt_templates", "prompts!prompt_id(title)", "prompts one prompt_id=id(title)");
    check_select("prompts", "users!prompts_user_id_fkey!inner(id)", "users one inner user_id=id(id)");
    check_select("users", "prompts!inner!user_id(id)", "prompts many inner id=user_id(id)");
    check_select("users", "prompts!prompts_user_id_fkey(id)", "prompts many id=user_id(id)");
    check_select("users", "prompts()", "prompts many id=user_id()");
    check_select("users", "\"prompts\"(\"id\")", "prompts many id=user_id(id)");
    check_select(
        "user_favorites",
        "prompt_templates( id , prompts!inner(title, users(email)) )",
        "prompt_templates one template_id=id(id prompts one inner prompt_id=id(title users one user_id=id(email)))",
    );
    check_select(
        "users",
        "first:prompts(id),second:prompts(id,prompt_answers(id))",
        "first:prompts many id=user_id(id) second:prompts many id=user_id(id prompt_answers many id=prompt_id(id))",
    );
}

#[test]
fn select_refuses_by_name_what_it_does_not_have() {
    let cases = [
        ("id::text", ErrorCode::Unsupported, "cast"),
        ("variables->a", ErrorCode::Unsupported, "->"),
        ("variables->>a", ErrorCode::Unsupported, "->"),
        ("id.count()", ErrorCode::Unsupported, "aggregate"),
        ("count", ErrorCode::Unsupported, "aggregate"),
        ("count()", ErrorCode::Unsupported, "aggregate"),
        ("n:count()", ErrorCode::Unsupported, "aggregate"),
        ("id,prompt_answers(count)", ErrorCode::Unsupported, "aggregate"),
        ("...users(id)", ErrorCode::Unsupported, "..."),
        ("users(id)::text", ErrorCode::Unsupported, "cast"),
        ("id,", ErrorCode::Unsupported, "a name"),
        (",id", ErrorCode::Unsupported, "a name"),
        ("id title", ErrorCode::Unsupported, "title"),
        ("users(id", ErrorCode::Unsupported, "\")\""),
        ("users(id),users(email)", ErrorCode::Unsupported, "\"users\""),
        ("users(id))", ErrorCode::Unsupported, "\")\""),
        ("users!inner", ErrorCode::UnknownColumn, "users"),
        ("users!hint", ErrorCode::Unsupported, "!hint"),
        ("\"id", ErrorCode::Unsupported, "closing quotes"),
        ("a:", ErrorCode::Unsupported, "a name"),
        ("a:id:c", ErrorCode::Unsupported, ":c"),
        ("id;drop table prompts", ErrorCode::Unsupported, ";drop"),
        ("nothing", ErrorCode::UnknownColumn, "prompts.nothing"),
        ("ID", ErrorCode::UnknownColumn, "prompts.ID"),
        ("users(nothing)", ErrorCode::UnknownColumn, "users.nothing"),
        ("nothing(id)", ErrorCode::NoRelation, "nothing"),
        ("template_likes(*)", ErrorCode::NoRelation, "prompt_answers"),
        ("users!title(id)", ErrorCode::NoRelation, "users"),
        ("experiments(*)", ErrorCode::NoRelation, "experiments"),
    ];
    for (select, code, named) in cases {
        check_refused(request("prompts", &[("select", select)]), code, named, select);
    }
    check_refused(
        request("prompt_events", &[("select", "claimed_by")]),
        ErrorCode::UnknownColumn,
        "claimed_by",
        "worker's own",
    );
    check_refused(
        request("rollup_runs", &[]),
        ErrorCode::UnknownTable,
        "public.rollup_runs",
        "a table of the worker's",
    );
    check_refused(request("", &[]), ErrorCode::UnknownTable, "public.", "no name");
}

#[test]
fn select_is_bounded() {
    let many = |count: usize, one: &str| vec![one; count].join(",");
    let embeds = |count: usize| (0..count).map(|place| format!("e{place}:users(id)")).collect::<Vec<_>>().join(",");
    assert!(request("prompts", &[("select", &many(SELECTED_FIELDS, "id"))]).is_ok());
    let longer = many(SELECTED_FIELDS + 1, "id");
    check_refused(request("prompts", &[("select", &longer)]), ErrorCode::Unsupported, "256 fields", "fields");
    let half = many(SELECTED_FIELDS / 2, "id");
    let both = format!("users({half}),prompt_answers({half})");
    check_refused(request("prompts", &[("select", &both)]), ErrorCode::Unsupported, "256 fields", "of two tables");
    check_refused(
        request("prompts", &[("select", &many(60, "*"))]),
        ErrorCode::Unsupported,
        "256 fields",
        "all columns",
    );
    assert!(request("prompts", &[("select", &embeds(EMBEDDED_TABLES))]).is_ok());
    let longer = embeds(EMBEDDED_TABLES + 1);
    check_refused(request("prompts", &[("select", &longer)]), ErrorCode::Unsupported, "16 tables", "embedded tables");
    let deep = |levels: usize| format!("{}id{}", "users(prompts(".repeat(levels), "))".repeat(levels));
    assert!(request("prompts", &[("select", &deep(EMBED_NESTING / 2))]).is_ok());
    check_refused(request("prompts", &[("select", &deep(2))]), ErrorCode::Unsupported, "3 levels", "nesting");
    let inner = |within: &str| format!("id,users!inner(id,{within})");
    let [two, three] = ["prompts!inner(id)", "prompts!inner(id,prompt_answers!inner(id))"].map(inner);
    assert!(request("prompts", &[("select", &two)]).is_ok());
    assert!(request("prompts", &[("select", &inner("prompts!inner(id,prompt_answers(id))"))]).is_ok());
    check_refused(request("prompts", &[("select", &three)]), ErrorCode::Unsupported, "2 levels", "inner");
}

/// As PostgREST counts them: characters, from 1.
#[test]
fn what_cannot_be_read_is_told_by_its_place() {
    for (select, place, found) in [
        (",id", 1, "\",id\""),
        ("id,users(id", 12, "the end"),
        ("\"é\":id;", 7, "\";\""),
        ("id)and so on and so on", 3, "\")and so on and so on\""),
        ("id)and so on and so on and on", 3, "\")and so on and so on\""),
    ] {
        let error = request("prompts", &[("select", select)]).unwrap_err();
        assert_eq!(error.message, format!("failed to parse \"select\" (character {place})"), "{select}");
        let details = error.details.unwrap();
        assert!(details.ends_with(&format!("found {found}")), "{select}: {details}");
    }
}

/// D1 gives 100 columns: more are refused by name, and one that is selected several times is one.
#[test]
fn what_select_lets_pass_the_database_can_give() {
    let database = database::open();
    let embeds = |count: usize| (0..count).map(|place| format!("e{place}:prompts(*)")).collect::<Vec<_>>().join(",");
    let cases = [
        (vec!["id"; SELECTED_FIELDS].join(","), true),
        (format!("*,{}", embeds(6)), true),
        (format!("*,{}", embeds(7)), false),
        (format!("*,{}", embeds(EMBEDDED_TABLES)), false),
    ];
    for (select, is_given) in cases {
        let request = request("prompt_templates", &[("select", &select)]).unwrap();
        let refusal = read_sql::read(&request.query, &Identity::Service(None), true).err();
        assert_eq!(refusal.is_none(), is_given, "{select}");
        let Some(error) = refusal else {
            database::answer(&database, &Identity::Service(None), &request);
            continue;
        };
        assert_eq!(
            (error.code, error.message.contains(&format!("{STATEMENT_COLUMNS} columns"))),
            (ErrorCode::Unsupported, true)
        );
    }
}

/// A page within each row and the bound on bytes add a column each.
#[test]
fn as_many_columns_as_a_statement_gives_may_be_paged() {
    let database = database::open();
    let embeds = (1..6).map(|place| format!("e{place}:prompts(*)")).collect::<Vec<_>>().join(",");
    let select = format!("id,prompt_templates(*,e0:prompts(*,users(id)),{embeds})");
    let request = request("prompts", &[("select", &select), ("prompt_templates.limit", "1")]).unwrap();
    if read_sql::read(&request.query, &Identity::Service(None), true).is_ok() {
        database::answer(&database, &Identity::Service(None), &request);
    }
}

/// What all statements of a read may answer with is shared among those of its tables of which a row may have many.
#[test]
fn large_texts_are_bounded_by_their_share_of_an_answer() {
    for (select, statements) in [
        ("template", 1),
        ("template,users(email)", 1),
        ("template,prompt_answers(answer)", 2),
        ("template,prompt_answers(answer),prompt_events(id)", 3),
        ("template,prompt_templates(id,template_likes(user_id),user_favorites(user_id))", 4),
    ] {
        let request = request("prompts", &[("select", select)]).unwrap();
        let read = read_sql::read(&request.query, &Identity::Service(None), false).unwrap();
        assert_eq!(i64::try_from(1 + read.children.len()).unwrap(), statements, "{select}");
        let share = ANSWER_BYTES / statements;
        assert_eq!(read.shape.bytes.unwrap().most, share, "{select}");
        assert!(read.rows.text().contains(&format!("iif(bytes > {share}, ")), "{select}");
    }
}

/// Rows of each row are numbered where a page of them is asked for, and not otherwise.
#[test]
fn embedded_rows_are_paged_where_a_page_is_asked_for() {
    for (parameter, value, is_paged) in
        [("limit", "2", true), ("offset", "1", true), ("offset", "0", false), ("order", "answer", false)]
    {
        let name = format!("prompt_answers.{parameter}");
        let request = request("prompts", &[("select", "id,prompt_answers(id)"), (&name, value)]).unwrap();
        let read = read_sql::read(&request.query, &Identity::Service(None), false).unwrap();
        let (rows, _) = &read.children[0];
        assert_eq!(rows.text().contains("row_number() over"), is_paged, "{name}={value}: {}", rows.text());
        // One more than may be told tells that there are too many.
        let most = Value::Integer(EMBEDDED_ROWS + 1);
        assert!(rows.parameters().contains(&most), "{name}={value}: {:?}", rows.parameters());
    }
}

#[test]
fn a_page_says_what_it_has_to() {
    for (pairs, expected) in [
        (&[][..], " limit ?1"),
        (&[("limit", "5")], " limit ?1"),
        (&[("offset", "0")], " limit ?1"),
        (&[("limit", "5"), ("offset", "2")], " limit ?1 offset ?2"),
    ] {
        let pairs = [&[("select", "id")], pairs].concat();
        let request = request("prompts", &pairs).unwrap();
        let read = read_sql::read(&request.query, &Identity::Service(None), false).unwrap();
        let page = read.rows.text().find(" limit ").map_or("", |place| &read.rows.text()[place..]);
        assert_eq!(page, expected, "{pairs:?}: {}", read.rows.text());
    }
}
