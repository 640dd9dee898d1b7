//! Random policies give the same value with all rules and with the rules that the index chooses.

use proptest::prelude::*;

use super::*;

/// A body of several statements. The index may choose by any of them.
fn body() -> impl Strategy<Value = String> {
    let statement = prop_oneof![
        4 => (0..6_u8).prop_map(|n| format!("input.c == \"c{n}\"")),
        1 => (0..6_u8).prop_map(|n| format!("\"c{n}\" == input.c")),
        1 => (0..6_u8).prop_map(|n| format!("input.c in {{\"c{n}\", \"c1\"}}")),
        1 => (0..6_u8).prop_map(|n| format!("input.c != \"c{n}\"")),
        1 => (0..3_u8).prop_map(|n| format!("input.user == \"u{n}\"")),
        1 => Just("to_number(input.x) == 1".to_owned()),
        1 => Just("not blocked".to_owned()),
        1 => Just("count(readers) > 1".to_owned()),
        1 => Just("level > 1".to_owned()),
        1 => Just("f(input.user)".to_owned()),
        1 => Just("input.list[0] == \"c1\"".to_owned()),
    ];
    proptest::collection::vec(statement, 1..4).prop_map(|all| all.join("; "))
}

fn rule() -> impl Strategy<Value = String> {
    (0..6_u8, body(), 0..3_u8).prop_map(|(kind, body, n)| match kind {
        0 | 1 => format!("allow if {{ {body} }}"),
        // Use leaves only, so that no rule can use itself.
        2 => format!("readers contains \"u{n}\" if {{ {} }}", leaf(&body)),
        3 => format!("level := {n} if {{ {} }}", leaf(&body)),
        4 => format!("blocked if {{ {} }}", leaf(&body)),
        _ => format!("f(u) if {{ {} }}", leaf(&body)),
    })
}

fn leaf(body: &str) -> String {
    let parts = body.split("; ").filter(|part| {
        ["blocked", "readers", "level", "f("]
            .iter()
            .all(|name| !part.contains(name))
    });
    let kept: Vec<&str> = parts.collect();
    if kept.is_empty() {
        "input.c == \"c0\"".to_owned()
    } else {
        kept.join("; ")
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn the_rules_that_are_chosen_decide_as_all_rules_do(
        rules in proptest::collection::vec(rule(), 24..40),
        inputs in proptest::collection::vec((0..8_u8, 0..3_u8, 0..3_u8), 12),
    ) {
        let text = format!(
            "package p\n\ndefault allow := false\nreaders contains \"u9\"\nlevel := 0 if input.c == \"never\"\nblocked if input.c == \"never\"\nf(u) if {{ input.c == \"never\"; u }}\n{}\n",
            rules.join("\n"),
        );
        let plan = Plan::of(&sources(&[("a.rego", &text)]), Version::V1, None, &Available).unwrap();
        prop_assume!(plan.index.is_some());
        let load = |rules| {
            Policy::compile(&plan, String::new(), &settings(), rules).unwrap()
        };
        let (whole, chosen) = (load(Rules::Whole), load(Rules::ByIndex));
        for (c, user, x) in inputs {
            let x = ["1", "2", "?"][usize::from(x)];
            let mut input = json!({
                "user": format!("u{user}"),
                "x": x,
                "list": [format!("c{user}")],
            });
            if c < 7 {
                input["c"] = json!(format!("c{c}"));
            }
            let expected = whole.evaluate(&input);
            prop_assert_eq!(chosen.evaluate(&input), expected, "{} for {}", text, input);
        }
    }
}
