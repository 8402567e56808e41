//! Networks made smaller by leaving parts of them out.

mod cut;
mod flow;
pub mod groups;
mod importance;
mod prefix;
mod repair;
mod sensitivity;
pub mod structured;

#[cfg(test)]
mod tests;
