//! The always-OK server, like those in tonic's examples: it decodes each request, and allows it.

use std::net::SocketAddr;

use envoy_types::ext_authz::v3::pb::{
    Authorization, AuthorizationServer, CheckRequest, CheckResponse, HttpResponse, OkHttpResponse,
};
use envoy_types::pb::google::rpc::Status as RpcStatus;
use tonic::{Request, Response, Status, async_trait, transport::Server};

use crate::{Error, Result};

/// Allows every request.
#[derive(Debug, Clone, Copy)]
pub struct AlwaysOk;

#[async_trait]
impl Authorization for AlwaysOk {
    async fn check(
        &self,
        _: Request<CheckRequest>,
    ) -> std::result::Result<Response<CheckResponse>, Status> {
        Ok(Response::new(CheckResponse {
            status: Some(RpcStatus::default()),
            http_response: Some(HttpResponse::OkResponse(OkHttpResponse::default())),
            ..CheckResponse::default()
        }))
    }
}

/// Serves on this address until the process ends.
pub fn serve(address: SocketAddr) -> Result<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(Error::io("starting the runtime"))?;
    let server = Server::builder().add_service(AuthorizationServer::new(AlwaysOk));
    runtime
        .block_on(server.serve(address))
        .map_err(|e| Error::unexpected("the always-OK server", e))
}
