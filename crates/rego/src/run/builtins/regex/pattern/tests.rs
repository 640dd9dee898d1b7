use super::*;

#[test]
fn what_re2_means_is_written_in_rusts_syntax() {
    for (re2, rust) in [
        (r"^\d+$", r"^[0-9]+$"),
        (r"[\w-]", r"[[0-9A-Za-z_]\-]"),
        (r"\bx\B", r"(?-u:\b)x(?-u:\B)"),
        ("[[a]", r"[\[a]"),
        ("[a&&b~]", r"[a\&\&b\~]"),
        ("[]a]", r"[\]a]"),
        ("[^]a]", r"[^\]a]"),
        ("[[:alpha:]-]", r"[[:alpha:]\-]"),
        (r"\Qa.b\E.", r"a\.b."),
        ("a{2,3}", "a{2,3}"),
        ("a{x}", r"a\{x}"),
        ("a{2}?b*?", "a{2}?b*?"),
        ("(?P<n>a)(?:b)(?i)c", "(?P<n>a)(?:b)(?i)c"),
        (r"\p{L}\pN\x{e9}[\P{Lu}]", r"\p{L}\pN\x{e9}[\P{Lu}]"),
        (r"\p{^Lu}\P{Greek}", r"\P{Lu}\P{Greek}"),
        ("[[:a]", r"[\[:a]"),
        (r"\012", r"\x{a}"),
        (r"\/\<", r"/<"),
    ] {
        assert_eq!(from_re2(re2).as_deref(), Some(rust), "{re2}");
        assert!(regex::Regex::new(rust).is_ok(), "{rust}");
    }
}

#[test]
fn what_re2_does_not_know_is_refused() {
    for unknown in [
        "(?x) a",
        "(?=a)",
        "(?<=a)",
        "(?<!a)",
        r"\1",
        r"\Z",
        r"\u00e9",
        "a{1001}",
        "(?P=n)",
        r"\",
        "[a",
        "[[:abc:]]",
        r"\p{Script=Greek}",
        r"\p{Alphabetic}",
        r"\p{isGreek}",
        r"\p{Grek}",
        r"\p{Old_Italic}",
    ] {
        assert_eq!(from_re2(unknown), None, "{unknown}");
    }
}
