//! How an evaluation here can differ from the decision that it repeats: by another policy, and by credentials that are not kept.

use crate::policy::RegoPolicy;

/// What to say where the policy here is not the one that decided.
pub(super) fn note(decided_by: &str, here: &str) -> String {
    format!(
        "the policy here is another one: the decision is by revision {decided_by}, this is {here}"
    )
}

/// What to say where the policy reads what no record of a decision has; `None` if that is nothing.
pub(super) fn note_of_missing(missing: &[String]) -> Option<String> {
    (!missing.is_empty()).then(|| {
        format!(
            "the policy reads credentials, which no record has and which are undefined here: {}",
            missing.join(", ")
        )
    })
}

/// Those of the erased parts of an input that the policy reads, as a policy names them.
pub(super) fn missing(policy: &RegoPolicy, erased: &[String]) -> Vec<String> {
    erased
        .iter()
        .filter_map(|pointer| {
            let mut names = pointer.split('/').skip(1);
            let names: Vec<String> = (names.next() == Some("input"))
                .then(|| names.map(|name| name.replace("~1", "/").replace("~0", "~")))?
                .collect();
            let is_read = policy.reads(names.iter().map(String::as_str));
            is_read.then(|| format!("input.{}", names.join(".")))
        })
        .collect()
}
