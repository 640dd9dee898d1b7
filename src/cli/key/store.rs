//! Where a configuration keeps its API keys, to be changed.

use std::{
    fs::{self, File},
    io,
    path::{Path, PathBuf},
};

use serde_json::Value;

use super::super::{
    CommandError, TenantArguments, list_text,
    replacing::{create, replace},
};
use crate::{
    config::{
        ApiKeys, Origin,
        key_file::{self, Entry, StoredKey},
    },
    files::{Files, Fresh, Root},
};

/// Others than the owner and the group cannot read a file of keys.
const MODE: u32 = 0o640;

/// The files of API keys. As long as it is open, no other command changes them.
pub(super) struct Store {
    keys: ApiKeys,
    stored: Vec<StoredKey>,
    /// Locked until it is closed.
    _folder: File,
}

impl Store {
    /// Opens the files that a configuration names.
    pub(super) fn open(arguments: &TenantArguments) -> Result<Self, CommandError> {
        let config = arguments.load()?;
        let keys = config.authn.api_keys.ok_or_else(|| {
            CommandError::Usage(
                "expected a configuration (--config) with `authn.api_keys.file` or `.dir`, found none"
                    .to_owned(),
            )
        })?;
        let place = keys.file.as_deref().and_then(Path::parent);
        let place = place.or(keys.dir.as_deref()).unwrap_or(Path::new("."));
        let place = if place.as_os_str().is_empty() {
            Path::new(".")
        } else {
            place
        };
        let lock = || {
            let folder = File::open(place)?;
            folder.lock()?;
            Ok::<_, io::Error>(folder)
        };
        let folder = lock().map_err(|error| failed(place, &error))?;
        let roots: Vec<Root> = keys.roots().collect();
        let files = Files::read(&roots, Fresh::Read)
            .map_err(|error| CommandError::Failed(format!("{}: {error}", place.display())))?;
        let stored = key_file::load(&keys, &files).map_err(CommandError::Config)?;
        Ok(Self {
            keys,
            stored,
            _folder: folder,
        })
    }

    /// The same files, read again.
    pub(super) fn again(self, arguments: &TenantArguments) -> Result<Self, CommandError> {
        // The lock is of the open file, so it is given up first.
        drop(self);
        Self::open(arguments)
    }

    pub(super) fn stored(&self) -> &[StoredKey] {
        &self.stored
    }

    pub(super) fn find(&self, id: &str) -> Result<&StoredKey, CommandError> {
        find(&self.stored, id).map_err(CommandError::Usage)
    }

    pub(super) fn has(&self, id: &str) -> bool {
        self.stored.iter().any(|key| key.entry.id == id)
    }

    /// Adds an entry, and returns the file in which it is.
    pub(super) fn add(&self, entry: &Entry) -> Result<PathBuf, CommandError> {
        let value = value_of(entry)?;
        match (&self.keys.file, &self.keys.dir) {
            (Some(file), _) => {
                change(file, |text| {
                    list_text::with(text, &value, &value.to_string())
                })?;
                Ok(file.clone())
            }
            (None, Some(dir)) => {
                let is_name = |c: char| c.is_ascii_alphanumeric() || "-_".contains(c);
                if !entry.id.chars().all(is_name) {
                    return Err(CommandError::Usage(
                        "--id: expected letters, digits, `-` and `_`, since it names a file in `authn.api_keys.dir`; found others".to_owned(),
                    ));
                }
                let file = dir.join(format!("{}.yaml", entry.id));
                create(&file, &format!("{value}\n"), MODE)
                    .map_err(|error| failed(&file, &error))?;
                Ok(file)
            }
            (None, None) => Err(CommandError::Usage(
                "expected `authn.api_keys.file` or `.dir` in the configuration, found neither"
                    .to_owned(),
            )),
        }
    }

    /// Removes an entry, and returns the file in which it was.
    pub(super) fn remove(&self, id: &str) -> Result<PathBuf, CommandError> {
        let file = self.file_of(id)?;
        if self.is_list(&file) {
            let number = self.number_of(id, &file);
            change(&file, |text| list_text::without(text, number))?;
        } else {
            fs::remove_file(&file).map_err(|error| failed(&file, &error))?;
        }
        Ok(file)
    }

    /// Puts another entry in the place of one with the same id.
    pub(super) fn replace(&self, entry: &Entry) -> Result<(), CommandError> {
        let value = value_of(entry)?;
        let file = self.file_of(&entry.id)?;
        if self.is_list(&file) {
            let number = self.number_of(&entry.id, &file);
            change(&file, |text| list_text::replaced(text, number, &value))
        } else {
            replace(&file, &format!("{value}\n")).map_err(|error| failed(&file, &error))
        }
    }

    fn is_list(&self, file: &Path) -> bool {
        self.keys.file.as_deref() == Some(file)
    }

    fn file_of(&self, id: &str) -> Result<PathBuf, CommandError> {
        match &self.find(id)?.origin {
            Origin::File { file, .. } => Ok(PathBuf::from(file)),
            Origin::Environment(variable) => Err(CommandError::Failed(format!(
                "the entry is in no file, but in the variable {variable}"
            ))),
        }
    }

    /// The number of an entry in its list.
    fn number_of(&self, id: &str, file: &Path) -> usize {
        let name = file.display().to_string();
        let of_list = self.stored.iter().filter(|key| match &key.origin {
            Origin::File { file, .. } => *file == name,
            Origin::Environment(_) => false,
        });
        of_list.take_while(|key| key.entry.id != id).count()
    }
}

/// The key with this id, or why there is none.
pub(in crate::cli) fn find<'k>(stored: &'k [StoredKey], id: &str) -> Result<&'k StoredKey, String> {
    let found = stored.iter().find(|key| key.entry.id == id);
    found.ok_or_else(|| {
        let known: Vec<&str> = stored.iter().map(|key| key.entry.id.as_str()).collect();
        let known = if known.is_empty() {
            "none".to_owned()
        } else {
            known.join(", ")
        };
        // Not the text that was given, which may be a key.
        format!("expected the `id` of an entry ({known}), found another text")
    })
}

fn value_of(entry: &Entry) -> Result<Value, CommandError> {
    Ok(serde_json::to_value(entry).map_err(io::Error::from)?)
}

fn change(
    file: &Path,
    changed: impl FnOnce(&str) -> Result<String, list_text::Unfit>,
) -> Result<(), CommandError> {
    let text = fs::read_to_string(file).map_err(|error| failed(file, &error))?;
    let text = changed(&text)
        .map_err(|error| CommandError::Failed(format!("{}: {error}", file.display())))?;
    replace(file, &text).map_err(|error| failed(file, &error))
}

fn failed(path: &Path, error: &io::Error) -> CommandError {
    CommandError::Failed(format!("{}: {error}", path.display()))
}
