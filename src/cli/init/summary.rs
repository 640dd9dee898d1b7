//! What is said at the end: the key, the commands, what to look at.

use std::{fmt::Write as _, path::PathBuf};

use serde_json::{Value, json};

use super::{super::paint, example::Example, shell::quoted};

pub(super) struct Summary {
    pub(super) folder: PathBuf,
    pub(super) files: Vec<String>,
    pub(super) key: Option<String>,
    /// Where clients find pygeoapi.
    pub(super) url: String,
    /// What to ask for below it.
    pub(super) example: Example,
    /// Whether people can log in.
    pub(super) has_login: bool,
    /// The issuer whose tokens are accepted.
    pub(super) issuer: Option<String>,
    pub(super) commands: Vec<String>,
    pub(super) notes: Vec<String>,
}

impl Summary {
    pub(super) fn json(&self) -> Value {
        json!({
            "folder": self.folder,
            "files": self.files,
            "key": self.key,
            "url": self.url,
            "commands": self.commands,
            "requests": self.requests(),
            "notes": self.notes,
        })
    }

    pub(super) fn text(&self) -> String {
        let mut text = format!("{} {}\n", paint::good("wrote"), self.folder.display());
        for file in &self.files {
            let _ = writeln!(text, "  {file}");
        }
        for note in &self.notes {
            let _ = writeln!(text, "{}: {}", paint::warning("note"), paint::lines(note));
        }
        if let Some(key) = &self.key {
            let _ = write!(
                text,
                "\nAPI key (shown only now, give it to its holder):\n  {key}\n"
            );
        }
        text.push_str("\nStart it:\n");
        for command in &self.commands {
            let _ = writeln!(text, "  {command}");
        }
        text.push_str("\nThen try it:\n");
        for request in self.requests() {
            let _ = writeln!(text, "  {request}");
        }
        text
    }

    fn requests(&self) -> Vec<String> {
        let Example { page, status } = &self.example;
        let page = quoted(&format!("{}{page}", self.url));
        let mut requests = vec![format!("curl -i {page}   # {status}")];
        if let Some(key) = &self.key {
            requests.push(format!("curl -i -H 'x-api-key: {key}' {page}   # 200"));
        }
        if let Some(issuer) = &self.issuer {
            requests.push(format!(
                "curl -i -H \"Authorization: Bearer $TOKEN\" {page}   # 200, with a token of {issuer} in TOKEN"
            ));
        }
        if self.has_login {
            requests.push(format!(
                "open {page} in a browser   # the issuer's page to log in"
            ));
        }
        requests
    }
}
