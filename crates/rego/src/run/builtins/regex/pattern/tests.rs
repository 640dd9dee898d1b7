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
        ("(?P<n>a)(?:b)(?i)c", "(?P<n0_n>a)(?:b)(?i)c"),
        ("(?P<1a>a)(?<1a>b)", "(?P<n0_1a>a)(?P<n1_1a>b)"),
        ("a(?i)*", "a*(?i)"),
        ("(?)b(?i-i)", "b(?-i)"),
        ("a{01}", r"a\{01}"),
        (r"\ [+--][!--z]", r" [\+-\-][!-\-z]"),
        ("(a{1,100}){1,10}", "(a{1,100}){1,10}"),
        (r"\p{L}\pN\x{e9}[\P{Lu}]", r"\p{L}\pNé[\P{Lu}]"),
        (r"\p{^Lu}\P{Greek}", r"\P{Lu}\P{Greek}"),
        ("[[:a]", r"[\[:a]"),
        (r"\012", "\n"),
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
        "(a{1,100}){1,100}",
        "a{2,1}",
        "(?i)*",
        "(?P<a.b>a)",
        "(?P<é>a)",
        "(?-:a)",
        "a)",
        r"[a-\d]",
        "[b-a]",
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
