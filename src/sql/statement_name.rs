//! What a statement is called where its time is told: what it does, and with which table first.

/// The name of a statement: `select prompts`, `insert prompt_events`. Of what a request says, nothing is in it.
#[must_use]
pub fn statement_name(sql: &str) -> String {
    let verb = word(sql);
    let table = match verb {
        "update" => sql.get(verb.len()..).map(str::trim_start).map(word),
        "insert" => after(sql, "into ").next(),
        _ => after(sql, "from ").find(|table| !table.is_empty() && *table != "json_each"),
    };
    format!("{verb} {}", table.unwrap_or("nothing"))
}

/// The words that follow a word and a blank, each without quotes.
fn after<'a>(sql: &'a str, keyword: &'a str) -> impl Iterator<Item = &'a str> {
    sql.split(keyword).skip(1).map(word)
}

fn word(text: &str) -> &str {
    let text = text.strip_prefix('"').unwrap_or(text);
    let end = text.find(|sign: char| !sign.is_ascii_alphanumeric() && sign != '_').unwrap_or(text.len());
    text.get(..end).unwrap_or_default()
}
