//! Sentences in comments and documents are short, so that readers understand them at first reading.

use std::{fs, path::Path};

/// The most words of a sentence. A code span counts as one word.
const MAX_WORDS: usize = 35;

/// Paragraphs of comments, or of a document without its tables, headings and code.
fn paragraphs(text: &str, is_document: bool) -> Vec<String> {
    let mut all = vec![String::new()];
    let mut is_code = false;
    for line in text.lines() {
        let line = line.trim_start();
        let comment = line
            .strip_prefix("//")
            .map(|rest| rest.trim_start_matches(['/', '!']));
        let line = if is_document {
            line
        } else {
            comment.unwrap_or_default().trim_start()
        };
        let is_fence = line.starts_with("```");
        is_code ^= is_fence;
        let is_item = line.starts_with("- ")
            || line
                .split_once(". ")
                .is_some_and(|(number, _)| number.parse::<u8>().is_ok());
        let is_text =
            !(is_code || is_fence || line.is_empty() || line.starts_with(['|', '#', '>']));
        if !is_text || is_item {
            all.push(String::new());
        }
        if let (true, Some(paragraph)) = (is_text, all.last_mut()) {
            paragraph.push_str(line);
            paragraph.push(' ');
        }
    }
    all
}

/// The sentences of a paragraph, with each code span as one word.
fn sentences(paragraph: &str) -> Vec<String> {
    let spans = paragraph.split('`').enumerate();
    let plain: String = spans
        .map(|(at, part)| if at % 2 == 0 { part } else { "X" })
        .collect();
    let mut all = vec![String::new()];
    for word in plain.split_whitespace() {
        let Some(sentence) = all.last_mut() else {
            continue;
        };
        sentence.push_str(word);
        sentence.push(' ');
        if word.ends_with(['.', '?', '!', ':', ';']) {
            all.push(String::new());
        }
    }
    all
}

fn long_sentences(text: &str, is_document: bool) -> Vec<String> {
    let paragraphs = paragraphs(text, is_document);
    let all = paragraphs.iter().flat_map(|paragraph| sentences(paragraph));
    all.filter(|sentence| sentence.split_whitespace().count() > MAX_WORDS)
        .collect()
}

#[test]
fn sentences_are_short() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut folders: Vec<_> = ["src", "crates", "tests", "bench", "benches", "docs"]
        .map(|folder| root.join(folder))
        .into();
    let pages = [
        "README.md",
        "ARCHITECTURE.md",
        "CONTRIBUTING.md",
        "SECURITY.md",
    ];
    let mut files: Vec<_> = pages.map(|page| root.join(page)).into();
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let entry = entry.unwrap();
            let kind = entry.file_type().unwrap();
            if kind.is_dir() {
                folders.push(entry.path());
            } else if kind.is_file() {
                files.push(entry.path());
            }
        }
    }
    let mut long = Vec::new();
    for file in files {
        let extension = file.extension().and_then(|extension| extension.to_str());
        let is_document = match extension {
            Some("md") => true,
            Some("rs") => false,
            _ => continue,
        };
        let text = fs::read_to_string(&file).unwrap();
        let name = file.strip_prefix(root).unwrap().display().to_string();
        let found = long_sentences(&text, is_document).into_iter();
        long.extend(found.map(|sentence| format!("{name}: {sentence}")));
    }
    assert!(
        long.is_empty(),
        "split these into sentences of at most {MAX_WORDS} words: {long:#?}"
    );
}

#[test]
fn a_long_sentence_is_found() {
    let words = "word ".repeat(MAX_WORDS - 1);
    let comment =
        format!("/// A sentence.\n/// {words}\n/// `some code` end. Another.\nlet x = 1;\n");
    assert_eq!(long_sentences(&comment, false).len(), 1);
    let shorter = comment.replace("some code` end", "some code`");
    assert!(long_sentences(&shorter, false).is_empty());
    let page =
        format!("# {words} x y\n\n| {words} x y |\n\n```\n{words} x y\n```\n\n- {words}\n- x y\n");
    assert!(long_sentences(&page, true).is_empty());
    let page = page.replace("\n- x y", "\n  x y");
    assert_eq!(long_sentences(&page, true).len(), 1);
}
