//! Requests to generated libraries.

use super::*;

/// The page is read again for each table of which its rows may have many, and has to be the same.
#[test]
fn a_page_that_is_read_again_is_in_the_order_of_its_key() {
    for (select, is_ordered) in [
        ("id", false),
        ("id,users(id)", false),
        ("id,prompt_answers(id)", true),
        ("id,users(id,prompt_favorites(user_id))", true),
        ("id,prompt_answers(id),users(id)", true),
    ] {
        let request = database::request("prompts", &[("select", select), ("limit", "1")]).unwrap();
        let read = read_sql::read(&request.query, &Identity::Service(None), false).unwrap();
        assert_eq!(read.rows.text().contains(" order by "), is_ordered, "{}", read.rows.text());
    }
}

/// Of texts that are too large together none is given beyond the bound, and the last row tells how many bytes there are.
#[test]
fn large_texts_are_left_out_beyond_the_bound() {
    let database = database::open();
    let me = database::user_id(1).to_string();
    database::execute(&database, "insert into users values (?1, null, '2026')", &[&me]);
    let sql = "insert into prompts (id, slug, user_id, title, goal, template, variables, negative_prompt, category, tags, \
            is_public, is_active, forked_from, created_at, updated_at) select printf('00000000-0000-0000-0000-%012x', value), 'slug' || value, ?1, 'title',
        null, printf('%.*c', 1900000, 'x'), null, null, null, null, 1, 1, null, '2026', '2026'
        from json_each('[1,2,3,4,5,6,7,8,9]')";
    database::execute(&database, sql, &[&me]);
    for (limit, is_refused) in [("8", false), ("9", true)] {
        let request = database::request("prompts", &[("order", "id"), ("limit", limit)]).unwrap();
        let read = read_sql::read(&request.query, &Identity::Anonymous, false).unwrap();
        let found = database::run(&database, &read.rows).unwrap();
        assert_eq!(rows::check_bytes(&read.shape, &found).is_err(), is_refused, "{limit} rows");
        let held: usize =
            found.iter().flatten().map(|cell| if let Cell::Text(text) = cell { text.len() } else { 0 }).sum();
        assert!(held < 16_100_000, "{limit} rows hold {held} bytes");
    }
}

/// Orders that leave nothing open, and pages.
const ORDERED: &[(&str, &[(&str, &str)])] = &[
    (
        "prompts",
        &[
            ("select", "id,title,prompt_answers(id,answer)"),
            ("order", "title.desc,id"),
            ("prompt_answers.order", "answer.desc,id"),
            ("limit", "4"),
        ],
    ),
    (
        "prompts",
        &[
            ("select", "*,prompt_answers(id)"),
            ("order", "goal.desc,id"),
            ("prompt_answers.order", "id"),
            ("prompt_answers.limit", "1"),
            ("offset", "1"),
        ],
    ),
    (
        "prompts",
        &[
            ("select", "id,prompt_answers(id)"),
            ("order", "goal.desc.nullslast,id"),
            ("prompt_answers.order", "id.desc"),
            ("prompt_answers.offset", "1"),
            ("prompt_answers.limit", "2"),
            ("limit", "3"),
            ("offset", "2"),
        ],
    ),
    (
        "prompt_templates",
        &[("select", "id,prompts(goal,users(id))"), ("order", "prompts(goal).desc,id"), ("limit", "3")],
    ),
    ("prompt_templates", &[("select", "id,prompts!inner(title)"), ("order", "prompts(goal).nullsfirst,id")]),
    ("user_favorites", &[("select", "*,prompt_templates(id,prompts(id,title))"), ("order", "user_id,template_id")]),
    (
        "users",
        &[
            ("select", "id,prompts(id,prompt_templates(id,template_likes(user_id)))"),
            ("order", "id"),
            ("prompts.order", "id"),
            ("prompts.prompt_templates.order", "id"),
            ("prompts.prompt_templates.template_likes.order", "user_id"),
        ],
    ),
    (
        "prompt_answers",
        &[
            ("select", "id,prompts(id,prompt_templates(id))"),
            ("order", "id"),
            ("prompts.prompt_templates.order", "id.desc"),
            ("limit", "2"),
        ],
    ),
    ("prompts", &[("select", "id"), ("order", "is_public.desc,id.desc"), ("limit", "0")]),
];

/// What is embedded, and conditions on it.
const SELECTS: &[(&str, &[&str])] = &[
    (
        "prompts",
        &[
            "id",
            "*,prompt_answers(*)",
            "id,prompt_answers!inner(id)",
            "id,users(*)",
            "id,users!inner(id)",
            "id,prompt_stats(*)",
            "id,prompt_stats!inner(view_count)",
            "id,prompt_templates(id,template_likes(user_id))",
            "id,prompt_templates!inner(id,template_likes!inner(user_id))",
            "id,prompt_events(*),test_results(*)",
            "id,prompt_usage(scene,success)",
            "id,prompt_usage!inner(id,error_message)",
            "id,prompt_answers!inner()",
            "id,a:prompt_answers(id),b:prompt_answers(question)",
        ],
    ),
    (
        "prompt_templates",
        &[
            "id,prompts(id,users(id))",
            "id,prompts(id,users!inner(id))",
            "id,prompts!inner(id,prompt_answers!inner(id))",
            "id,prompts(id,prompt_answers!inner(id))",
            "id,prompts!inner(id,users!inner(id))",
            "id,prompts(prompt_stats(view_count),prompt_answers(answer))",
            "id,template_likes(*),user_favorites!inner(*)",
        ],
    ),
    (
        "users",
        &[
            "id,prompts(id)",
            "id,prompts!inner(id,prompt_answers!inner(id))",
            "id,prompts(id,prompt_stats!inner(view_count))",
        ],
    ),
    (
        "user_favorites",
        &[
            "*,prompt_templates(id,prompts(id,title))",
            "*,prompt_templates!inner(id,prompts!inner(id,prompt_answers(id)))",
            "user_id,prompt_templates(id,prompts!inner(id,prompt_stats!inner(view_count)))",
        ],
    ),
    ("prompt_events", &["id,prompts(id,prompt_events(id))", "id,users(id,prompts(id))"]),
    ("prompt_usage", &["*,prompts!inner(id,prompt_usage(id,success))", "id,users(id,prompt_usage(scene))"]),
];

/// Conditions on what a select may embed; those on something else are left out.
const CONDITIONS: &[(&str, &str)] = &[
    ("", ""),
    ("prompts.title", "eq.alpha"),
    ("prompts.goal", "is.null"),
    ("prompt_usage.scene", "eq.alpha"),
    ("prompt_usage.or", "(success.is.false,error_message.is.null)"),
    ("prompt_answers.answer", "neq.alpha"),
    ("prompt_answers.or", "(answer.eq.alpha,question.eq.alpha)"),
    ("or", "(prompts.title.eq.alpha,id.is.null)"),
    ("or", "(prompts.goal.is.null,prompts.title.gt.a)"),
    ("or", "(prompt_answers.answer.eq.alpha,id.is.null)"),
    ("not.or", "(prompt_answers.answer.eq.alpha,title.eq.alpha)"),
    ("not.and", "(prompts.goal.eq.alpha,created_at.not.is.null)"),
    ("users.email", "is.null"),
    ("or", "(users.email.is.null)"),
    ("prompts.users.email", "not.is.null"),
    ("prompts.prompt_stats.updated_at", "gt.2026-11-10"),
    ("prompt_templates.prompts.title", "neq.alpha"),
    ("prompt_templates.or", "(prompts.title.eq.alpha,category.is.null)"),
    ("prompt_templates.template_likes.created_at", "gt.2026-11-10"),
    ("and", "(or(prompt_templates.category.is.null,user_id.is.null),created_at.gt.2026-11-05)"),
];

fn check_library(seed: u64) {
    let (database, mut random) = (database::borrow(), Random(seed));
    fill(&database, &mut random);
    let identity = random.pick(&callers());
    for (table, pairs) in ORDERED {
        check(&database, &identity, table, pairs, true);
    }
    for _ in 0..60 {
        let (table, selects) = random.pick(SELECTS);
        let (select, condition) = (random.pick(selects), random.pick(CONDITIONS));
        let pairs = [("select", select), condition];
        let is_readable = Request::read(table, &parameters(&pairs), &RequestHeaders::default()).is_ok();
        check(&database, &identity, table, if is_readable { &pairs } else { &pairs[..1] }, false);
    }
}

/// Every pair of tables, where one refers to the other.
fn check_pairs(seed: u64) {
    let (database, mut random) = (database::borrow(), Random(seed));
    fill(&database, &mut random);
    for table in TABLES {
        for other in TABLES {
            if table.reference_to(other).is_none() && other.reference_to(table).is_none() {
                continue;
            }
            for hint in ["", "!inner"] {
                let select = format!("*,{}{hint}(*)", other.name);
                let identity = random.pick(&callers());
                check(&database, &identity, table.name, &[("select", &select)], false);
            }
        }
    }
    assert_eq!(table_of("prompt_stats").key, ["prompt_id"]);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 40, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn embedded_rows_are_those_of_a_join(seed in any::<u64>()) {
        check_library(seed);
    }

    #[test]
    fn every_relation_joins(seed in any::<u64>()) {
        check_pairs(seed);
    }
}
