//! Three containers, by Docker Compose.

use std::path::{Path, PathBuf};

use serde_json::json;

use super::{super::CommandError, Folder, Guarded, Init, Mine};

const COMPOSE: &str = include_str!("../../../packaging/compose/compose.yaml");
const OF_ENVOY: &str = "      - ./envoy.yaml:/etc/envoy/envoy.yaml:ro\n";
const OF_LOGIN: &str = "      - ./oauth2:/etc/envoy/oauth2:ro\n";
const HIDDEN: &str = "      - HIDDEN_FOLDER\n";

pub(super) fn add(
    init: &Init,
    guarded: &Guarded,
    mine: &Mine,
    folder: &mut Folder,
) -> Result<(), CommandError> {
    let uid = rustix::process::getuid().as_raw();
    let gid = rustix::process::getgid().as_raw();
    let owner = format!("{uid}:{gid}");
    let own = canonical(folder.path());
    let paths = [guarded.file.as_path(), guarded.folder(), &own];
    let paths = paths.map(|path| path.display().to_string());
    // A colon would part the two sides of a mount, a dollar would begin a variable.
    let is_plain =
        |path: &String| !path.contains([':', '$', '"', '\\', ',', '{', '}', '[', ']', '#', '\'']);
    let [file, data, own_folder] = &paths;
    if !paths.iter().all(is_plain) {
        return Err(CommandError::Usage(format!(
            "--pygeoapi: {file}: expected a path that Compose can mount, without any of : $ \" ' \\ , # and brackets"
        )));
    }
    if own == guarded.folder() {
        return Err(CommandError::Usage(format!(
            "{own_folder}: expected a folder of its own, found that of pygeoapi's configuration, which pygeoapi's containers see with the keys in it: name one below or beside it"
        )));
    }
    // What the operator has named comes last: no other text is looked for in it.
    let text = COMPOSE
        .replace("VERSION", env!("CARGO_PKG_VERSION"))
        .replace("LISTEN", &init.listen.to_string())
        .replace("OWNER", &owner)
        .replace("BASE_PATH", &mine.base_path(guarded))
        .replace("SCRIPT_PATH", &mine.settings.script_name)
        .replace(
            "PYGEOAPI_CONFIG: PYGEOAPI_CONFIG",
            &format!("PYGEOAPI_CONFIG: {}", json!(file)),
        )
        .replace(
            "generate, PYGEOAPI_CONFIG,",
            &format!("generate, {},", json!(file)),
        )
        .replace("PYGEOAPI_FOLDER", data);
    // pygeoapi must not see the keys: an empty folder lies over those that it would see with its own folder.
    let hidden = if own.starts_with(guarded.folder()) {
        format!("      - {{type: tmpfs, target: {}}}\n", json!(own_folder))
    } else {
        String::new()
    };
    let text = text.replace(HIDDEN, &hidden);
    let text = if mine.bootstrap.has_login() {
        text.replace(OF_ENVOY, &format!("{OF_ENVOY}{OF_LOGIN}"))
    } else {
        text
    };
    folder.add("compose.yaml", text);
    Ok(())
}

/// The path without links. The folder itself need not be there yet.
fn canonical(folder: &Path) -> PathBuf {
    let parent = folder
        .parent()
        .and_then(|parent| parent.canonicalize().ok());
    match (parent, folder.file_name()) {
        (Some(parent), Some(name)) => parent.join(name),
        _ => folder.to_owned(),
    }
}
