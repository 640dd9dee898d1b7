//! Which of several elements, bodies and values an explanation shows.

use std::fmt::Write as _;

use geowarden_rego::explain::text::{Extent, NoPaint};
use serde_json::{Value, json};

use super::{explain, on_large_stack};

/// Rules, input, data, lines that are told, and texts that are not.
type Case = (
    &'static str,
    Value,
    Value,
    &'static [&'static str],
    &'static [&'static str],
);

fn cases() -> Vec<Case> {
    let sets = "ok contains u if {\n\tsome u in [\"ann\", \"bob\", \"cyd\"]\n\tstartswith(input.id, u)\n\tinput.action == \"read\"\n}\n";
    let ask = |id: &str| json!({"user": "bob", "id": id, "action": "read"});
    let roles = json!({"roles": {"anonymous": {}, "authenticated": {"lists": true}, "reader": {"all": ["read"]}}});
    let by_role = "allow if {\n\tsome role in roles\n\tsome id in data.roles[role][input.access]\n\tid == input.id\n}\nroles contains role if some role in input.roles\nroles contains \"anonymous\"\nroles contains \"authenticated\" if input.roles";
    let everywhere = "allow if {\n\tsome role in roles\n\tinput.access in data.roles[role].all\n}\nroles contains role if some role in input.roles\nroles contains \"anonymous\"\nroles contains \"authenticated\" if input.roles";
    let caller = |role: &str| json!({"roles": [role], "access": "write", "id": "obs"});
    vec![
        // The member that is asked for, not another one that the set has or is nearer to.
        (
            Box::leak(format!("allow if ok[input.user]\n{sets}").into_boxed_str()),
            ask("annlakes"),
            json!({}),
            &[
                "    misses p.rego:3 ok contains u if {, 1 of 3 conditions hold",
                "        u = \"bob\"",
            ],
            &["u = \"ann\"", "gives \"ann\""],
        ),
        (
            Box::leak(format!("allow if input.user in ok\n{sets}").into_boxed_str()),
            ask("annlakes"),
            json!({}),
            &["        u = \"bob\""],
            &["u = \"ann\""],
        ),
        (
            Box::leak(format!("allow if ok[input.user]\n{sets}").into_boxed_str()),
            ask("bob"),
            json!({}),
            &[
                "    holds p.rego:3 ok contains u if {, gives \"bob\"",
                "        u = \"bob\"",
            ],
            &["u = \"ann\"", "u = \"cyd\""],
        ),
        (
            Box::leak(
                format!("allow if {{\n\tnot ok[input.user]\n\tinput.never\n}}\n{sets}")
                    .into_boxed_str(),
            ),
            ask("bob"),
            json!({}),
            &["        u = \"bob\""],
            &["u = \"ann\""],
        ),
        (
            "allow if grant[input.user] == \"all\"\ngrant[u] := \"all\" if {\n\tsome u in [\"ann\", \"bob\"]\n\tstartswith(input.id, u)\n}",
            ask("annlakes"),
            json!({}),
            &["        u = \"bob\""],
            &["u = \"ann\""],
        ),
        // The caller's own element is nearer than another one.
        (
            by_role,
            caller("reader"),
            roles.clone(),
            &["    data.roles.reader.write is undefined: data.roles.reader has no `write`"],
            &["data.roles.anonymous"],
        ),
        (
            everywhere,
            caller("readr"),
            roles.clone(),
            &[
                "    data.roles.readr.all is undefined: data.roles has no `readr`, did you mean `reader`?",
            ],
            &["data.roles.anonymous"],
        ),
        (
            everywhere,
            caller("reader"),
            roles,
            &["    data.roles.reader.all = [\"read\"]"],
            &["data.roles.anonymous"],
        ),
        (
            "allow if {\n\tsome grant in data.grants\n\tgrant.access == \"write\"\n}",
            json!({"user": "bob"}),
            json!({"grants": [{"user": "ann", "access": "read"}, {"user": "bob", "access": "list"}, {"user": "cyd", "access": "read"}]}),
            &["    grant.access = \"list\""],
            &["grant.access = \"read\""],
        ),
        // What is gathered, and why it is no more.
        (
            "allow if count([x | some x in input.g; x != \"b\"]) > 3",
            json!({"g": ["a", "b"]}),
            json!({}),
            &["    gathered: \"a\"", "      x = \"b\""],
            &[],
        ),
        (
            "allow if \"c\" in [x | some x in input.g; startswith(x, \"a\")]",
            json!({"g": ["a", "b"]}),
            json!({}),
            &["    gathered: \"a\"", "      x = \"b\""],
            &[],
        ),
        (
            "allow if count({x | some x in input.g; startswith(x, \"a\")}) == 0",
            json!({"g": ["ab", "b"]}),
            json!({}),
            &["    gathered: \"ab\"", "      x = \"ab\""],
            &["x = \"b\""],
        ),
        // Texts and other values without elements.
        (
            "allow if \"bo\" in input.user",
            json!({"user": "bob"}),
            json!({}),
            &[
                "    `input.user` is a string, which has no elements: `contains(input.user, \"bo\")` asks for a part of it",
            ],
            &["wanted"],
        ),
        (
            "allow if 3 in input.n",
            json!({"n": 3}),
            json!({}),
            &["    `input.n` is a number, which has no elements"],
            &["wanted"],
        ),
        // Calls.
        (
            "allow if f(input.nope)\nf(\"a\") := true",
            json!({}),
            json!({}),
            &["    input.nope is undefined: input has no `nope`"],
            &["no definition of"],
        ),
        (
            "allow if level(input.user) == 5\nlevel(s) := 5 if {\n\ts == \"x\"\n} else := 2",
            json!({"user": "bob"}),
            json!({}),
            &["    holds p.rego:5 else := 2, with s = \"bob\", gives 2"],
            &[],
        ),
        (
            "allow if level > 3\ndefault level := 0\nlevel := 5 if input.user == \"x\"",
            json!({"user": "bob"}),
            json!({}),
            &["    so the default counts p.rego:3 default level := 0"],
            &[],
        ),
        // A statement that only prints is no condition.
        (
            "allow if {\n\tprint(\"x\", input.user)\n\tinput.user == \"bob\"\n\tinput.action == \"read\"\n}",
            json!({"user": "bob", "action": "write"}),
            json!({}),
            &["misses p.rego:2 allow if {, 1 of 2 conditions hold"],
            &[],
        ),
    ]
}

#[test]
fn explanations_follow_the_values_of_the_evaluation() {
    let wrong = on_large_stack(|| {
        let mut wrong = String::new();
        for (rules, input, data, told, untold) in cases() {
            let why = explain(rules, &input, &data);
            let text = why.text(&NoPaint, Extent::All);
            for line in told {
                if !text.lines().any(|other| other.trim() == line.trim()) {
                    write!(wrong, "expected `{line}` in\n{rules}\n{text}\n").unwrap();
                }
            }
            for part in untold {
                if text.contains(part) {
                    write!(wrong, "unexpected `{part}` in\n{rules}\n{text}\n").unwrap();
                }
            }
        }
        wrong
    });
    assert!(wrong.is_empty(), "{wrong}");
}
