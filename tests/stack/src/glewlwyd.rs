//! A second real `OpenID` provider, from other authors and in another language: glewlwyd, with a new `SQLite` database.

use std::net::{Ipv4Addr, TcpListener};
use std::path::Path;
use std::sync::atomic::{AtomicU8, Ordering};

use serde_json::Value;

use crate::client::{Answer, Ask};
use crate::process::{Plan, Process};
use crate::provider::text_member;
use crate::{Error, Result, Tools};

const NAME: &str = "glewlwyd";
/// The script in Debian's package that creates the database.
const TABLES: &str = "/usr/share/dbconfig-common/data/glewlwyd/install/sqlite3";
const MODULES: &str = "/usr/lib/glewlwyd";

/// glewlwyd with the client `desktop` and the users `osgeo` and `geobeyond`. Their access tokens have the claim `company`, and
/// the audience `pygeoapi`.
#[derive(Debug)]
pub struct Glewlwyd {
    _process: Process,
    address: String,
}

impl Glewlwyd {
    /// Starts it with tokens that are valid for `lifetime` seconds.
    pub async fn start(tools: &Tools, lifetime: u32) -> Result<Self> {
        let address = free_address()?;
        let url = format!("http://{address}");
        let (host, port) = address.split_once(':').unwrap_or_default();
        let plan = Plan::new(NAME, &tools.glewlwyd()?)?;
        let database = plan.folder().join("glewlwyd.db");
        create(&database).await?;
        let mut process = plan
            .args(["--env-variables", "--log-mode", "console"])
            .args(["--port", port])
            .env("GLWD_BIND_ADDRESS", host)
            // The address must not end with a slash: the endpoints of the discovery document would then have two in a row.
            .env("GLWD_EXTERNAL_URL", &url)
            .env("GLWD_LOGIN_URL", "login.html")
            .env("GLWD_API_PREFIX", "api")
            .env("GLWD_DATABASE_TYPE", "sqlite3")
            .env("GLWD_DATABASE_SQLITE3_PATH", &database)
            .env("GLWD_HASH_ALGORITHM", "SHA512")
            .env("GLWD_SESSION_KEY", "session")
            .env("GLWD_ADMIN_SCOPE", "g_admin")
            .env("GLWD_PROFILE_SCOPE", "g_profile")
            .env("GLWD_USER_MODULE_PATH", format!("{MODULES}/user"))
            .env("GLWD_CLIENT_MODULE_PATH", format!("{MODULES}/client"))
            .env("GLWD_AUTH_SCHEME_MODULE_PATH", format!("{MODULES}/scheme"))
            .env("GLWD_PLUGIN_MODULE_PATH", format!("{MODULES}/plugin"))
            .start()?;
        process
            .until("answered", async |_| answers(&address).await.then_some(()))
            .await?;
        let started = Self {
            _process: process,
            address,
        };
        started
            .command(tools, &["setup", &lifetime.to_string()])
            .await?;
        Ok(started)
    }

    /// Its issuer: `http://ADDRESS/api/oidc`.
    pub fn issuer(&self) -> String {
        format!("http://{}/api/oidc", self.address)
    }

    /// An access token for one of its users, by the password grant.
    pub async fn token(&self, user: &str) -> Result<String> {
        let form = format!(
            "grant_type=password&client_id=desktop&client_secret=desktop-secret&username={user}&password={user}-password&scope=pygeoapi"
        );
        let answer: Answer = Ask::new("POST", "/api/oidc/token")
            .body("application/x-www-form-urlencoded", form)
            .send(&self.address)
            .await?;
        text_member(&answer, "access_token")
    }

    /// Its discovery document.
    pub async fn discovery(&self) -> Result<Value> {
        let ask = Ask::get("/api/oidc/.well-known/openid-configuration");
        ask.send(&self.address).await?.json()
    }

    /// Makes it sign with a new key from now on. It still publishes the old key.
    pub async fn rotate(&self, tools: &Tools) -> Result<()> {
        self.command(tools, &["rotate"]).await
    }

    async fn command(&self, tools: &Tools, arguments: &[&str]) -> Result<()> {
        let script = tools.repository().join("tests/tools/provider/glewlwyd.mjs");
        let plan = Plan::new("the setup of glewlwyd", &tools.node()?)?
            .arg(script)
            .arg(format!("http://{}", self.address))
            .args(arguments);
        to_its_end(plan).await
    }
}

async fn create(database: &Path) -> Result<()> {
    // Debian's package of glewlwyd depends on sqlite3, so it is installed.
    let plan = Plan::new("sqlite3", Path::new("sqlite3"))?
        .arg("-bail")
        .arg(database)
        .arg(format!(".read {TABLES}"));
    to_its_end(plan).await
}

async fn to_its_end(plan: Plan) -> Result<()> {
    let mut process = plan.start()?;
    let status = process.ended().await?;
    if status.success() {
        Ok(())
    } else {
        Err(process.error(format!("ended with {status}")))
    }
}

/// A free port on a loopback address that no other process uses. glewlwyd cannot listen on a port that the system chooses. On 127.0.0.1, another
/// process could take the port before glewlwyd starts.
fn free_address() -> Result<String> {
    static STARTED: AtomicU8 = AtomicU8::new(0);
    let [_, _, high, low] = std::process::id().to_be_bytes();
    let ours = Ipv4Addr::new(
        127,
        STARTED.fetch_add(1, Ordering::Relaxed) | 0x80,
        high,
        low,
    );
    let listener = TcpListener::bind((ours, 0))
        .map_err(Error::io(format!("finding a free port on {ours}")))?;
    let address = listener
        .local_addr()
        .map_err(Error::io("reading a listener's address"))?;
    Ok(address.to_string())
}

async fn answers(address: &str) -> bool {
    let answer = Ask::get("/config").send(address).await;
    answer.is_ok_and(|answer| answer.status() == 200)
}
