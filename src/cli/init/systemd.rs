//! Services of systemd: geowarden, where no package has brought it, and Envoy.

use std::{
    fs,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
};

use super::{super::CommandError, Folder, Guarded, reach, shell::quoted};
use crate::config::Environment;

/// The folder that the unit of the package reads.
const PACKAGED: &str = "/etc/geowarden";

/// Where the package has the program.
const PROGRAM: &str = "/usr/bin/geowarden";

/// Where a program goes that services could not see where it is.
const INSTALLED: &str = "/usr/local/bin/geowarden";

/// The user and the group of the service.
const SERVICE: &str = "geowarden";

const GEOWARDEN: &str = include_str!("../../../packaging/systemd/geowarden.service");
const ENVOY: &str = include_str!("../../../packaging/systemd/geowarden-envoy.service");
const USER: &str = include_str!("../../../packaging/systemd/geowarden.sysusers");

/// How the shipped unit starts Envoy.
const STARTS_ENVOY: &str = "ExecStart=envoy ";

/// Whether services cannot see it: the units have `ProtectHome=` and `PrivateTmp=`.
pub(super) fn is_hidden(path: &Path) -> bool {
    ["/home", "/root", "/run/user", "/tmp", "/var/tmp"]
        .iter()
        .any(|hidden| path.starts_with(hidden))
}

/// The programs that the units start.
pub(super) struct Programs {
    geowarden: PathBuf,
    envoy: Option<PathBuf>,
}

impl Programs {
    /// `geowarden` is where this program is; Envoy is looked for on the PATH.
    pub(super) fn find(geowarden: PathBuf, environment: &Environment) -> Self {
        let envoy = environment
            .program_folders()
            .into_iter()
            .map(|folder| folder.join("envoy"))
            .filter(|file| file.is_absolute())
            .find(|file| {
                fs::metadata(file)
                    .is_ok_and(|meta| meta.is_file() && meta.permissions().mode() & 0o111 != 0)
            });
        Self { geowarden, envoy }
    }

    /// Whether the package has brought the unit of this folder.
    fn are_packaged(&self, folder: &Folder) -> bool {
        folder.path() == Path::new(PACKAGED) && self.geowarden == Path::new(PROGRAM)
    }

    /// Where geowarden is when the service starts.
    fn started(&self) -> &Path {
        if is_hidden(&self.geowarden) {
            Path::new(INSTALLED)
        } else {
            &self.geowarden
        }
    }

    /// Envoy, if services can see it: also what a link leads to.
    fn visible_envoy(&self) -> Option<&Path> {
        self.envoy.as_deref().filter(|envoy| {
            let leads_to = fs::canonicalize(envoy).unwrap_or_else(|_| (*envoy).to_owned());
            !is_hidden(envoy) && !is_hidden(&leads_to)
        })
    }

    /// Adds the units.
    pub(super) fn add_units(&self, folder: &mut Folder) -> Result<(), CommandError> {
        let path = folder.path().display().to_string();
        // In a unit, these begin another word, a specifier, a variable or a quotation (systemd.service(5)).
        if path.contains(|c: char| c.is_whitespace() || "%$\"'\\;".contains(c)) {
            return Err(CommandError::Usage(format!(
                "FOLDER: expected a path that a unit of systemd can name, without spaces and without any of % $ \" ' \\ ; found {path}"
            )));
        }
        let program = self.started().display().to_string();
        let here = |unit: &str| unit.replace(PACKAGED, &path).replace(PROGRAM, &program);
        let mut envoy = here(ENVOY);
        if let Some(found) = self.visible_envoy() {
            envoy = envoy.replacen(STARTS_ENVOY, &format!("ExecStart={} ", found.display()), 1);
        }
        folder.add("systemd/geowarden-envoy.service", envoy);
        if !self.are_packaged(folder) {
            folder.add("systemd/geowarden.service", here(GEOWARDEN));
            folder.add("systemd/geowarden.sysusers", USER.to_owned());
        }
        Ok(())
    }

    pub(super) fn commands(&self, folder: &Folder) -> Vec<String> {
        let shown = |name: &str| quoted(&folder.file(name));
        let made = folder.made().into_iter();
        let made: Vec<String> = made
            .map(|path| quoted(&path.display().to_string()))
            .collect();
        let own = format!("sudo chown -R root:{SERVICE} {}", made.join(" "));
        let envoy = shown("systemd/geowarden-envoy.service");
        if self.are_packaged(folder) {
            return vec![
                own,
                "sudo systemctl enable --now geowarden".to_owned(),
                format!("sudo systemctl enable --now {envoy}"),
            ];
        }
        let mut all = Vec::new();
        if is_hidden(&self.geowarden) {
            let program = quoted(&self.geowarden.display().to_string());
            all.push(format!("sudo install --mode 0755 {program} {INSTALLED}"));
        }
        all.push(format!(
            "sudo systemd-sysusers {}",
            shown("systemd/geowarden.sysusers")
        ));
        all.push(own);
        all.push(format!(
            "sudo systemctl enable --now {} {envoy}",
            shown("systemd/geowarden.service")
        ));
        all
    }

    /// What the services would not find or could not read.
    pub(super) fn notes(&self, guarded: &Guarded) -> Vec<String> {
        let mut all = Vec::new();
        if is_hidden(&self.geowarden) {
            all.push(format!(
                "services do not see {program}, so the unit starts {INSTALLED}: the first command copies it there; copy it again after an upgrade",
                program = self.geowarden.display()
            ));
        }
        match (&self.envoy, self.visible_envoy()) {
            (_, Some(_)) => {}
            (Some(hidden), None) => all.push(format!(
                "services do not see {}: install Envoy for all users, so that it is /usr/bin/envoy or /usr/local/bin/envoy, before you start it",
                hidden.display()
            )),
            (None, None) => all.push(
                "no `envoy` is on the PATH here: install Envoy for all users, so that it is /usr/bin/envoy or /usr/local/bin/envoy, before you start it".to_owned(),
            ),
        }
        let file = &guarded.file;
        if is_hidden(file) {
            all.push(format!(
                "services do not see {file}, so `pygeoapi.config` is not set and typing errors in ids are not found: move it, for example to /etc/pygeoapi, and name it in geowarden.yaml",
                file = file.display()
            ));
            return all;
        }
        let openings = reach::openings(file, SERVICE);
        if !openings.is_empty() {
            all.push(format!(
                "the user `{SERVICE}` cannot read {file}, and the service would not start. Before you start it, and once that user is there: {}",
                openings.join(" && "),
                file = file.display()
            ));
        }
        all
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    fn programs(geowarden: &str, envoy: Option<&str>) -> Programs {
        Programs {
            geowarden: geowarden.into(),
            envoy: envoy.map(PathBuf::from),
        }
    }

    #[test]
    fn units_start_programs_that_services_can_see() {
        let unit = |programs: &Programs, name: &str| {
            let mut folder = Folder::new(Path::new("/srv/maps")).unwrap();
            programs.add_units(&mut folder).unwrap();
            folder.text(name).unwrap().to_owned()
        };
        let hidden = programs("/root/venv/bin/geowarden", Some("/root/venv/bin/envoy"));
        let text = unit(&hidden, "systemd/geowarden.service");
        assert!(
            text.contains("ExecStart=/usr/local/bin/geowarden "),
            "{text}"
        );
        let folder = Folder::new(Path::new("/srv/maps")).unwrap();
        assert_eq!(
            hidden.commands(&folder).first().unwrap(),
            "sudo install --mode 0755 /root/venv/bin/geowarden /usr/local/bin/geowarden"
        );
        let text = unit(&hidden, "systemd/geowarden-envoy.service");
        assert!(!text.contains("/root"), "{text}");
        let seen = programs("/usr/bin/geowarden", Some("/opt/envoy/bin/envoy"));
        let text = unit(&seen, "systemd/geowarden-envoy.service");
        assert!(
            text.contains("ExecStart=/opt/envoy/bin/envoy --config-path"),
            "{text}"
        );
    }

    #[test]
    fn units_name_the_folder_and_the_packaged_one_is_not_written_again() {
        let mut folder = Folder::new(Path::new("/srv/maps")).unwrap();
        let packaged = programs(PROGRAM, None);
        packaged.add_units(&mut folder).unwrap();
        let names = folder.names();
        assert_eq!(names.len(), 3, "{names:?}");
        let unit = folder.text("systemd/geowarden.service").unwrap();
        assert!(unit.contains("--config /srv/maps/geowarden.yaml"), "{unit}");
        assert!(!unit.contains("/etc/geowarden"), "{unit}");
        assert!(
            packaged
                .commands(&folder)
                .concat()
                .contains("/srv/maps/systemd/geowarden.service")
        );

        let mut folder = Folder::new(Path::new(PACKAGED)).unwrap();
        packaged.add_units(&mut folder).unwrap();
        assert_eq!(folder.names(), ["systemd/geowarden-envoy.service"]);
        assert_eq!(packaged.commands(&folder).len(), 3);

        // Without the package nobody else brings the unit.
        let mut folder = Folder::new(Path::new(PACKAGED)).unwrap();
        programs("/opt/bin/geowarden", None)
            .add_units(&mut folder)
            .unwrap();
        let unit = folder.text("systemd/geowarden.service").unwrap();
        assert!(unit.contains("ExecStart=/opt/bin/geowarden "), "{unit}");
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
