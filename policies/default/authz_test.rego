package geowarden.authz_test

import data.geowarden.authz
import rego.v1

anonymous := {"method": "anonymous", "claims": {}, "attributes": {}}

key_of(role) := {"method": "api_key", "claims": {}, "attributes": {"roles": [role]}}

token_of(claims) := {"method": "jwt", "claims": claims, "attributes": {}}

items(action) := {"api": "collections", "operation": "items", "action": action, "collection": "obs"}

ask(identity, ogc) := {"identity": identity, "ogc": ogc}

test_public_pages_need_no_credential if {
	every api in {"landing", "openapi", "asyncapi", "conformance", "static", "schemas"} {
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

test_the_lists_need_any_credential if {
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

# A role that may read and write everything must not see the passwords in pygeoapi's configuration.
test_the_administration_is_nothing_of_everything if {
	every role in {"reader", "editor", "admin"} {
		every page in {"admin-config", "admin-resources", "admin-resource"} {
			every action in {"read", "create", "replace", "update", "delete"} {
				not authz.allow with input as ask(key_of(role), administer(page, action))
			}
		}
	}
}

test_the_administration_has_a_key_of_its_own if {
	roles := {"viewer": {"admin": ["read"]}, "owner": {"admin": ["read", "write"]}}
	every role in {"viewer", "owner"} {
		authz.allow with input as ask(key_of(role), administer("admin-config", "read")) with data.roles as roles
		not authz.allow with input as ask(key_of(role), items("read")) with data.roles as roles
	}
	not authz.allow with input as ask(key_of("viewer"), administer("admin-config", "update")) with data.roles as roles
	authz.allow with input as ask(key_of("owner"), administer("admin-resource", "delete")) with data.roles as roles
}

administer(page, action) := {"api": page, "operation": page, "action": action, "resource": "obs"}

# The name of a collection never allows more than that collection.
test_no_name_of_a_collection_opens_more if {
	every name in {"*", "catalogue", "lists", "all", "admin", "read"} {
		roles := {"one": {"read": [name]}}
		named := {"api": "collections", "operation": "items", "action": "read", "collection": name}
		authz.allow with input as ask(key_of("one"), named) with data.roles as roles
		not authz.allow with input as ask(key_of("one"), items("read")) with data.roles as roles
		not authz.allow with input as ask(key_of("stranger"), named)
		not authz.allow with input as ask(
			key_of("one"),
			{"api": "collections", "operation": "list", "action": "read"},
		) with data.roles as object.union(roles, {"authenticated": {}})
	}
}
