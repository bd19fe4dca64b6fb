//! A recorded call as a program that makes it again: with the provider's own SDK where its dialect has one, else over
//! plain HTTP. Keys are read from the environment, never written. Pure. Leaves out shells (the dashboard's `curl`).

mod javascript;
mod literal;
mod python;
mod request;

pub use javascript::javascript;
pub use python::python;
pub use request::{is_left_out, url};
