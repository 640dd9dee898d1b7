//! Tests the documentation: its examples run, its links are valid, its tables are complete.

use std::{
    collections::BTreeSet,
    fmt::Write as _,
    fs::{self, Permissions},
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
    process::Command,
};

use serde_json::Value;

/// A fenced block of a page.
struct Block {
    language: String,
    line: usize,
    text: String,
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn pages() -> Vec<(String, String)> {
    let markdown = |folder: &str| {
        fs::read_dir(root().join(folder))
            .unwrap()
            .map(|entry| entry.unwrap().path())
            .filter(|path| path.extension().is_some_and(|e| e == "md"))
            .collect::<Vec<PathBuf>>()
    };
    let pages: Vec<_> = [markdown("."), markdown("docs"), markdown("docs/policies")]
        .concat()
        .into_iter()
        .map(|path| {
            let name = path.strip_prefix(root()).unwrap().display().to_string();
            (name, fs::read_to_string(&path).unwrap())
        })
        .collect();
    assert!(pages.len() > 10, "{}", pages.len());
    pages
}

fn page(name: &str) -> String {
    fs::read_to_string(root().join(name)).unwrap()
}

fn blocks(page: &str) -> Vec<Block> {
    let mut all = Vec::new();
    let mut open: Option<Block> = None;
    for (index, line) in page.lines().enumerate() {
        match (line.strip_prefix("```"), &mut open) {
            (Some(_), Some(_)) => all.extend(open.take()),
            (Some(language), None) => {
                open = Some(Block {
                    language: language.to_owned(),
                    line: index + 1,
                    text: String::new(),
                });
            }
            (None, Some(block)) => {
                block.text.push_str(line);
                block.text.push('\n');
            }
            (None, None) => {}
        }
    }
    all
}

/// The file that a block becomes; the comment in its first line names it.
fn file_of(block: &Block) -> Option<&str> {
    let name = block.text.lines().next()?.strip_prefix("# ")?;
    let is_file = Path::new(name)
        .extension()
        .is_some_and(|e| e == "yaml" || e == "rego");
    (name == ".env" || is_file && !name.contains(' ')).then_some(name)
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), target).unwrap();
        }
    }
}

/// A folder with the files that a page's examples use: the policies, Envoy's configurations and certificates.
fn desk() -> tempfile::TempDir {
    let desk = tempfile::tempdir().unwrap();
    for folder in ["policies", "envoy"] {
        copy(&root().join(folder), &desk.path().join(folder));
    }
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    for name in ["tls.crt", "ca.crt"] {
        fs::write(desk.path().join(name), made.cert.pem()).unwrap();
    }
    fs::write(
        desk.path().join("tls.key"),
        made.signing_key.serialize_pem(),
    )
    .unwrap();
    let key = desk.path().join("tls.key");
    fs::set_permissions(key, Permissions::from_mode(0o640)).unwrap();
    desk
}

fn run(desk: &Path, command: &str) -> String {
    let program = Path::new(env!("CARGO_BIN_EXE_geowarden"));
    let path = format!(
        "{}:{}",
        program.parent().unwrap().display(),
        std::env::var("PATH").unwrap()
    );
    let output = Command::new("sh")
        .args(["-c", &format!("{{ {command}\n}} 2>&1")])
        .current_dir(desk)
        .env("PATH", path)
        .output()
        .unwrap();
    String::from_utf8(output.stdout).unwrap()
}

/// Compares with a pattern: `[..]` stands for any text within a line, a line `...` for any lines.
fn agrees(expected: &[&str], found: &[&str]) -> bool {
    match (expected.split_first(), found.split_first()) {
        (None, None) => true,
        (Some((&"...", rest)), _) => {
            (0..=found.len()).any(|skipped| agrees(rest, &found[skipped..]))
        }
        (Some((line, expected)), Some((other, found))) => {
            line_agrees(line, other) && agrees(expected, found)
        }
        _ => false,
    }
}

fn line_agrees(expected: &str, found: &str) -> bool {
    let mut parts = expected.split("[..]");
    let Some(mut rest) = found.strip_prefix(parts.next().unwrap_or_default()) else {
        return false;
    };
    for part in parts {
        let at = if part.is_empty() {
            Some(rest.len())
        } else {
            rest.find(part)
        };
        let Some(at) = at else { return false };
        rest = &rest[at + part.len()..];
    }
    rest.is_empty()
}

#[test]
fn every_example_does_what_it_shows() {
    let mut commands = 0;
    let mut files = 0;
    let mut wrong = String::new();
    for (name, text) in pages() {
        let desk = desk();
        for block in blocks(&text) {
            if let Some(file) = file_of(&block) {
                let path = desk.path().join(file);
                fs::create_dir_all(path.parent().unwrap()).unwrap();
                fs::write(&path, &block.text).unwrap();
                // The pages ask for this mode for files with secrets.
                fs::set_permissions(&path, Permissions::from_mode(0o640)).unwrap();
                files += 1;
            }
            if block.language != "console" {
                continue;
            }
            for example in block.text.split("$ ").filter(|example| !example.is_empty()) {
                let (command, expected) = example.split_once('\n').unwrap();
                let found = run(desk.path(), command);
                commands += 1;
                let expected: Vec<_> = expected.lines().collect();
                if !agrees(&expected, &found.lines().collect::<Vec<_>>()) {
                    let _ = writeln!(
                        wrong,
                        "{name}:{}: $ {command}\nexpected:\n{}\nfound:\n{found}",
                        block.line,
                        expected.join("\n")
                    );
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
    assert!(
        commands >= 15 && files >= 6,
        "{commands} commands, {files} files"
    );
}

#[test]
fn every_link_leads_somewhere() {
    let mut count = 0;
    for (name, text) in pages() {
        for link in text.split("](").skip(1) {
            let target = link.split(')').next().unwrap();
            if target.contains("://") {
                continue;
            }
            count += 1;
            let (file, anchor) = target.split_once('#').unwrap_or((target, ""));
            let here = root().join(&name);
            let path = if file.is_empty() {
                here
            } else {
                here.parent().unwrap().join(file)
            };
            assert!(path.exists(), "{name}: {target}");
            if !anchor.is_empty() {
                let linked = fs::read_to_string(&path).unwrap();
                assert!(headings(&linked).contains(anchor), "{name}: {target}");
            }
        }
    }
    assert!(count > 20, "{count}");
}

/// Files of the repository that pages name in text and commands.
#[test]
fn every_file_that_is_named_exists() {
    let mut count = 0;
    for (name, text) in pages() {
        for folder in ["k8s/", "envoy/", "tests/"] {
            for (at, _) in text.match_indices(folder) {
                // It must not be the end of another path or address.
                let before = text[..at].chars().next_back();
                if before.is_some_and(|c| c.is_alphanumeric() || "/.-_".contains(c)) {
                    continue;
                }
                let path: String = text[at..]
                    .chars()
                    .take_while(|c| c.is_alphanumeric() || "/.-_".contains(*c))
                    .collect();
                let path = path.trim_end_matches(['.', '/']);
                count += 1;
                assert!(root().join(path).exists(), "{name}: {path}");
            }
        }
    }
    assert!(count > 60, "{count}");
}

/// The anchors of a page's headings, as code hosts generate them.
fn headings(page: &str) -> BTreeSet<String> {
    page.lines()
        .filter(|line| line.starts_with('#'))
        .map(|line| {
            line.trim_start_matches('#')
                .trim()
                .to_lowercase()
                .chars()
                .filter(|c| c.is_alphanumeric() || " -_".contains(*c))
                .map(|c| if c == ' ' { '-' } else { c })
                .collect()
        })
        .collect()
}

/// The code in the first cell of each table row.
fn first_cells(page: &str) -> BTreeSet<String> {
    page.lines()
        .filter_map(|line| line.strip_prefix("| `")?.split('`').next())
        .map(str::to_owned)
        .collect()
}

fn assert_same(documented: &BTreeSet<String>, existing: &BTreeSet<String>, place: &str) {
    let missing: Vec<_> = existing.difference(documented).collect();
    let invented: Vec<_> = documented.difference(existing).collect();
    assert!(
        missing.is_empty() && invented.is_empty(),
        "{place}: not documented {missing:?}, not existing {invented:?}"
    );
}

#[test]
fn every_key_of_the_configuration_is_documented() {
    let schema: Value = serde_json::from_str(&run(root(), "geowarden schema")).unwrap();
    let mut keys = BTreeSet::new();
    collect_keys(&schema, &schema, "", &mut keys);
    assert!(keys.len() > 25, "{keys:?}");
    assert_same(
        &first_cells(&page("docs/configuration.md")),
        &keys,
        "docs/configuration.md",
    );
}

fn collect_keys(schema: &Value, all: &Value, path: &str, keys: &mut BTreeSet<String>) {
    if let Some(reference) = schema["$ref"].as_str() {
        let name = reference.rsplit('/').next().unwrap();
        collect_keys(&all["$defs"][name], all, path, keys);
    }
    for choice in schema["anyOf"].as_array().into_iter().flatten() {
        collect_keys(choice, all, path, keys);
    }
    if schema["additionalProperties"].is_object() {
        let named = format!("{path}.NAME");
        collect_keys(&schema["additionalProperties"], all, &named, keys);
    }
    if schema["items"].is_object() {
        collect_keys(&schema["items"], all, &format!("{path}[]"), keys);
    }
    for (name, property) in schema["properties"].as_object().into_iter().flatten() {
        let key = if path.is_empty() {
            name.clone()
        } else {
            format!("{path}.{name}")
        };
        if !path.is_empty() {
            keys.insert(key.clone());
        }
        collect_keys(property, all, &key, keys);
    }
    // A section is a heading there, and `jwt[]` is the row `jwt`.
    keys.retain(|key| !key.ends_with("[]"));
    // The sections of a tenant are documented before.
    keys.retain(|key| {
        let inner = key.strip_prefix("tenants.NAME.");
        inner.is_none_or(|inner| !inner.contains('.'))
    });
}

#[test]
fn every_reason_of_a_refusal_is_documented() {
    let mut codes = BTreeSet::new();
    for (file, before) in [
        ("crates/ogc/src/refusal.rs", "=> \""),
        ("src/authn/error.rs", "=> \""),
        ("src/policy/mod.rs", "=> \""),
        ("src/pipeline.rs", "Denial::new("),
        ("src/transport/ext_authz.rs", "Denial::new("),
        ("src/record/denial.rs", "code: \""),
    ] {
        let text = page(file);
        let found = text
            .split(before)
            .skip(1)
            .filter_map(|rest| match before.strip_suffix('"') {
                Some(_) => rest.split('"').next(),
                // The first text among the arguments.
                None => rest.split(");").next()?.split('"').nth(1),
            })
            .filter(|code| {
                code.bytes()
                    .all(|b| b.is_ascii_lowercase() || b"-8".contains(&b))
            })
            .map(str::to_owned);
        let count = codes.len();
        codes.extend(found);
        assert!(codes.len() > count, "{file}: no code found");
    }
    assert_same(
        &first_cells(&page("docs/troubleshooting.md")),
        &codes,
        "docs/troubleshooting.md",
    );
}

#[test]
fn every_fact_of_a_decision_is_documented() {
    let facts = || geowarden::record::FACTS.iter();
    let names = |page: &str, marker: &str| -> BTreeSet<String> {
        let text = self::page(page);
        let (_, section) = text.split_once(marker).unwrap();
        let section = section.split("\n## ").next().unwrap();
        let parts = section.split('`').skip(1).step_by(2);
        parts.map(str::to_owned).collect()
    };
    let log = names("docs/operations.md", "\n## Logs\n");
    let metrics = names("docs/operations.md", "\n## Metrics\n");
    let metadata = names("docs/envoy.md", "\n## The access log\n");
    let spans = names("docs/tracing.md", "\n## Spans\n");
    let is_in = |spans: &BTreeSet<String>, name: &str| {
        // The table has `geowarden.decision.outcome`, `.status`.
        let (_, end) = name.rsplit_once('.').unwrap();
        spans.contains(name) || spans.contains(&format!(".{end}"))
    };
    for fact in facts() {
        for (name, page) in [
            (fact.log, &log),
            (fact.metadata, &metadata),
            (fact.label, &metrics),
        ] {
            assert!(name.is_none_or(|name| page.contains(name)), "{name:?}");
        }
        assert!(fact.span.is_none_or(|name| is_in(&spans, name)), "{fact:?}");
    }
}

/// The corpus has the fields of Envoy 1.40's own descriptors.
#[test]
fn every_setting_of_envoy_is_told_of() {
    let told = page("docs/envoy-settings.md");
    let (ext_authz, manager) = told.split_once("## The connection manager").unwrap();
    let mut count = 0;
    for field in page("tests/corpus/envoy-1.40-fields.txt").lines() {
        let (message, name) = field.split_once('.').unwrap();
        let section = if message == "ExtAuthz" {
            ext_authz
        } else {
            manager
        };
        let rows = section.lines().filter(|line| line.starts_with("| `"));
        let told = rows.filter(|line| {
            line.split('|')
                .nth(1)
                .is_some_and(|cell| cell.contains(&format!("`{name}`")))
        });
        assert_eq!(told.count(), 1, "{field}");
        count += 1;
    }
    assert_eq!(count, 33 + 61);
}
