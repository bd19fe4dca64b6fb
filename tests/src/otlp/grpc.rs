//! OTLP over gRPC, by the official client.

use std::net::SocketAddr;

use opentelemetry_proto::tonic::collector::logs::v1::logs_service_client::LogsServiceClient;
use opentelemetry_proto::tonic::collector::metrics::v1::metrics_service_client::MetricsServiceClient;
use opentelemetry_proto::tonic::collector::trace::v1::trace_service_client::TraceServiceClient;
use tonic::Status;
use tonic::codec::CompressionEncoding;
use tonic::transport::{Channel, Endpoint};

use super::Export;

/// A connection.
#[derive(Clone, Debug)]
pub struct Grpc {
    channel: Channel,
    packed: bool,
}

impl Grpc {
    /// Connects when it first sends.
    pub fn to(address: SocketAddr) -> Self {
        let endpoint = Endpoint::from_shared(format!("http://{address}")).unwrap();
        Self { channel: endpoint.connect_lazy(), packed: false }
    }

    /// The same, with gzip.
    #[must_use]
    pub fn packed(self) -> Self {
        Self { packed: true, ..self }
    }

    /// Sends it: how many were rejected, and why.
    pub async fn send(&self, export: &Export) -> Result<(i64, String), Status> {
        let gzip = CompressionEncoding::Gzip;
        let channel = self.channel.clone();
        match export.clone() {
            Export::Traces(request) => {
                let client = TraceServiceClient::new(channel).accept_compressed(gzip);
                let mut client = if self.packed { client.send_compressed(gzip) } else { client };
                let part = client.export(request).await?.into_inner().partial_success;
                Ok(part.map(|part| (part.rejected_spans, part.error_message)).unwrap_or_default())
            }
            Export::Logs(request) => {
                let client = LogsServiceClient::new(channel).accept_compressed(gzip);
                let mut client = if self.packed { client.send_compressed(gzip) } else { client };
                let part = client.export(request).await?.into_inner().partial_success;
                Ok(part.map(|part| (part.rejected_log_records, part.error_message)).unwrap_or_default())
            }
            Export::Metrics(request) => {
                let client = MetricsServiceClient::new(channel).accept_compressed(gzip);
                let mut client = if self.packed { client.send_compressed(gzip) } else { client };
                let part = client.export(request).await?.into_inner().partial_success;
                Ok(part.map(|part| (part.rejected_data_points, part.error_message)).unwrap_or_default())
            }
        }
    }
}
