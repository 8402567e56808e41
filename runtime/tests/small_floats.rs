//! Floats of 16, 8 and 4 bits: every number comes back, and what lies between two goes to the nearer one or the even one.

mod half {
    use zant_runtime::math::half::{from_f16, to_f16};

    #[test]
    fn all_numbers_come_back() {
        for h in 0..=u16::MAX {
            let x = from_f16(h);
            if x.is_nan() {
                assert!(h & 0x7fff > 0x7c00 && to_f16(x) & 0x7fff > 0x7c00, "{h:#x}");
            } else {
                assert_eq!(to_f16(x), h, "{x}");
            }
        }
        assert_eq!(
            [from_f16(0x3c00), from_f16(0xc000), from_f16(1), from_f16(0x7bff)],
            [1.0, -2.0, 2f32.powi(-24), 65504.0]
        );
    }

    #[test]
    fn between_two_numbers_the_nearer_one_is_taken_and_of_both_the_even_one() {
        for h in 0..0x7bff_u16 {
            let (low, high) = (f64::from(from_f16(h)), f64::from(from_f16(h + 1)));
            let middle = ((low + high) / 2.0) as f32;
            assert_eq!(to_f16(middle), h + (h & 1), "{middle}");
            assert_eq!(to_f16(-middle), (h + (h & 1)) | 0x8000, "{middle}");
            assert_eq!(to_f16(f32::from_bits(middle.to_bits() - 1)), h, "{middle}");
            assert_eq!(to_f16(f32::from_bits(middle.to_bits() + 1)), h + 1, "{middle}");
        }
        assert_eq!([to_f16(65519.996), to_f16(65520.0), to_f16(f32::INFINITY)], [0x7bff, 0x7c00, 0x7c00]);
        assert_eq!([to_f16(0.0), to_f16(-0.0), to_f16(1e-30), to_f16(-1e-40)], [0, 0x8000, 0, 0x8000]);
    }
}

mod brain {
    use zant_runtime::math::brain::{from_bf16, to_bf16};

    #[test]
    fn numbers_come_back_and_others_are_rounded_to_even() {
        for h in 0..=u16::MAX {
            let x = from_bf16(h);
            assert!(x.is_nan() && from_bf16(to_bf16(x)).is_nan() || to_bf16(x) == h, "{h:#x}");
        }
        for h in 0..0x7f7f_u16 {
            let middle = (u32::from(h) << 16) + 0x8000;
            let rounded = [middle - 1, middle, middle + 1].map(|bits| to_bf16(f32::from_bits(bits)));
            assert_eq!(rounded, [h, h + (h & 1), h + 1]);
        }
        assert_eq!(to_bf16(f32::MAX), 0x7f80);
        assert!(from_bf16(to_bf16(f32::from_bits(0x7f80_0001))).is_nan());
    }
}

mod minifloat {
    use zant_runtime::math::minifloat::*;

    /// Every number comes back, and what lies between two goes to the nearer one or the even one.
    fn check(from: fn(u8) -> f32, to: fn(f32) -> u8, largest: u8, sign: u8) {
        for code in 0..largest {
            let (low, high) = (from(code), from(code + 1));
            assert!(low < high, "{code}");
            assert_eq!([to(low), to(high)], [code, code + 1]);
            let middle = (low + high) / 2.0;
            let [below, above] = [middle.to_bits() - 1, middle.to_bits() + 1].map(f32::from_bits);
            assert_eq!([to(below), to(middle), to(above)], [code, code + (code & 1), code + 1], "{code}");
            assert_eq!(to(-high), (code + 1) | sign);
            assert_eq!(from((code + 1) | sign), -high);
        }
    }

    #[test]
    fn numbers_are_rounded_to_even() {
        check(from_f8e4m3fn, to_f8e4m3fn, 0x7e, 0x80);
        check(from_f8e4m3fnuz, to_f8e4m3fnuz, 0x7f, 0x80);
        check(from_f8e5m2, to_f8e5m2, 0x7b, 0x80);
        check(from_f8e5m2fnuz, to_f8e5m2fnuz, 0x7f, 0x80);
        check(from_f4e2m1, to_f4e2m1, 7, 8);
        assert_eq!(
            [from_f8e4m3fn(0x7e), from_f8e4m3fnuz(0x7f), from_f8e5m2(0x7b), from_f4e2m1(7)],
            [448., 240., 57344., 6.]
        );
        assert_eq!(from_f8e5m2fnuz(0x7f), 57344.0);
    }

    #[test]
    fn what_is_beyond_the_largest_is_infinite_or_nan() {
        let inf = f32::INFINITY;
        assert_eq!([to_f8e4m3fn(464.0), to_f8e4m3fn(464.1), to_f8e4m3fn(-inf)], [0x7e, 0x7f, 0xff]);
        assert_eq!([to_f8e4m3fnuz(247.9), to_f8e4m3fnuz(248.0), to_f8e4m3fnuz(-inf)], [0x7f, 0x80, 0x80]);
        assert_eq!([to_f8e5m2(61439.0), to_f8e5m2(61440.0), to_f8e5m2(-inf)], [0x7b, 0x7c, 0xfc]);
        assert_eq!([to_f8e5m2fnuz(61440.0), to_f8e5m2fnuz(-inf)], [0x80, 0x80]);
        assert_eq!([to_f4e2m1(inf), to_f4e2m1(-7.0)], [7, 15]);
        assert_eq!([from_f8e5m2(0x7c), from_f8e5m2(0xfc)], [inf, -inf]);
        for nan in
            [from_f8e4m3fn(0x7f), from_f8e4m3fnuz(0x80), from_f8e5m2(0x7d), from_f8e5m2fnuz(0x80), from_f8e8m0(255)]
        {
            assert!(nan.is_nan());
        }
        let nans = [to_f8e4m3fn, to_f8e4m3fnuz, to_f8e5m2, to_f8e5m2fnuz, to_f8e8m0].map(|to| to(f32::NAN));
        assert_eq!(nans, [0x7f, 0x80, 0x7e, 0x80, 255]);
        assert_eq!([to_f8e4m3fn(-0.0), to_f8e4m3fnuz(-0.0), to_f8e5m2fnuz(-1e-30)], [0x80, 0, 0]);
    }

    #[test]
    fn powers_of_two_are_rounded_up() {
        for code in 0..=254 {
            let x = from_f8e8m0(code);
            assert_eq!([to_f8e8m0(x), to_f8e8m0(-x)], [code; 2]);
            assert_eq!(to_f8e8m0(f32::from_bits(x.to_bits() + 1)), code + 1);
        }
        assert_eq!([to_f8e8m0(0.0), to_f8e8m0(1.0), to_f8e8m0(1.5), to_f8e8m0(f32::INFINITY)], [0, 127, 128, 255]);
    }
}
