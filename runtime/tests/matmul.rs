//! Matrix products against a direct sum in the promised order, to the bit, on every instruction set.

mod values;

use values::{Values, bits, each_cpu, reduced, rounds};
use zant_runtime::arch::host::Host;
use zant_runtime::arch::isa::{Fused, Numerics, Separate};
use zant_runtime::kernels::matmul::matmul;
use zant_runtime::kernels::matmul_bytes::{MatMulBytes, matmul_bytes};
use zant_runtime::kernels::matmul_int::matmul_int;
use zant_runtime::kernels::matmul_packed::{MatMulPacked, matmul_packed, matvec_packed};
use zant_runtime::kernels::packing::{self, Piece};
use zant_runtime::terms::epilogue::{Activation, Epilogue, Residual};
use zant_runtime::terms::matmul::{MatMul, Strides};

/// What stands between the rows of the output, which no kernel may touch.
const GAP: f32 = 12_345.0;

fn epilogue(values: &mut Values) -> Epilogue {
    let activation = match values.below(3) {
        0 => Activation::None,
        1 => Activation::Clamp { lo: -1.5, hi: 6.0 },
        _ => Activation::Leaky { alpha: 0.1 },
    };
    let residual = if values.below(3) == 0 { Residual::Accumulate } else { Residual::None };
    Epilogue { activation, residual }
}

/// The sum of the products, and that within the bound of the exact one.
fn sum<N: Numerics>(start: f32, products: impl Iterator<Item = (f32, f32)>) -> f32 {
    let mut sum = start;
    let (mut exact, mut size) = (f64::from(sum), f64::from(sum).abs());
    let mut count = 1.0;
    for (a, b) in products {
        sum = if N::FUSED { a.mul_add(b, sum) } else { a * b + sum };
        exact += f64::from(a) * f64::from(b);
        size += (f64::from(a) * f64::from(b)).abs();
        count += 2.0;
    }
    // Higham 2002, 3.1: |error| <= n u / (1 - n u) * sum |a b|, here with the slack of f64.
    assert!((f64::from(sum) - exact).abs() <= count * f64::from(f32::EPSILON) * size);
    sum
}

fn finish(epilogue: &Epilogue, sum: f32, y: &mut f32) {
    let sum = match epilogue.residual {
        Residual::None => sum,
        Residual::Accumulate => sum + *y,
    };
    *y = match epilogue.activation {
        Activation::None => sum,
        Activation::Clamp { lo, hi } => sum.max(lo).min(hi),
        Activation::Leaky { alpha } => {
            if sum < 0.0 {
                sum * alpha
            } else {
                sum
            }
        }
    };
}

/// `w[k][n]` in panels.
fn pack(w: &[f32], k: usize, n: usize) -> Vec<f32> {
    packing::matmul(k, n).flat_map(Piece::places).map(|at| w[at]).collect()
}

fn check_packed<N: Numerics>([m, k, n]: [usize; 3], values: &mut Values) {
    let (a_pitch, y_pitch) = (k + values.below(3), n + values.below(3));
    let p = MatMulPacked { m, k, n, a_pitch, y_pitch, epilogue: epilogue(values) };
    let a = values.f32s(if m == 0 { 0 } else { (m - 1) * a_pitch + k });
    let w = values.f32s(k * n);
    let biased = values.below(3) > 0;
    let bias = values.f32s(if biased { n } else { 0 });
    let mut before = vec![GAP; if m == 0 { 0 } else { (m - 1) * y_pitch + n }];
    if p.epilogue.residual == Residual::Accumulate {
        for row in before.chunks_mut(y_pitch.max(1)) {
            row[..n].copy_from_slice(&values.f32s(n));
        }
    }
    let mut expected = before.clone();
    for i in 0..m {
        for j in 0..n {
            let products = (0..k).map(|l| (a[i * a_pitch + l], w[l * n + j]));
            let sum = sum::<N>(bias.get(j).copied().unwrap_or(0.0), products);
            finish(&p.epilogue, sum, &mut expected[i * y_pitch + j]);
        }
    }
    let w = pack(&w, k, n);
    each_cpu!(N, name, cpu => {
        let mut y = before.clone();
        matmul_packed(cpu, &p, &a, &w, &bias, &mut y);
        assert_eq!(bits(&y), bits(&expected), "{name} {p:?}");
        if m == 1 {
            let mut y = before.clone();
            matvec_packed(cpu, &p, &a, &w, &bias, &mut y);
            assert_eq!(bits(&y), bits(&expected), "{name}, one row, {p:?}");
        }
    });
}

#[test]
fn packed_products_of_every_width_and_height_are_equal_to_the_bit() {
    let mut values = Values(1);
    for n in reduced((0..=35).collect(), vec![0, 1, 8, 19, 33]) {
        for m in reduced((0..=14).collect(), vec![0, 1, 3, 13]) {
            let k = [0, 1, 2, 7, reduced(33, 3)][values.below(5)];
            check_packed::<Fused>([m, k, n], &mut values);
            check_packed::<Separate>([m, k, n], &mut values);
        }
    }
}

#[test]
fn matrix_vector_products_are_equal_to_the_bit() {
    let mut values = Values(2);
    for n in reduced([1, 8, 10, 16, 63, 64, 65, 100, 128, 150, 200].to_vec(), vec![1, 10, 16, 65, 128]) {
        for k in reduced([1, 3, 64, 129].to_vec(), vec![1, 9]) {
            check_packed::<Fused>([1, k, n], &mut values);
            check_packed::<Separate>([1, k, n], &mut values);
        }
    }
}

/// A layout of `rows * columns` matrices: dense or with gaps, by rows or by columns.
fn strides(values: &mut Values, batch: [usize; 3], rows: usize, columns: usize) -> Strides {
    let (row, col) = match values.below(4) {
        0 => (1, rows.max(1)),
        1 => (2, 2 * rows.max(1) + 1),
        _ => (columns.max(1) + values.below(3), 1),
    };
    let matrix = rows.max(1) * row.max(col * columns.max(1)) + 1;
    let batch = [matrix * batch[1] * batch[2], matrix * batch[2], matrix];
    Strides { batch, row, col }
}

fn every(batch: [usize; 3], m: usize, n: usize) -> impl Iterator<Item = ([usize; 3], usize, usize)> {
    (0..batch[0] * batch[1] * batch[2] * m * n).map(move |i| {
        let (matrix, i, j) = (i / (m * n), i / n % m, i % n);
        let (outer, inner) = (matrix / batch[2], matrix % batch[2]);
        ([outer / batch[1], outer % batch[1], inner], i, j)
    })
}

fn at(strides: &Strides, batch: [usize; 3], row: usize, col: usize) -> usize {
    let matrix: usize = strides.batch.iter().zip(batch).map(|(stride, i)| stride * i).sum();
    matrix + row * strides.row + col * strides.col
}

fn shape(values: &mut Values, [m, k, n]: [usize; 3]) -> MatMul {
    let batch = [1 + values.below(2), 1 + values.below(2), 1 + values.below(reduced(3, 2))];
    let mut p = MatMul {
        batch,
        m,
        k,
        n,
        a: strides(values, batch, m, k),
        b: strides(values, batch, k, n),
        y: strides(values, batch, m, n),
        epilogue: Epilogue::NONE,
    };
    // A broadcast operand.
    p.a.batch[values.below(3)] *= values.below(2);
    p.b.batch[values.below(3)] *= values.below(2);
    p
}

fn check_strided<N: Numerics>(dims: [usize; 3], values: &mut Values) {
    let p = MatMul { epilogue: epilogue(values), ..shape(values, dims) };
    let [m, k, n] = dims;
    let a = values.f32s(p.a.end(p.batch, m, k));
    let b = values.f32s(p.b.end(p.batch, k, n));
    let biased = values.below(3) > 0;
    let bias = values.f32s(if biased { n } else { 0 });
    let mut before = vec![GAP; p.y.end(p.batch, m, n)];
    if p.epilogue.residual == Residual::Accumulate {
        for (batch, i, j) in every(p.batch, m, n) {
            before[at(&p.y, batch, i, j)] = values.f32();
        }
    }
    let mut expected = before.clone();
    for (batch, i, j) in every(p.batch, m, n) {
        let products = (0..k).map(|l| (a[at(&p.a, batch, i, l)], b[at(&p.b, batch, l, j)]));
        let sum = sum::<N>(bias.get(j).copied().unwrap_or(0.0), products);
        finish(&p.epilogue, sum, &mut expected[at(&p.y, batch, i, j)]);
    }
    let mut scratch = vec![f32::NAN; p.scratch()];
    each_cpu!(N, name, cpu => {
        let mut y = before.clone();
        matmul(cpu, &p, &a, &b, &bias, &mut scratch, &mut y);
        assert_eq!(bits(&y), bits(&expected), "{name} {p:?}");
    });
}

#[test]
fn products_with_any_strides_are_equal_to_the_bit() {
    // More rows than a block and deeper than one, but not all at once.
    const FEW: [[usize; 3]; 7] = [[25, 2, 2], [0, 3, 5], [1, 9, 9], [7, 3, 18], [2, 33, 2], [3, 1, 20], [5, 0, 4]];
    let mut values = Values(3);
    for round in 0..reduced(300, FEW.len()) {
        let m = [0, 1, 2, 5, 6, 7, 24, 25, 50][values.below(9)];
        let k = [0, 1, 3, 31, 32, 33, 70][values.below(7)];
        let dims = reduced([m, k, round % 36], FEW[round % FEW.len()]);
        check_strided::<Fused>(dims, &mut values);
        if round % 4 == 0 {
            check_strided::<Separate>(dims, &mut values);
        }
    }
}

#[test]
fn one_row_times_any_matrix_is_equal_to_the_bit() {
    let mut values = Values(5);
    for n in reduced((0..100).collect(), vec![0, 1, 8, 35]) {
        for k in reduced([0, 1, 7, 8, 9, 16, 33].to_vec(), vec![0, 1, 9]) {
            check_strided::<Fused>([1, k, n], &mut values);
            check_strided::<Separate>([1, k, n], &mut values);
        }
    }
}

#[test]
fn integer_products_wrap() {
    let mut values = Values(4);
    for _ in rounds(60, 10) {
        let [m, k, n] = [1 + values.below(5), values.below(9), 1 + values.below(5)];
        let p = shape(&mut values, [m, k, n]);
        let a: Vec<i32> = (0..p.a.end(p.batch, m, k)).map(|_| values.bits() as i32).collect();
        let b: Vec<i32> = (0..p.b.end(p.batch, k, n)).map(|_| values.bits() as i32).collect();
        let bias: Vec<i32> = (0..n * values.below(2)).map(|_| values.bits() as i32).collect();
        let mut y = vec![77; p.y.end(p.batch, m, n)];
        let mut expected = y.clone();
        for (batch, i, j) in every(p.batch, m, n) {
            let sum: i128 =
                (0..k).map(|l| i128::from(a[at(&p.a, batch, i, l)]) * i128::from(b[at(&p.b, batch, l, j)])).sum();
            let bias = i128::from(bias.get(j).copied().unwrap_or(0));
            expected[at(&p.y, batch, i, j)] = (sum + bias) as i32;
        }
        matmul_int(&p, &a, &b, &bias, &mut y);
        assert_eq!(y, expected, "{p:?}");
    }
}

#[test]
fn products_with_a_matrix_of_bytes_wrap() {
    let mut values = Values(6);
    for _ in rounds(60, 10) {
        let [m, k, n] = [1 + values.below(3), values.below(9), 1 + values.below(40)];
        let (a_pitch, y_pitch) = (k + values.below(3), n + values.below(3));
        let p = MatMulBytes { m, k, n, a_pitch, y_pitch, zero: values.below(600) as i32 - 300 };
        let a: Vec<i32> = (0..m * a_pitch).map(|_| values.bits() as i32).collect();
        let b: Vec<u8> = (0..k * n).map(|_| values.bits() as u8).collect();
        let bias: Vec<i32> = (0..n * values.below(2)).map(|_| values.bits() as i32).collect();
        let mut expected = vec![77; m * y_pitch];
        for i in 0..m {
            for j in 0..n {
                let product = |l: usize| i128::from(a[i * a_pitch + l]) * i128::from(i32::from(b[l * n + j]) - p.zero);
                let bias = i128::from(bias.get(j).copied().unwrap_or(0));
                expected[i * y_pitch + j] = ((0..k).map(product).sum::<i128>() + bias) as i32;
            }
        }
        let (mut y, mut portable) = (vec![77; m * y_pitch], vec![77; m * y_pitch]);
        matmul_bytes(Host::<Fused>::detect(), &p, &a, &b, &bias, &mut y);
        matmul_bytes(Host::<Fused>::portable(), &p, &a, &b, &bias, &mut portable);
        assert_eq!((&y, &portable), (&expected, &expected), "{p:?}");
    }
}
