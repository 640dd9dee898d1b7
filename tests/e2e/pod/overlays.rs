//! The other overlays: one with a login, and one with geowarden alone.

use std::collections::BTreeMap;

use geowarden_stack::Ask;

use super::kubelet::{Pod, Secrets};
use crate::stage::Outcome;

fn sds(secret: &str) -> BTreeMap<String, String> {
    ["token", "hmac"]
        .map(|name| {
            let text = format!(
                "resources:\n  - \"@type\": type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.Secret\n    name: {name}\n    generic_secret: {{secret: {{inline_string: '{secret}'}}}}\n"
            );
            (format!("{name}.yaml"), text)
        })
        .into()
}

/// `login.rs` tests the login itself, with `envoy/oidc.yaml`. Another test compares this overlay's file with it.
#[tokio::test]
async fn with_a_login_browsers_are_sent_to_the_provider() -> Outcome {
    let first = "q83vEjRWeJCrze8SNFZ4kKvN7xI0VniQq83vEjRWeJA=";
    let secrets = Secrets::from([("geowarden-oauth2", sds(first))]);
    let mut pod = Pod::start("oidc", &secrets).await?;
    let address = pod.address("http")?;
    let page = Ask::get("/collections/obs/items");
    let opened = page.clone().header("accept", "text/html");
    let sent = opened.send(&address).await?;
    assert_eq!(sent.status(), 302);
    let to = sent.header("location").unwrap_or_default();
    assert!(to.starts_with("https://idp.example/auth?"), "{to}");
    assert_eq!(page.send(&address).await?.status(), 401);
    // idp.example cannot be reached, so geowarden is alive but not ready.
    let alive = pod.probe_of("geowarden", "livenessProbe");
    let ready = pod.probe_of("geowarden", "readinessProbe");
    assert!(pod.probe(&alive).await?);
    assert!(!pod.probe(&ready).await?);

    // Envoy uses a new Secret without a restart.
    let stats = "/stats?filter=^sds.*update_success$";
    pod.wait_for_envoy(stats, "sds.token.update_success: 1")
        .await?;
    let second = "AAAAEjRWeJCrze8SNFZ4kKvN7xI0VniQq83vEjRWeJA=";
    pod.volumes.swap("envoy-oauth2", &sds(second))?;
    for name in ["token", "hmac"] {
        pod.wait_for_envoy(stats, &format!("sds.{name}.update_success: 2"))
            .await?;
    }
    Ok(())
}

#[tokio::test]
async fn alone_it_is_ready_with_its_certificates() -> Outcome {
    let made = rcgen::generate_simple_self_signed(["geowarden.geowarden.svc".to_owned()])?;
    let tls = [
        ("tls.crt", made.cert.pem()),
        ("tls.key", made.signing_key.serialize_pem()),
        ("ca.crt", made.cert.pem()),
    ];
    let tls = tls.map(|(name, text)| (name.to_owned(), text)).into();
    let pod = Pod::start("standalone", &Secrets::from([("geowarden-tls", tls)])).await?;
    let ready = pod.probe_of("geowarden", "readinessProbe");
    assert!(pod.probe(&ready).await?);
    assert_eq!(pod.terminate().await?, ["geowarden"]);
    Ok(())
}
