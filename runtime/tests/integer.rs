//! `integer`: against arithmetic in 128 bits, on every pair of bytes and on the edges of the wider types.

mod values;

use std::fmt::Debug;
use values::reduced;
use zant_runtime::error::DataError::DivisionByZero;
use zant_runtime::kernels::integer::Integer;

fn power(base: i128, exponent: i128) -> i128 {
    match (base, exponent) {
        (0, ..0) => 0,
        (_, ..0) => 1 / base.checked_pow(exponent.unsigned_abs() as u32).unwrap_or(2),
        _ => (0..exponent).fold(1, |p: i128, _| p.wrapping_mul(base)),
    }
}

/// `wrap` brings an exact result into the type.
fn check<T: Integer + Into<i128> + Debug + PartialEq>(a: T, b: T, bits: u32, wrap: fn(i128) -> T) {
    let (x, y): (i128, i128) = (a.into(), b.into());
    if y == 0 {
        assert!([a.divide(b), a.fmod(b), a.modulo(b)].iter().all(|r| *r == Err(DivisionByZero)));
    } else {
        assert_eq!(a.divide(b), Ok(wrap(x / y)), "{x} / {y}");
        assert_eq!(a.fmod(b), Ok(wrap(x % y)), "{x} fmod {y}");
        let floor = x.div_euclid(y) - i128::from(y < 0 && x.rem_euclid(y) != 0);
        assert_eq!(a.modulo(b), Ok(wrap(x - y * floor)), "{x} mod {y}");
        assert_eq!(a.modulo_nonzero(b), wrap(x - y * floor), "{x} mod {y}");
    }
    let inside = (0..i128::from(bits)).contains(&y);
    assert_eq!(a.shift_left(b), wrap(if inside { x << y } else { 0 }), "{x} << {y}");
    assert_eq!(a.shift_right(b), wrap(if inside { x >> y } else { 0 }), "{x} >> {y}");
    if y.abs() < 200 {
        assert_eq!(a.power(b), wrap(power(x, y)), "{x} ^ {y}");
    }
}

#[test]
fn bytes() {
    for (a, b) in (0..=u8::MAX).flat_map(|a| (0..=u8::MAX).map(move |b| (a, b))).step_by(reduced(1, 97)) {
        check(a, b, 8, |v| v as u8);
        check(a as i8, b as i8, 8, |v| v as i8);
    }
}

macro_rules! wide {
    ($($t:ident)*) => {$(
        #[test]
        fn $t() {
            let numbers = [0, 1, 2, 3, 7, 31, 64, $t::MAX, $t::MAX - 1, $t::MIN, $t::MIN + 1, $t::MAX / 3];
            let numbers: Vec<$t> = numbers.into_iter().flat_map(|n| [n, n.wrapping_neg()]).collect();
            for (a, b) in numbers.iter().flat_map(|a| numbers.iter().map(move |b| (*a, *b))) {
                check(a, b, $t::BITS, |v| v as $t);
            }
        }
    )*};
}

wide!(i16 i32 i64 u16 u32 u64);

#[test]
fn powers_of_large_exponents_end() {
    assert_eq!(3u64.power(u64::MAX), 12297829382473034411);
    assert_eq!((-1i64).power(i64::MAX), -1);
    assert_eq!((-1i64).power(i64::MIN), 1);
    assert_eq!((-1i64).power(i64::MIN + 1), -1);
}
