//! Why a policy is not taken: each place with file, line and what to write instead.

use crate::LoadError;

/// The refusals of one file, in the order in which they were found.
pub(super) struct Refusals<'a> {
    file: &'a str,
    all: &'a mut Vec<String>,
}

impl<'a> Refusals<'a> {
    pub(super) fn of_file(file: &'a str, all: &'a mut Vec<String>) -> Self {
        Self { file, all }
    }

    pub(super) fn add(&mut self, line: u32, message: impl AsRef<str>) {
        let told = format!("{}:{line}: {}", self.file, message.as_ref());
        if !self.all.contains(&told) {
            self.all.push(told);
        }
    }
}

/// An error that tells them all, or nothing where there is none.
pub(super) fn into_result(all: &[String]) -> Result<(), LoadError> {
    if all.is_empty() {
        Ok(())
    } else {
        Err(LoadError(all.join("\n")))
    }
}
