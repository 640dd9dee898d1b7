//! Loads policies and data from files, as OPA loads them from the same folder.

use std::{
    fmt,
    path::{Path, PathBuf},
};

use geowarden_rego::Sources;
use geowarden_yaml::Document;
use serde_json::Value;
use thiserror::Error;

use super::{default_roles, named_ids};
use crate::files::{Files, Fresh, Root, Selection};

/// Why the files of a policy cannot be used: every problem in them. Shown with a line for each.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"))]
pub struct SourceError(pub Vec<SourceProblem>);

/// One problem in the files of a policy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SourceProblem {
    /// The file or folder.
    pub file: String,
    /// Line, from 1.
    pub line: Option<usize>,
    /// The path of the value in the document, such as `roles.reader`; empty for the whole file.
    pub path: String,
    /// What was expected, what was found, what to do.
    pub message: String,
}

impl SourceProblem {
    fn new(file: &Path, line: Option<usize>, path: String, message: String) -> Self {
        Self {
            file: file.display().to_string(),
            line,
            path,
            message,
        }
    }

    /// A problem of a whole file or folder.
    fn of_file(file: &Path, message: &dyn ToString) -> Self {
        Self::new(file, None, String::new(), message.to_string())
    }
}

impl fmt::Display for SourceProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.file)?;
        if let Some(line) = self.line {
            write!(f, ":{line}")?;
        }
        if !self.path.is_empty() {
            write!(f, ": {}", self.path)?;
        }
        write!(f, ": {}", self.message)
    }
}

/// The default policy: public pages for everybody, collections by role.
pub fn embedded_by_roles() -> Result<Sources, SourceError> {
    let mut sources = Sources::default();
    sources.modules.insert(
        "(embedded)/authz.rego".to_owned(),
        default_roles::POLICY.to_owned(),
    );
    add_data(
        &mut sources,
        Path::new("(embedded)/data.yaml"),
        &[],
        include_str!("../../policies/default/data.yaml"),
    )
    .map_err(SourceError)?;
    Ok(sources)
}

/// The policy that allows public pages for everybody, and all others except /admin for every valid credential;
/// optionally OPTIONS for everybody.
pub fn embedded_for_authenticated(options_are_public: bool) -> Sources {
    let mut sources = Sources::default();
    if options_are_public {
        let name = "options_are_public".to_owned();
        sources.data.insert(name, Value::Bool(true));
    }
    sources.modules.insert(
        "(embedded)/authenticated.rego".to_owned(),
        include_str!("../../policies/authenticated/authz.rego").to_owned(),
    );
    sources
}

/// The files to read from a folder of policies and data.
pub fn root(path: &Path) -> Root {
    Root {
        path: path.to_path_buf(),
        take: Selection::Tree {
            endings: &[".rego"],
            names: &["data.json", "data.yaml", "data.yml"],
        },
    }
}

/// Files of OPA bundles that have no effect here.
const OF_BUNDLES: [(&str, &str); 3] = [
    (
        ".signatures.json",
        "the signatures of a bundle are not checked",
    ),
    (
        ".manifest",
        "the roots and the revision of a bundle are not read",
    ),
    (
        "patch.json",
        "the changes of a delta bundle are not applied",
    ),
];

/// A warning for each such file at `path`, since the operator may rely on it.
pub fn warnings(path: &Path) -> Vec<String> {
    let is_there = |name: &str| path.join(name).symlink_metadata().is_ok();
    let stray = OF_BUNDLES.iter().filter(|(name, _)| is_there(name));
    stray
        .map(|(name, why)| {
            let file = path.join(name);
            format!("{} has no effect: {why}; remove it", file.display())
        })
        .collect()
}

/// Reads everything at and below some paths now, as one policy.
pub fn load(paths: &[&Path]) -> Result<Sources, SourceError> {
    let first = paths.first().copied().unwrap_or_else(|| Path::new(""));
    let roots: Vec<Root> = paths.iter().map(|path| root(path)).collect();
    let files = Files::read(&roots, Fresh::Read)
        .map_err(|error| SourceError(vec![SourceProblem::of_file(first, &error)]))?;
    together(paths, &files)
}

/// Loads everything below `path`: `.rego` files, and `data.json`, `data.yaml` or `data.yml`. The folder of a data file
/// is its place in `data`.
///
/// Names that begin with a dot are ignored, so that each file of a mounted ConfigMap is loaded once.
pub fn of(path: &Path, files: &Files) -> Result<Sources, SourceError> {
    together(&[path], files)
}

/// Loads everything at and below some paths, as one policy.
fn together(paths: &[&Path], files: &Files) -> Result<Sources, SourceError> {
    let mut sources = Sources::default();
    let mut all: Vec<(&Path, &Path)> = Vec::new();
    let mut problems = Vec::new();
    for path in paths {
        match files.below(path) {
            Ok(below) => all.extend(below.map(|file| (*path, file))),
            Err(error) => problems.push(SourceProblem::of_file(path, &error)),
        }
    }
    if !problems.is_empty() {
        return Err(SourceError(problems));
    }
    // Load data after the policies: they determine which checks apply to it.
    all.sort_by_key(|(_, file)| file.extension().is_none_or(|e| e != "rego"));
    let mut has_policies = false;
    for (path, file) in all {
        let is_policy = file.extension().is_some_and(|e| e == "rego");
        has_policies |= is_policy;
        match files.text(file) {
            Err(error) => problems.push(SourceProblem::of_file(file, &error)),
            Ok(text) if is_policy => {
                let name = file.display().to_string();
                sources.modules.insert(name, text.to_owned());
            }
            Ok(text) => {
                let added = add_data(&mut sources, file, &folders(path, file), text);
                problems.extend(added.err().unwrap_or_default());
            }
        }
    }
    if !has_policies {
        problems.push(SourceProblem::of_file(
            paths.first().copied().unwrap_or_else(|| Path::new("")),
            &"expected at least one .rego file, found none",
        ));
    }
    if problems.is_empty() {
        Ok(sources)
    } else {
        Err(SourceError(problems))
    }
}

/// The data files below `path`.
pub fn data_files(path: &Path, files: &Files) -> Vec<PathBuf> {
    let all = files.below(path).into_iter().flatten();
    all.filter(|file| file.extension().is_some_and(|e| e != "rego"))
        .map(Path::to_path_buf)
        .collect()
}

/// Adds a data file, or returns every problem in it.
fn add_data(
    sources: &mut Sources,
    file: &Path,
    folder: &[String],
    text: &str,
) -> Result<(), Vec<SourceProblem>> {
    let at = |line, path: &str, message: String| {
        SourceProblem::new(file, line, path.to_owned(), message)
    };
    if file
        .extension()
        .is_some_and(|extension| extension == "json")
        && let Some((line, message)) = no_json(text)
    {
        return Err(vec![at(Some(line), "", message)]);
    }
    let document = Document::parse(text).map_err(|e| vec![at(Some(e.line), "", e.message)])?;
    let unreachable = named_ids::unreachable(&document).into_iter();
    let mut problems: Vec<SourceProblem> = unreachable
        .map(|found| {
            let message = format!(
                "no request can ask for the collection `{}`: {}",
                found.id, found.refusal
            );
            at(found.line, &found.path, message)
        })
        .collect();
    let is_of_the_default_policy = folder.is_empty() && default_roles::is_in(sources);
    if is_of_the_default_policy {
        let faults = default_roles::faults(&document).into_iter();
        problems.extend(faults.map(|fault| at(fault.line, &fault.path, fault.message)));
    }
    problems.sort_by_key(|problem| problem.line);
    match document.value {
        Value::Null => {}
        Value::Object(members) => {
            if let Err(conflict) = sources.add_data(folder, members) {
                problems.push(SourceProblem::of_file(file, &conflict));
            }
        }
        _ => {
            let message = "expected a mapping, found something else".to_owned();
            problems.push(at(Some(1), "", message));
        }
    }
    if problems.is_empty() {
        Ok(())
    } else {
        Err(problems)
    }
}

/// Why a text is no JSON, and the line. A file of this name is also read by OPA, which takes no YAML there.
fn no_json(text: &str) -> Option<(usize, String)> {
    let text = text.trim_start_matches('\u{feff}');
    if text.trim().is_empty() {
        return None;
    }
    let error = serde_json::from_str::<Value>(text).err()?;
    // serde_json quotes nothing of the text, and ends with the place.
    let told = error.to_string();
    let told = told.split(" at line ").next().unwrap_or_default();
    Some((
        error.line(),
        format!(
            "expected JSON, found another text ({told}): correct it, or name the file data.yaml"
        ),
    ))
}

/// The names of the folders between `root` and a file.
fn folders(root: &Path, file: &Path) -> Vec<String> {
    let within = file.strip_prefix(root).ok().and_then(Path::parent);
    let parts = within.into_iter().flat_map(Path::components);
    parts
        .map(|part| part.as_os_str().to_string_lossy().into_owned())
        .collect()
}

#[cfg(test)]
mod tests;
