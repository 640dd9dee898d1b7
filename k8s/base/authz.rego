# The default policy: public pages for everybody, the rest by role.
#
# Roles are in data.yaml. A caller's roles come from its API key's attributes
# (`roles: [reader]`) or from its token: the claim `roles`, or Keycloak's
# `realm_access.roles`.
package geowarden.authz

import rego.v1

default allow := false

# Landing page, API description, conformance and static files show no data.
public_pages := {"landing", "openapi", "asyncapi", "conformance", "static", "schemas"}

# pygeoapi's administration: it shows the passwords of providers, and can open any folder.
admin_pages := {"admin-config", "admin-resources", "admin-resource"}

allow if {
	input.ogc.api in public_pages
	input.ogc.action == "read"
}

# `all` lists what the role may do everywhere except in the administration.
allow if {
	some role in roles
	access in data.roles[role].all
	not administers
}

# `read`, `write` and `execute` list the ids of collections and processes.
allow if {
	some role in roles
	some id in data.roles[role][access]
	id in asked_for
}

# `lists: true`: the lists of collections and processes, and tile matrix sets. They show no data.
allow if {
	input.ogc.operation in lists
	access == "read"
	some role in roles
	data.roles[role].lists == true
}

# `admin` lists what the role may do to the administration.
allow if {
	administers
	some role in roles
	access in data.roles[role].admin
}

administers if input.ogc.api in admin_pages

lists := {"list", "TileMatrixSets", "TileMatrixSet", "processes"}

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

asked_for contains input.ogc.collection

asked_for contains input.ogc.process
