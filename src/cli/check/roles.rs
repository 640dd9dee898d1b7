//! Finds roles of API keys that give their holder nothing.

use super::Finding;
use crate::{
    policy::lint::{self, FutileRole},
    reload::{build, tenants::LoadedTenant},
};

/// A warning for each role of an API key that gives nothing under the default policy.
pub(super) fn futile(tenant: &LoadedTenant) -> Vec<Finding> {
    let (part, files) = (&tenant.part, &tenant.files);
    let config = &part.config;
    // What cannot be read is told by others.
    let (Ok(sources), Ok(keys)) = (
        build::policy_sources(config, files),
        build::stored_keys(config, files),
    ) else {
        return Vec::new();
    };
    let mut all = Vec::new();
    for key in &keys {
        for role in lint::futile_roles(&sources, &key.entry.attributes) {
            let (what, cure, suggestion) = match role {
                FutileRole::Unknown { name, nearest } => (
                    format!(
                        "the policy's data has no role `{}`, so this role allows nothing",
                        name.escape_debug()
                    ),
                    "correct the name, or add the role to the policy's data",
                    nearest,
                ),
                FutileRole::NoList => (
                    "expected a list of roles, found another value, so it allows nothing"
                        .to_owned(),
                    "write a list, such as `roles: [reader]`",
                    None,
                ),
            };
            let place = &key.origin;
            let message = format!("{place}: attributes.roles: {what}");
            let tenant = part.tenant.as_ref();
            all.push(Finding::of_role(place, message, cure, suggestion, tenant));
        }
    }
    all
}
