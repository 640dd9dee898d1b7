//! Who else can read or change the files of secrets.

use std::{
    fs,
    os::unix::fs::PermissionsExt,
    path::{Component, Path, PathBuf},
};

use super::{Config, Tls};

/// Mode bits that 0640 does not have: write and execute for the group, everything for others.
const BEYOND: u32 = 0o027;

/// A warning for each file of keys and secrets that is looser than 0640.
pub(super) fn warnings(config: &Config) -> Vec<String> {
    let mut all: Vec<String> = secrets(config)
        .iter()
        .filter_map(|file| warning(file))
        .collect();
    all.sort();
    all.dedup();
    all
}

/// A warning of this file.
pub(super) fn warning(file: &Path) -> Option<String> {
    let meta = fs::metadata(file).ok()?;
    let mode = meta.permissions().mode() & 0o777;
    if !meta.is_file() || mode & BEYOND == 0 || is_mounted(file) {
        return None;
    }
    let name = file.display();
    Some(format!(
        "{name}: expected the mode 0640 or a stricter one, found {mode:04o}: others on this machine can read or change it; `chmod 640 {name}`, with geowarden's group"
    ))
}

/// Whether Kubernetes mounts it: there links lead into a hidden folder, and the volume has the mode.
fn is_mounted(file: &Path) -> bool {
    fs::canonicalize(file).is_ok_and(|real| {
        real.components().any(|part| match part {
            Component::Normal(name) => name.as_encoded_bytes().starts_with(b".."),
            _ => false,
        })
    })
}

fn secrets(config: &Config) -> Vec<PathBuf> {
    let server = &config.server;
    let admin = server.admin_grpc.as_ref();
    let tls = [
        server.tls.as_ref(),
        admin.and_then(|admin| admin.tls.as_ref()),
    ];
    let private: Vec<&Path> = tls.iter().flatten().map(|tls: &&Tls| &*tls.key).collect();
    let traces = config.telemetry.traces.as_ref();
    let headers = traces.and_then(|traces| traces.headers_file.as_deref());
    let mut all: Vec<PathBuf> = private.iter().map(|file| file.to_path_buf()).collect();
    all.extend(headers.map(Path::to_path_buf));
    for part in config.parts() {
        let authn = &part.config.authn;
        let secrets = authn.jwt.iter().filter_map(|issuer| {
            let opaque = issuer.opaque_tokens.as_ref()?;
            opaque.client_secret_file.clone()
        });
        all.extend(secrets);
        if let Some(keys) = &authn.api_keys {
            all.extend(keys.file.clone());
            let entries = keys.dir.iter().filter_map(|dir| fs::read_dir(dir).ok());
            let entries = entries.flatten().filter_map(Result::ok);
            let is_hidden = |path: &Path| {
                let name = path.file_name().unwrap_or_default();
                name.as_encoded_bytes().starts_with(b".")
            };
            all.extend(entries.map(|entry| entry.path()).filter(|p| !is_hidden(p)));
        }
    }
    all
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::{fs::Permissions, os::unix::fs::symlink};

    use super::*;

    #[test]
    fn only_files_that_others_can_reach_are_told() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("keys.yaml");
        fs::write(&file, "").unwrap();
        for (mode, is_told) in [
            (0o600, false),
            (0o640, false),
            (0o440, false),
            (0o660, true),
            (0o644, true),
            (0o604, true),
            (0o641, true),
        ] {
            fs::set_permissions(&file, Permissions::from_mode(mode)).unwrap();
            assert_eq!(warning(&file).is_some(), is_told, "{mode:o}");
        }
        assert!(warning(&folder.path().join("nowhere")).is_none());
    }

    #[test]
    fn what_kubernetes_mounts_is_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        fs::create_dir(path("..2026_01")).unwrap();
        fs::write(path("..2026_01/keys.yaml"), "").unwrap();
        fs::set_permissions(path("..2026_01/keys.yaml"), Permissions::from_mode(0o644)).unwrap();
        symlink("..2026_01", path("..data")).unwrap();
        symlink("..data/keys.yaml", path("keys.yaml")).unwrap();
        assert!(warning(&path("keys.yaml")).is_none());
    }
}
