// SPDX-License-Identifier: 0BSD OR MIT OR Apache-2.0
//! Inner loops that all instruction sets share.
pub mod columns;
pub mod finish;
pub mod products;
pub mod tile;
