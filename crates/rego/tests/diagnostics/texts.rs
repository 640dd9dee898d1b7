//! The texts that the stages hold for diagnostics: every string in their code that is more than a word.

use std::{
    fs,
    path::{Path, PathBuf},
};

use proc_macro2::{Delimiter, TokenStream, TokenTree};

/// The stages that tell what is wrong.
const STAGES: [&str; 6] = ["parse", "resolve", "check", "arrange", "lower", "translate"];

/// The texts of all stages, each with the file that holds it.
pub(super) fn of_stages(source: &Path) -> Vec<(String, String)> {
    let mut texts = Vec::new();
    for stage in STAGES {
        let mut files = vec![source.join(format!("{stage}.rs"))];
        files.extend(files_below(&source.join(stage)));
        for file in files {
            let tokens: TokenStream = fs::read_to_string(&file).unwrap().parse().unwrap();
            let mut found = Vec::new();
            strings(tokens, &mut found);
            let name = file.strip_prefix(source).unwrap().display().to_string();
            let texts_of_file = found.into_iter().map(|text| (name.clone(), text));
            texts.extend(texts_of_file);
        }
    }
    texts
}

fn files_below(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).into_iter().flatten();
    let paths = entries.map(|entry| entry.unwrap().path());
    paths
        .flat_map(|path| {
            if path.is_dir() {
                files_below(&path)
            } else {
                vec![path]
            }
        })
        .collect()
}

/// The strings of code that hold a space between two words, without attributes, documentation and tests.
fn strings(tokens: TokenStream, found: &mut Vec<String>) {
    let mut tokens = tokens.into_iter().peekable();
    let mut is_test = false;
    while let Some(token) = tokens.next() {
        match token {
            TokenTree::Punct(sign) if sign.as_char() == '#' => {
                // `#[..]` or `#![..]`.
                if matches!(tokens.peek(), Some(TokenTree::Punct(sign)) if sign.as_char() == '!') {
                    tokens.next();
                }
                if let Some(TokenTree::Group(attribute)) = tokens.next() {
                    is_test |= attribute.stream().to_string().replace(' ', "") == "cfg(test)";
                }
            }
            TokenTree::Punct(sign) if sign.as_char() == ';' => is_test = false,
            TokenTree::Group(group) => {
                let is_skipped = is_test && group.delimiter() == Delimiter::Brace;
                if is_skipped {
                    is_test = false;
                } else {
                    strings(group.stream(), found);
                }
            }
            TokenTree::Literal(literal) => {
                if let Some(text) = literal.to_string().strip_prefix('"') {
                    let text = text.strip_suffix('"').unwrap_or(text);
                    let text = text.replace("\\\"", "\"").replace("\\\\", "\\");
                    if text.trim().contains(' ') && !text.starts_with('(') {
                        found.push(text);
                    }
                }
            }
            _ => {}
        }
    }
}

/// Whether a text with places to fill, `{..}`, is in another.
pub(super) fn is_in(text: &str, told: &str) -> bool {
    let mut rest = told;
    let mut parts = text.split('{');
    let first = parts.next().unwrap_or_default();
    let behind = parts.map(|part| part.split_once('}').map_or(part, |(_, behind)| behind));
    std::iter::once(first).chain(behind).all(|part| {
        let found = rest.find(part);
        if let Some(at) = found {
            rest = &rest[at + part.len()..];
        }
        found.is_some()
    })
}
