# Users of a company may read its collection: osgeo reads obs, geobeyond reads lakes.
#
# The company is an attribute of the API key or a claim of the token.
package geowarden.authz

import rego.v1

default allow := false

public_pages := {"landing", "openapi", "asyncapi", "conformance", "static", "schemas"}

collection_of := {"osgeo": "obs", "geobeyond": "lakes"}

company := input.identity.attributes.company

company := input.identity.claims.company

allow if {
	input.ogc.api in public_pages
	input.ogc.action == "read"
}

allow if {
	input.ogc.action in {"read", "search"}
	input.ogc.collection == collection_of[company]
}

# pygeoapi's administration is for the callers in `data.admin`, such as
# `admin: [{method: api_key, subject: ops}]`.
allow if {
	input.ogc.api in {"admin-config", "admin-resources", "admin-resource"}
	some admin in data.admin # geowarden ignore: data
	admin.method == input.identity.method
	admin.subject == input.identity.subject
}
