//! Answers that are kept, and asked for again.

use promptmeter::http::caching::{Keeping, entity_tag, headers, is_known};
use promptmeter::http::identity::{Identity, User};
use uuid::Uuid;

#[test]
fn a_tag_is_known_by_its_text_whether_weak_or_strong() {
    let tag = entity_tag("body");
    assert_eq!(entity_tag("body"), tag);
    assert_ne!(entity_tag("Body"), tag);
    assert!(tag.len() == 18 && tag.starts_with('"') && tag.ends_with('"'), "{tag}");
    for (told, expected) in [
        (None, false),
        (Some(String::new()), false),
        (Some(tag.clone()), true),
        (Some(format!("W/{tag}")), true),
        (Some(format!("\"another\",{tag} , \"third\"")), true),
        (Some("*".to_owned()), true),
        (Some("\"another\"".to_owned()), false),
        (Some(tag.trim_matches('"').to_owned()), false),
    ] {
        assert_eq!(is_known(told.as_deref(), &tag), expected, "{told:?}");
    }
}

#[test]
fn only_what_everybody_is_told_is_kept_by_everybody() {
    let user = || Identity::User(User { id: Uuid::nil(), email: None });
    for (identity, keeping, expected) in [
        (Identity::Anonymous, Keeping::Moment, "public, max-age=5"),
        (Identity::Anonymous, Keeping::Checked, "public, no-cache"),
        (user(), Keeping::Moment, "private, max-age=5"),
        (user(), Keeping::Checked, "private, no-cache"),
        (Identity::Service(None), Keeping::Moment, "private, max-age=5"),
    ] {
        let told = [
            ("ETag", "tag".to_owned()),
            ("Cache-Control", expected.to_owned()),
            ("Vary", "Authorization, apikey".to_owned()),
        ];
        assert_eq!(headers(&identity, "tag".to_owned(), keeping), told, "{identity:?}");
    }
}
