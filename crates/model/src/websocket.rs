//! What goes by on a WebSocket: frames, the messages they make up, and the turns of a model in them. Pure: bytes in,
//! values out, however the bytes are cut. Leaves out carrying them (`proxy`) and what a message says (`dialect`).

mod deflate;
mod frames;
mod messages;
mod turns;

#[cfg(test)]
mod tests;

pub use deflate::Extensions;
pub use frames::{Frames, Head, Opcode, Piece, close_frame};
pub use messages::{Kind, Message, Messages};
pub use turns::{Protocol, Step, Turns};

/// The end of a connection that sent something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// Who opened the connection.
    Client,
    /// Who answered.
    Server,
}

/// What goes by is no WebSocket, or none that can be read: nothing after this means anything.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Broken {
    /// A frame is longer than lengths may be.
    #[error("a frame's length is impossible")]
    Length,
    /// A frame belongs to no message, or breaks into another.
    #[error("a frame does not fit the one before it")]
    Order,
    /// A frame is compressed though nobody agreed on that, or its compressed bytes are none.
    #[error("a compressed message cannot be unpacked")]
    Compression,
    /// A message unpacks to more than anybody sends.
    #[error("a compressed message unpacks to too much")]
    Bomb,
    /// There is no memory left for a message.
    #[error("there is no memory left for a message")]
    Room,
}
