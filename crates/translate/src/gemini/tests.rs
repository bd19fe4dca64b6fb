//! What Gemini is asked, what its answers become, and that nothing is lost on either way.

mod answers;
mod requests;
mod round_trip;
