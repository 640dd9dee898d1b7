//! geowarden warns if pygeoapi has another version than the expected one.

use std::{fs, os::unix::fs::PermissionsExt, path::Path, process::Command};

use geowarden_stack::{Geowarden, Pygeoapi, Tools};
use serde_json::Value;
use tokio::{
    io::copy_bidirectional,
    net::{TcpListener, TcpStream},
    sync::watch,
};

use crate::stage::{Files, Outcome, binary};

fn check(files: &Files, pygeoapi: &str, online: bool) -> Outcome<Value> {
    let config = files.configure("127.0.0.1:0", "", &format!("pygeoapi: {{{pygeoapi}}}"))?;
    // `check` warns of keys that others can read.
    let keys = Path::new(&config).with_file_name("api-keys.yaml");
    fs::set_permissions(keys, fs::Permissions::from_mode(0o640))?;
    let output = Command::new(binary())
        .args(["check", "--json", "--config"])
        .arg(config)
        .args(online.then_some("--online"))
        .output()?;
    Ok(serde_json::from_slice(&output.stdout)?)
}

#[tokio::test]
async fn a_running_pygeoapi_is_compared_with_the_guarded_one() -> Outcome {
    let tools = Tools::find()?;
    let files = Files::new().await?;
    let pygeoapi = Pygeoapi::start(&tools).await?;
    let url = format!("url: 'http://127.0.0.1:{}'", pygeoapi.port());
    let said = check(&files, &url, true)?;
    assert_eq!(said["valid"], true);
    assert_eq!(said["warnings"], serde_json::json!([]), "{said}");
    // `check` only asks pygeoapi with `--online`.
    let other = format!("{url}, version: '0.25'");
    let said = check(&files, &other, false)?;
    assert_eq!(said["warnings"].as_array().map(Vec::len), Some(1), "{said}");
    let said = check(&files, &other, true)?;
    let warnings = said["warnings"].to_string();
    assert!(warnings.contains("measured with 0.24"), "{said}");
    assert!(
        warnings.contains("expected pygeoapi 0.25 (`pygeoapi.version`), found 0.24"),
        "{said}"
    );
    let said = check(&files, &format!("{other}, version_mismatch: refuse"), true)?;
    assert_eq!(said["valid"], false);
    let paths: Vec<_> = said["problems"]
        .as_array()
        .into_iter()
        .flatten()
        .map(|p| p["path"].clone())
        .collect();
    assert_eq!(paths, ["pygeoapi.version", "pygeoapi.url"]);
    drop(pygeoapi);
    let said = check(&files, &format!("{url}, version_mismatch: refuse"), true)?;
    assert_eq!(said["valid"], true, "not known is no mismatch: {said}");
    assert!(
        said["warnings"]
            .to_string()
            .contains("version is not known"),
        "{said}"
    );
    Ok(())
}

/// In a pod, geowarden often starts before pygeoapi.
#[tokio::test]
async fn a_pygeoapi_that_starts_later_is_compared_later() -> Outcome {
    let tools = Tools::find()?;
    let files = Files::new().await?;
    let door = TcpListener::bind("127.0.0.1:0").await?;
    let url = format!("url: 'http://{}', version: '0.25'", door.local_addr()?);
    let config = files.configure("127.0.0.1:0", "", &format!("pygeoapi: {{{url}}}"))?;
    let (open, opened) = watch::channel(0);
    let behind = tokio::spawn(pass_on(door, opened));
    let mut geowarden = Geowarden::start(binary(), &config).await?;
    let says = |words: &'static str| move |event: &Value| event.to_string().contains(words);
    geowarden.event(says("version is not known")).await?;
    let pygeoapi = Pygeoapi::start(&tools).await?;
    open.send_replace(pygeoapi.port());
    geowarden
        .event(says(
            "expected pygeoapi 0.25 (`pygeoapi.version`), found 0.24",
        ))
        .await?;
    behind.abort();
    Ok(())
}

/// Closes every connection until a port is known, and then forwards connections to it.
async fn pass_on(door: TcpListener, opened: watch::Receiver<u16>) -> std::io::Result<()> {
    loop {
        let (mut client, _) = door.accept().await?;
        let port = *opened.borrow();
        if port > 0 {
            let mut server = TcpStream::connect(("127.0.0.1", port)).await?;
            tokio::spawn(async move { copy_bidirectional(&mut client, &mut server).await });
        }
    }
}
