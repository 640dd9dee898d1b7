//! Files that change while the service runs.

use std::{fs, io::Write, os::unix::fs::symlink, path::Path};

use crate::service::{OSGEO_KEY, Service, config, folder};

const OPEN: &str = "package geowarden.authz\n\nallow := true\n";
const CLOSED: &str = "package geowarden.authz\n\nallow := false\n";

async fn status(service: &Service) -> i32 {
    let headers = [("x-api-key", OSGEO_KEY)];
    service
        .ask("GET", "/collections/obs", &headers)
        .await
        .status()
}

fn generation(mount: &Path, name: &str, policy: &str) {
    let dir = mount.join(name);
    fs::create_dir(&dir).unwrap();
    fs::write(dir.join("authz.rego"), policy).unwrap();
    // Like the kubelet: a new link is created beside the old one and then renamed.
    symlink(name, mount.join("..data_tmp")).unwrap();
    fs::rename(mount.join("..data_tmp"), mount.join("..data")).unwrap();
}

#[tokio::test]
async fn a_configmaps_new_generation_is_taken_up() {
    let folder = folder(OPEN, "");
    let mount = folder.path().join("policies");
    fs::remove_file(mount.join("authz.rego")).unwrap();
    generation(&mount, "..2026_01", CLOSED);
    symlink("..data/authz.rego", mount.join("authz.rego")).unwrap();
    let config = config(folder.path());
    let service = Service::start(folder, config).await;
    assert_eq!(status(&service).await, 403);
    generation(&mount, "..2026_02", OPEN);
    fs::remove_dir_all(mount.join("..2026_01")).unwrap();
    service
        .metric("geowarden_reloads_total{result=\"success\"} 2")
        .await;
    assert_eq!(status(&service).await, 200);
}

#[tokio::test]
async fn without_watching_only_a_signal_reloads() {
    let folder = folder(CLOSED, "");
    let mut config = config(folder.path());
    config.policy.reload = false;
    let service = Service::start(folder, config).await;
    fs::write(service.folder.path().join("policies/authz.rego"), OPEN).unwrap();
    assert_eq!(status(&service).await, 403);
    service.reload.send_modify(|count| *count += 1);
    service
        .metric("geowarden_reloads_total{result=\"success\"} 2")
        .await;
    assert_eq!(status(&service).await, 200);
}

#[tokio::test]
async fn policies_that_vanish_keep_the_last_good_rules_and_keys_do_not() {
    let service = Service::with_policy(OPEN).await;
    let folder = service.folder.path();
    fs::remove_dir_all(folder.join("policies")).unwrap();
    service.metric("geowarden_reload_failed 1").await;
    assert_eq!(status(&service).await, 200);
    fs::remove_file(folder.join("api-keys.yaml")).unwrap();
    service
        .metric("geowarden_reloads_total{result=\"failure\"} 2")
        .await;
    assert_eq!(status(&service).await, 401);
}

#[tokio::test]
async fn a_folder_that_comes_later_is_watched_too() {
    let service = Service::with_policy(CLOSED).await;
    let inner = service.folder.path().join("policies/inner");
    fs::create_dir(&inner).unwrap();
    fs::write(inner.join("data.yaml"), "a: 1").unwrap();
    service
        .metric("geowarden_reloads_total{result=\"success\"} 2")
        .await;
    let policy = "package geowarden.authz\n\nallow if data.inner.a == 2\n";
    fs::write(service.folder.path().join("policies/authz.rego"), policy).unwrap();
    service
        .metric("geowarden_reloads_total{result=\"success\"} 3")
        .await;
    fs::write(inner.join("data.yaml"), "a: 2").unwrap();
    service
        .metric("geowarden_reloads_total{result=\"success\"} 4")
        .await;
    assert_eq!(status(&service).await, 200);
}

#[tokio::test]
async fn what_changes_before_the_watching_begins_is_not_missed() {
    let folder = folder(OPEN, "");
    let file = folder.path().join("policies/authz.rego");
    let app = geowarden::app::App::bind(config(folder.path()))
        .await
        .unwrap();
    // Its rules are read, but nothing watches the files yet.
    fs::write(&file, CLOSED).unwrap();
    let service = Service::run(folder, app).await;
    service
        .metric("geowarden_reloads_total{result=\"success\"} 2")
        .await;
    assert_eq!(status(&service).await, 403);
}

/// A file that changes without a visible sign. It stands for any failed reload whose cause is not in the files.
#[tokio::test]
async fn what_has_failed_is_tried_again_without_a_change() {
    let service = Service::with_policy(CLOSED).await;
    let file = service.folder.path().join("policies/authz.rego");
    let broken = OPEN.replace("true", "trul");
    fs::write(&file, &broken).unwrap();
    service.metric("geowarden_reload_failed 1").await;
    let time = fs::metadata(&file).unwrap().modified().unwrap();
    assert_eq!(OPEN.len(), broken.len());
    let mut file = fs::File::options().write(true).open(&file).unwrap();
    file.write_all(OPEN.as_bytes()).unwrap();
    file.set_modified(time).unwrap();
    service.metric("geowarden_reload_failed 0").await;
    assert_eq!(status(&service).await, 200);
    service
        .metric("geowarden_reloads_total{result=\"failure\"} 1")
        .await;
}

#[tokio::test]
async fn pygeoapis_own_configuration_is_watched_as_well() {
    let folder = folder(OPEN, "pygeoapi: {config: pygeoapi.yml}");
    let file = folder.path().join("pygeoapi.yml");
    let good = "resources: {obs: {type: collection}}\n";
    fs::write(&file, good).unwrap();
    let config = config(folder.path());
    let service = Service::start(folder, config).await;
    fs::write(&file, good.replace("obs", "\"a/../b\"")).unwrap();
    service.metric("geowarden_reload_failed 1").await;
    fs::write(&file, good).unwrap();
    service.metric("geowarden_reload_failed 0").await;
    assert_eq!(status(&service).await, 200);
}
