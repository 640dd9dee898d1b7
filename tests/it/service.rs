//! A geowarden in this process, and a client that asks it like Envoy.

use std::{
    fs::{self, Permissions},
    os::unix::fs::PermissionsExt as _,
    path::Path,
};

use envoy_types::{
    ext_authz::v3::pb::{CheckRequest, CheckResponse, HttpResponse},
    pb::envoy::{
        config::core::v3::{HeaderMap, HeaderValue},
        service::auth::v3::{
            AttributeContext,
            attribute_context::{HttpRequest, Request},
            authorization_client::AuthorizationClient,
        },
    },
};
use geowarden::{
    app::App,
    config::{Config, Environment, ListenAddress},
};
use serde_json::Value;
use tempfile::TempDir;
use tokio::{
    sync::{oneshot, watch},
    task::JoinHandle,
};
use tonic::transport::Channel;

/// The key whose digest `Service::new` stores for osgeo.
pub(crate) const OSGEO_KEY: &str = "osgeo-key";

pub(crate) struct Service {
    pub(crate) folder: TempDir,
    pub(crate) grpc: String,
    pub(crate) admin: String,
    pub(crate) client: AuthorizationClient<Channel>,
    pub(crate) reload: watch::Sender<u64>,
    pub(crate) stop: Option<oneshot::Sender<()>>,
    pub(crate) running: JoinHandle<Result<(), String>>,
}

/// A folder with keys, this policy and a configuration with more sections.
pub(crate) fn folder(policy: &str, more: &str) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join("policies")).unwrap();
    fs::write(folder.path().join("policies/authz.rego"), policy).unwrap();
    // sha256 of OSGEO_KEY
    let digest = sha256(OSGEO_KEY);
    fs::write(
        folder.path().join("api-keys.yaml"),
        format!("- {{id: osgeo, sha256: {digest}, attributes: {{company: osgeo}}}}\n"),
    )
    .unwrap();
    let keys = folder.path().join("api-keys.yaml");
    fs::set_permissions(keys, Permissions::from_mode(0o640)).unwrap();
    let config = format!(
        "server: {{grpc: '127.0.0.1:0', admin: '127.0.0.1:0'}}\nauthn: {{api_keys: {{file: api-keys.yaml}}}}\npolicy: {{path: policies}}\n{more}\n"
    );
    fs::write(folder.path().join("geowarden.yaml"), config).unwrap();
    folder
}

fn sha256(text: &str) -> String {
    geowarden::authn::key_digest(text.as_bytes())
}

pub(crate) fn config(folder: &Path) -> Config {
    Config::load(
        Some(&folder.join("geowarden.yaml")),
        &Environment::default(),
    )
    .unwrap()
}

impl Service {
    /// With the example policy for companies.
    pub(crate) async fn example() -> Self {
        Self::with_policy(include_str!("../../policies/examples/company/authz.rego")).await
    }

    pub(crate) async fn with_policy(policy: &str) -> Self {
        let folder = folder(policy, "");
        let config = config(folder.path());
        Self::start(folder, config).await
    }

    pub(crate) async fn start(folder: TempDir, config: Config) -> Self {
        Self::run(folder, App::bind(config).await.unwrap()).await
    }

    pub(crate) async fn run(folder: TempDir, app: App) -> Self {
        let (grpc, admin, reload, stop, running) = run(app);
        let client = AuthorizationClient::connect(format!("http://{grpc}"))
            .await
            .unwrap();
        Self {
            folder,
            grpc,
            admin,
            client,
            reload,
            stop: Some(stop),
            running,
        }
    }

    pub(crate) async fn check(&self, check: CheckRequest) -> CheckResponse {
        self.client.clone().check(check).await.unwrap().into_inner()
    }

    pub(crate) async fn ask(&self, method: &str, path: &str, headers: &[(&str, &str)]) -> Answer {
        Answer(self.check(request(method, path, headers)).await)
    }

    /// Waits until the metrics hold this line.
    pub(crate) async fn metric(&self, line: &str) {
        let url = format!("http://{}/metrics", self.admin);
        let mut every = tokio::time::interval(std::time::Duration::from_millis(20));
        let seen = async {
            loop {
                every.tick().await;
                let text = reqwest::get(&url).await.unwrap().text().await.unwrap();
                if text.lines().any(|shown| shown == line) {
                    return;
                }
            }
        };
        tokio::time::timeout(std::time::Duration::from_secs(20), seen)
            .await
            .unwrap_or_else(|_| panic!("the metrics never showed `{line}`"));
    }
}

pub(crate) type Running = (
    String,
    String,
    watch::Sender<u64>,
    oneshot::Sender<()>,
    JoinHandle<Result<(), String>>,
);

/// A running service: gRPC address, admin address, reload, stop, its end.
pub(crate) fn run(app: App) -> Running {
    let grpc = match app.grpc_address() {
        ListenAddress::Tcp(address) => address.to_string(),
        ListenAddress::Unix(path) => path.display().to_string(),
    };
    let admin = app.admin_address().to_string();
    let (reload, asked) = watch::channel(0);
    let (stop, stopped) = oneshot::channel::<()>();
    let running = tokio::spawn(async move {
        let stopped = async {
            let _ = stopped.await;
        };
        app.run(stopped, asked).await.map_err(|e| e.to_string())
    });
    (grpc, admin, reload, stop, running)
}

/// A CheckRequest that Envoy would send with raw headers.
pub(crate) fn request(method: &str, path: &str, headers: &[(&str, &str)]) -> CheckRequest {
    let header = |key: &str, value: &str| HeaderValue {
        key: key.to_owned(),
        raw_value: value.as_bytes().to_vec(),
        ..HeaderValue::default()
    };
    let mut all = vec![header(":path", path), header(":method", method)];
    all.extend(headers.iter().map(|(name, value)| header(name, value)));
    CheckRequest {
        attributes: Some(AttributeContext {
            request: Some(Request {
                http: Some(HttpRequest {
                    method: method.to_owned(),
                    path: path.to_owned(),
                    header_map: Some(HeaderMap { headers: all }),
                    ..HttpRequest::default()
                }),
                ..Request::default()
            }),
            ..AttributeContext::default()
        }),
    }
}

/// What Envoy does with a CheckResponse.
pub(crate) struct Answer(pub(crate) CheckResponse);

impl Answer {
    /// 200 for an allowed request, or else the status for the client.
    pub(crate) fn status(&self) -> i32 {
        let code = self.0.status.as_ref().map(|s| s.code);
        match (&self.0.http_response, code) {
            (Some(HttpResponse::OkResponse(_)), Some(0)) => 200,
            (Some(HttpResponse::DeniedResponse(denied)), Some(code)) => {
                assert_ne!(code, 0, "a denial whose status says OK");
                denied.status.as_ref().unwrap().code
            }
            other => panic!("neither allowed nor denied: {other:?}"),
        }
    }

    /// The value of a header that is set on the request, or on the answer of a denial.
    pub(crate) fn header(&self, name: &str) -> Option<String> {
        let headers = match self.0.http_response.as_ref().unwrap() {
            HttpResponse::OkResponse(ok) => &ok.headers,
            HttpResponse::DeniedResponse(denied) => &denied.headers,
            HttpResponse::ErrorResponse(_) => panic!("an error response"),
        };
        headers
            .iter()
            .filter_map(|h| h.header.as_ref())
            .find(|h| h.key == name)
            .map(|h| h.value.clone())
    }

    pub(crate) fn removed(&self) -> Vec<String> {
        match self.0.http_response.as_ref().unwrap() {
            HttpResponse::OkResponse(ok) => ok.headers_to_remove.clone(),
            _ => Vec::new(),
        }
    }

    pub(crate) fn problem(&self) -> Value {
        match self.0.http_response.as_ref().unwrap() {
            HttpResponse::DeniedResponse(denied) => serde_json::from_str(&denied.body).unwrap(),
            _ => panic!("not denied"),
        }
    }
}
