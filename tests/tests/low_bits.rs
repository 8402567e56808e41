//! Weights of 2, 4 and 8 bits by the operators that exporters write, against the numbers that they stand for.

use zant_tests::node::OneNode;
use zantc::ir::{Element, Tensor};

const ROWS: usize = 3;
const N: usize = 18;

/// Integers that look random.
fn integers(seed: u64) -> impl FnMut(u64) -> u64 {
    let mut state = seed;
    move |below| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) % below
    }
}

/// Rows of codes as bytes, the first in the low bits; each row ends with a whole byte.
fn packed(codes: &[u8], row: usize, bits: usize) -> Vec<u8> {
    let byte = |codes: &[u8]| codes.iter().rev().fold(0u8, |byte, c| byte.checked_shl(bits as u32).unwrap_or(0) | c);
    codes.chunks(row).flat_map(|row| row.chunks(8 / bits).map(byte)).collect()
}

/// The products of rows and dequantized columns, each sum by multiply-adds in order.
fn products(x: &[f32], w: impl Fn(usize, usize) -> f32, k: usize) -> Vec<f32> {
    let sum = |row: usize, column: usize| (0..k).fold(0f32, |sum, i| x[row * k + i].mul_add(w(column, i), sum));
    (0..x.len() / k).flat_map(|row| (0..N).map(move |column| (row, column))).map(|(r, c)| sum(r, c)).collect()
}

struct Blocks {
    bits: usize,
    k: usize,
    block: usize,
    codes: Vec<u8>,
    scales: Vec<f32>,
    zeros: Vec<u8>,
}

impl Blocks {
    fn new(bits: usize, k: usize, block: usize) -> Blocks {
        let mut next = integers((bits * 1000 + k + block) as u64);
        let blocks = k.div_ceil(block);
        let mut many = |n: usize, below: u64| (0..n).map(|_| next(below)).collect::<Vec<_>>();
        let codes = many(N * blocks * block, 1 << bits).iter().map(|&c| c as u8).collect();
        let scales = many(N * blocks, 64).iter().map(|&s| (s + 1) as f32 / 256.0).collect();
        let zeros = many(N * blocks, 1 << bits).iter().map(|&z| z as u8).collect();
        Blocks { bits, k, block, codes, scales, zeros }
    }

    fn blocks(&self) -> usize {
        self.k.div_ceil(self.block)
    }

    /// The weight of a column and an input, with zero points or without.
    fn weight(&self, column: usize, i: usize, zeros: bool) -> f32 {
        let at = column * self.blocks() + i / self.block;
        let zero = if zeros { self.zeros[at] } else { 1 << (self.bits - 1) };
        let code = self.codes[column * self.blocks() * self.block + i];
        (f32::from(code) - f32::from(zero)) * self.scales[at]
    }

    /// `MatMulNBits` with its first three operands.
    fn node(&self, rows: usize, x: &[f32]) -> OneNode {
        let [blocks, bytes] = [self.blocks(), self.block * self.bits / 8];
        let w = packed(&self.codes, blocks * self.block, self.bits);
        let node = OneNode::new("MatMulNBits", 21).domain("com.microsoft");
        let node = node.int("N", N as i64).int("K", self.k as i64);
        let node = node.int("bits", self.bits as i64).int("block_size", self.block as i64);
        let node = node.input(&[rows as i64, self.k as i64], x);
        node.raw(2, &[N as i64, blocks as i64, bytes as i64], w).input(&[(N * blocks) as i64], &self.scales)
    }
}

fn inputs(n: usize) -> Vec<f32> {
    let mut next = integers(n as u64);
    (0..n).map(|_| next(1000) as f32 / 256.0 - 2.0).collect()
}

fn elements<T: Element>(t: &Tensor) -> Vec<T> {
    t.to_vec().expect("the type is another")
}

#[test]
fn products_with_few_bits_are_those_with_their_numbers() {
    for (bits, k, block) in [(4, 64, 32), (4, 80, 32), (4, 33, 16), (8, 48, 16), (2, 64, 16), (2, 37, 32)] {
        let blocks = Blocks::new(bits, k, block);
        for rows in [1, ROWS] {
            let x = inputs(rows * k);
            let plain = blocks.node(rows, &x).runs(&[0]).unwrap();
            let expected = products(&x, |column, i| blocks.weight(column, i, false), k);
            assert_eq!(elements::<f32>(&plain[0]), expected, "{bits} bits, {k} in blocks of {block}");
            let zeros = packed(&blocks.zeros, blocks.blocks(), bits);
            let with_zeros = blocks.node(rows, &x).raw(2, &[zeros.len() as i64], zeros).runs(&[0]).unwrap();
            let expected = products(&x, |column, i| blocks.weight(column, i, true), k);
            assert_eq!(elements::<f32>(&with_zeros[0]), expected, "{bits} bits, {k} in blocks of {block}");
        }
    }
}

#[test]
fn what_is_no_such_product_is_refused() {
    let blocks = Blocks::new(4, 64, 32);
    let x = inputs(64);
    assert_eq!(blocks.node(1, &x).int("bits", 3).refusal(), "ZA0207");
}

/// Rows of codes with a scale and a zero point for each block, picked by an index.
#[test]
fn picked_rows_are_those_of_the_numbers() {
    const COLUMNS: usize = 48;
    for (bits, block, with_zeros) in [(4, 16, false), (4, 16, true), (8, 16, true), (4, 48, true), (8, 24, false)] {
        let mut next = integers(bits as u64);
        let blocks = COLUMNS / block;
        let codes: Vec<u8> = (0..N * COLUMNS).map(|_| next(1 << bits) as u8).collect();
        let scales: Vec<f32> = (0..N * blocks).map(|_| (next(64) + 1) as f32 / 128.0).collect();
        let zeros: Vec<u8> = (0..N * blocks).map(|_| next(1 << bits) as u8).collect();
        let node = OneNode::new("GatherBlockQuantized", 21).domain("com.microsoft");
        let node = node.int("bits", bits as i64).int("block_size", block as i64).int("quantize_axis", 1);
        let dims = [N as i64, (COLUMNS * bits / 8) as i64];
        let node = node.raw(2, &dims, packed(&codes, COLUMNS, bits)).input(&[4], &[3i64, 0, -1, 3]);
        let mut node = node.input(&[N as i64, blocks as i64], &scales);
        if with_zeros {
            let bytes = packed(&zeros, blocks, bits);
            node = node.raw(2, &[N as i64, (bytes.len() / N) as i64], bytes);
        }
        let picked = node.runs(&[1]).unwrap();
        let number = |row: usize, column: usize| {
            let at = row * blocks + column / block;
            let zero = if with_zeros { zeros[at] } else { 1 << (bits - 1) };
            (f32::from(codes[row * COLUMNS + column]) - f32::from(zero)) * scales[at]
        };
        let expected: Vec<f32> = [3, 0, N - 1, 3]
            .into_iter()
            .flat_map(|row| (0..COLUMNS).map(move |c| (row, c)))
            .map(|(r, c)| number(r, c))
            .collect();
        assert_eq!(elements::<f32>(&picked[0]), expected, "{bits} bits in blocks of {block}");
    }
}
