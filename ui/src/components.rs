//! Pieces that more than one page draws. They draw what they are given; none of them asks the engine.

pub mod attributes;
pub mod cache;
pub mod code;
pub mod copy_button;
pub mod cost;
pub mod erase;
pub mod filter_field;
pub mod icon;
pub mod keys_overlay;
pub mod live_strip;
pub mod marks;
pub mod reporter;
pub mod side_nav;
pub mod snippet;
pub mod split;
pub mod states;
pub mod status_bar;
pub mod sum;
pub mod switch;
pub mod time_axis;
pub mod time_range;
pub mod top_bar;
pub mod two_step;
pub mod virtual_rows;
