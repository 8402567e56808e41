// SPDX-License-Identifier: 0BSD OR MIT OR Apache-2.0
//! Inner loops that are the same for all instruction sets, with their plain twins.
pub mod channels;
pub mod columns;
pub mod compact;
pub mod dots;
pub mod dual;
pub mod dynamic;
pub mod each_pixel;
pub mod finish;
pub mod lines;
pub mod panels;
pub mod products;
pub mod qcompact;
pub mod qgather;
pub mod qsums;
pub mod ready;
pub mod row;
pub mod scale;
pub mod scores;
pub mod taps;
pub mod tile;
pub mod unpack;
pub mod wide_scale;
