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
fn a_glob_that_opa_may_take_refuses_and_says_why() {
    for (pattern, why, is_refused) in [
        ("[", "cannot use the glob \"[\"", false),
        ("\u{fffd}", "cannot use the glob", false),
        ("a\0", "it has a zero character", true),
        (&"{".repeat(51), "its groups are nested too deep", true),
    ] {
        errors::begin();
        let fault = matched(pattern, &[], "a").unwrap_err();
        assert!(fault.contains(why), "{fault}");
        assert_eq!(errors::is_refused(), is_refused, "{fault}");
    }
}

#[test]
fn a_glob_is_kept_with_its_delimiters() {
    for _ in 0..2 {
        for (delimiters, is_match) in [(&["."][..], false), (&["/"], true), (&[".", "/"], false)] {
            let made = matched("a*c", delimiters, "a.c");
            assert_eq!(made, Ok(Value::Bool(is_match)), "{delimiters:?}");
        }
        // The text is the same where a delimiter stands before the glob.
        assert_eq!(matched("1:a", &["/"], "1:a"), Ok(Value::Bool(true)));
        assert_eq!(matched("a", &["/", ":"], "1:a"), Ok(Value::Bool(false)));
    }
}

#[test]
fn the_time_of_a_search_has_a_limit() {
    let pattern = "{a,aa}*".repeat(40);
    assert!(matched(&pattern, &["."], &"a".repeat(5000)).is_err());
    assert!(matched(&"[a]?*".repeat(800), &["."], "b").is_err());
}
