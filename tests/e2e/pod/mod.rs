//! The pods of `k8s/overlays` without a cluster: their containers run as processes on this machine.

mod kubelet;
mod manifests;
mod overlays;
mod serving;
mod volumes;
