//! `trees` and `trees_wide`.

use zant_runtime::kernels::trees::{Forest, Trees};

use crate::ir::DType;
use crate::program::bind::{bind, kernel, params};
use crate::program::tokens::with_either;

/// `$body` with `$p` being the parameters for one of the lengths of windows: a power of two up to 4096, and one more.
macro_rules! with_window {
    ($c:expr, $p:ident => $body:expr) => {
        with_window!(@ $c, $p, $body; 17, 33, 65, 129, 257, 513, 1025, 2049)
    };
    (@ $c:expr, $p:ident, $body:expr; $($n:literal),+) => {
        match $c.window {
            $(Some($n) => {
                let $p = $c.sizes::<$n>();
                $body
            })+
            _ => {
                let $p = $c.sizes::<4097>();
                $body
            }
        }
    };
}

kernel! {
    /// Decision trees on rows.
    pub struct TreesCall {
        /// Type of the numbers: f32 or f64.
        pub dtype: DType,
        /// Number of rows.
        pub rows: usize,
        /// Numbers in a row of the operand.
        pub features: usize,
        /// Numbers in a row of the result.
        pub targets: usize,
        /// Steps from a root to the farthest leaf.
        pub depth: usize,
        /// How the numbers of leaves meet: 0 is their sum, 1 the least, 2 the greatest.
        pub meeting: u8,
        /// How many trees there are.
        pub trees: usize,
        /// Slots of a window; `None` where slots have eight bytes.
        pub window: Option<usize>,
    }
    describe(c) => format!("{} x {} trees, {} steps", c.rows, c.trees, c.depth);
    params(c) => params!(kernels::trees, Trees { rows, features, targets, depth, meeting }, c).sized(c.window.unwrap_or(0));
    bound(c) => with_either!(c.dtype, F32: f32, f64, T => match c.window {
        Some(_) => with_window!(c, p => bind!(kernels::trees:
            |x: &[T], columns: &[u32], thresholds: &[T], slots: &[u32], roots: &[u32], targets: &[u16], weights: &[T],
             ranks: &mut [u32], y: &mut [T]|
            trees(&p, x, &Forest { columns, thresholds, slots, roots, targets, weights }, ranks, y))),
        None => {
            let p = c.sizes::<0>();
            bind!(kernels::trees:
                |x: &[T], columns: &[u32], thresholds: &[T], slots: &[u64], roots: &[u32], targets: &[u16], weights: &[T],
                 ranks: &mut [u32], y: &mut [T]|
                trees_wide(&p, x, &Forest { columns, thresholds, slots, roots, targets, weights }, ranks, y))
        }
    }).using("kernels::trees::Forest");
}

impl TreesCall {
    fn sizes<const N: usize>(&self) -> Trees<N> {
        let &TreesCall { rows, features, targets, depth, meeting, .. } = self;
        Trees { rows, features, targets, depth, meeting }
    }
}
