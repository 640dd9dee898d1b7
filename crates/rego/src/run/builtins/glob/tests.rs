use super::*;

fn matched(pattern: &str, delimiters: &[&str], text: &str) -> Result<Value, String> {
    let delimiters: Vec<Value> = delimiters.iter().map(|one| string(one)).collect();
    matches(&[string(pattern), Value::from(delimiters), string(text)])
}

#[test]
fn globs_match_as_in_opa() {
    for (pattern, delimiters, text, is_match) in [
        ("a*c", &["."][..], "abc", true),
        ("a*c", &["."], "a.c", false),
        ("a**c", &["."], "a.c", true),
        ("{a,b}.c", &["."], "b.c", true),
        ("[a-c]?", &["."], "bx", true),
        ("[!a-c]", &["."], "b", false),
        ("a***", &["."], "a", false),
        ("***", &["."], "", false),
        ("?", &["."], "", true),
        ("[!a]", &["."], "", true),
        ("?*", &["/", "."], "/b", true),
        ("{a", &["."], "a", true),
        ("\\*", &["."], "*", true),
    ] {
        let made = matched(pattern, delimiters, text);
        assert_eq!(made, Ok(Value::Bool(is_match)), "{pattern} {text}");
    }
    for pattern in ["[", "[]", "[b-a]", "[a-bc]", "a[b"] {
        assert!(matched(pattern, &[], "a").is_err(), "{pattern}");
    }
}

#[test]
fn the_time_of_a_search_has_a_limit() {
    let pattern = "{a,aa}*".repeat(40);
    assert!(matched(&pattern, &["."], &"a".repeat(5000)).is_err());
    assert!(matched(&"[a]?*".repeat(800), &["."], "b").is_err());
}
