//! Pieces that more than one page draws. They draw what they are given; none of them asks the engine.

pub mod code;
pub mod copy_button;
pub mod cost;
pub mod icon;
pub mod keys_overlay;
pub mod live_strip;
pub mod marks;
pub mod side_nav;
pub mod states;
pub mod status_bar;
pub mod sum;
pub mod switch;
pub mod top_bar;
pub mod two_step;
