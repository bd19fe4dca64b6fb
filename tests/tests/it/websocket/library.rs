//! A WebSocket library of others on both ends.
