//! Every text that a diagnostic can have is told by a case of `cases.txt`, with its code and its place.
//!
//! `WRITE=1 cargo test -p geowarden-rego --test diagnostics` writes what is told of each case: read the difference.
#![allow(clippy::indexing_slicing, clippy::panic, clippy::unwrap_used)]

mod texts;

use std::{
    collections::{BTreeMap, BTreeSet},
    env,
    fmt::Write as _,
    fs,
    path::{Path, PathBuf},
    time::Duration,
};

use geowarden_rego::{
    BuiltinErrors, EngineChoice, LoadError, Policy, Settings, Sources,
    diagnostic::{Code, Diagnostic},
    source::Version,
};
use serde_json::Value;

/// What begins a case, a file of it and what is told.
const CASE: &str = "### ";
const FILE: &str = "--- ";
const TOLD: &str = "=== told";

fn crate_folder() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn cases_file() -> PathBuf {
    crate_folder().join("tests/diagnostics/cases.txt")
}

/// A policy, and what is told of it.
struct Case {
    title: String,
    files: BTreeMap<String, String>,
    told: Vec<String>,
}

fn cases() -> Vec<Case> {
    let text = fs::read_to_string(cases_file()).unwrap();
    let mut cases: Vec<Case> = Vec::new();
    let mut file: Option<String> = None;
    for line in text.lines() {
        if let Some(title) = line.strip_prefix(CASE) {
            cases.push(Case {
                title: title.to_owned(),
                files: BTreeMap::new(),
                told: Vec::new(),
            });
            continue;
        }
        let Some(case) = cases.last_mut() else {
            continue;
        };
        if let Some(name) = line.strip_prefix(FILE) {
            file = Some(name.to_owned());
            case.files.insert(name.to_owned(), String::new());
        } else if line == TOLD {
            file = None;
        } else if let Some(name) = &file {
            let text = case.files.get_mut(name).unwrap();
            text.push_str(line);
            text.push('\n');
        } else if !line.is_empty() {
            case.told.push(line.to_owned());
        }
    }
    cases
}

impl Case {
    /// Rego of files named `.rego` in v1 and of those named `.v0.rego` in v0, with the data of `data.json`.
    fn diagnostics(&self) -> Vec<Diagnostic> {
        let mut sources = Sources::default();
        let mut version = Version::V1;
        for (name, text) in &self.files {
            if name == "data.json" {
                let data: Value = serde_json::from_str(text).unwrap();
                sources.data.clone_from(data.as_object().unwrap());
                continue;
            }
            if name.ends_with(".v0.rego") {
                version = Version::V0;
            }
            sources.modules.insert(name.clone(), repeated(text));
        }
        let settings = Settings {
            entrypoint: "p/allow".to_owned(),
            version,
            timeout: Duration::from_secs(5),
            builtin_errors: BuiltinErrors::Refuse,
            engine: EngineChoice::Auto,
        };
        match Policy::load(sources, &settings) {
            Ok(policy) => policy.warnings().to_vec(),
            Err(LoadError::Diagnostics(diagnostics)) => diagnostics,
            Err(other) => panic!("{}: no diagnostics: {other}", self.title),
        }
    }
}

/// A text with `<<text*count>>` written as often as it says, and with a control character for `<<bell>>`.
fn repeated(text: &str) -> String {
    let mut made = String::new();
    let mut rest = text;
    while let Some((before, from)) = rest.split_once("<<") {
        made.push_str(before);
        let (inside, behind) = from.split_once(">>").unwrap();
        rest = behind;
        match inside.rsplit_once('*') {
            Some((text, count)) => {
                for number in 0..count.parse::<usize>().unwrap() {
                    let text = text.replace("NEXT", &(number + 1).to_string());
                    made.push_str(&text.replace('N', &number.to_string()).replace("; ", "\n"));
                }
            }
            None => made.push('\u{7}'),
        }
    }
    made + rest
}

fn told(diagnostic: &Diagnostic) -> String {
    format!("{} {diagnostic}", diagnostic.code.as_str())
}

#[test]
fn each_case_is_told_as_it_is_written() {
    let mut written = String::new();
    let mut different = Vec::new();
    for case in cases() {
        let told: Vec<String> = case.diagnostics().iter().map(told).collect();
        writeln!(written, "{CASE}{}", case.title).unwrap();
        for (name, text) in &case.files {
            write!(written, "{FILE}{name}\n{text}").unwrap();
        }
        write!(written, "{TOLD}\n{}\n\n", told.join("\n")).unwrap();
        if told != case.told {
            different.push((case.title, case.told, told));
        }
    }
    if env::var_os("WRITE").is_some() {
        fs::write(cases_file(), written).unwrap();
    } else {
        assert!(different.is_empty(), "{different:#?}");
    }
}

#[test]
fn each_code_has_a_case_and_each_case_is_told_something() {
    let cases = cases();
    let told: BTreeSet<&str> = cases
        .iter()
        .flat_map(|case| &case.told)
        .filter_map(|line| line.split(' ').next())
        .collect();
    let codes: BTreeSet<&str> = Code::ALL.into_iter().map(Code::as_str).collect();
    assert_eq!(told, codes);
    for case in &cases {
        assert!(!case.told.is_empty(), "{}", case.title);
    }
}

#[test]
fn each_text_of_the_source_is_told_by_a_case() {
    let cases = cases();
    let told: Vec<&String> = cases.iter().flat_map(|case| &case.told).collect();
    let texts = texts::of_stages(&crate_folder().join("src"));
    assert!(texts.len() > 100, "{}", texts.len());
    let missing: Vec<&(String, String)> = texts
        .iter()
        .filter(|(_, text)| !told.iter().any(|told| texts::is_in(text, told)))
        .collect();
    assert!(missing.is_empty(), "no case tells: {missing:#?}");
}
