use std::path::Path;

use super::read;
use crate::files::Root;

const TWO: &str = "tenants:\n  osgeo:\n    hosts: [maps.osgeo.example, '*.osgeo.example']\n    authn: {}\n    policy: {path: /}\n  geobeyond:\n    pygeoapi: {base_path: /geo}\n    authn: {api_keys: {dir: keys/geobeyond}}\n    policy: {}\n";

fn faults(text: &str) -> String {
    read(text, &[]).unwrap_err().join("\n")
}

#[test]
fn without_tenants_the_whole_is_the_only_part() {
    let config = read("pygeoapi: {base_path: /geo}\nauthn: {realm: x}", &[]).unwrap();
    let parts = config.parts();
    assert_eq!(parts.len(), 1);
    assert_eq!(parts[0].tenant, None);
    assert_eq!(parts[0].config.authn.realm, "x");
    assert_eq!(parts[0].config.pygeoapi.base_path, "/geo");
}

#[test]
fn a_tenant_takes_its_own_rules_and_the_servers_settings() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir_all(folder.path().join("keys/geobeyond")).unwrap();
    let text = format!("server: {{deadline: 2s}}\npygeoapi: {{base_path: /all}}\n{TWO}");
    let config = super::Config::from_text(
        "geowarden.yaml",
        &text,
        folder.path(),
        &super::environment(&[]),
    )
    .unwrap();
    let parts = config.parts();
    let names: Vec<_> = parts.iter().map(|p| p.tenant.as_deref()).collect();
    assert_eq!(names, [Some("geobeyond"), Some("osgeo")]);
    let (geobeyond, osgeo) = (&parts[0].config, &parts[1].config);
    assert_eq!(geobeyond.pygeoapi.base_path, "/geo");
    assert_eq!(osgeo.pygeoapi.base_path, "/all");
    assert_eq!(osgeo.server.deadline, config.server.deadline);
    assert!(osgeo.authn.api_keys.is_none());
    // Paths of a tenant count from the file's folder too, and all are watched.
    let keys = folder.path().join("keys/geobeyond");
    assert_eq!(geobeyond.roots(), [Root::folder(keys)]);
    assert_eq!(osgeo.policy.path.as_deref(), Some(Path::new("/")));
    assert!(!config.has_no_credentials());
}

#[test]
fn nothing_of_a_tenant_comes_from_elsewhere() {
    let told =
        faults("authn: {realm: x}\npolicy: {path: /}\ntenants:\n  a: {authn: {}, policy: {}}\n");
    for section in [
        "geowarden.yaml:1: authn: expected this section inside a tenant",
        "geowarden.yaml:2: policy: expected this section inside a tenant",
    ] {
        assert!(told.contains(section), "{told}");
    }
    let told = read(
        "tenants:\n  a: {authn: {}, policy: {}}\n",
        &[("GEOWARDEN_POLICY__TIMEOUT", "1s")],
    );
    let told = told.unwrap_err().join("\n");
    let expected = "environment variable GEOWARDEN_POLICY__TIMEOUT: policy: expected this section inside a tenant";
    assert!(told.starts_with(expected), "{told}");
    for (text, missing) in [
        (
            "tenants:\n  a: {policy: {}}\n",
            "tenants.a: missing field `authn`",
        ),
        (
            "tenants:\n  a: {authn: {}}\n",
            "tenants.a: missing field `policy`",
        ),
    ] {
        assert!(faults(text).contains(missing), "{}", faults(text));
    }
}

#[test]
fn faults_of_a_tenant_name_line_and_key() {
    for (text, expected) in [
        (
            "tenants:\n  a:\n    authn: {}\n    policy: {}\n    hosts:\n      - a.example\n      - a.example:80\n",
            "geowarden.yaml:7: tenants.a.hosts[1]: expected a host such as",
        ),
        (
            "tenants:\n  a: {authn: {}, policy: {}, hosts: [x.example]}\n  b:\n    authn: {}\n    policy: {}\n    hosts:\n      - y.example\n      - X.example\n",
            "geowarden.yaml:8: tenants.b.hosts[1]: expected a host that no other tenant has, found one of tenant `a`",
        ),
        (
            "tenants:\n  Big_Name: {authn: {}, policy: {}}\n",
            "geowarden.yaml:2: tenants.NAME: expected a name like a label",
        ),
        (
            "tenants:\n  a-: {authn: {}, policy: {}}\n",
            "tenants.NAME: expected a name",
        ),
        (
            "tenants:\n  a: {authn: {}, policy: {}}\n  a: {authn: {}, policy: {}}\n",
            "geowarden.yaml:3: expected unique keys, found this one twice",
        ),
        (
            "tenants:\n  a:\n    authn: {}\n    policy:\n      path: nowhere.rego\n",
            "geowarden.yaml:5: tenants.a.policy.path: no such file or folder: /etc/geowarden/nowhere.rego",
        ),
        (
            "tenants:\n  a:\n    policy: {}\n    authn:\n      jwt:\n        - issuer: http://i.example\n          audiences: any\n",
            "geowarden.yaml:6: tenants.a.authn.jwt[0].issuer: expected https",
        ),
        (
            "tenants:\n  a:\n    pygeoapi: {base_path: x}\n    authn: {}\n    policy: {}\n",
            "geowarden.yaml:3: tenants.a.pygeoapi.base_path: expected nothing, or a path",
        ),
        (
            "tenants:\n  a: {authn: {}, policy: {}}\n  b: {authn: {}, policy: {reload: false}}\n",
            "geowarden.yaml:3: tenants.b.policy.reload: expected the same for every tenant",
        ),
        (
            "tenants:\n  a: {authn: {}, policy: {}, server: {}}\n",
            "tenants.a: unknown key",
        ),
    ] {
        assert!(
            faults(text).contains(expected),
            "{expected}\n{}",
            faults(text)
        );
    }
}

#[test]
fn no_tenants_is_said_by_leaving_them_out() {
    for text in ["authn: {}\ntenants: {}\n", "authn: {}\ntenants:\n"] {
        let told = faults(text);
        assert!(
            told.starts_with("geowarden.yaml:2: tenants: "),
            "{text} {told}"
        );
    }
    let told = faults("tenants: {}\n");
    assert!(told.contains("expected at least one tenant"), "{told}");
}

#[test]
fn two_tenants_cannot_read_one_file_of_keys() {
    let told = faults(
        "tenants:\n  a: {authn: {api_keys: {dir: /}}, policy: {}}\n  b: {authn: {api_keys: {dir: /proc/..}}, policy: {}}\n",
    );
    assert_eq!(
        told,
        "geowarden.yaml:3: tenants.b.authn.api_keys.dir: /proc/.. is the key file of tenant `a` too, so each key would be valid for both tenants: give each tenant its own file"
    );
}

#[test]
fn tokens_that_two_tenants_accept_are_warned_of() {
    let tenant = |audiences: &str| {
        format!(
            "{{authn: {{jwt: [{{issuer: 'https://i.example', audiences: {audiences}}}]}}, policy: {{}}}}"
        )
    };
    for (one, other, count) in [("[x]", "[y]", 0), ("[x, y]", "[y]", 1), ("any", "[y]", 1)] {
        let text = format!("tenants:\n  a: {}\n  b: {}\n", tenant(one), tenant(other));
        let notes = read(&text, &[]).unwrap().notes;
        assert_eq!(notes.len(), count, "{one} {other}: {notes:?}");
        assert!(notes.iter().all(|n| n.contains("`a` and `b`")), "{notes:?}");
    }
}

#[test]
fn the_environment_reaches_tenants_too() {
    let text = "tenants:\n  a: {authn: {}, policy: {}}\n";
    let variables = [("GEOWARDEN_TENANTS__A__POLICY__TIMEOUT", "1s")];
    let config = read(text, &variables).unwrap();
    assert_eq!(
        config.tenants["a"].policy.timeout.0,
        std::time::Duration::from_secs(1)
    );
}
