//! The model: its steps in the order of execution, and where their buffers lie.
#![forbid(unsafe_code)]

use super::rt::Cpu;
use super::rt::arena::{Arena, Buffer, Read, Write};
use super::rt::kernels::conv::conv2d;
use super::rt::kernels::matmul_packed::{MatMulPacked, matvec_packed};
use super::rt::kernels::pool::max_pool2d_in_place;
use super::rt::kernels::softmax::{Softmax, softmax_in_place};
use super::rt::terms::conv2d::Conv2d;
use super::rt::terms::epilogue::Epilogue;
use super::rt::terms::pool2d::Pool2d;
use super::weights::WEIGHTS;

/// Bytes of the arena: every buffer and all working memory of a run.
pub const ARENA_BYTES: usize = 2048;

/// Bytes of the constants.
pub const WEIGHT_BYTES: usize = 7592;

/// Multiply-adds of one run.
pub const MACS: u64 = 23680;

/// Shape of the input `image`.
pub const INPUT_IMAGE_SHAPE: [usize; 4] = [1, 1, 8, 8];

/// Shape of the output `probabilities`.
pub const OUTPUT_PROBABILITIES_SHAPE: [usize; 2] = [1, 10];

/// The model `digits`.
pub struct Model {
    arena: Arena<ARENA_BYTES>,
}
impl Model {
    /// A model of zero bytes: a `static` of it lies in `.bss`.
    pub const fn new() -> Self {
        Model { arena: Arena::new() }
    }

    /// Computes the model once.
    pub fn run(&mut self, image: &[f32; 64]) -> &[f32; 10] {
        let arena = &mut self.arena;
        let cpu = Cpu::detect();
        conv1(cpu, arena, image);
        pool1(cpu, arena);
        conv2(cpu, arena);
        pool2(cpu, arena);
        linear(cpu, arena);
        probabilities(cpu, arena);
        arena.get::<Probabilities>()
    }
}
impl Default for Model {
    fn default() -> Self {
        Self::new()
    }
}

/// `conv1`, `norm1`, `relu1`: conv2d f32[1,8,8,1] -> f32[1,8,8,8].
fn conv1(cpu: Cpu, arena: &mut Arena<ARENA_BYTES>, image: &[f32; 64]) {
    const P: Conv2d = Conv2d::new([8, 8, 1], [8, 8, 8], [3, 3])
        .pad(1, 1)
        .then(Epilogue::RELU);
    let y = arena.get_mut::<Relu1>();
    conv2d(cpu, &P, image, &WEIGHTS.conv1, &WEIGHTS.conv1_bias, y);
}

/// `pool1`: max_pool2d_in_place f32[1,8,8,8] -> f32[1,4,4,8].
fn pool1(cpu: Cpu, arena: &mut Arena<ARENA_BYTES>) {
    const P: Pool2d = Pool2d::new([8, 8], [4, 4], 8, [2, 2]).stride(2, 2);
    let xy = arena.get_mut::<Relu1>();
    max_pool2d_in_place(cpu, &P, xy);
}

/// `conv2`, `relu2`: conv2d f32[1,4,4,8] -> f32[1,4,4,16].
fn conv2(cpu: Cpu, arena: &mut Arena<ARENA_BYTES>) {
    const P: Conv2d = Conv2d::new([4, 4, 8], [4, 4, 16], [3, 3])
        .pad(1, 1)
        .then(Epilogue::RELU);
    let (x, y) = arena.views::<(Read<Pool1>, Write<Relu2>)>();
    conv2d(cpu, &P, x, &WEIGHTS.conv2, &WEIGHTS.conv2_bias, y);
}

/// `pool2`: max_pool2d_in_place f32[1,4,4,16] -> f32[1,2,2,16].
fn pool2(cpu: Cpu, arena: &mut Arena<ARENA_BYTES>) {
    const P: Pool2d = Pool2d::new([4, 4], [2, 2], 16, [2, 2]).stride(2, 2);
    let xy = arena.get_mut::<Relu2>();
    max_pool2d_in_place(cpu, &P, xy);
}

/// `linear`: matmul_packed f32[1,64] -> f32[1,10].
fn linear(cpu: Cpu, arena: &mut Arena<ARENA_BYTES>) {
    const P: MatMulPacked = MatMulPacked::new(1, 64, 10);
    let (a, y) = arena.views::<(Read<Pool2>, Write<Linear>)>();
    matvec_packed(cpu, &P, a, &WEIGHTS.linear, &WEIGHTS.linear_bias, y);
}

/// `probabilities`: softmax_in_place f32[1,10] -> f32[1,10].
fn probabilities(cpu: Cpu, arena: &mut Arena<ARENA_BYTES>) {
    const P: Softmax = Softmax {
        outer: 1,
        n: 10,
        inner: 1,
    };
    let xy = arena.get_mut::<Linear>();
    softmax_in_place(cpu, &P, xy);
}

/// `relu1`.
type Relu1 = Buffer<f32, 0, 512>;

/// `pool1`.
type Pool1 = Buffer<f32, 0, 128>;

/// `relu2`.
type Relu2 = Buffer<f32, 512, 256>;

/// `pool2`.
type Pool2 = Buffer<f32, 512, 64>;

/// `linear`.
type Linear = Buffer<f32, 0, 10>;

/// `probabilities`.
type Probabilities = Buffer<f32, 0, 10>;
