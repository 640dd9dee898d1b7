//! Measures the time that authorization adds to a request through a real Envoy, with a shipped configuration.
//!
//! Envoy answers by itself, so no upstream affects the figures. It shares the client's processor: there is one request at a time,
//! so only one of the two works.

use std::{fs, path::Path};

use geowarden_stack::{Envoy, EnvoyConfig, GrpcAddress, Tools};

use super::{Aim, Bars, Entry, Figure, Stand, http::Client};
use crate::{
    Error, Result,
    authorizer::{Authorizer, Place},
    request::HttpAsk,
    setup::{self, Choice, TARGET},
    tokens::{AUDIENCE, ISSUER},
};

pub(super) const ANSWERED: &str =
    "                          direct_response: {status: 200, body: {inline_string: ok}}\n";
const UNGUARDED: &str = r#"                          typed_per_filter_config:
                            envoy.filters.http.ext_authz:
                              "@type": type.googleapis.com/envoy.extensions.filters.http.ext_authz.v3.ExtAuthzPerRoute
                              disabled: true
"#;

pub(super) async fn measure(stand: &Stand<'_>) -> Result<Vec<Entry>> {
    let measure = "added to a request through Envoy, p50";
    let tools = Tools::find()?;
    if let Err(missing) = tools.envoy() {
        return Ok(vec![Entry::NotMeasured {
            measure: measure.to_owned(),
            why: missing.to_string(),
        }]);
    }
    let choice = Choice {
        issuer: Some(&stand.issuer),
        ..Choice::default()
    };
    let floor = stand.programs.floor().await?;
    let geowarden = stand.programs.geowarden(&choice, Place::Pinned).await?;
    let template = tools.repository().join("envoy/api-key.yaml");
    let upstream = EnvoyConfig::route_of(&template)?;
    let asking = |server: &Authorizer| {
        EnvoyConfig::new(&template, 1, &GrpcAddress::Port(server.port()))
            .replace(&upstream, ANSWERED)
    };
    let open = EnvoyConfig::new(&template, 1, &GrpcAddress::Port(floor.port()))
        .replace(&upstream, format!("{ANSWERED}{UNGUARDED}"));
    let own = EnvoyConfig::new(&template, 1, &GrpcAddress::Port(floor.port()))
        .replace(&upstream, ANSWERED)
        .replace(
            ext_authz_of(&template)?,
            jwt_authn_and_rbac(&stand.issuer.jwks()),
        );
    let envoys = [
        Envoy::start(&tools, &open).await?,
        Envoy::start(&tools, &asking(&floor)).await?,
        Envoy::start(&tools, &asking(&geowarden)).await?,
        Envoy::start(&tools, &own).await?,
    ];
    let (key, token) = (
        setup::with_key(TARGET),
        setup::with_token(TARGET, &stand.issuer.token()?),
    );
    let [open, floor, geowarden, own] = &envoys;
    let arms = [
        ("no authorization", open.address(), &key),
        ("always OK", floor.address(), &key),
        ("geowarden, API key", geowarden.address(), &key),
        ("geowarden, JWT", geowarden.address(), &token),
        ("jwt_authn and rbac", own.address(), &token),
    ];
    let medians = rounds(stand, &arms).await?;
    Ok(told(measure, &medians))
}

/// The name and the medians of each configuration.
type Medians = Vec<(String, Vec<f64>)>;

/// The median latency of each round, for requests to these addresses.
pub(super) async fn rounds(
    stand: &Stand<'_>,
    arms: &[(&str, String, &HttpAsk)],
) -> Result<Medians> {
    let mut clients = Vec::new();
    for (name, address, ask) in arms {
        let mut client = Client::connect(address, ask).await?;
        client.median_us(stand.effort.time / 2).await?;
        clients.push(((*name).to_owned(), client, Vec::new()));
    }
    for round in 0..stand.effort.rounds {
        let mut turn: Vec<_> = clients.iter_mut().collect();
        if round % 2 == 1 {
            turn.reverse();
        }
        for (_, client, medians) in turn {
            medians.push(client.median_us(stand.effort.time).await?);
        }
    }
    Ok(clients
        .into_iter()
        .map(|(name, _, medians)| (name, medians))
        .collect())
}

fn told(measure: &str, medians: &Medians) -> Vec<Entry> {
    let [(_, open), rest @ ..] = medians.as_slice() else {
        return Vec::new();
    };
    let added: Medians = rest
        .iter()
        .map(|(name, all)| {
            let added = all.iter().zip(open).map(|(whole, open)| whole - open);
            (name.clone(), added.collect())
        })
        .collect();
    let [(_, floor), key, token, (_, own)] = added.as_slice() else {
        return Vec::new();
    };
    let row = |measured: &(String, Vec<f64>), against: &str, reference: &[f64], aim| {
        Entry::Figure(Figure {
            measure: format!("{measure}: {}", measured.0),
            unit: "µs".to_owned(),
            measured: measured.1.clone(),
            against: against.to_owned(),
            reference: reference.to_vec(),
            aim,
        })
    };
    vec![
        row(key, "always OK", floor, Aim::AtMostTimes(1.3)),
        row(token, "always OK", floor, Aim::AtMostTimes(1.3)),
        row(token, "Envoy's jwt_authn and rbac", own, Aim::Told),
        Entry::Bars(Bars {
            name: "envoy".to_owned(),
            title: "Added to a request through Envoy, p50".to_owned(),
            unit: "µs".to_owned(),
            bars: added,
        }),
    ]
}

/// The whole entry of ext_authz in a shipped configuration.
fn ext_authz_of(template: &Path) -> Result<String> {
    let shown = template.display().to_string();
    let text = fs::read_to_string(template).map_err(Error::io(format!("reading {shown}")))?;
    let from = text.find("                  - name: envoy.filters.http.ext_authz\n");
    let to = text.find("                  - name: envoy.filters.http.router\n");
    from.zip(to)
        .and_then(|(from, to)| text.get(from..to))
        .map(str::to_owned)
        .ok_or_else(|| Error::unexpected(shown, "expected ext_authz before the router"))
}

/// Envoy's own filters for the same task: tokens of this issuer, and the role `reader` below `/collections`.
fn jwt_authn_and_rbac(jwks: &str) -> String {
    let jwks = serde_json::Value::from(jwks);
    format!(
        r#"                  - name: envoy.filters.http.jwt_authn
                    typed_config:
                      "@type": type.googleapis.com/envoy.extensions.filters.http.jwt_authn.v3.JwtAuthentication
                      providers:
                        id:
                          issuer: {ISSUER}
                          audiences: [{AUDIENCE}]
                          local_jwks: {{inline_string: {jwks}}}
                          payload_in_metadata: claims
                          jwt_cache_config: {{jwt_cache_size: 10000, jwt_max_token_size: 16384}}
                      rules:
                        - match: {{prefix: /}}
                          requires: {{provider_name: id}}
                  - name: envoy.filters.http.rbac
                    typed_config:
                      "@type": type.googleapis.com/envoy.extensions.filters.http.rbac.v3.RBAC
                      rules:
                        action: ALLOW
                        policies:
                          readers:
                            permissions:
                              - url_path: {{path: {{prefix: /collections}}}}
                            principals:
                              - metadata:
                                  filter: envoy.filters.http.jwt_authn
                                  path: [{{key: claims}}, {{key: realm_access}}, {{key: roles}}]
                                  value: {{list_match: {{one_of: {{string_match: {{exact: reader}}}}}}}}
"#
    )
}
