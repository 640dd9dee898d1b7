//! Every shipped policy opens the same pages to everybody: those that show no data.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

use crate::{input_page::EXAMPLES, service::Service};

/// All policies below a folder.
fn policies(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(policies(&path));
        } else if path.file_name().is_some_and(|name| name == "authz.rego") {
            found.push(path);
        }
    }
    found
}

/// The targets that a caller without a credential may read.
async fn open_targets(policy: &Path) -> BTreeSet<&'static str> {
    let service = Service::with_policy(&fs::read_to_string(policy).unwrap()).await;
    let mut open = BTreeSet::new();
    for (target, flags) in EXAMPLES {
        if flags.is_empty() && service.ask("GET", target, &[]).await.status() == 200 {
            open.insert(target);
        }
    }
    open
}

#[tokio::test]
async fn every_shipped_policy_opens_the_same_pages_to_everybody() {
    let policies = policies(&Path::new(env!("CARGO_MANIFEST_DIR")).join("policies"));
    assert!(policies.len() >= 3, "{policies:?}");
    let expected = open_targets(&policies[0]).await;
    let without_data = ["openapi", "asyncapi", "conformance", "static", "schemas"];
    for target in &expected {
        let first = target.split('/').nth(1).unwrap_or_default();
        assert!(
            first.is_empty() || without_data.contains(&first),
            "{target}"
        );
    }
    assert!(expected.len() > without_data.len(), "{expected:?}");
    for policy in &policies {
        let open = open_targets(policy).await;
        assert_eq!(open, expected, "{}", policy.display());
    }
}
