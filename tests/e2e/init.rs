//! The files that `geowarden init` writes, unchanged: Envoy starts with them, and geowarden guards pygeoapi.

use std::{
    fs,
    path::{Path, PathBuf},
};

use geowarden_stack::{Ask, Envoy, EnvoyConfig, Geowarden, Provider, Pygeoapi, Tools};
use serde_json::Value;
use tempfile::TempDir;

use crate::stage::{Outcome, binary};

const ITEMS: &str = "/collections/obs/items?f=json";

/// A folder that `init` wrote, and what `init` printed.
struct Made {
    folder: TempDir,
    said: Value,
}

impl Made {
    async fn new(tools: &Tools, arguments: &[&str]) -> Outcome<Self> {
        let folder = tempfile::tempdir()?;
        let path = folder.path();
        let maps = path.join("maps").display().to_string();
        let config = tools.repository().join("tests/stack/pygeoapi/config.yml");
        let document = path.join("document.yml").display().to_string();
        fs::write(&document, "openapi: 3.0.2\npaths: {}\n")?;
        let config = config.display().to_string();
        let common = ["init", &maps, "--json", "--pygeoapi", &config];
        // Containers make the document themselves.
        let document: &[&str] = if arguments.contains(&"--for") {
            &[]
        } else {
            &["--openapi", &document]
        };
        let arguments = [&common[..], document, arguments].concat();
        let said = serde_json::from_str(&Geowarden::run(binary(), &arguments).await?)?;
        Ok(Self { folder, said })
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join("maps").join(name)
    }

    fn key(&self) -> &str {
        self.said["key"].as_str().unwrap_or_default()
    }

    /// Starts Envoy, geowarden and pygeoapi, on ports that the system chooses.
    async fn start(&self, tools: &Tools, base_path: &str) -> Outcome<(Envoy, Geowarden, Pygeoapi)> {
        let pygeoapi = if base_path.is_empty() {
            Pygeoapi::start(tools).await?
        } else {
            Pygeoapi::start_under(tools, base_path).await?
        };
        let file = self.path("geowarden.yaml");
        let mut text = fs::read_to_string(&file)?;
        for port in ["127.0.0.1:9191", "127.0.0.1:9192", "127.0.0.1:9193"] {
            assert_eq!(text.matches(port).count(), 1, "{text}");
            text = text.replace(port, "127.0.0.1:0");
        }
        let url = format!("http://127.0.0.1:{}", pygeoapi.port());
        fs::write(&file, text.replace("http://127.0.0.1:5000", &url))?;
        let geowarden = Geowarden::start(binary(), &file).await?;
        let envoy = EnvoyConfig::new(&self.path("envoy.yaml"), pygeoapi.port(), geowarden.grpc());
        Ok((Envoy::start(tools, &envoy).await?, geowarden, pygeoapi))
    }
}

async fn status(envoy: &Envoy, ask: Ask) -> Outcome<u16> {
    Ok(ask.send(&envoy.address()).await?.status())
}

fn login(issuer: &str, secret: &Path) -> Vec<String> {
    let secret = secret.display().to_string();
    [
        "--mode",
        "oidc",
        "--issuer",
        issuer,
        "--audience",
        "pygeoapi",
        "--client-id",
        "pygeoapi-browser",
        "--client-secret-file",
        &secret,
        "--scope",
        "read",
    ]
    .map(str::to_owned)
    .to_vec()
}

#[tokio::test]
async fn with_api_keys_it_guards_pygeoapi() -> Outcome {
    let tools = Tools::find()?;
    let made = Made::new(&tools, &[]).await?;
    Envoy::validate(&tools, &made.path("envoy.yaml")).await?;
    let (envoy, ..) = &made.start(&tools, "").await?;
    assert_eq!(status(envoy, Ask::get("/")).await?, 200);
    assert_eq!(status(envoy, Ask::get(ITEMS)).await?, 401);
    let with_key = |path: &str| Ask::get(path).header("x-api-key", made.key());
    assert_eq!(status(envoy, with_key(ITEMS)).await?, 200);
    // The request that is printed to try it.
    let requests = made.said["requests"].to_string();
    let page = requests.split("127.0.0.1:8080").nth(1).unwrap_or_default();
    let page = page.split([' ', '\'']).next().unwrap_or_default();
    assert_eq!(status(envoy, with_key(page)).await?, 200, "{requests}");
    assert_eq!(
        status(envoy, with_key("/collections/lakes/items/1?f=json")).await?,
        200
    );
    let job = Ask::new("POST", "/processes/hello-world/execution").header("x-api-key", made.key());
    assert_eq!(status(envoy, job).await?, 403);
    Ok(())
}

#[tokio::test]
async fn with_tokens_and_a_login_it_guards_pygeoapi() -> Outcome {
    let tools = Tools::find()?;
    let provider = Provider::start(&tools).await?;
    let issuer = provider.issuer();
    let tokens = ["--issuer", &issuer, "--audience", "pygeoapi"];
    let made = Made::new(&tools, &[&["--mode", "jwt"][..], &tokens].concat()).await?;
    Envoy::validate(&tools, &made.path("envoy.yaml")).await?;
    let token = provider.client_credentials("osgeo").await?;
    let (envoy, ..) = &made.start(&tools, "").await?;
    let with_token = |path: &str| Ask::get(path).bearer(&token);
    // The token is valid, but its roles do not allow reading.
    let sent = with_token("/collections?f=json")
        .send(&envoy.address())
        .await?;
    assert_eq!(
        sent.status(),
        200,
        "{} {:?}",
        sent.text(),
        sent.header("www-authenticate")
    );
    assert_eq!(status(envoy, with_token(ITEMS)).await?, 403);
    let with_key = Ask::get(ITEMS).header("x-api-key", made.key());
    assert_eq!(status(envoy, with_key).await?, 200);

    let folder = tempfile::tempdir()?;
    let secret = folder.path().join("secret");
    fs::write(&secret, "browser-secret\n")?;
    let arguments = login(&issuer, &secret);
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let made = Made::new(&tools, &arguments).await?;
    Envoy::validate(&tools, &made.path("envoy.yaml")).await?;
    let (envoy, ..) = &made.start(&tools, "").await?;
    let page = Ask::get(ITEMS).header("accept", "text/html");
    let sent = page.send(&envoy.address()).await?;
    assert_eq!(sent.status(), 302, "{}", sent.text());
    let to = sent.header("location").unwrap_or_default();
    assert!(to.starts_with(&format!("{issuer}/auth?")), "{to}");
    assert!(to.contains("client_id=pygeoapi-browser"), "{to}");
    let with_key = Ask::get(ITEMS).header("x-api-key", made.key());
    assert_eq!(status(envoy, with_key).await?, 200);
    Ok(())
}

#[tokio::test]
async fn as_fastgeoapi_did_it_guards_pygeoapi() -> Outcome {
    let tools = Tools::find()?;
    let folder = tempfile::tempdir()?;
    let env = folder.path().join(".env");
    fs::write(
        &env,
        "ENV_STATE=dev\nDEV_API_KEY_ENABLED=true\nDEV_PYGEOAPI_KEY_GLOBAL=pygeoapi\nDEV_FASTGEOAPI_CONTEXT=/geoapi\n",
    )?;
    let env = env.display().to_string();
    let made = Made::new(&tools, &["--mode", "fastgeoapi", "--env-file", &env]).await?;
    Envoy::validate(&tools, &made.path("envoy.yaml")).await?;
    let (envoy, ..) = &made.start(&tools, "/geoapi").await?;
    let items = format!("/geoapi{ITEMS}");
    assert_eq!(status(envoy, Ask::get(&items)).await?, 401);
    let with_key = Ask::get(&items).header("x-api-key", "pygeoapi");
    assert_eq!(status(envoy, with_key).await?, 200);
    Ok(())
}

#[tokio::test]
async fn envoy_takes_the_bootstrap_of_every_place() -> Outcome {
    let tools = Tools::find()?;
    for place in ["compose", "kubernetes"] {
        let made = Made::new(&tools, &["--for", place]).await?;
        Envoy::validate(&tools, &made.path("envoy.yaml")).await?;
    }
    Ok(())
}
