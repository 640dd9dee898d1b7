//! Sockets, load, a graceful end.

use geowarden_stack::Geowarden;

use crate::stage::{Outcome, Stage, binary, items};

#[tokio::test]
async fn a_unix_socket_serves_as_well() -> Outcome {
    let stage = Stage::new("envoy/api-key.yaml", "unix:FOLDER/authz.sock", "").await?;
    let key = stage.files.osgeo_key.clone();
    assert_eq!(stage.status(items("obs", &key)).await?.0, 200);
    assert_eq!(stage.status(items("lakes", &key)).await?.0, 403);
    Ok(())
}

#[tokio::test]
async fn sigterm_ends_it_with_success() -> Outcome {
    let mut stage = Stage::with_keys().await?;
    let geowarden = stage.geowarden.take().ok_or("no geowarden")?;
    assert!(geowarden.terminate().await?.success());
    Ok(())
}

#[tokio::test]
async fn without_configuration_it_makes_a_key_and_says_so() -> Outcome {
    let folder = tempfile::tempdir()?;
    let config = folder.path().join("ports.yaml");
    std::fs::write(
        &config,
        "server: {grpc: '127.0.0.1:0', admin: '127.0.0.1:0'}",
    )?;
    let geowarden = Geowarden::start(binary(), &config).await?;
    let log = geowarden.log();
    assert!(log.contains("No credentials are configured"), "{log}");
    assert_eq!(log.matches("x-api-key: gw_").count(), 1, "{log}");
    Ok(())
}
