package geowarden.authz_test

import data.geowarden.authz
import rego.v1

key_of(company) := {"method": "api_key", "claims": {}, "attributes": {"company": company}}

token_of(company) := {"method": "jwt", "claims": {"company": company}, "attributes": {}}

read(collection) := {"api": "collections", "operation": "items", "action": "read", "collection": collection}

test_a_company_reads_its_collection if {
	authz.allow with input as {"identity": key_of("osgeo"), "ogc": read("obs")}
	authz.allow with input as {"identity": token_of("geobeyond"), "ogc": read("lakes")}
}

test_but_not_that_of_the_other if {
	not authz.allow with input as {"identity": key_of("osgeo"), "ogc": read("lakes")}
	not authz.allow with input as {"identity": token_of("geobeyond"), "ogc": read("obs")}
}

test_nobody_writes if {
	create := {"api": "collections", "operation": "create", "action": "create", "collection": "obs"}
	not authz.allow with input as {"identity": key_of("osgeo"), "ogc": create}
}

test_strangers_read_public_pages_only if {
	stranger := {"method": "anonymous", "claims": {}, "attributes": {}}
	authz.allow with input as {"identity": stranger, "ogc": {"api": "landing", "operation": "landing", "action": "read"}}
	not authz.allow with input as {"identity": stranger, "ogc": read("obs")}
}

test_the_administration_is_for_those_who_are_named if {
	asked := {"identity": {"method": "api_key", "subject": "ops", "attributes": {"company": "osgeo"}}, "ogc": {"api": "admin-config", "action": "read"}}
	not authz.allow with input as asked
	authz.allow with input as asked with data.admin as [{"method": "api_key", "subject": "ops"}]
	not authz.allow with input as asked with data.admin as [{"method": "api_key", "subject": "other"}]
}
