//! Extensions of Envoy, with their kind and configuration.

use super::node::Node;

/// A part of Envoy with a type, such as an HTTP filter.
#[derive(Debug, Clone)]
pub(crate) struct Extension<'a> {
    /// The entry that contains it.
    pub(crate) entry: Node<'a>,
    /// The name that the operator chose. Routes refer to it.
    pub(crate) name: &'a str,
    /// The full name of its message type, which tells what it is.
    pub(crate) kind: &'a str,
    /// Its configuration, or its entry if it has no configuration.
    pub(crate) config: Node<'a>,
}

impl<'a> Extension<'a> {
    /// Reads an entry with `name` and `typed_config`.
    pub(crate) fn of(entry: &Node<'a>) -> Self {
        let typed = entry.get("typed_config");
        let (kind, config) = typed.map_or(("", entry.clone()), typed_config);
        Self {
            name: entry.text_of("name").unwrap_or_default(),
            kind,
            config,
            entry: entry.clone(),
        }
    }

    /// An extension in the configuration of this one, such as in a matcher.
    pub(crate) fn inside(&self, name: &str) -> Option<Self> {
        let inner = Self::of(&self.config.get(name)?);
        Some(Self {
            name: self.name,
            entry: self.entry.clone(),
            ..inner
        })
    }
}

/// The type and the value of an `Any`. A control plane that does not know the type wraps the value in a `TypedStruct`.
pub(crate) fn typed_config(any: Node<'_>) -> (&str, Node<'_>) {
    let url = any.text_of("@type").unwrap_or_default();
    let kind = message(url);
    if kind.ends_with(".TypedStruct")
        && let (Some(url), Some(value)) = (any.text_of("type_url"), any.get("value"))
    {
        return (message(url), value);
    }
    (kind, any)
}

fn message(url: &str) -> &str {
    url.rsplit('/').next().unwrap_or_default()
}
