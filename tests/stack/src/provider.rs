//! A real `OpenID` provider (`tests/tools/provider/provider.mjs`). It can also make tokens that a real one would not make.

use serde_json::{Value, json};

use crate::client::{Answer, Ask};
use crate::process::{Plan, Process};
use crate::{Error, Result, Tools};

/// How long its tokens are valid, in seconds.
const LIFETIME: u32 = 600;

/// The provider, with the clients `osgeo` and `geobeyond` and access tokens for the audience `pygeoapi`.
#[derive(Debug)]
pub struct Provider {
    process: Process,
    port: u16,
}

impl Provider {
    /// Starts it on a port that the system chooses.
    pub async fn start(tools: &Tools) -> Result<Self> {
        Self::start_on(tools, 0).await
    }

    /// Starts it on a given port, so that its issuer is known. For example, it can start again after a stop.
    pub async fn start_on(tools: &Tools, port: u16) -> Result<Self> {
        Self::start_with(tools, port, "", LIFETIME).await
    }

    /// Starts it with a login page. After a login, it sends the browser to `callback`, which is an address of Envoy. `lifetime` is
    /// that of its tokens, in seconds.
    pub async fn start_for_browsers(tools: &Tools, callback: &str, lifetime: u32) -> Result<Self> {
        Self::start_with(tools, 0, callback, lifetime).await
    }

    async fn start_with(tools: &Tools, port: u16, callback: &str, lifetime: u32) -> Result<Self> {
        let script = tools.repository().join("tests/tools/provider/provider.mjs");
        let mut process = Plan::new("identity provider", &tools.node()?)?
            .arg(script)
            .arg(port.to_string())
            .env("GEOWARDEN_PROVIDER_MODULES", tools.provider_modules()?)
            .env("GEOWARDEN_PROVIDER_CALLBACK", callback)
            .env("GEOWARDEN_PROVIDER_LIFETIME", lifetime.to_string())
            .start()?;
        let port = process
            .until("said where it listens", async |process| {
                port_in(&process.log())
            })
            .await?;
        process
            .until("answered", async |_| answers(port).await.then_some(()))
            .await?;
        Ok(Self { process, port })
    }

    /// Its issuer: `http://127.0.0.1:PORT`.
    pub fn issuer(&self) -> String {
        format!("http://{}", self.address())
    }

    /// The secret of one of its clients.
    pub fn secret(client: &str) -> String {
        format!("{client}-secret")
    }

    /// An access token for one of its clients, by the client credentials grant.
    pub async fn client_credentials(&self, client: &str) -> Result<String> {
        self.token(client, "").await
    }

    /// An opaque access token for one of its clients: only the provider knows its content.
    pub async fn opaque_token(&self, client: &str) -> Result<String> {
        self.token(client, "&resource=urn:geowarden:opaque").await
    }

    async fn token(&self, client: &str, more: &str) -> Result<String> {
        let secret = Self::secret(client);
        let form = format!(
            "grant_type=client_credentials&client_id={client}&client_secret={secret}{more}"
        );
        let ask = Ask::new("POST", "/token").body("application/x-www-form-urlencoded", form);
        let answer = ask.send(&self.address()).await?;
        text_member(&answer, "access_token")
    }

    /// A token that is signed with the current key. `header` and `claims` are merged into those of a valid token of `osgeo`, and a
    /// null removes a member. A string replaces the whole part.
    pub async fn mint(&self, header: &Value, claims: &Value) -> Result<String> {
        self.mint_as("key", header, claims).await
    }

    /// Like [`Self::mint`], with another signer from the script's table, for example `nobody`.
    pub async fn mint_as(&self, signer: &str, header: &Value, claims: &Value) -> Result<String> {
        let wanted = json!({"header": header, "claims": claims, "signer": signer});
        test_endpoint(&self.address(), "mint", &wanted, "token").await
    }

    /// Replaces the signing key by a new one, and returns its key id.
    pub async fn rotate(&self) -> Result<String> {
        test_endpoint(&self.address(), "rotate", &json!({}), "kid").await
    }

    /// Its current signing key, as it publishes it.
    pub async fn public_key(&self) -> Result<Value> {
        let keys = Ask::get("/jwks").send(&self.address()).await?.json()?;
        let key = keys.pointer("/keys/0").cloned();
        key.ok_or_else(|| Error::unexpected("identity provider", format!("no key in {keys}")))
    }

    /// Ends it, and returns its port, with which [`Provider::start_on`] can start it again.
    pub async fn stop(self) -> Result<u16> {
        self.process.kill().await?;
        Ok(self.port)
    }

    /// Everything that it has logged so far.
    pub fn log(&self) -> String {
        self.process.log()
    }

    fn address(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }
}

/// Calls an endpoint that only exists for tests (`tests/tools/provider/testing.mjs`), and returns a member of its answer.
pub(crate) async fn test_endpoint(
    address: &str,
    name: &str,
    wanted: &Value,
    member: &str,
) -> Result<String> {
    let answer = Ask::new("POST", format!("/test/{name}"))
        .body("application/json", wanted.to_string())
        .send(address)
        .await?;
    text_member(&answer, member)
}

pub(crate) fn port_in(log: &str) -> Option<u16> {
    let (_, after) = log.split_once("listening on http://127.0.0.1:")?;
    after.split_once('\n')?.0.parse().ok()
}

async fn answers(port: u16) -> bool {
    let answer = Ask::get("/.well-known/openid-configuration")
        .send(&format!("127.0.0.1:{port}"))
        .await;
    answer.is_ok_and(|answer| answer.status() == 200)
}

pub(crate) fn text_member(answer: &Answer, name: &str) -> Result<String> {
    let json = answer.json()?;
    let member = json.get(name).and_then(Value::as_str).map(str::to_owned);
    member.ok_or_else(|| Error::unexpected("identity provider", format!("no {name} in {json}")))
}
