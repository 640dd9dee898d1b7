package geowarden.authz_test

import data.geowarden.authz
import rego.v1

anonymous := {"method": "anonymous", "claims": {}, "attributes": {}}

key_of(role) := {"method": "api_key", "claims": {}, "attributes": {"roles": [role]}}

token_of(claims) := {"method": "jwt", "claims": claims, "attributes": {}}

items(action) := {"api": "collections", "operation": "items", "action": action, "collection": "obs"}

ask(identity, ogc) := {"identity": identity, "ogc": ogc}

test_public_pages_need_no_credential if {
	every api in {"landing", "openapi", "conformance", "static"} {
		authz.allow with input as ask(anonymous, {"api": api, "operation": api, "action": "read"})
	}
}

test_collections_need_a_role if {
	not authz.allow with input as ask(anonymous, items("read"))
	not authz.allow with input as ask(key_of("stranger"), items("read"))
	authz.allow with input as ask(key_of("reader"), items("read"))
}

test_reading_is_not_writing if {
	not authz.allow with input as ask(key_of("reader"), items("create"))
	not authz.allow with input as ask(key_of("reader"), items("delete"))
	authz.allow with input as ask(key_of("editor"), items("create"))
}

test_only_admin_executes if {
	run := {"api": "execute", "operation": "execute", "action": "execute", "process": "hello-world"}
	not authz.allow with input as ask(key_of("editor"), run)
	authz.allow with input as ask(key_of("admin"), run)
}

test_roles_of_tokens if {
	authz.allow with input as ask(token_of({"roles": ["reader"]}), items("read"))
	authz.allow with input as ask(token_of({"realm_access": {"roles": ["reader"]}}), items("read"))
	not authz.allow with input as ask(token_of({"roles": "reader"}), items("read"))
}

test_the_catalogue_needs_any_credential if {
	list := {"api": "collections", "operation": "list", "action": "read"}
	authz.allow with input as ask(token_of({}), list)
	not authz.allow with input as ask(anonymous, list)
}

test_a_role_for_one_collection if {
	roles := {"osgeo": {"read": ["obs"]}}
	authz.allow with input as ask(key_of("osgeo"), items("read")) with data.roles as roles
	not authz.allow with input as ask(
		key_of("osgeo"),
		{"api": "collections", "operation": "items", "action": "read", "collection": "lakes"},
	) with data.roles as roles
}
