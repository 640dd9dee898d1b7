# Public pages for everybody; everything else except pygeoapi's administration for every valid credential.
#
# The same as fastgeoapi with an API key or OAuth2, where any valid credential is enough.
package geowarden.authz

import rego.v1

default allow := false

public_pages := {"landing", "openapi", "asyncapi", "conformance", "static", "schemas"}

admin_pages := {"admin-config", "admin-resources", "admin-resource"}

allow if {
	input.ogc.api in public_pages
	input.ogc.action == "read"
}

# With OAuth2, fastgeoapi answers OPTIONS for everybody. `policy.embedded: bearer` sets this.
allow if {
	data.options_are_public # geowarden ignore: data
	input.request.method == "OPTIONS"
}

allow if {
	input.identity.method in {"api_key", "jwt", "opaque_token"}
	api := input.ogc.api
	not api in admin_pages
}

# The administration shows the passwords of providers. It is for the callers in `data.admin`, such as
# `admin: [{method: api_key, subject: ops}]`.
allow if {
	input.ogc.api in admin_pages
	some admin in data.admin # geowarden ignore: data
	admin.method == input.identity.method
	admin.subject == input.identity.subject
}
