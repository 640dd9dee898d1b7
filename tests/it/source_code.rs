//! Rust sources for the tests of the architecture: without comments and tests, and with the paths that they name.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
};

/// A module: the names from the root of its crate.
pub(crate) type Module = Vec<String>;

/// The files of a folder of sources, without tests.
pub(crate) struct Sources {
    /// File names below the folder, each with its code: no comments, no test modules.
    pub(crate) files: BTreeMap<String, String>,
    modules: BTreeMap<Module, String>,
    /// The names that a module re-exports by `pub use`, each with its path.
    handed_on: BTreeMap<(Module, String), Module>,
}

impl Sources {
    pub(crate) fn of(folder: &str, is_test: impl Fn(&str) -> bool) -> Self {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join(folder);
        let mut files = BTreeMap::new();
        for file in all_files(&root) {
            let name = file.strip_prefix(&root).unwrap().display().to_string();
            if !is_test(&name) {
                files.insert(name, code(&fs::read_to_string(&file).unwrap()));
            }
        }
        Self::from_files(files)
    }

    fn from_files(files: BTreeMap<String, String>) -> Self {
        let names = files.keys();
        let modules = names.map(|file| (module_of(file), file.clone())).collect();
        let mut sources = Self {
            files,
            modules,
            handed_on: BTreeMap::new(),
        };
        for (module, file) in sources.modules.clone() {
            for path in uses(&sources.files[&file], true) {
                let (path, name) = (absolute(&module, &path.0), path.1);
                sources.handed_on.insert((module.clone(), name), path);
            }
        }
        sources
    }

    /// Each module with those that it names, by `use` or by a path in its code. A re-exported name counts for the
    /// module that defines it.
    pub(crate) fn named(&self) -> BTreeMap<Module, BTreeSet<Module>> {
        let named = |(module, file): (&Module, &String)| {
            let text = &self.files[file];
            let paths = uses(text, false).into_iter().map(|(path, _)| path);
            let all = paths.chain(paths_in_code(text));
            let all = all.filter_map(|path| self.module_at(&absolute(module, &path)));
            (module.clone(), all.collect())
        };
        self.modules.iter().map(named).collect()
    }

    /// Modules with the same parent that name each other in a circle, including their children.
    pub(crate) fn circles(&self) -> Vec<String> {
        let mut graph: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        for (from, targets) in self.named() {
            for to in targets {
                let pairs = from.iter().zip(&to);
                let shared = pairs.take_while(|(one, other)| one == other).count();
                let parent = from[..shared].join("::");
                let node = |module: &Module| Some(format!("{parent}::{}", module.get(shared)?));
                if let (Some(one), Some(other)) = (node(&from), node(&to)) {
                    graph.entry(one).or_default().insert(other);
                }
            }
        }
        let nodes = graph.keys();
        let in_circles = nodes.filter(|node| reachable(&graph, node).contains(*node));
        in_circles.cloned().collect()
    }

    /// The module of an absolute path.
    fn module_at(&self, path: &[String]) -> Option<Module> {
        let known = (0..=path.len())
            .rev()
            .find(|n| self.modules.contains_key(&path[..*n]))?;
        let (module, rest) = path.split_at(known);
        let handed_on = rest
            .first()
            .and_then(|name| self.handed_on.get(&(module.to_vec(), name.clone())));
        match handed_on {
            Some(origin) if origin != path => self.module_at(origin),
            _ => Some(module.to_vec()),
        }
    }
}

/// The path from the root of the crate. If its first name is neither `crate` nor a child, it belongs to another crate.
fn absolute(module: &Module, path: &[String]) -> Module {
    let mut place = module.clone();
    let mut names = path.iter().peekable();
    match path.first().map(String::as_str) {
        Some("crate") => {
            place.clear();
            names.next();
        }
        Some("self") => {
            names.next();
        }
        _ => {}
    }
    while names.next_if(|name| *name == "super").is_some() {
        place.pop();
    }
    place.extend(names.cloned());
    place
}

fn reachable(graph: &BTreeMap<String, BTreeSet<String>>, start: &str) -> BTreeSet<String> {
    let mut seen = BTreeSet::new();
    let mut next: Vec<&str> = vec![start];
    while let Some(name) = next.pop() {
        for target in graph.get(name).into_iter().flatten() {
            if seen.insert(target.clone()) {
                next.push(target);
            }
        }
    }
    seen
}

fn all_files(root: &Path) -> Vec<PathBuf> {
    let mut folders = vec![root.to_path_buf()];
    let mut files = Vec::new();
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                files.push(path);
            }
        }
    }
    files
}

fn module_of(file: &str) -> Module {
    let path = file.strip_suffix(".rs").unwrap();
    let path = path.strip_suffix("/mod").unwrap_or(path);
    match path {
        "lib" | "main" => Vec::new(),
        path => path.split('/').map(str::to_owned).collect(),
    }
}

/// The text without comments and without the first test module and what follows it. Strings stay as they are.
pub(crate) fn code(text: &str) -> String {
    let text: String = pieces(text)
        .into_iter()
        .filter_map(|(kind, piece)| (kind != Kind::Comment).then_some(piece))
        .collect();
    match text.split_once("#[cfg(test)]\nmod tests {") {
        Some((before, _)) => before.to_owned(),
        None => text,
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Code,
    Text,
    Comment,
}

/// The code, the strings and the comments of a text, in order.
fn pieces(text: &str) -> Vec<(Kind, &str)> {
    let mut all = Vec::new();
    let mut rest = text;
    let mut at = 0;
    while let Some(c) = rest[at..].chars().next() {
        let here = &rest[at..];
        let before = rest[..at].chars().next_back();
        let is_word = before.is_some_and(|c| c.is_alphanumeric() || c == '_');
        let length = match c {
            '/' if here.starts_with("//") => {
                Some((Kind::Comment, here.find('\n').unwrap_or(here.len())))
            }
            '/' if here.starts_with("/*") => Some((Kind::Comment, block_comment(here))),
            '"' => Some((Kind::Text, quoted(here, '"'))),
            'r' if !is_word || before == Some('b') => raw_string(here).map(|n| (Kind::Text, n)),
            '\'' => character(here).map(|n| (Kind::Text, n)),
            _ => None,
        };
        let Some((kind, length)) = length else {
            at += c.len_utf8();
            continue;
        };
        all.push((Kind::Code, &rest[..at]));
        all.push((kind, &here[..length]));
        rest = &here[length..];
        at = 0;
    }
    all.push((Kind::Code, rest));
    all
}

fn block_comment(text: &str) -> usize {
    let (mut depth, mut at) = (0, 0);
    while at < text.len() {
        if text[at..].starts_with("/*") {
            depth += 1;
            at += 2;
        } else if text[at..].starts_with("*/") {
            depth -= 1;
            at += 2;
            if depth == 0 {
                break;
            }
        } else {
            at += text[at..].chars().next().map_or(1, char::len_utf8);
        }
    }
    at
}

fn quoted(text: &str, quote: char) -> usize {
    let mut escaped = false;
    for (at, c) in text.char_indices().skip(1) {
        if c == quote && !escaped {
            return at + 1;
        }
        escaped = c == '\\' && !escaped;
    }
    text.len()
}

fn raw_string(text: &str) -> Option<usize> {
    let hashes = text[1..].chars().take_while(|c| *c == '#').count();
    let start = 1 + hashes;
    if !text[start..].starts_with('"') {
        return None;
    }
    let end = format!("\"{}", "#".repeat(hashes));
    let length = text[start + 1..].find(&end)?;
    Some(start + 1 + length + end.len())
}

/// A character literal, not a lifetime.
fn character(text: &str) -> Option<usize> {
    let mut inner = text[1..].chars();
    let is_character = match inner.next()? {
        '\\' => true,
        _ => inner.next() == Some('\''),
    };
    is_character.then(|| quoted(text, '\''))
}

/// Words, `::`, and every other character except white space.
fn tokens(code: &str) -> Vec<String> {
    let mut all: Vec<String> = Vec::new();
    for (_, piece) in pieces(code)
        .into_iter()
        .filter(|(kind, _)| *kind == Kind::Code)
    {
        let mut rest = piece.chars().peekable();
        while let Some(c) = rest.next() {
            let mut token = c.to_string();
            if c.is_alphanumeric() || c == '_' {
                while let Some(c) = rest.next_if(|c| c.is_alphanumeric() || *c == '_') {
                    token.push(c);
                }
            } else if c == ':' && rest.next_if_eq(&':').is_some() {
                token.push(':');
            } else if c.is_whitespace() {
                continue;
            }
            all.push(token);
        }
    }
    all
}

/// The paths of the `use` declarations, each with its name in the module; only those of `pub use`, if wished.
fn uses(code: &str, only_handed_on: bool) -> Vec<(Module, String)> {
    let tokens = tokens(code);
    let mut all = Vec::new();
    for (at, token) in tokens.iter().enumerate() {
        let before = at.checked_sub(1).map(|before| tokens[before].as_str());
        // `pub(crate) use` ends in a bracket.
        let is_handed_on = matches!(before, Some("pub" | ")"));
        if token == "use" && (is_handed_on || !only_handed_on) {
            tree(&tokens, at + 1, &[], &mut all);
        }
    }
    all
}

/// The paths from `start` to the `;` or the end of the group. Returns the position of the end.
fn tree(
    tokens: &[String],
    start: usize,
    prefix: &[String],
    all: &mut Vec<(Module, String)>,
) -> usize {
    let (mut path, mut name, mut at) = (prefix.to_vec(), None, start);
    while let Some(token) = tokens.get(at) {
        match token.as_str() {
            "::" => {}
            "{" => {
                loop {
                    at = tree(tokens, at + 1, &path, all);
                    if tokens.get(at).is_none_or(|end| end != ",") {
                        break;
                    }
                }
                path.clear();
            }
            "as" => {
                name = tokens.get(at + 1).cloned();
                at += 1;
            }
            "," | ";" | "}" => break,
            word => path.push(word.to_owned()),
        }
        at += 1;
    }
    if path.last().is_some_and(|last| last == "self") && path.len() > 1 {
        path.pop();
    }
    if let Some(last) = path.last().cloned() {
        all.push((path, name.unwrap_or(last)));
    }
    at
}

/// The paths in code that begin with `crate`, `self` or `super`.
fn paths_in_code(code: &str) -> Vec<Module> {
    let tokens = tokens(code);
    let mut all = Vec::new();
    for (at, token) in tokens.iter().enumerate() {
        let is_inside = at > 0 && tokens[at - 1] == "::";
        let is_start = ["crate", "self", "super"].contains(&token.as_str());
        if !is_start || is_inside {
            continue;
        }
        let mut path = vec![token.clone()];
        let mut rest = tokens[at + 1..].chunks(2);
        while let Some([colons, name]) = rest.next() {
            if colons != "::" || !name.starts_with(|c: char| c.is_alphabetic() || c == '_') {
                break;
            }
            path.push(name.clone());
        }
        if path.len() > 1 {
            all.push(path);
        }
    }
    all
}

#[test]
fn comments_go_and_strings_stay() {
    let text = "let a = \"http://b\"; // gone\nlet c = '\"'; /* gone /* too */ */ let d: &'static str = r#\"//\"#;";
    let expected = "let a = \"http://b\"; \nlet c = '\"';  let d: &'static str = r#\"//\"#;";
    assert_eq!(code(text), expected);
}

fn sources(files: &[(&str, &str)]) -> Sources {
    let files = files.iter();
    Sources::from_files(
        files
            .map(|(name, text)| ((*name).to_owned(), code(text)))
            .collect(),
    )
}

#[test]
fn a_circle_is_found_however_it_is_written() {
    for (one, two) in [
        ("use crate::b::B;", "use crate::a::A;"),
        ("use super::b::B;", "fn f() -> super::a::A {}"),
        // By a re-export of the parent.
        ("use super::B;", "use super::{a as other};"),
        (
            "use crate::{c, b::{self, B}};",
            "fn f() { crate::a::f(\"//\") }",
        ),
        // By children.
        ("mod x;", "use crate::a::x::X;"),
    ] {
        let files = [
            ("lib.rs", "mod a; mod b; pub use b::B;"),
            ("a.rs", one),
            ("a/x.rs", "use super::super::b::B;"),
            ("b.rs", two),
        ];
        assert_eq!(sources(&files).circles(), ["::a", "::b"], "{one} {two}");
    }
    let none = [
        ("lib.rs", "mod a; mod b;"),
        (
            "a.rs",
            "// crate::b\nuse self::x::X; const C: &str = \"crate::b::B\";",
        ),
        ("a/x.rs", "use super::A;"),
        ("b.rs", "use crate::a::X;"),
    ];
    assert!(sources(&none).circles().is_empty());
}
