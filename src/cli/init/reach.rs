//! Whether a service's user can read a file, by the modes of the file and of the folders above it.

use std::{
    fs::{self, Metadata},
    os::unix::fs::{MetadataExt as _, PermissionsExt as _},
    path::Path,
};

use super::shell::quoted;

/// Where the groups of this machine are listed.
const GROUPS: &str = "/etc/group";

/// What lets the members of a group read a file: a command for each file or folder that is closed to them.
pub(super) fn openings(file: &Path, group: &str) -> Vec<String> {
    let groups = fs::read_to_string(GROUPS).unwrap_or_default();
    // From the root on, as a shell would be let in.
    let mut all: Vec<String> = file
        .ancestors()
        .collect::<Vec<_>>()
        .into_iter()
        .rev()
        .filter_map(|path| opening(path, &fs::metadata(path).ok()?, group, &groups))
        .collect();
    all.dedup();
    all
}

fn opening(path: &Path, meta: &Metadata, group: &str, groups: &str) -> Option<String> {
    let (right, letter) = if meta.is_dir() {
        (0o1, 'x')
    } else {
        (0o4, 'r')
    };
    let mode = meta.permissions().mode();
    let is_open_to_group = mode & (right << 3) != 0;
    let own = group_name(meta.gid(), groups);
    if mode & right != 0 || (is_open_to_group && own == Some(group)) {
        return None;
    }
    let path = quoted(&path.display().to_string());
    Some(match own {
        // Those who read it by this group today still do.
        Some(own) if is_open_to_group && own != "root" => {
            format!("sudo usermod --append --groups {} {group}", quoted(own))
        }
        _ => format!("sudo chgrp {group} {path} && sudo chmod g+{letter} {path}"),
    })
}

fn group_name(gid: u32, groups: &str) -> Option<&str> {
    let mut lines = groups.lines().map(|line| line.split(':'));
    lines.find_map(|mut fields| {
        let name = fields.next()?;
        (fields.nth(1)?.parse() == Ok(gid)).then_some(name)
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use std::fs::Permissions;

    use super::*;

    #[test]
    fn what_is_closed_is_opened_to_the_group_alone() {
        let place = tempfile::tempdir().unwrap();
        let file = place.path().join("config.yml");
        fs::write(&file, "").unwrap();
        let gid = fs::metadata(&file).unwrap().gid();
        let told = |mode, groups: &str| {
            fs::set_permissions(&file, Permissions::from_mode(mode)).unwrap();
            opening(&file, &fs::metadata(&file).unwrap(), "geowarden", groups)
        };
        assert_eq!(told(0o644, ""), None);
        let ours = format!("root:x:{}:\ngeowarden:x:{gid}:\n", gid + 1);
        assert_eq!(told(0o640, &ours), None);
        let path = file.display();
        let change = format!("sudo chgrp geowarden {path} && sudo chmod g+r {path}");
        assert_eq!(told(0o600, &ours), Some(change.clone()));
        assert_eq!(told(0o640, &format!("root:x:{gid}:\n")), Some(change));
        assert_eq!(
            told(0o640, &format!("maps:x:{gid}:\n")).as_deref(),
            Some("sudo usermod --append --groups maps geowarden")
        );
    }
}
