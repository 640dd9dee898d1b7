//! Loads policies and data from files, as OPA loads them from the same folder.

use std::path::{Path, PathBuf};

use geowarden_rego::Sources;
use geowarden_yaml::Document;
use serde_json::Value;
use thiserror::Error;

use super::{default_roles, named_ids};
use crate::files::{Files, Fresh, Root, Selection, Unreadable};

/// Why the files of a policy cannot be used. The text has file, line and reason.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{0}")]
pub struct SourceError(String);

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
    )?;
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

/// Reads everything below `path` now.
pub fn load(path: &Path) -> Result<Sources, SourceError> {
    let files = Files::read(&[root(path)], Fresh::Read)
        .map_err(|error| SourceError(format!("{}: {error}", path.display())))?;
    of(path, &files)
}

/// Loads everything below `path`: `.rego` files, and `data.json`, `data.yaml` or `data.yml`. The folder of a data file
/// is its place in `data`.
///
/// Names that begin with a dot are ignored, so that each file of a mounted ConfigMap is loaded once.
pub fn of(path: &Path, files: &Files) -> Result<Sources, SourceError> {
    let fault =
        |file: &Path, error: Unreadable| SourceError(format!("{}: {error}", file.display()));
    let mut sources = Sources::default();
    let mut paths: Vec<&Path> = files
        .below(path)
        .map_err(|error| fault(path, error))?
        .collect();
    // Load data after the policies: they determine which checks apply to it.
    paths.sort_by_key(|file| file.extension().is_none_or(|e| e != "rego"));
    for file in paths {
        let text = files.text(file).map_err(|error| fault(file, error))?;
        if file.extension().is_some_and(|e| e == "rego") {
            let name = file.display().to_string();
            sources.modules.insert(name, text.to_owned());
        } else {
            add_data(&mut sources, file, &folders(path, file), text)?;
        }
    }
    if sources.modules.is_empty() {
        return Err(SourceError(format!(
            "{}: expected at least one .rego file, found none",
            path.display()
        )));
    }
    Ok(sources)
}

/// The data files below `path`.
pub fn data_files(path: &Path, files: &Files) -> Vec<PathBuf> {
    let all = files.below(path).into_iter().flatten();
    all.filter(|file| file.extension().is_some_and(|e| e != "rego"))
        .map(Path::to_path_buf)
        .collect()
}

fn add_data(
    sources: &mut Sources,
    file: &Path,
    folder: &[String],
    text: &str,
) -> Result<(), SourceError> {
    let document = Document::parse(text)
        .map_err(|e| SourceError(format!("{}:{}: {}", file.display(), e.line, e.message)))?;
    if let Some(found) = named_ids::unreachable(&document).first() {
        let line = found
            .line
            .map(|line| format!(":{line}"))
            .unwrap_or_default();
        return Err(SourceError(format!(
            "{}{line}: {}: no request can ask for the collection `{}`: {}",
            file.display(),
            found.path,
            found.id,
            found.refusal
        )));
    }
    let is_of_the_default_policy = folder.is_empty() && default_roles::is_in(sources);
    if let Some(fault) = default_roles::fault(&document).filter(|_| is_of_the_default_policy) {
        let line = fault
            .line
            .map(|line| format!(":{line}"))
            .unwrap_or_default();
        return Err(SourceError(format!(
            "{}{line}: {}: {}",
            file.display(),
            fault.path,
            fault.message
        )));
    }
    let members = match document.value {
        Value::Null => return Ok(()),
        Value::Object(members) => members,
        _ => {
            return Err(SourceError(format!(
                "{}:1: expected a mapping, found something else",
                file.display()
            )));
        }
    };
    sources
        .add_data(folder, members)
        .map_err(|conflict| SourceError(format!("{}: {conflict}", file.display())))
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
