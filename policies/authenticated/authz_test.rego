package geowarden.authz_test

import data.geowarden.authz
import rego.v1

ask(method, api, action) := {"identity": {"method": method}, "ogc": {"api": api, "action": action}}

test_public_pages_need_no_credential if {
	every api in {"landing", "openapi", "asyncapi", "conformance", "static", "schemas"} {
		authz.allow with input as ask("anonymous", api, "read")
	}
}

test_everything_else_needs_one if {
	not authz.allow with input as ask("anonymous", "collections", "read")
	authz.allow with input as ask("api_key", "collections", "read")
	authz.allow with input as ask("jwt", "collections", "create")
}

test_options_are_public_where_data_says_so if {
	asked := {"identity": {"method": "anonymous"}, "request": {"method": "OPTIONS"}, "ogc": {"api": "items"}}
	not authz.allow with input as asked
	authz.allow with input as asked with data.options_are_public as true
	not authz.allow with input as json.patch(asked, [{"op": "replace", "path": "/request/method", "value": "GET"}]) with data.options_are_public as true
}

test_the_admin_api_is_nobodys if {
	every api in {"admin-config", "admin-resources", "admin-resource"} {
		not authz.allow with input as ask("api_key", api, "read")
	}
}

named(method, subject) := {
	"identity": {"method": method, "subject": subject},
	"ogc": {"api": "admin-config", "action": "read"},
}

test_the_administration_is_for_those_who_are_named if {
	ops := [{"method": "api_key", "subject": "ops"}]
	authz.allow with input as named("api_key", "ops") with data.admin as ops
	not authz.allow with input as named("jwt", "ops") with data.admin as ops
	not authz.allow with input as named("api_key", "other") with data.admin as ops
	not authz.allow with input as named("api_key", "ops")
}

test_without_input_nothing_is_allowed if {
	not authz.allow with input as {}
	not authz.allow with input as {"identity": {"method": "api_key"}}
}
