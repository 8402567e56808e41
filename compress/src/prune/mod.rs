//! Networks made smaller by leaving parts of them out.

mod cut;
mod flow;
pub mod groups;
mod importance;
mod repair;
pub mod structured;
