//! Float operators between bytes against the same operators on numbers, and tables, to the bit.

mod values;

use values::{Values, reduced, rounds};
use zant_runtime::arch::host::Host;
use zant_runtime::arch::isa::Fused;
use zant_runtime::kernels::pool::avg_pool2d;
use zant_runtime::kernels::qfloat::{Bytes, qavg_pool2d, qsoftmax, qsum};
use zant_runtime::kernels::reduce::{Reduce, reduce_sum};
use zant_runtime::kernels::softmax::{Softmax, softmax};
use zant_runtime::kernels::table::{Table, table, table_in_place};
use zant_runtime::terms::pool2d::Pool2d;
use zant_runtime::terms::quant::{Affine, Range};

const BYTES: Bytes = Bytes {
    from: Affine { zero: -7, scale: 0.043 },
    divisor: 1.0,
    scale: 0.031,
    range: Range { zero: 4, lo: -128, hi: 127 },
};

fn numbers(x: &[i8]) -> Vec<f32> {
    x.iter().map(|&x| (i32::from(x) - BYTES.from.zero) as f32 * BYTES.from.scale).collect()
}

fn quantized(b: &Bytes, y: &[f32]) -> Vec<i8> {
    let (lo, hi) = (f64::from(b.range.lo), f64::from(b.range.hi));
    let rounded = |v: f32| (f64::from(v).round_ties_even() + f64::from(b.range.zero)).clamp(lo, hi) as i8;
    y.iter().map(|y| rounded(y / b.divisor / b.scale)).collect()
}

#[test]
fn float_operators_between_bytes_equal_those_on_numbers() {
    let mut v = Values(43);
    let cpu = Host::<Fused>::detect();
    for _ in rounds(60, 4) {
        let (h, w, c) = (2 + v.below(reduced(6, 3)), 2 + v.below(reduced(6, 3)), 1 + v.below(20));
        let pool = Pool2d::new([h, w], [h / 2, w / 2], c, [2, 2]).stride(2, 2);
        let x: Vec<i8> = (0..h * w * c).map(|_| v.bits() as i8).collect();
        let mut y = vec![0i8; h / 2 * (w / 2) * c];
        let mut reals = vec![0.0; y.len()];
        avg_pool2d(cpu, &pool, &numbers(&x), &mut reals);
        qavg_pool2d(cpu, &pool, &BYTES, &x, &mut y);
        assert_eq!(y, quantized(&BYTES, &reals), "{pool:?}");

        let sum = Reduce { outer: h, n: w, inner: c };
        let mean = Bytes { divisor: w as f32, ..BYTES };
        let (mut y, mut reals) = (vec![0i8; h * c], vec![0.0; h * c]);
        reduce_sum(&sum, &numbers(&x), &mut reals);
        qsum(cpu, &sum, &mean, &x, &mut y);
        assert_eq!(y, quantized(&mean, &reals), "{sum:?}");

        let rows = Softmax { outer: h, n: w, inner: c };
        let shares = Bytes { scale: 1.0 / 256.0, range: Range { zero: -128, lo: -128, hi: 127 }, ..BYTES };
        let (mut y, mut reals) = (vec![0i8; x.len()], vec![0.0; x.len()]);
        softmax(cpu, &rows, &numbers(&x), &mut reals);
        qsoftmax(cpu, &rows, &shares, &x, &mut y);
        assert_eq!(y, quantized(&shares, &reals), "{rows:?}");
    }
}

#[test]
fn tables_are_indexed_by_the_bits_of_a_byte() {
    let cpu = Host::<Fused>::detect();
    let entries: [u8; 256] = core::array::from_fn(|i| (i as u8).wrapping_mul(37));
    let x: Vec<i8> = (0..24).map(|i: i32| (i * 10 - 120) as i8).collect();
    let expected: Vec<u8> = x.iter().map(|&x| entries[usize::from(x as u8)]).collect();
    let mut y = vec![1u8; 4 * 7];
    table(cpu, &Table { rows: 4, columns: 6, y_pitch: 7 }, &entries, &x, &mut y);
    for (row, expected) in y.chunks(7).zip(expected.chunks(6)) {
        assert_eq!((&row[..6], row[6]), (expected, 1));
    }
    let mut xy: Vec<u8> = x.iter().map(|&x| x as u8).collect();
    table_in_place(cpu, &entries, &mut xy);
    assert_eq!(xy, expected);
}
