//! Services of systemd: geowarden, where no package has brought it, and Envoy.

use std::path::Path;

use super::{Folder, shell::quoted};

/// The folder that the unit of the package reads.
const PACKAGED: &str = "/etc/geowarden";

/// Where the package has the program.
const PROGRAM: &str = "/usr/bin/geowarden";

const GEOWARDEN: &str = include_str!("../../../packaging/systemd/geowarden.service");
const ENVOY: &str = include_str!("../../../packaging/systemd/geowarden-envoy.service");
const USER: &str = include_str!("../../../packaging/systemd/geowarden.sysusers");

/// Whether services cannot see it: the units have `ProtectHome=` and `PrivateTmp=`.
pub(super) fn is_hidden(path: &Path) -> bool {
    ["/home", "/root", "/run/user", "/tmp", "/var/tmp"]
        .iter()
        .any(|hidden| path.starts_with(hidden))
}

/// Adds the units; `program` is where geowarden is.
pub(super) fn add(folder: &mut Folder, program: &str) {
    let path = folder.path().display().to_string();
    let here = |unit: &str| unit.replace(PACKAGED, &path).replace(PROGRAM, program);
    folder.add("systemd/geowarden-envoy.service", here(ENVOY));
    if path != PACKAGED {
        folder.add("systemd/geowarden.service", here(GEOWARDEN));
        folder.add("systemd/geowarden.sysusers", USER.to_owned());
    }
}

pub(super) fn commands(folder: &Folder) -> Vec<String> {
    let shown = |name: &str| quoted(&folder.file(name));
    let path = quoted(&folder.path().display().to_string());
    let envoy = shown("systemd/geowarden-envoy.service");
    if folder.path() == Path::new(PACKAGED) {
        return vec![
            format!("sudo chown -R root:geowarden {path}"),
            "sudo systemctl enable --now geowarden".to_owned(),
            format!("sudo systemctl enable --now {envoy}"),
        ];
    }
    vec![
        format!(
            "sudo systemd-sysusers {}",
            shown("systemd/geowarden.sysusers")
        ),
        format!("sudo chown -R root:geowarden {path}"),
        format!(
            "sudo systemctl enable --now {} {envoy}",
            shown("systemd/geowarden.service")
        ),
    ]
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn units_name_the_folder_and_the_packaged_one_is_not_written_again() {
        let mut folder = Folder::new(Path::new("/srv/maps")).unwrap();
        add(&mut folder, "/usr/bin/geowarden");
        let names = folder.names();
        assert_eq!(names.len(), 3, "{names:?}");
        let unit = folder.text("systemd/geowarden.service").unwrap();
        assert!(unit.contains("--config /srv/maps/geowarden.yaml"), "{unit}");
        assert!(!unit.contains("/etc/geowarden"), "{unit}");
        assert!(
            commands(&folder)
                .concat()
                .contains("/srv/maps/systemd/geowarden.service")
        );

        let mut folder = Folder::new(Path::new(PACKAGED)).unwrap();
        add(&mut folder, "/usr/bin/geowarden");
        assert_eq!(folder.names(), ["systemd/geowarden-envoy.service"]);
        assert_eq!(commands(&folder).len(), 3);
    }

    #[test]
    fn what_services_cannot_see_is_known() {
        for path in ["/home/ada/maps", "/root", "/tmp/a"] {
            assert!(is_hidden(Path::new(path)), "{path}");
        }
        for path in ["/etc/geowarden", "/srv/maps", "/homes/a"] {
            assert!(!is_hidden(Path::new(path)), "{path}");
        }
    }
}
