//! The largest requests.

use super::*;

/// What fails of a request that is read, without an order and with one.
fn failures(table: &str, pairs: &[(&str, &str)]) -> Vec<String> {
    let what = pairs.iter().map(|(name, value)| format!("{name}={}", value.chars().take(60).collect::<String>()));
    let what = what.collect::<Vec<_>>().join("&");
    let order = ("order", "created_at.desc,id");
    let is_read = |pairs: &[(&str, &str)]| database::request(table, pairs).ok();
    // What says something of embedded rows is told no other way with an order.
    let is_plain = !pairs.iter().any(|(name, _)| *name == "select");
    let requests = [is_read(pairs), is_read(&[pairs, &[order]].concat()).filter(|_| is_plain)];
    let statements = requests.iter().flatten().flat_map(|request| statements(request, b"{\"title\":\"a\"}"));
    let failures = statements.filter_map(|statement| failure(&statement)).collect::<BTreeSet<_>>();
    failures.into_iter().map(|failure| format!("{table}?{what}: {failure}")).collect()
}

fn check_largest(table: &str, pairs: &[(&str, &str)]) {
    let found = failures(table, pairs);
    assert!(found.is_empty(), "{}", found.join("\n"));
}

/// The largest requests that are read lead to what D1 prepares, or to what is too long and refused before.
#[test]
fn many_conditions_are_prepared() {
    let mut found = Vec::new();
    for condition in ["title.eq.a", "title.ilike.%a%", "title.ilike.%a_b%", "title.ilike.%É%", "title.in.(a,b)"] {
        for count in [50, 100, 200, CONDITIONS] {
            let group = format!("({})", vec![condition; count].join(","));
            let failures = ["or", "not.and"].iter().flat_map(|name| failures("prompts", &[(name, &group)]));
            found.extend(failures.map(|failure| format!("{count} times: {failure}")));
        }
    }
    let stepwise =
        format!("({})", ["title.like.a%b_________________________________________________b%c%d"; 4].join(","));
    found.extend(failures("prompts", &[("or", &stepwise)]));
    assert!(found.is_empty(), "{}", found.join("\n"));
}

#[test]
fn deep_conditions_are_prepared() {
    let deep =
        |inner: &str| format!("{}{inner}{}", "(and".repeat(CONDITION_NESTING - 1) + "(", ")".repeat(CONDITION_NESTING));
    let letters: String = ('α'..='ω').chain('а'..='џ').take(30).collect();
    check_largest("prompts", &[("or", &deep("title.eq.a"))]);
    let many = format!("{},title.ilike.%{letters}_%", vec!["title.eq.b"; 480].join(","));
    check_largest("prompts", &[("or", &deep(&many))]);
    check_largest("prompts", &[("not.or", &deep(&many))]);
}

/// A pattern of as many letters as are folded, wherever a condition may stand.
#[test]
fn patterns_of_many_letters_are_prepared_on_embedded_tables() {
    let letters: String = ('α'..='ω').filter(|letter| *letter != 'ς').chain('а'..='я').take(50).collect();
    for pattern in [format!("ilike.*{letters}*"), format!("ilike.{letters}*x_*")] {
        check_largest("prompts", &[("title", &pattern)]);
        check_largest("prompts", &[("select", "id,prompt_templates(template_likes())"), ("title", &pattern)]);
        check_largest("prompts", &[("select", "id,prompt_answers!inner(id)"), ("prompt_answers.answer", &pattern)]);
        let select = "id,prompt_answers!inner(prompts(prompt_templates!inner()))";
        check_largest("prompts", &[("select", select), ("prompt_answers.answer", &pattern)]);
    }
}

#[test]
fn many_embedded_tables_are_prepared() {
    let embeds = |one: &str| (0..16).map(|place| format!("e{place}:{one}")).collect::<Vec<_>>().join(",");
    check_largest("prompt_templates", &[("select", &embeds("prompts!inner(id)"))]);
    check_largest("prompt_templates", &[("select", &embeds("prompts(id)"))]);
    check_largest("prompts", &[("select", &embeds("prompt_answers!inner(id)"))]);
    let group = format!("({})", vec!["prompt_answers.answer.ilike.%a%"; 100].join(","));
    check_largest("prompts", &[("select", "id,prompt_answers(id)"), ("or", &group)]);
}

fn are_related(one: &Table, other: &Table) -> bool {
    one.reference_to(other).is_some() || other.reference_to(one).is_some()
}

/// Every way through three embedded tables, with the deepest condition on the last.
#[test]
fn the_deepest_embeddings_are_prepared() {
    let deep =
        format!("{}created_at.is.null{}", "(and".repeat(CONDITION_NESTING - 1) + "(", ")".repeat(CONDITION_NESTING));
    let (mut found, mut ways) = (Vec::new(), 0);
    for (first, second) in TABLES.iter().flat_map(|first| TABLES.iter().map(move |second| (first, second))) {
        for (third, fourth) in TABLES.iter().flat_map(|third| TABLES.iter().map(move |fourth| (third, fourth))) {
            if are_related(first, second) && are_related(second, third) && are_related(third, fourth) {
                let select = format!("*,{}!inner(*,{}!inner(*,{}(*)))", second.name, third.name, fourth.name);
                let condition = format!("{}.{}.{}.or", second.name, third.name, fourth.name);
                ways += 1;
                found.extend(failures(first.name, &[("select", &select)]));
                found.extend(failures(first.name, &[("select", &select), (&condition, &deep)]));
            }
        }
    }
    assert!(ways > 100, "{ways}");
    assert!(found.is_empty(), "{} of {ways}: {}", found.len(), found[0]);
}
