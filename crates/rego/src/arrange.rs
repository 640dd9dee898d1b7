//! Arranges rules in forms that the engine supports: no keywords as names, objects with one member for each rule, and
//! groups of rules as separate rules.

mod functions;
mod groups;
mod keywords;
mod objects;
mod places;
mod replaced;

pub(crate) use self::places::Places;
use crate::{
    diagnostic::Diagnostic,
    resolve::{Builtins, File},
};

/// Arranges the rules of all files.
///
/// No name in the policy begins with `prefix`. `members` returns the names of the data's values at a path, `data`
/// first.
pub(crate) fn arrange(
    mut files: Vec<File>,
    prefix: &str,
    members: &dyn Fn(&[String]) -> Vec<String>,
    builtins: &dyn Builtins,
) -> Result<(Vec<File>, Places), Vec<Diagnostic>> {
    let mut places = Places::new(prefix);
    let hidden = objects::arrange(&mut files, &mut places)?;
    groups::find(&files, &hidden, members, &mut places);
    replaced::find(&files, builtins, &mut places);
    functions::join(&mut files, &mut places);
    functions::flatten(&mut files, &mut places);
    keywords::rename(&mut files, &mut places);
    Ok((files, places))
}
