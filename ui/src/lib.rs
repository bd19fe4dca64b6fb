//! The dashboard: pages over the one list of questions in `api`. Owns what is seen and typed.
//! Leaves out everything that is known: it knows only what the engine answers.

pub mod app;
mod backend;
mod browser;
mod budget;
mod calendar;
mod change;
mod colour;
mod components;
mod curl;
mod entry;
mod fetch;
mod filter;
mod format;
mod json;
mod live;
mod made_keys;
mod pages;
mod preferences;
mod provenance;
mod source;
mod structural;
mod today;
mod tree;
