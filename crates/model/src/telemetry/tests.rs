//! What whole requests of real shapes mean, dialect by dialect (`fixtures`); that hostile ones mean little and break
//! nothing (`properties`); and the shared samples, when somebody names their folder (`oracle`).

mod export;
mod fixtures;
mod oracle;
mod properties;
mod shown;
mod speed;
