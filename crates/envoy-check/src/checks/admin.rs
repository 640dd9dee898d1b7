//! Checks who can reach Envoy's admin page.

use crate::{
    finding::Findings,
    view::{Bootstrap, is_loopback, socket_address},
};

/// Whoever reaches the admin page can change and stop Envoy and read everything.
pub(crate) fn check(bootstrap: &Bootstrap<'_>, found: &mut Findings) {
    let Some(admin) = &bootstrap.admin else {
        return;
    };
    if let Some((address, node)) = socket_address(&admin.nearest(&["address"]))
        && !is_loopback(address)
    {
        found.error(
            "admin-exposed",
            &node,
            "expected a loopback address for Envoy's admin page, found another: whoever reaches it can read the configuration, change it and stop Envoy",
            "set the address to 127.0.0.1",
        );
    }
}
