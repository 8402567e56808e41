//! The programs around an emitted crate: what runs it on files, as a process that is measured, and as firmware. They are no part of
//! the crate; they know its names, which [`crate::emit`] gives.

mod inference;
mod process;
mod project;
mod runner;

pub use inference::{ENTRY, emit_inference, mark_bytes};
pub use process::{emit_process, emit_session_process, input_places, logits};
pub use project::{emit_check, emit_project, project_frame};
pub use runner::{OPT_LEVELS, emit_runner, profile};
