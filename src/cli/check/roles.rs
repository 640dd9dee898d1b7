//! Finds roles of API keys that the policy's data does not have. Such a role gives its holder nothing.

use super::Finding;
use crate::{
    policy::lint,
    reload::{build, tenants::LoadedTenant},
};

/// A warning for each role of an API key that the data of the default policy lacks.
pub(super) fn unknown(tenant: &LoadedTenant) -> Vec<Finding> {
    let (config, files) = (&tenant.part.config, &tenant.files);
    // What cannot be read is told by others.
    let (Ok(sources), Ok(keys)) = (
        build::policy_sources(config, files),
        build::stored_keys(config, files),
    ) else {
        return Vec::new();
    };
    let mut all = Vec::new();
    for key in &keys {
        for role in lint::unknown_roles(&sources, &key.entry.attributes) {
            let place = &key.origin;
            let message = format!(
                "{place}: attributes.roles: the policy's data has no role `{}`, so this role allows nothing",
                role.name.escape_debug()
            );
            all.push(Finding::of_role(
                place,
                message,
                role.nearest,
                tenant.part.tenant.as_ref(),
            ));
        }
    }
    all
}
