//! Three containers, by Docker Compose.

use serde_json::json;

use super::{super::CommandError, Folder, Guarded, Init, Mine};

const COMPOSE: &str = include_str!("../../../packaging/compose/compose.yaml");
const OF_ENVOY: &str = "      - ./envoy.yaml:/etc/envoy/envoy.yaml:ro\n";
const OF_LOGIN: &str = "      - ./oauth2:/etc/envoy/oauth2:ro\n";

pub(super) fn add(
    init: &Init,
    guarded: &Guarded,
    mine: &Mine,
    folder: &mut Folder,
) -> Result<(), CommandError> {
    let uid = rustix::process::getuid().as_raw();
    let gid = rustix::process::getgid().as_raw();
    let owner = format!("{uid}:{gid}");
    let paths = [guarded.file.as_path(), guarded.folder()].map(|path| path.display().to_string());
    // A colon would part the two sides of a mount, a dollar would begin a variable.
    let is_plain =
        |path: &String| !path.contains([':', '$', '"', '\\', ',', '{', '}', '[', ']', '#', '\'']);
    let [file, data] = &paths;
    if !paths.iter().all(is_plain) {
        return Err(CommandError::Usage(format!(
            "--pygeoapi: {file}: expected a path that Compose can mount, without any of : $ \" ' \\ , # and brackets"
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
    let text = if mine.bootstrap.has_login() {
        text.replace(OF_ENVOY, &format!("{OF_ENVOY}{OF_LOGIN}"))
    } else {
        text
    };
    folder.add("compose.yaml", text);
    Ok(())
}
