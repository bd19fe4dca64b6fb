//! OTLP in, as senders send it: every field found back, every answer the one that the protocol wants, and nothing that
//! was acknowledged ever lost.

mod crash;
#[cfg(target_os = "linux")]
mod faults;
mod joined;
mod points;
mod refusals;
mod roundtrip;
pub(crate) mod sent;

use std::net::SocketAddr;

use tests::App;
use tests::otlp::{Encoding, Export, Grpc, Packing, rejected};

/// How something is sent.
#[derive(Clone, Copy, Debug)]
enum Way {
    /// To the port of the dashboard.
    Dashboard(Encoding, Packing),
    /// To the port of its own.
    Http(Encoding, Packing),
    /// Over gRPC, packed or not.
    Grpc(bool),
}

const WAYS: [Way; 8] = [
    Way::Dashboard(Encoding::Protobuf, Packing::None),
    Way::Dashboard(Encoding::Json, Packing::Gzip),
    Way::Http(Encoding::Protobuf, Packing::Gzip),
    Way::Http(Encoding::Protobuf, Packing::Zstd),
    Way::Http(Encoding::Json, Packing::None),
    Way::Http(Encoding::Json, Packing::Deflate),
    Way::Grpc(false),
    Way::Grpc(true),
];

impl Way {
    fn address(self, app: &App) -> SocketAddr {
        match self {
            Self::Dashboard(..) => app.dashboard,
            Self::Http(..) => app.otlp_http,
            Self::Grpc(_) => app.otlp_grpc,
        }
    }

    /// Sends it; how many were rejected, or the reason why it was not taken at all.
    async fn send(self, app: &App, export: &Export) -> Result<u64, String> {
        let to = self.address(app);
        match self {
            Self::Dashboard(encoding, packing) | Self::Http(encoding, packing) => {
                let answer =
                    export.try_send(to, encoding, packing).await.map_err(|error| error.to_string())?;
                let empty = if encoding == Encoding::Json { "{}" } else { "" };
                match answer.status() {
                    200 if answer.text() == empty => Ok(0),
                    200 => Ok(rejected(&answer, encoding).0),
                    status => Err(format!("{status} {}", answer.text())),
                }
            }
            Self::Grpc(packed) => {
                let grpc = if packed { Grpc::to(to).packed() } else { Grpc::to(to) };
                let sent = grpc.send(export).await.map_err(|status| status.to_string())?;
                Ok(sent.0.unsigned_abs())
            }
        }
    }
}

/// Bytes as the API shows them.
fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
