//! What the documents say: the routes, the settings, and links that lead somewhere.

use std::collections::BTreeSet;
use std::fs::{read_dir, read_to_string};
use std::path::{Path, PathBuf};

use promptmeter::http::route::ROUTES;

/// The texts between backticks in the first cells of a table, of the table below a heading.
fn first_cells(document: &str, heading: &str) -> BTreeSet<String> {
    let section = document.split(heading).nth(1).expect("the heading is there");
    let rows = section.lines().skip_while(|line| !line.starts_with("| --- ")).skip(1);
    let cells = rows.take_while(|line| line.starts_with('|')).filter_map(|line| line.split('|').nth(1));
    cells.flat_map(|cell| cell.split('`').skip(1).step_by(2)).map(str::to_owned).collect()
}

fn files_in(folder: &str, extension: &str) -> Vec<PathBuf> {
    let entries = read_dir(folder).expect("the folder is there").map(|entry| entry.expect("it can be read").path());
    let mut files: Vec<_> = entries.filter(|path| path.extension().is_some_and(|is| is == extension)).collect();
    files.sort();
    files
}

/// What stands between `start` and the next quotation mark, each time.
fn quoted_after<'a>(text: &'a str, start: &str) -> Vec<&'a str> {
    text.split(start).skip(1).filter_map(|rest| rest.split('"').next()).collect()
}

#[test]
fn the_readme_lists_the_routes_and_no_others() {
    // What stands for a segment is told by what it is; of the data dialect only the paths are told.
    let told = |path: &str| path.replace("/rest/v1/{table}", "/rest/v1/{id}").replace("{function}", "{id}");
    let listed = first_cells(&read_to_string("README.md").unwrap(), "## API");
    let listed: BTreeSet<_> = listed.iter().map(|route| told(&route.replace("{list}", "{id}"))).collect();
    // Files of public/ are served before the worker is asked.
    let files = ["GET /openapi.json", "GET /", "GET /pm.js", "/pm-count.js", "/pm.mjs", "/pm.d.ts", "GET /dashboard"];
    let routes = ROUTES.iter().map(|route| match route.path.strip_prefix("/rest/") {
        Some(_) => route.path.to_owned(),
        None => format!("{} {}", route.method, route.path),
    });
    assert_eq!(listed, routes.chain(files.map(str::to_owned)).collect());
}

#[test]
fn every_setting_is_told_and_no_other() {
    let mut read = BTreeSet::new();
    for path in files_in("src/edge", "rs") {
        let source = read_to_string(path).unwrap();
        for reader in ["setting(env, \"", "number(env, \"", "days(env, \""] {
            read.extend(quoted_after(&source, reader).into_iter().map(str::to_owned));
        }
    }
    assert_eq!(first_cells(&read_to_string("docs/settings.md").unwrap(), "## Settings"), read);
}

#[test]
fn every_problem_is_told_with_its_status_and_no_other() {
    let source = read_to_string("src/http/problem.rs").unwrap();
    let described = source.split("=> (\"").skip(1).filter_map(|rest| {
        let (name, rest) = rest.split_once("\", ")?;
        Some(format!("| `{name}` | {} |", rest.split(',').next()?))
    });
    let described: BTreeSet<String> = described.collect();
    let document = read_to_string("docs/api.md").unwrap();
    let section = document.split("\n## Errors\n").nth(1).and_then(|rest| rest.split("\n## ").next()).unwrap();
    let rows = section.lines().filter(|line| line.starts_with("| `"));
    let told: BTreeSet<String> =
        rows.map(|row| row.splitn(4, '|').take(3).collect::<Vec<_>>().join("|") + "|").collect();
    assert_eq!(told, described);
}

/// As browsers name a heading: small letters, without what is no letter, number or hyphen, spaces as hyphens.
fn anchor(heading: &str) -> String {
    let kept = heading.chars().filter(|c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_'));
    kept.collect::<String>().to_lowercase().replace(' ', "-")
}

fn has_anchor(document: &str, wanted: &str) -> bool {
    let headings = document.lines().filter(|line| line.starts_with('#'));
    headings.map(|line| anchor(line.trim_start_matches('#').trim())).any(|anchor| anchor == wanted)
}

/// The links of a document that lead nowhere.
fn broken(path: &Path) -> Vec<String> {
    let text = read_to_string(path).unwrap();
    let links = text.split("](").skip(1).filter_map(|rest| rest.split(')').next());
    let folder = path.parent().unwrap();
    let inside = links.filter(|link| !link.contains("://") && !link.contains('…') && !link.contains('{'));
    let is_broken = |link: &&str| {
        let (file, fragment) = link.split_once('#').map_or((*link, None), |(file, fragment)| (file, Some(fragment)));
        let target = if file.is_empty() { path.to_owned() } else { folder.join(file) };
        !target.exists() || fragment.is_some_and(|wanted| !has_anchor(&read_to_string(&target).unwrap(), wanted))
    };
    inside.filter(is_broken).map(|link| format!("{}: {link}", path.display())).collect()
}

#[test]
fn links_lead_somewhere() {
    let documents = [files_in(".", "md"), files_in("docs", "md")].concat();
    assert!(documents.len() > 10, "{documents:?}");
    assert_eq!(documents.iter().flat_map(|path| broken(path)).collect::<Vec<_>>(), Vec::<String>::new());
}

/// The files and folders of the repository that a text names between backticks, with or without an extension, and that are not there.
fn missing(text: &str) -> Vec<&str> {
    let is_path = |name: &&str| {
        let folder = name.split_once('/').map_or("", |(folder, _)| folder);
        let is_plain = |c: char| c.is_ascii_alphanumeric() || "_-./".contains(c);
        ["bench", "browser", "docs", "fuzz", "migrations", "scripts", "src", "tests"].contains(&folder)
            && name.chars().all(is_plain)
    };
    let is_there = |name: &str| ["", ".rs", ".mjs"].iter().any(|end| Path::new(&format!("{name}{end}")).exists());
    text.split('`').skip(1).step_by(2).filter(is_path).filter(|name| !is_there(name)).collect()
}

#[test]
fn files_that_documents_name_are_there() {
    for path in [files_in(".", "md"), files_in("docs", "md")].concat() {
        assert_eq!(missing(&read_to_string(&path).unwrap()), Vec::<&str>::new(), "{}", path.display());
    }
    let text =
        "`src/http/route`, `src/http/routes`, `tests/database/`\n```\ntests/nothing\n```\n`docs/*`, `tests/none.rs`";
    assert_eq!(missing(text), ["src/http/routes", "tests/none.rs"]);
}

#[test]
fn a_link_that_leads_nowhere_is_found() {
    assert!(has_anchor("# A\n## The `data` dialect, told\n", "the-data-dialect-told"));
    assert!(!has_anchor("# A\n", "b"));
}
