//! Builds crates that `zantc` has emitted, as bare firmware that runs under QEMU or in node, and as bare processes of the host, and says what
//! they need: instructions, time, memory, code, and the bits that they compute. Writes that down as reports, compares them, and
//! checks them against budgets.
//!
//! Invariants: counts are exact and repeatable (an instruction is a tick of the emulator's clock); what the caller's
//! environment says about builds changes nothing; without a toolchain or an emulator there is an error that names the command
//! which installs it, never a result.
#![forbid(unsafe_code)]

pub mod audit;
pub mod budget;
pub mod cargo;
pub mod compare;
mod elf;
mod error;
mod firmware;
mod gcc;
mod host;
pub mod inspection;
mod machine;
mod manifest;
pub mod onnx2c;
pub mod overview;
mod page;
pub mod peers;
pub mod process;
mod qemu;
mod replace;
pub mod report;
mod served;
mod session;
pub mod stepping;
pub mod tflm;
pub mod valgrind;
mod wasm;

pub use elf::{HostSizes, Sizes};
pub use error::Error;
pub use firmware::{Built, Firmware, Model};
pub use host::{Executable, Heap, Process};
pub use machine::{Clock, Emulator, MACHINES, Machine, Memory, Pace, Region};
pub use qemu::{Run, instructions};
pub use replace::replace;
pub use served::{Contender, Served};
pub use session::{Began, Session, Token};
