//! The tests of policies, each definition and each case with what `opa test` makes of it.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::too_many_lines)]

use std::collections::BTreeMap;

use geowarden_rego::{
    BuiltinErrors, Sources,
    source::Version,
    test::{self, CaseResult, TestOutcome, TestResult},
};

fn results(rules: &str) -> Vec<TestResult> {
    let text = format!("package p\n\n{rules}\n");
    let sources = Sources {
        modules: BTreeMap::from([("p_test.rego".to_owned(), text)]),
        ..Sources::default()
    };
    let outcome = test::run(
        sources,
        Version::V1,
        BuiltinErrors::Undefined,
        false,
        |_| true,
    );
    outcome.unwrap().0
}

/// `name: PASS`, with the cases below it indented.
fn told(results: &[TestResult]) -> Vec<String> {
    let mut lines = Vec::new();
    for result in results {
        let word = match result.outcome {
            TestOutcome::Pass => "PASS",
            TestOutcome::Fail => "FAIL",
            TestOutcome::Skip => "SKIPPED",
            TestOutcome::Error(_) => "ERROR",
        };
        lines.push(format!("{}: {word}", result.name));
        tell_cases(&result.cases, 1, &mut lines);
    }
    lines
}

fn tell_cases(cases: &[CaseResult], depth: usize, lines: &mut Vec<String>) {
    for case in cases {
        let word = if case.passed { "PASS" } else { "FAIL" };
        lines.push(format!("{}{}: {word}", "  ".repeat(depth), case.name));
        tell_cases(&case.cases, depth + 1, lines);
    }
}

#[test]
fn a_failed_definition_is_explained_by_itself() {
    let rules = "test_a if 1 == 1\n\ntest_a if {\n\tx := input.x with input.x as 2\n\tx == 3\n}\n\ntest_a if false";
    let text = format!("package p\n\n{rules}\n");
    let sources = Sources {
        modules: BTreeMap::from([("p_test.rego".to_owned(), text)]),
        ..Sources::default()
    };
    let errors = BuiltinErrors::Undefined;
    for (name, line, condition) in [("data.p.test_a#01", 5, 7), ("data.p.test_a#02", 10, 10)] {
        let results = results(rules);
        let failed = results.iter().find(|one| one.name == name).unwrap();
        let why = test::why(sources.clone(), Version::V1, errors, failed).unwrap();
        let told: Vec<_> = why.explanation.definitions.iter().collect();
        assert_eq!(told.len(), 1, "{told:?}");
        assert_eq!((told[0].rule.as_str(), told[0].place.line), (name, line));
        assert_eq!(told[0].conditions[0].place.line, condition);
        assert_eq!(why.explanation.entrypoint, name);
    }
}

#[test]
fn each_definition_and_each_case_is_told() {
    for (rules, expected) in [
        (
            "test_a if 1 == 1\n\ntest_b if 1 == 2",
            &["data.p.test_a: PASS", "data.p.test_b: FAIL"][..],
        ),
        (
            "test_a := 1\n\ntodo_test_b if 1 == 2",
            &["data.p.test_a: FAIL", "data.p.todo_test_b: SKIPPED"],
        ),
        ("test_a contains 1", &["data.p.test_a: FAIL"]),
        ("test_a := {\"x\": true}", &["data.p.test_a: FAIL"]),
        // One that holds does not hide one of the same name that does not.
        (
            "test_a if 1 == 1\n\ntest_a if 1 == 2\n\ntest_a if 2 == 2",
            &[
                "data.p.test_a: PASS",
                "data.p.test_a#01: FAIL",
                "data.p.test_a#02: PASS",
            ],
        ),
        (
            "a.test_b if 1 == 1\n\na.test_b if 1 == 2",
            &["data.p.a.test_b: PASS", "data.p.a.test_b#01: FAIL"],
        ),
        // What refers to the name means the first definition.
        (
            "test_a := true\n\ntest_a := false\n\ntest_b if test_a",
            &[
                "data.p.test_a: PASS",
                "data.p.test_a#01: FAIL",
                "data.p.test_b: PASS",
            ],
        ),
        // A rule below the name of a test is a part of an object, which is not true.
        ("test_a.b if 1 == 1", &["data.p.test_a: FAIL"]),
        (
            "test_sum[name] if {\n\tsome name, c in {\"one\": {\"a\": 1, \"want\": 2}, \"two\": {\"a\": 2, \"want\": 3}}\n\tc.a + 1 == c.want\n}",
            &["data.p.test_sum: PASS", "  one: PASS", "  two: PASS"],
        ),
        (
            "test_sum[name] if {\n\tsome name, c in {\"one\": {\"a\": 1, \"want\": 2}, \"two\": {\"a\": 2, \"want\": 4}}\n\tc.a + 1 == c.want\n}",
            &["data.p.test_sum: FAIL", "  one: PASS", "  two: FAIL"],
        ),
        // The name is a part of the case.
        (
            "test_sum[c.note] if {\n\tsome c in [{\"note\": \"one\", \"a\": 1}, {\"note\": \"two\", \"a\": 2}]\n\tn := c.a + 1\n\tn == 2\n}",
            &["data.p.test_sum: FAIL", "  one: PASS", "  two: FAIL"],
        ),
        // The value of a case counts too.
        (
            "test_sum[c.note] := c.a == 1 if some c in [{\"note\": \"one\", \"a\": 1}, {\"note\": \"two\", \"a\": 2}]",
            &["data.p.test_sum: FAIL", "  one: PASS", "  two: FAIL"],
        ),
        // Cases within cases; one that is not true makes those around it fail.
        (
            "test_sum[a][b] if {\n\tsome a in [\"x\", \"y\"]\n\tsome b in [1, 2]\n\tnot [a, b] == [\"y\", 2]\n}",
            &[
                "data.p.test_sum: FAIL",
                "  x: PASS",
                "    1: PASS",
                "    2: PASS",
                "  y: FAIL",
                "    1: PASS",
                "    2: FAIL",
            ],
        ),
        (
            "test_sum.part[a] if {\n\tsome a in [\"x\", \"y\"]\n\ta == \"x\"\n}",
            &[
                "data.p.test_sum: FAIL",
                "  part: FAIL",
                "    x: PASS",
                "    y: FAIL",
            ],
        ),
        (
            "test_sum[a].inner if {\n\tsome a in [\"x\", \"y\"]\n\ta == \"x\"\n}",
            &[
                "data.p.test_sum: FAIL",
                "  x: PASS",
                "    inner: PASS",
                "  y: FAIL",
                "    inner: FAIL",
            ],
        ),
        // A name that the author gives its value behind what fails is not known.
        (
            "test_sum[name] if {\n\tsome c in [{\"note\": \"one\", \"a\": 1}, {\"note\": \"two\", \"a\": 2}]\n\tc.a == 1\n\tname := c.note\n}",
            &["data.p.test_sum: PASS", "  one: PASS"],
        ),
        // A test that tells its cases itself.
        (
            "test_sum[name] if {\n\tsome c in [{\"note\": \"one\", \"a\": 1}, {\"note\": \"two\", \"a\": 2}]\n\tinternal.test_case([c.note])\n\tc.a == 1\n\tname := c.note\n}",
            &["data.p.test_sum: FAIL", "  one: PASS", "  two: FAIL"],
        ),
        // No case is begun.
        (
            "test_sum[name] if some name in []",
            &["data.p.test_sum: PASS"],
        ),
        // Two tables of one name are two tests.
        (
            "test_sum[name] if some name in [\"a\"]\n\ntest_sum[name] if {\n\tsome name in [\"b\"]\n\tname == \"c\"\n}",
            &[
                "data.p.test_sum: PASS",
                "  a: PASS",
                "data.p.test_sum#01: FAIL",
                "  b: FAIL",
            ],
        ),
        (
            "test_sum[name] := value if some [name, value] in [[\"a\", true], [\"a\", false]]",
            &["data.p.test_sum: ERROR"],
        ),
    ] {
        assert_eq!(told(&results(rules)), expected, "{rules}");
    }
}

#[test]
fn cases_of_one_test_are_not_those_of_another() {
    let rules = "test_a[name] if {\n\tsome name in [\"x\"]\n\tname == \"y\"\n}\n\ntest_b[name] if some name in [\"z\"]";
    assert_eq!(
        told(&results(rules)),
        [
            "data.p.test_a: FAIL",
            "  x: FAIL",
            "data.p.test_b: PASS",
            "  z: PASS"
        ]
    );
}
