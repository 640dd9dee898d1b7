//! The methods that a resource allows, and what each of them does.

use serde::Serialize;

use super::{
    RawRequest, content_type,
    refusal::{Refusal, Rule},
    route::{Part, Route},
};

/// What a request does. Policies distinguish reading and writing by it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
#[allow(missing_docs)]
pub enum Action {
    Read,
    Search,
    Create,
    Replace,
    Update,
    Delete,
    Execute,
    Options,
}

/// The action of a method on a route. A method that pygeoapi does not serve there is refused.
pub(super) fn action(request: &RawRequest<'_>, route: &Route) -> Result<Action, Refusal> {
    let method = request.method;
    let action = match method {
        "GET" | "HEAD" => Some(Action::Read).filter(|_| !matches!(route, Route::Execute(_))),
        // These methods read no data: a browser sends them before a request from another origin.
        "OPTIONS" => Some(Action::Options),
        "POST" => post(request, route)?,
        "PUT" => put(route).then_some(Action::Replace),
        "PATCH" => matches!(route, Route::Page("admin-config") | Route::AdminResource(_))
            .then_some(Action::Update),
        "DELETE" => matches!(
            route,
            Route::Collection {
                part: Part::Item(_),
                ..
            } | Route::Job(_)
                | Route::AdminResource(_)
        )
        .then_some(Action::Delete),
        _ => None,
    };
    let Some(action) = action else {
        return Err(Refusal::about(
            Rule::Method,
            "pygeoapi does not serve this resource by the method ",
            method.as_bytes(),
        ));
    };
    if matches!(method, "PUT" | "PATCH") {
        content_type::is_ignored(request.headers)?;
    }
    Ok(action)
}

fn put(route: &Route) -> bool {
    matches!(
        route,
        Route::Collection {
            part: Part::Item(_),
            ..
        } | Route::Page("admin-config")
            | Route::AdminResource(_)
    )
}

fn post(request: &RawRequest<'_>, route: &Route) -> Result<Option<Action>, Refusal> {
    Ok(match route {
        Route::Collection {
            part: Part::Items, ..
        } => Some(if content_type::is_feature(request.headers)? {
            Action::Create
        } else {
            Action::Search
        }),
        Route::Execute(_) => {
            content_type::is_ignored(request.headers)?;
            Some(Action::Execute)
        }
        Route::Page("stac-search") => {
            content_type::is_ignored(request.headers)?;
            Some(Action::Search)
        }
        Route::Page("admin-resources") => {
            content_type::is_ignored(request.headers)?;
            Some(Action::Create)
        }
        _ => None,
    })
}
