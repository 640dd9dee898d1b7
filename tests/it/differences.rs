//! Checks the tables of docs/policies/differences.md: codes of diagnostics, other reasons why a policy does not load, and built-ins
//! with other values. `WRITE=1 cargo test --test it differences` writes the tables.

use std::{env, fmt::Write as _, fs, path::Path, time::Duration};

use geowarden_rego::{
    BUILTIN_DIFFERENCES, LoadError,
    diagnostic::Code,
    prove::{Limits, ProofError},
};

const PAGE: &str = "docs/policies/differences.md";

/// What a diagnostic with this code means, and what to do.
fn told(code: Code) -> (&'static str, &'static str) {
    match code {
        Code::Syntax => ("text that is not Rego", "what the message expects"),
        Code::Keyword => (
            "a rule without `if` or `contains`, or a name that is no keyword here",
            "what the message says; `import rego.v1` in older files",
        ),
        Code::Import => (
            "an import of something that does not exist, or whose name another import has",
            "`data`, `input`, `rego.v1` or `future.keywords`",
        ),
        Code::Variable => (
            "a variable that is declared twice, used above its declaration, or named `input` or `data`; `:=` of something else, or under `not`",
            "another name; `==`",
        ),
        Code::Unsafe => (
            "a variable that nothing gives a value",
            "`some x in ..`, or the right name",
        ),
        Code::Unused => (
            "a variable that is declared and not used",
            "remove it, or `_`",
        ),
        Code::Function => (
            "a function that does not exist, or another number of arguments; also a built-in that is [missing here](built-ins.md)",
            "the right name and arguments",
        ),
        Code::Type => (
            "an argument of a type that a function never takes, a comparison that never holds, a key that an object never has",
            "a value of the right type",
        ),
        Code::With => (
            "`with` of a path that is not constant, or of a part of what a rule makes",
            "a constant path; the whole rule",
        ),
        Code::Rule => (
            "rules of one name in several forms, two defaults, a rule inside of another one's value, or where a package or data is",
            "another name, or one form",
        ),
        Code::Recursion => (
            "a rule or function that uses itself, also where a variable stands for its name (`data[x].h`)",
            "data, or `walk`; the whole path as names",
        ),
        Code::TooDeep => (
            "a value nested more than 500 deep, or 2,000 with the rules that it uses; collections more than 12 deep in a default; text that can be read in too many ways",
            "rules of their own; data",
        ),
        Code::Operator => (
            "an operator (`==`, `+`, `in`) where a rule, an import or a variable has the name of its function (`equal`, `plus`, `internal`)",
            "another name for the rule, import or variable",
        ),
        Code::Key => (
            "a constant key that is no text inside of a rule's name (`a[1].b := ..`, `a[1] contains ..`); a number as a key that is not written as usual (`q[1.0]`)",
            "a text, or a variable; `q[1]`",
        ),
        Code::WithOperator => (
            "`with` that replaces `walk`, `trace` or `print`, or puts one of them in place of a function",
            "a function that calls it",
        ),
        Code::WithGroup => (
            "`with` that replaces a package, or a group of rules such as `g.a` and `g.b`, that is used as a whole",
            "`with` for each rule by its whole name",
        ),
        Code::DefaultPart => (
            "`default o.a := 1` where another rule is `o[key].b := ..` or `o[key] contains ..`",
            "the value by an `else`",
        ),
        Code::TwoPackages => (
            "`o[key].b := ..` whose object has rules in another package too",
            "all its rules in one package",
        ),
        Code::Entrypoint => (
            "no rule and no data at `policy.entrypoint`",
            "the right package, or the right entrypoint",
        ),
        Code::Input
        | Code::Value
        | Code::Data
        | Code::UnknownId
        | Code::Verdict
        | Code::Condition
        | Code::Open
        | Code::EveryRequest
        | Code::Cost
        | Code::Interpreter => unreachable!("found in policies that load: docs/policies/check.md"),
        Code::Different => (
            "a built-in of the table [below](#values): a warning, the policy loads",
            "",
        ),
    }
}

fn codes() -> String {
    let mut rows = String::new();
    for code in Code::ALL {
        let (says, cure) = told(code);
        let opa = match (code, code.is_opa()) {
            (Code::Different, _) => "loads, with another value",
            (Code::Recursion, _) => "rejects most of these",
            (_, true) => "rejects it too",
            (_, false) => "loads",
        };
        writeln!(rows, "| `{}` | {says} | {cure} | {opa} |", code.as_str()).unwrap();
    }
    rows
}

fn others() -> String {
    let limits = Limits {
        time: Duration::from_secs(10),
        memory: 1 << 30,
    };
    let mut rows = String::new();
    for (error, cure) in [
        (
            LoadError::FunctionEntrypoint("data.p.f".to_owned()).to_string(),
            "the name of a rule as `policy.entrypoint`",
        ),
        (
            LoadError::NoEntrypoint {
                entrypoint: "p/allow".to_owned(),
            }
            .to_string(),
            "the right name as `policy.entrypoint`",
        ),
        (
            ProofError::TooSlow(limits.time).to_string(),
            "fewer rules, or data in place of rules; `policy.load_timeout` is the limit",
        ),
        (
            ProofError::Ended {
                how: "signal 11".to_owned(),
                limits,
            }
            .to_string(),
            "less nesting; `policy.load_memory_bytes` and `policy.load_timeout` are the limits",
        ),
    ] {
        writeln!(rows, "| {error} | {cure} |").unwrap();
    }
    rows
}

fn values() -> String {
    let mut rows = String::new();
    for (name, difference) in BUILTIN_DIFFERENCES {
        writeln!(rows, "| `{name}` | {difference} |").unwrap();
    }
    rows
}

/// The page with these rows in the table below a heading.
fn with_rows(page: &str, heading: &str, rows: &str) -> String {
    let (before, behind) = page.split_once(heading).unwrap();
    let (line, behind) = behind.split_once('\n').unwrap();
    let old = behind.lines().take_while(|line| line.starts_with('|'));
    let rest = &behind[old.map(|line| line.len() + 1).sum()..];
    format!("{before}{heading}{line}\n{rows}{rest}")
}

#[test]
fn the_page_of_differences_has_every_code() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join(PAGE);
    let page = fs::read_to_string(&file).unwrap();
    let mut made = page.clone();
    for (heading, rows) in [
        ("| Code | What it says | Cure | OPA |\n", codes()),
        ("| What it says | Cure |\n", others()),
        ("| Built-in | Difference |\n", values()),
    ] {
        made = with_rows(&made, heading, &rows);
    }
    if env::var_os("WRITE").is_some() {
        fs::write(&file, &made).unwrap();
    }
    assert_eq!(
        page, made,
        "write the tables of {PAGE} anew by `WRITE=1 cargo test --test it differences`"
    );
}
