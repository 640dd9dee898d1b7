//! The pods of `k8s/overlays` without a cluster: what the manifests say is run on this machine.

mod kubelet;
mod manifests;
mod overlays;
mod serving;
mod volumes;
