//! Builds rules from configuration and files, at start and at every reload.

use std::{sync::Arc, time::Duration};

use geowarden_rego::{
    Settings, Sources,
    prove::{Limits, Prover},
};
use url::Url;

use super::guarded;
use crate::{
    authn::{
        self, ApiKeySettings, AskSettings, Chain, ChainSettings, Clock, FetchSettings, Fetcher,
        IssuerSettings, KeyEntry, KeyFetchSettings, KeyLocation, KeyRing, KeySet, KeySource,
        KeyTable, Places, SystemClock,
    },
    config::{
        self, Config, Embedded, InputShape, Issuer, Origin, PathPrefix, Problem, Problems,
        key_file::{self, StoredKey},
    },
    files::{Files, Fresh, Root},
    pipeline::Rules,
    policy::{self, RegoPolicy, RegoSettings, input, source},
    record::FastgeoapiMode,
    request::ogc::Reader,
};

/// The part of a Check's deadline that a request may wait for keys with an unknown id. The rest is for the policy.
const KEY_WAIT: f64 = 0.8;

/// The files and folders that the rules of a configuration are built from.
pub fn roots(config: &Config) -> Vec<Root> {
    let mut roots = config.roots();
    roots.extend(config.policy.path.as_deref().map(source::root));
    roots
}

/// Reads the files of a configuration now.
pub fn files(config: &Config, fresh: Fresh) -> Result<Files, Problems> {
    Files::read(&roots(config), fresh).map_err(|e| Problems::file("files", None, e.to_string()))
}

/// The API keys of the configured file and folder, or every problem in them.
pub fn stored_keys(config: &Config, files: &Files) -> Result<Vec<StoredKey>, Problems> {
    let keys = config.authn.api_keys.as_ref();
    keys.map_or_else(|| Ok(Vec::new()), |keys| key_file::load(keys, files))
}

/// The rules with these API keys, or every problem of keys and policies.
pub fn rules(
    config: &Config,
    files: &Files,
    keys: Option<Arc<KeyRing>>,
    sources: &[Arc<KeySource>],
) -> Result<Rules, Problems> {
    let mut problems = Problems::default();
    let reader = note(reader(config), &mut problems);
    let clock = Arc::new(SystemClock);
    let authn = note(chain(config, files, keys, sources, clock), &mut problems);
    let policy = note(policy(config, files), &mut problems);
    problems
        .0
        .extend(guarded::inspect(config, files).problems.0);
    match (reader, authn, policy) {
        (Some(reader), Some(authn), Some(policy)) => problems.into_result(Rules {
            reader,
            authn: Arc::new(authn),
            policy: Arc::new(policy),
            fastgeoapi: fastgeoapi_mode(config),
        }),
        _ => Err(problems),
    }
}

fn note<T>(outcome: Result<T, Problems>, problems: &mut Problems) -> Option<T> {
    outcome.map_err(|found| problems.0.extend(found.0)).ok()
}

/// The mode of fastgeoapi, if clients expect its denials.
fn fastgeoapi_mode(config: &Config) -> Option<FastgeoapiMode> {
    match config.server.refusals {
        config::DenialBodies::Problem => None,
        config::DenialBodies::Fastgeoapi if config.authn.api_keys.is_some() => {
            Some(FastgeoapiMode::Keys)
        }
        config::DenialBodies::Fastgeoapi => Some(match config.policy.input {
            InputShape::Fastgeoapi => FastgeoapiMode::Policy,
            InputShape::Native => FastgeoapiMode::Tokens,
        }),
    }
}

/// The reader of requests to the configured pygeoapi.
pub fn reader(config: &Config) -> Result<Reader, Problems> {
    Reader::new(&config.pygeoapi.base_path, config.pygeoapi.backend)
        .map_err(|e| setting_problem("pygeoapi.base_path", e.to_string()))
}

/// The policy and its settings.
pub fn policy(config: &Config, files: &Files) -> Result<RegoPolicy, Problems> {
    let fault = |e: String| Problems::file(policy_name(config), None, e);
    let sources = policy_sources(config, files).map_err(source_problems)?;
    let prover = prover(config);
    RegoPolicy::load(sources, &rego_settings(config), prover.as_ref())
        .map_err(|e| fault(e.to_string()))
}

/// The problems in the files of a policy, each with its own place.
pub fn source_problems(error: source::SourceError) -> Problems {
    let all = error.0.into_iter().map(|found| Problem {
        origin: Origin::File {
            file: found.file,
            line: found.line,
        },
        path: found.path,
        message: found.message,
    });
    Problems(all.collect())
}

/// Starts the process that tries policies before they are put in force.
pub fn prover(config: &Config) -> Option<Prover> {
    let limits = Limits {
        time: config.policy.load_timeout.0,
        memory: config.policy.load_memory_bytes,
    };
    Some(policy::prover(config.program.as_deref()?, limits))
}

/// The settings for loading and evaluating the policy.
pub fn rego_settings(config: &Config) -> RegoSettings {
    RegoSettings {
        policy: Settings {
            entrypoint: config.policy.entrypoint.clone(),
            version: config.policy.rego,
            timeout: config.policy.timeout.0,
            builtin_errors: config.policy.builtin_errors,
            engine: config.policy.engine,
        },
        input: input_shape(config),
        remembered: config.policy.remembered_decisions,
        print: config.policy.print,
    }
}

/// The configured policies and data, or the embedded ones.
pub fn policy_sources(config: &Config, files: &Files) -> Result<Sources, source::SourceError> {
    match &config.policy.path {
        Some(path) => source::of(path, files),
        None => match config.policy.embedded {
            Embedded::Roles => source::embedded_by_roles(),
            Embedded::Authenticated => Ok(source::embedded_for_authenticated(false)),
            Embedded::Bearer => Ok(source::embedded_for_authenticated(true)),
        },
    }
}

/// Warnings about the folder of the configured policies.
pub fn policy_warnings(config: &Config) -> Vec<String> {
    let path = config.policy.path.as_deref();
    path.map(source::warnings).unwrap_or_default()
}

fn input_shape(config: &Config) -> input::Shape {
    match (config.policy.input, config.policy.path_prefix) {
        (InputShape::Native, _) => input::Shape::Native,
        (InputShape::Fastgeoapi, PathPrefix::Keep) => input::Shape::Fastgeoapi { skip: 0 },
        (InputShape::Fastgeoapi, PathPrefix::Strip) => input::Shape::Fastgeoapi {
            skip: config.pygeoapi.base_path.split('/').skip(1).count(),
        },
    }
}

fn policy_name(config: &Config) -> String {
    config.policy.path.as_ref().map_or_else(
        || "embedded policy".to_owned(),
        |path| path.display().to_string(),
    )
}

/// The configured ways to authenticate.
pub fn chain(
    config: &Config,
    files: &Files,
    keys: Option<Arc<KeyRing>>,
    sources: &[Arc<KeySource>],
    clock: Arc<dyn Clock>,
) -> Result<Chain, Problems> {
    let settings_of_keys = config.authn.api_keys.as_ref();
    let api_keys = settings_of_keys
        .zip(keys)
        .map(|(settings, keys)| ApiKeySettings {
            header: settings.header.clone(),
            schemes: settings.authorization.clone(),
            places: Places {
                query: settings.query.clone(),
                cookie: settings.cookie.clone(),
            },
            keys,
        });
    let tokens = &config.authn.tokens;
    let settings = ChainSettings {
        realm: config.authn.realm.clone(),
        api_keys,
        issuers: config
            .authn
            .jwt
            .iter()
            .map(issuer_settings)
            .zip(sources.iter().cloned())
            .collect(),
        opaque: opaque(config, files)?,
        token_places: Places {
            query: tokens.query.clone(),
            cookie: tokens.cookie.clone(),
        },
        max_credential_length: config.authn.max_token_bytes,
        remembered_tokens: config.authn.remembered_tokens,
        forward_authorization: config.authn.forward_token,
    };
    Chain::new(settings, clock).map_err(|e| setting_problem("authn", e.to_string()))
}

/// The table of the keys, or their problems.
pub fn key_table(stored: &[StoredKey]) -> Result<KeyTable, Problems> {
    KeyTable::new(key_entries(stored)).map_err(|e| setting_problem("authn.api_keys", e.to_string()))
}

/// The keys as entries for authentication.
pub fn key_entries(stored: &[StoredKey]) -> Vec<KeyEntry> {
    let entry = |stored: &StoredKey| KeyEntry {
        id: stored.entry.id.clone(),
        sha256: stored.entry.sha256.clone(),
        attributes: stored.entry.attributes.clone(),
        expires: stored.entry.expires,
    };
    stored.iter().map(entry).collect()
}

/// The issuer that is asked about opaque tokens.
fn opaque(config: &Config, files: &Files) -> Result<Option<authn::OpaqueSettings>, Problems> {
    let mut issuers = config.authn.jwt.iter().enumerate();
    let Some((index, issuer, opaque)) =
        issuers.find_map(|(index, issuer)| Some((index, issuer, issuer.opaque_tokens.as_ref()?)))
    else {
        return Ok(None);
    };
    let inquiry = match opaque.inquiry {
        config::InquiryMethod::Userinfo => authn::Inquiry::Userinfo,
        config::InquiryMethod::Introspection => authn::Inquiry::Introspection {
            client_id: opaque.client_id.clone().unwrap_or_default(),
            client_secret: client_secret(opaque, files)?,
        },
    };
    let fault = |e: String| issuer_problem(index, "opaque_tokens", e);
    let endpoint = opaque.endpoint.as_deref().map(Url::parse).transpose();
    let fetch = FetchSettings {
        timeout: config.server.deadline.0,
        ..fetch_settings(issuer, files)?
    };
    Ok(Some(authn::OpaqueSettings {
        issuer: issuer_settings(issuer),
        inquiry,
        endpoint: endpoint.map_err(|e| fault(e.to_string()))?,
        remember: opaque.remember.0,
        capacity: config.authn.remembered_tokens,
        fetcher: Fetcher::new(&fetch).map_err(|e| fault(e.to_string()))?,
    }))
}

fn client_secret(
    opaque: &config::OpaqueTokens,
    files: &Files,
) -> Result<authn::ClientSecret, Problems> {
    let file = opaque.client_secret_file.clone().unwrap_or_default();
    let name = file.display().to_string();
    let text = files
        .text(&file)
        .map_err(|e| Problems::file(name.clone(), None, e.to_string()))?;
    // Editors end a file with a line break, which is not part of the secret.
    let secret = text.trim_end_matches(['\r', '\n']);
    if secret.is_empty() {
        return Err(Problems::file(
            name,
            None,
            "expected the client's secret, found nothing",
        ));
    }
    Ok(authn::ClientSecret(secret.to_owned()))
}

fn issuer_settings(issuer: &Issuer) -> IssuerSettings {
    let mut settings = IssuerSettings::new(&issuer.issuer, issuer.audiences.clone());
    settings.algorithms.clone_from(&issuer.algorithms);
    settings.leeway = issuer.leeway.0;
    settings.accept_client_id_as_audience = issuer.accept_client_id_as_audience;
    settings
}

/// The keys of an issuer's file.
pub fn keys_of_file(index: usize, issuer: &Issuer, files: &Files) -> Result<KeySet, Problems> {
    let Some(file) = &issuer.jwks_file else {
        return Err(issuer_problem(
            index,
            "jwks_file",
            "expected a file".to_owned(),
        ));
    };
    let name = file.display().to_string();
    let bytes = files
        .bytes(file)
        .map_err(|e| Problems::file(name.clone(), None, e.to_string()))?;
    KeySet::parse_usable(bytes).map_err(|e| Problems::file(name, None, e.to_string()))
}

/// A warning for each faulty key in a file of issuers' keys.
pub fn key_warnings(config: &Config, files: &Files) -> Vec<String> {
    let mut all = Vec::new();
    for (index, issuer) in config.authn.jwt.iter().enumerate() {
        let Some(file) = &issuer.jwks_file else {
            continue;
        };
        // A file without a usable key is an error, which is told elsewhere.
        let set = keys_of_file(index, issuer, files).unwrap_or_else(|_| KeySet::none());
        let faulty = set.unfit().iter().filter(|key| key.is_faulty());
        all.extend(faulty.map(|key| format!("{}: {key}", file.display())));
    }
    all
}

/// How the keys of an issuer are fetched from its key server.
pub fn key_fetch_settings(
    index: usize,
    issuer: &Issuer,
    deadline: Duration,
    files: &Files,
) -> Result<(KeyFetchSettings, FetchSettings), Problems> {
    let mut settings = KeyFetchSettings::new(&issuer.issuer);
    if let Some(uri) = &issuer.jwks_uri {
        let url = Url::parse(uri).map_err(|e| issuer_problem(index, "jwks_uri", e.to_string()))?;
        settings.location = KeyLocation::JwksUri(url);
    }
    settings.refresh = issuer.refresh.0;
    settings.ask = AskSettings {
        floor: issuer.refresh_floor.0,
        wait: deadline.mul_f64(KEY_WAIT),
    };
    Ok((settings, fetch_settings(issuer, files)?))
}

fn fetch_settings(issuer: &Issuer, files: &Files) -> Result<FetchSettings, Problems> {
    let mut fetch = FetchSettings {
        allow_insecure_http: issuer.allow_insecure_http,
        ..FetchSettings::default()
    };
    if let Some(file) = &issuer.ca_file {
        let name = file.display().to_string();
        let pem = files
            .bytes(file)
            .map_err(|e| Problems::file(name, None, e.to_string()))?;
        fetch.ca_pem = Some(pem.to_vec());
    }
    Ok(fetch)
}

/// A problem of one key of an issuer's section.
pub fn issuer_problem(index: usize, key: &str, message: String) -> Problems {
    setting_problem(&format!("authn.jwt[{index}].{key}"), message)
}

fn setting_problem(path: &str, message: String) -> Problems {
    Problems(vec![Problem {
        origin: Origin::File {
            file: "configuration".to_owned(),
            line: None,
        },
        path: path.to_owned(),
        message,
    }])
}
