//! Generators of nodes, one for each operator of the registry.

mod attention;
mod classical;
mod contributed;
mod control;
mod elementwise;
mod generate;
mod index;
mod low_bits;
mod movement;
mod norm;
mod patterns;
mod products;
mod quantized;
mod recurrent;
mod reduce;
mod sample;
mod window;

use super::draft::Draft;
pub use patterns::PATTERNS;

/// A generator for one operator.
#[derive(Clone, Copy, Debug)]
pub struct Entry {
    /// The operator's name.
    pub name: &'static str,
    /// Its domain.
    pub domain: &'static str,
    /// The first opset that has it.
    pub since: i64,
    /// The last opset that has it.
    pub until: i64,
    /// Proposes a node.
    pub make: fn(&mut Draft<'_>) -> Option<()>,
}

/// An operator of ONNX's own.
const fn op(name: &'static str, since: i64, make: fn(&mut Draft<'_>) -> Option<()>) -> Entry {
    Entry { name, domain: "", since, until: 99, make }
}

/// An operator of `com.microsoft`.
const fn ms(name: &'static str, make: fn(&mut Draft<'_>) -> Option<()>) -> Entry {
    Entry { name, domain: "com.microsoft", since: 10, until: 99, make }
}

const FAMILIES: [&[Entry]; 16] = [
    attention::OPS,
    classical::OPS,
    contributed::OPS,
    control::OPS,
    elementwise::OPS,
    generate::OPS,
    index::OPS,
    low_bits::OPS,
    movement::OPS,
    norm::OPS,
    products::OPS,
    quantized::OPS,
    recurrent::OPS,
    reduce::OPS,
    sample::OPS,
    window::OPS,
];

const COUNT: usize = {
    let (mut n, mut i) = (0, 0);
    while i < FAMILIES.len() {
        n += FAMILIES[i].len();
        i += 1;
    }
    n
};

const TABLE: [Entry; COUNT] = {
    let mut all = [FAMILIES[0][0]; COUNT];
    let (mut n, mut i) = (0, 0);
    while i < FAMILIES.len() {
        let mut j = 0;
        while j < FAMILIES[i].len() {
            all[n] = FAMILIES[i][j];
            n += 1;
            j += 1;
        }
        i += 1;
    }
    all
};

/// All operators.
pub const OPERATORS: &[Entry] = &TABLE;
