//! Functions of f64 against values computed with 1400 bits (mpmath), within the bounds that they state.

use zant_runtime::math;

/// A function, its bound in units in the last place, and arguments with the bits of the nearest results.
type Case = (&'static str, fn(f64) -> f64, u64, &'static [(f64, u64)]);

const CASES: &[Case] = &[
    (
        "sin",
        math::sin_f64,
        1,
        &[
            (0.1, 0x3fb9_8eae_cb8b_cb2c),
            (0.9, 0x3fe9_1103_985d_a841),
            (2.5, 0x3fe3_26af_0dcf_cab1),
            (-100.0, 0x3fe0_3425_b78c_4db8),
            (1e+22, 0xbfeb_453a_b76b_f397),
            (1e+300, 0xbfea_2c16_b010_e385),
        ],
    ),
    (
        "cos",
        math::cos_f64,
        1,
        &[
            (0.1, 0x3fef_d712_f9a8_17c1),
            (0.9, 0x3fe3_e43a_9692_e21c),
            (2.5, 0xbfe9_a2f7_ef85_8b7d),
            (-100.0, 0x3feb_981d_bf66_5fdf),
            (1e+22, 0x3fe0_be2c_ef01_c8f4),
            (1e+300, 0xbfe2_6990_22ad_c4c1),
        ],
    ),
    (
        "tan",
        math::tan_f64,
        3,
        &[
            (0.1, 0x3fb9_af88_7743_0b80),
            (0.9, 0x3ff4_299b_a9c2_a138),
            (2.5, 0xbfe7_e79b_4e00_bb15),
            (-100.0, 0x3fe2_ca74_d62b_5d38),
            (1e+22, 0xbffa_0f79_c1b6_b257),
        ],
    ),
    (
        "asin",
        math::asin_f64,
        4,
        &[(1e-09, 0x3e11_2e0b_e826_d695), (0.3, 0x3fd3_8015_9e14_f6ff), (-0.99, 0xbff6_de3c_6f33_d51d)],
    ),
    (
        "acos",
        math::acos_f64,
        4,
        &[(1e-09, 0x3ff9_21fb_53ff_74e9), (0.3, 0x3ff4_41f5_ecbe_ef59), (-0.99, 0x4008_001b_e1bc_011b)],
    ),
    (
        "atan",
        math::atan_f64,
        2,
        &[
            (1e-09, 0x3e11_2e0b_e826_d695),
            (0.4, 0x3fd8_5a37_6b67_7dc0),
            (-7.5, 0xbff7_030c_f940_3197),
            (1e+20, 0x3ff9_21fb_5444_2d18),
        ],
    ),
    (
        "sinh",
        math::sinh_f64,
        4,
        &[
            (1e-09, 0x3e11_2e0b_e826_d695),
            (0.4, 0x3fda_49c4_1f85_0ed2),
            (-7.5, 0xc08c_402a_ddb5_198d),
            (700.0, 0x7efd_945d_f4f8_ec8e),
        ],
    ),
    (
        "cosh",
        math::cosh_f64,
        4,
        &[
            (1e-09, 0x3ff0_0000_0000_0000),
            (0.4, 0x3ff1_4c12_8b1a_7c2b),
            (-7.5, 0x408c_402b_ffae_d3ce),
            (700.0, 0x7efd_945d_f4f8_ec8e),
        ],
    ),
    (
        "asinh",
        math::asinh_f64,
        4,
        &[
            (1e-09, 0x3e11_2e0b_e826_d695),
            (0.4, 0x3fd8_f656_b3ac_ced7),
            (-7.5, 0xc005_b321_028a_694d),
            (1e+200, 0x407c_d35c_d6ca_d20f),
        ],
    ),
    (
        "acosh",
        math::acosh_f64,
        4,
        &[
            (1.000001, 0x3f57_2ba4_1f96_166c),
            (1.4, 0x3feb_be95_aaed_acf2),
            (7.5, 0x4005_a0ec_5d80_d9e7),
            (1e+200, 0x407c_d35c_d6ca_d20f),
        ],
    ),
    (
        "atanh",
        math::atanh_f64,
        4,
        &[(1e-09, 0x3e11_2e0b_e826_d695), (0.4, 0x3fdb_1d10_670a_ae9a), (-0.999, 0xc00e_66cf_de9c_7c2d)],
    ),
    (
        "erf",
        math::erf_f64,
        10,
        &[
            (1e-09, 0x3e13_62a9_ffc6_10dd),
            (0.4, 0x3fdb_6ac7_c4b2_0a05),
            (-1.4, 0xbfee_791e_a4bb_22fb),
            (1.6, 0x3fef_3e3e_f6fe_f78a),
            (5.5, 0x3fef_ffff_ffff_ffbe),
        ],
    ),
    (
        "expm1",
        math::expm1_f64,
        3,
        &[
            (1e-09, 0x3e11_2e0b_e84b_bb51),
            (0.3, 0x3fd6_6416_3230_6a56),
            (-7.5, 0xbfef_fb78_1916_fc34),
            (700.0, 0x7f0d_945d_f4f8_ec8e),
        ],
    ),
    (
        "log1p",
        math::log1p_f64,
        3,
        &[
            (1e-09, 0x3e11_2e0b_e801_f1d9),
            (0.3, 0x3fd0_ca93_7be1_b9dc),
            (-0.9, 0xc002_6bb1_bbb5_5516),
            (1e+200, 0x407c_c845_b54b_54f2),
        ],
    ),
    (
        "sigmoid",
        math::sigmoid_f64,
        3,
        &[(1e-09, 0x3fe0_0000_0022_5c18), (-20.0, 0x3e21_b486_5556_b5d5), (30.0, 0x3fef_ffff_ffff_fcb5)],
    ),
    (
        "softplus",
        math::softplus_f64,
        3,
        &[(1e-09, 0x3fe6_2e42_ff3e_f21f), (-20.0, 0x3e21_b486_55a5_141e), (30.0, 0x403e_0000_0000_001a)],
    ),
];

#[test]
fn values_are_within_the_stated_bounds() {
    for (name, f, bound, values) in CASES {
        for &(x, exact) in *values {
            let off = f(x).to_bits().abs_diff(exact);
            assert!(off <= *bound, "{name}({x}) is {} units off", off);
        }
    }
}

#[test]
fn special_values_are_those_of_the_texts() {
    let (nan, inf) = (f64::NAN, f64::INFINITY);
    for (name, f, ..) in CASES {
        assert!(f(nan).is_nan(), "{name}");
    }
    assert!(
        [math::sin_f64(inf), math::cos_f64(inf), math::tan_f64(-inf), math::asin_f64(1.5), math::acos_f64(-1.5)]
            .iter()
            .chain(&[math::acosh_f64(0.5), math::atanh_f64(1.5), math::log1p_f64(-2.0)])
            .all(|y| y.is_nan())
    );
    assert_eq!(
        [math::atan_f64(inf), math::asin_f64(1.0), math::acos_f64(1.0)],
        [std::f64::consts::FRAC_PI_2, std::f64::consts::FRAC_PI_2, 0.0]
    );
    assert_eq!(
        [math::atanh_f64(1.0), math::log1p_f64(-1.0), math::expm1_f64(-inf), math::sinh_f64(-inf)],
        [inf, -inf, -1.0, -inf]
    );
    assert_eq!(
        [math::erf_f64(-inf), math::sigmoid_f64(-inf), math::softplus_f64(inf), math::cosh_f64(-inf)],
        [-1.0, 0.0, inf, inf]
    );
    for f in
        [math::sin_f64, math::tan_f64, math::asin_f64, math::atan_f64, math::sinh_f64, math::asinh_f64, math::erf_f64]
    {
        assert_eq!(f(-0.0).to_bits(), (-0.0f64).to_bits());
    }
}
