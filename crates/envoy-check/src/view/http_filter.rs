//! HTTP filters of connection managers and of clusters.

use super::{extension::Extension, named::Named, node::Node};

pub(crate) const EXT_AUTHZ: &str = "envoy.extensions.filters.http.ext_authz.v3.ExtAuthz";
pub(crate) const ROUTER: &str = "envoy.extensions.filters.http.router.v3.Router";
const MATCHER: &str = "envoy.extensions.common.matching.v3.ExtensionWithMatcher";

/// An HTTP filter.
#[derive(Debug)]
pub(crate) struct HttpFilter<'a> {
    pub(crate) extension: Extension<'a>,
    /// Whether the filter is wrapped in a matcher that can skip it.
    pub(crate) is_conditional: bool,
}

impl<'a> HttpFilter<'a> {
    /// Reads a list of filters. `owner` names what has them, such as ``listener `edge` ``.
    pub(crate) fn all(
        owner: &str,
        entries: Vec<Node<'a>>,
        named: &Named<'a>,
        unseen: &mut Vec<String>,
    ) -> Vec<Self> {
        let entries = entries.into_iter();
        entries
            .map(|entry| Self::read(owner, entry, named, unseen))
            .collect()
    }

    fn read(owner: &str, entry: Node<'a>, named: &Named<'a>, unseen: &mut Vec<String>) -> Self {
        let mut extension = Extension::of(&entry);
        if entry.get("config_discovery").is_some() {
            match named.filters.get(extension.name) {
                Some(sent) => {
                    extension = Extension {
                        entry,
                        ..Extension::of(sent)
                    }
                }
                None => unseen.push(format!(
                    "filter `{}` of {owner}: it comes from a control plane (ECDS)",
                    extension.name
                )),
            }
        }
        let inner = (extension.kind == MATCHER).then(|| extension.inside("extension_config"));
        match inner.flatten() {
            Some(inner) => Self {
                extension: inner,
                is_conditional: true,
            },
            None => Self {
                extension,
                is_conditional: false,
            },
        }
    }

    pub(crate) fn is(&self, kind: &str) -> bool {
        self.extension.kind == kind
    }
}
