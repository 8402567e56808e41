// SPDX-License-Identifier: 0BSD OR MIT OR Apache-2.0
//! Inner loops that all instruction sets share, with their twins in plain Rust.
pub mod channels;
pub mod columns;
pub mod compact;
pub mod dots;
pub mod dual;
pub mod finish;
pub mod lines;
pub mod products;
pub mod qcompact;
pub mod ready;
pub mod row;
pub mod taps;
pub mod tile;
