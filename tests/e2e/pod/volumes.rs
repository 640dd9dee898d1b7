//! The volumes of a pod, in the kubelet's layout: a folder for each generation, and links into it.

use std::{
    collections::BTreeMap,
    fs,
    os::unix::fs::symlink,
    path::{Path, PathBuf},
};

use serde_json::Value;
use tempfile::TempDir;

use super::{kubelet::Secrets, manifests::Manifests};
use crate::stage::Outcome;

/// Folders of this machine for the volumes, filled with the files of ConfigMaps and Secrets.
pub(super) struct Volumes {
    folder: TempDir,
    generation: usize,
}

impl Volumes {
    /// Fills the volumes of a pod. `local` adapts the text of a file to this machine.
    pub(super) fn fill(
        manifests: &Manifests,
        secrets: &Secrets,
        local: impl Fn(&Path, &str) -> String,
    ) -> Outcome<Self> {
        let folder = tempfile::Builder::new()
            .prefix("geowarden-pod-")
            .tempdir()?;
        let mut volumes = Self {
            folder,
            generation: 0,
        };
        let pod = manifests.pod()?;
        for volume in pod["volumes"].as_array().into_iter().flatten() {
            let name = text(&volume["name"])?;
            fs::create_dir(volumes.path(name))?;
            let files = if volume["configMap"].is_object() {
                let map = manifests.object("ConfigMap", text(&volume["configMap"]["name"])?)?;
                let data = map["data"].as_object().ok_or("a ConfigMap without data")?;
                data.iter()
                    .map(|(name, value)| {
                        Ok((name.clone(), local(volumes.folder.path(), text(value)?)))
                    })
                    .collect::<Outcome<_>>()?
            } else if volume["secret"].is_object() {
                secrets
                    .get(text(&volume["secret"]["secretName"])?)
                    .cloned()
                    .unwrap_or_default()
            } else {
                assert!(volume["emptyDir"].is_object(), "{volume}");
                continue;
            };
            volumes.swap(name, &files)?;
        }
        Ok(volumes)
    }

    pub(super) fn path(&self, volume: &str) -> PathBuf {
        self.folder.path().join(volume)
    }

    /// Replaces the files of a volume as the kubelet does: all at once, by one rename of a link.
    pub(super) fn swap(&mut self, volume: &str, files: &BTreeMap<String, String>) -> Outcome {
        self.generation += 1;
        let folder = self.path(volume);
        let generation = format!("..2026_{}", self.generation);
        fs::create_dir(folder.join(&generation))?;
        for (name, text) in files {
            fs::write(folder.join(&generation).join(name), text)?;
        }
        let old = fs::read_link(folder.join("..data")).ok();
        symlink(&generation, folder.join("..data_tmp"))?;
        fs::rename(folder.join("..data_tmp"), folder.join("..data"))?;
        for name in files.keys() {
            let link = folder.join(name);
            if !link.is_symlink() {
                symlink(Path::new("..data").join(name), link)?;
            }
        }
        for entry in fs::read_dir(&folder)? {
            let path = entry?.path();
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            if !name.starts_with("..") && !files.contains_key(&*name) {
                fs::remove_file(path)?;
            }
        }
        if let Some(old) = old {
            fs::remove_dir_all(folder.join(old))?;
        }
        Ok(())
    }

    /// The current content of a file of a volume.
    pub(super) fn read(&self, volume: &str, file: &str) -> Outcome<String> {
        Ok(fs::read_to_string(self.path(volume).join(file))?)
    }
}

pub(super) fn text(value: &Value) -> Outcome<&str> {
    value
        .as_str()
        .ok_or_else(|| format!("expected a text, found {value}").into())
}
