//! The always-OK server: tonic's own service on geowarden's runtime and HTTP/2 settings, which decodes the request and lets it
//! pass.

use envoy_types::ext_authz::v3::pb::{
    Authorization, AuthorizationServer, CheckRequest, CheckResponse, HttpResponse, OkHttpResponse,
};
use envoy_types::pb::google::rpc::Status as RpcStatus;
use geowarden::{
    config::{self, ListenAddress},
    policy::STACK_BYTES,
    transport::{
        listener::{Access, Listener},
        server::GrpcServer,
    },
};
use tonic::{Request, Response, Status, async_trait};

use crate::{Error, Result};

/// Says yes.
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

/// Serves on this address until the process ends, on a runtime as `geowarden serve` has it.
pub fn serve(address: &ListenAddress) -> Result<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .thread_stack_size(STACK_BYTES)
        .build()
        .map_err(Error::io("starting the runtime"))?;
    runtime.block_on(async {
        let listener = Listener::bind(address, Access::Umask)
            .await
            .map_err(Error::io(format!("listening on {address}")))?;
        let server =
            GrpcServer::new(listener, None).map_err(|e| Error::unexpected("the gRPC server", e))?;
        let service = AuthorizationServer::new(AlwaysOk)
            .max_decoding_message_size(config::Server::default().max_request_bytes);
        server
            .run(service, std::future::pending())
            .await
            .map_err(|e| Error::unexpected("the gRPC server", e))
    })
}
