//! The rows of the table, a file each.

pub(crate) mod bodies;
pub(crate) mod calls;
pub(crate) mod dashboards;
pub(crate) mod footprint;
pub(crate) mod idle;
pub(crate) mod rest;
pub(crate) mod scale;
pub(crate) mod spans;
pub(crate) mod storage;
pub(crate) mod streams;
pub(crate) mod upkeep;
pub(crate) mod versions;
