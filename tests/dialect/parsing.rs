//! From the parameters and headers of a request to the rows of a table to the closed form, but for its conditions.

use promptmeter::http::identity::Identity;
use promptmeter::limits::{EMBED_NESTING, EMBEDDED_TABLES, ORDER_COLUMNS, SELECTED_FIELDS, STATEMENT_COLUMNS};
use promptmeter::rest::error::{DataError, ErrorCode};
use promptmeter::rest::preference::{Format, Preferences, RequestHeaders, Resolution, check_profile, read_range};
use promptmeter::rest::query::{Field, Part, Query};
use promptmeter::rest::read_sql;
use promptmeter::rest::request::Request;

use crate::database::{self, request};

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

/// A refusal: its code, and what its message, details or hint must name.
fn check_refused(result: Result<Request, DataError>, code: ErrorCode, named: &str, what: &str) {
    let error = result.err().unwrap_or_else(|| panic!("{what} is not refused"));
    assert_eq!(error.code, code, "{what}: {error:?}");
    let told = format!("{} {} {}", error.message, error.details.unwrap_or_default(), error.hint.unwrap_or_default());
    assert!(told.contains(named), "{what}: {told}");
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

fn check_order(order: &str, expected: &str) {
    let pairs = [("select", "id,prompts(id),template_likes(user_id)"), ("order", order)];
    let query = request("prompt_templates", &pairs).unwrap_or_else(|error| panic!("{order}: {error:?}")).query;
    let shown = query.order.iter().map(|order| {
        let embed = order.embed.map(|place| format!("{place}.")).unwrap_or_default();
        let direction = if order.is_descending { " desc" } else { "" };
        format!("{embed}{}{direction} nulls {}", order.column.name, if order.nulls_first { "first" } else { "last" })
    });
    assert_eq!(shown.collect::<Vec<_>>().join(", "), expected, "{order}");
}

#[test]
fn order_names_columns_directions_and_where_nulls_stand() {
    check_order("category", "category nulls last");
    check_order("category.asc", "category nulls last");
    check_order("category.desc", "category desc nulls first");
    check_order("category.nullsfirst", "category nulls first");
    check_order("category.asc.nullsfirst", "category nulls first");
    check_order("category.desc.nullslast", "category desc nulls last");
    check_order("category.desc.nullsfirst", "category desc nulls first");
    check_order("likes_count.desc,id", "likes_count desc nulls first, id nulls last");
    check_order("\"likes_count\".desc", "likes_count desc nulls first");
    check_order("prompts(title).desc.nullslast,id.asc", "1.title desc nulls last, id nulls last");
}

#[test]
fn order_refuses_by_name_what_it_does_not_have() {
    let cases = [
        ("variables->a", ErrorCode::Unsupported, "the JSON operator"),
        ("", ErrorCode::Unsupported, "a name"),
        ("id,", ErrorCode::Unsupported, "a name"),
        ("id.up", ErrorCode::Unsupported, ".up"),
        ("id.desc.asc", ErrorCode::Unsupported, ".asc"),
        ("id.nullslast.desc", ErrorCode::Unsupported, ".desc"),
        ("id desc", ErrorCode::Unsupported, " desc"),
        ("tags->0", ErrorCode::Unsupported, "->"),
        ("nothing", ErrorCode::UnknownColumn, "nothing"),
        ("users(id)", ErrorCode::NotEmbedded, "users"),
        ("prompts(nothing)", ErrorCode::UnknownColumn, "prompts.nothing"),
        ("prompts(id", ErrorCode::Unsupported, "\")\""),
        ("template_likes(user_id)", ErrorCode::Unsupported, "template_likes"),
    ];
    for (order, code, named) in cases {
        let pairs = [("select", "id,prompts(id),template_likes(user_id)"), ("order", order)];
        check_refused(request("prompt_templates", &pairs), code, named, order);
    }
    assert!(request("users", &[("order", &vec!["id"; ORDER_COLUMNS].join(","))]).is_ok());
    let longer = vec!["id"; ORDER_COLUMNS + 1].join(",");
    check_refused(request("users", &[("order", &longer)]), ErrorCode::Unsupported, "16 columns", "columns");
}

fn check_page(pairs: &[(&str, &str)], range: Option<&str>, expected: (i64, i64)) {
    let headers = RequestHeaders { range: range.map(str::to_owned), ..RequestHeaders::default() };
    let query = Request::read("users", &database::parameters(pairs), &headers).unwrap().query;
    assert_eq!((query.offset, query.limit.unwrap()), expected, "{pairs:?} {range:?}");
}

#[test]
fn pages_are_those_of_the_parameters_or_else_of_the_header_and_at_most_1000_rows() {
    check_page(&[], None, (0, 1000));
    check_page(&[("limit", "10")], None, (0, 10));
    check_page(&[("limit", "0")], None, (0, 0));
    check_page(&[("limit", "4294967295"), ("offset", "7")], None, (7, 1000));
    check_page(&[], Some("0-9"), (0, 10));
    check_page(&[], Some("items=5-5"), (5, 1));
    check_page(&[], Some("10-"), (10, 1000));
    check_page(&[("limit", "3")], Some("10-19"), (0, 3));
    check_page(&[("offset", "3")], Some("10-19"), (3, 1000));
    for (name, value) in [("limit", "-1"), ("limit", ""), ("limit", "ten"), ("offset", "1.5"), ("offset", "4294967296")]
    {
        check_refused(request("users", &[(name, value)]), ErrorCode::Unsupported, name, value);
    }
}

#[test]
fn pages_of_embedded_rows_are_their_own() {
    let pairs =
        [("select", "id,prompts(id)"), ("prompts.limit", "3"), ("prompts.offset", "1"), ("prompts.order", "title")];
    let request = request("users", &pairs).unwrap();
    let embedded = &request.query.embed(1).unwrap().query;
    assert_eq!((embedded.limit, embedded.offset, embedded.order.len()), (Some(3), 1, 1));
    assert_eq!((request.query.offset, request.query.limit, request.is_paged), (0, Some(1000), false));
    let unknown = database::request("users", &[("select", "id"), ("prompts.limit", "3")]);
    check_refused(unknown, ErrorCode::NotEmbedded, "prompts", "not embedded");
}

#[test]
fn ranges_are_read_or_refused() {
    let cases = [("5-4", false), ("a-b", false), ("", false), ("-5", false), ("0-0", true), ("0-4294967295", true)];
    for (range, is_valid) in cases {
        assert_eq!(read_range(Some(range)).is_ok(), is_valid, "{range:?}");
    }
    assert_eq!(read_range(None), Ok(None));
    assert_eq!(read_range(Some("5-4")).unwrap_err().status, 416);
}

#[test]
fn preferences_are_known_or_refused_by_name() {
    let none = Preferences::default();
    for empty in [None, Some(""), Some("return=minimal, missing=null,handling=lenient , tx=commit"), Some(",,")] {
        assert_eq!(Preferences::read(empty), Ok(none), "{empty:?}");
    }
    let cases = [
        ("return=representation", Preferences { returns_rows: true, ..none }),
        ("count=exact", Preferences { counts: true, ..none }),
        ("count=planned", Preferences { counts: true, ..none }),
        ("resolution=merge-duplicates", Preferences { resolution: Some(Resolution::Merge), ..none }),
        ("resolution=ignore-duplicates", Preferences { resolution: Some(Resolution::Ignore), ..none }),
        ("missing=default", Preferences { missing_is_default: true, ..none }),
        ("return=representation,count=exact", Preferences { returns_rows: true, counts: true, ..none }),
    ];
    for (header, expected) in cases {
        assert_eq!(Preferences::read(Some(header)), Ok(expected), "{header}");
    }
    for other in ["tx=rollback", "max-affected=1", "return=headers-only", "timezone=UTC", "count", "RETURN=minimal x"] {
        let error = Preferences::read(Some(other)).unwrap_err();
        assert_eq!((error.code, error.message.contains(other)), (ErrorCode::UnsupportedPreference, true), "{other}");
    }
}

#[test]
fn the_first_format_that_is_available_is_taken() {
    let cases = [
        ("", Some(Format::Array)),
        ("*/*", Some(Format::Array)),
        ("application/json", Some(Format::Array)),
        ("Application/JSON; charset=utf-8", Some(Format::Array)),
        ("application/vnd.pgrst.object+json", Some(Format::Object)),
        ("text/csv", Some(Format::Csv)),
        ("text/csv, application/json", Some(Format::Csv)),
        ("image/png, text/csv", Some(Format::Csv)),
        ("application/vnd.pgrst.object+json;nulls=stripped", None),
        ("application/vnd.pgrst.plan+json", None),
        ("application/geo+json", None),
        ("text/html", None),
    ];
    for (accept, expected) in cases {
        assert_eq!(Format::read(Some(accept)).ok(), expected, "{accept}");
    }
    assert_eq!(Format::read(None), Ok(Format::Array));
    assert_eq!(Format::read(Some("text/html")).unwrap_err().status, 406);
}

#[test]
fn there_is_one_schema() {
    assert_eq!((check_profile(None), check_profile(Some("public"))), (Ok(()), Ok(())));
    assert_eq!(check_profile(Some("auth")).unwrap_err().code, ErrorCode::UnknownSchema);
}

#[test]
fn a_conflict_is_about_a_key() {
    let check = |table: &str, columns: &str, expected: Result<&[&str], ErrorCode>| {
        let target = request(table, &[("on_conflict", columns)]).and_then(|request| request.conflict_target());
        assert_eq!(target.map_err(|error| error.code), expected, "{table} {columns}");
    };
    check("prompts", "id", Ok(&["id"]));
    check("prompts", "slug", Ok(&["slug"]));
    check("prompts", "\"slug\"", Ok(&["slug"]));
    check("template_likes", "user_id,template_id", Ok(&["template_id", "user_id"]));
    check("template_likes", "user_id", Err(ErrorCode::InvalidConflictTarget));
    check("template_likes", "user_id,user_id", Err(ErrorCode::InvalidConflictTarget));
    check("prompts", "title", Err(ErrorCode::InvalidConflictTarget));
    check("prompts", "id,slug", Err(ErrorCode::InvalidConflictTarget));
    check("prompts", "nothing", Err(ErrorCode::UnknownColumn));
    check("prompts", "id) do nothing --", Err(ErrorCode::Unsupported));
    assert_eq!(request("user_favorites", &[]).unwrap().conflict_target(), Ok(&["user_id", "template_id"][..]));
}

#[test]
fn a_write_of_many_rows_needs_a_condition_and_no_page() {
    let check = |pairs: &[(&str, &str)], expected: Result<usize, ErrorCode>| {
        let request = request("prompts", pairs).unwrap();
        let conditions = request.written_conditions("DELETE").map(<[_]>::len).map_err(|error| error.code);
        assert_eq!(conditions, expected, "{pairs:?}");
    };
    check(&[("id", "not.is.null")], Ok(1));
    check(&[("or", "(id.is.null,title.eq.a)"), ("goal", "is.null"), ("select", "*")], Ok(2));
    check(&[], Err(ErrorCode::Cardinality));
    check(&[("order", "id"), ("select", "id")], Err(ErrorCode::Cardinality));
    check(&[("select", "users(id)"), ("users.id", "not.is.null")], Err(ErrorCode::Cardinality));
    check(&[("id", "not.is.null"), ("limit", "1")], Err(ErrorCode::Unsupported));
    check(&[("id", "not.is.null"), ("offset", "1")], Err(ErrorCode::Unsupported));
}

/// What it would mean for the rows that are written nobody has said.
#[test]
fn a_write_has_no_condition_on_embedded_rows() {
    for condition in [
        ("or", "(prompt_answers.created_at.lt.2026-01-01,id.is.null)"),
        ("not.and", "(or(users.email.eq.a))"),
        ("or", "(prompt_answers.answer.not.eq.a)"),
    ] {
        let request = request("prompts", &[("select", "id,users(id),prompt_answers(id)"), condition]).unwrap();
        let code = request.written_conditions("DELETE").map(<[_]>::len).map_err(|error| error.code);
        assert_eq!(code, Err(ErrorCode::Unsupported), "{condition:?}");
    }
}

/// Conditions may stand several times, and each of them is meant.
#[test]
fn what_is_asked_for_once_may_not_stand_twice() {
    for name in ["select", "order", "limit", "offset", "columns", "on_conflict"] {
        let value = if matches!(name, "limit" | "offset") { "1" } else { "id" };
        assert!(request("prompts", &[(name, value)]).is_ok(), "{name}");
        check_refused(request("prompts", &[(name, value), (name, value)]), ErrorCode::Unsupported, name, name);
    }
    let embedded = [("select", "id,prompt_answers(id)"), ("prompt_answers.limit", "1"), ("prompt_answers.limit", "2")];
    check_refused(request("prompts", &embedded), ErrorCode::Unsupported, "prompt_answers.limit", "embedded");
    let conditions = request("prompts", &[("title", "eq.a"), ("title", "eq.a")]).unwrap().query.conditions;
    assert_eq!(conditions.len(), 2);
}

#[test]
fn an_answer_is_of_the_media_type_that_was_asked_for() {
    for (accept, told) in [
        (None, "application/json; charset=utf-8"),
        (Some("*/*"), "application/json; charset=utf-8"),
        (Some("application/vnd.pgrst.object+json"), "application/vnd.pgrst.object+json; charset=utf-8"),
        (Some("text/csv"), "text/csv; charset=utf-8"),
    ] {
        assert_eq!(Format::read(accept).unwrap().media_type(), told, "{accept:?}");
    }
}
