# The default policy: public pages for everybody, collections and processes by role.
#
# Roles are in data.yaml. A caller's roles come from its API key's attributes
# (`roles: [reader]`) or from its token: the claim `roles`, or Keycloak's
# `realm_access.roles`.
package geowarden.authz

import rego.v1

default allow := false

# Landing page, API description, conformance and static files show no data.
public_pages := {"landing", "openapi", "asyncapi", "conformance", "static"}

allow if {
	input.ogc.api in public_pages
	input.ogc.action == "read"
}

allow if {
	some role in roles
	some pattern in data.roles[role][access]
	covers(pattern)
}

roles contains role if {
	is_array(input.identity.attributes.roles)
	some role in input.identity.attributes.roles
}

roles contains role if {
	is_array(input.identity.claims.roles)
	some role in input.identity.claims.roles
}

roles contains role if {
	is_array(input.identity.claims.realm_access.roles)
	some role in input.identity.claims.realm_access.roles
}

roles contains "anonymous"

roles contains "authenticated" if input.identity.method != "anonymous"

access := "read" if input.ogc.action in {"read", "search", "options"}

access := "write" if input.ogc.action in {"create", "replace", "update", "delete"}

access := "execute" if input.ogc.action == "execute"

# What a role's list names: a collection, a process, or everything.
covers("*") := true

covers(name) if input.ogc.collection == name

covers(name) if input.ogc.process == name

# The lists of collections and processes, tile matrix sets: they name what there is, without its data.
covers("catalogue") if input.ogc.api in {"TileMatrixSets", "TileMatrixSet", "processes"}

covers("catalogue") if {
	input.ogc.api == "collections"
	input.ogc.operation == "list"
}
