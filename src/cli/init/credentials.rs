//! Modes with geowarden's own policy: an API key, and for tokens an issuer.

use serde_json::{Map, json};

use super::{
    super::CommandError, Bootstrap, Guarded, Init, Mine, Mode, Settings, login::Login, policy,
};
use crate::{authn::generate_key, config::key_file::Entry};

/// The id of the key's entry, and the role of its holder.
const READER: &str = "reader";

pub(super) fn mine(init: &Init, guarded: &Guarded) -> Result<Mine, CommandError> {
    let made = generate_key().map_err(|error| CommandError::Failed(error.to_string()))?;
    let entry = Entry {
        id: READER.to_owned(),
        sha256: made.sha256,
        attributes: Map::from_iter([("roles".to_owned(), json!([READER]))]),
        expires: None,
    };
    let bootstrap = match init.mode {
        Mode::Oidc => Bootstrap::with_login(Login::find(init)?),
        Mode::Jwt => Bootstrap::for_tokens(),
        Mode::ApiKey | Mode::Fastgeoapi => Bootstrap::for_keys(),
    };
    Ok(Mine {
        key: Some(made.key),
        keys: vec![entry],
        policy: policy::by_role(guarded),
        settings: Settings {
            server: "",
            script_name: guarded.script_name.clone(),
            authn: issuer(init),
            policy: String::new(),
            more: String::new(),
        },
        bootstrap,
        notes: Vec::new(),
    })
}

/// The issuer of tokens, where the mode has one.
fn issuer(init: &Init) -> String {
    let Some(issuer) = init.issuer.as_ref().filter(|_| init.mode != Mode::ApiKey) else {
        return String::new();
    };
    // After Envoy's login a token is taken for valid a little longer than its issuer does.
    let leeway = match init.mode {
        Mode::Oidc => "\n      leeway: 5s",
        _ => "",
    };
    format!(
        "  jwt:\n    - issuer: {}\n      audiences: {}{leeway}\n",
        json!(issuer),
        json!(init.audiences)
    )
}
