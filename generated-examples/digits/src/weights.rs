//! The constants of the model: one file, as one typed static.

/// All constants of the model, in the layouts of its kernels.
#[repr(C, align(64))]
pub(crate) struct Weights {
    /// Magic, format version, number of bytes.
    _header: [u8; 16],
    pub(crate) conv1: Conv1,
    pub(crate) conv2: Conv2,
    pub(crate) linear: Linear,
}

/// The constants of `conv1`.
#[repr(C)]
pub(crate) struct Conv1 {
    /// `conv1`: f32[72].
    pub(crate) w: [f32; 72],
    /// `conv1_bias`: f32[8].
    pub(crate) bias: [f32; 8],
}

/// The constants of `conv2`.
#[repr(C)]
pub(crate) struct Conv2 {
    /// `conv2`: f32[1152].
    pub(crate) w: [f32; 1152],
    /// `conv2.bias`: f32[16].
    pub(crate) bias: [f32; 16],
}

/// The constants of `linear`.
#[repr(C)]
pub(crate) struct Linear {
    /// `linear`: f32[640].
    pub(crate) w: [f32; 640],
    /// `linear.bias`: f32[10].
    pub(crate) bias: [f32; 10],
    _gap_bias: [u8; 8],
}

/// The bytes of `weights.bin`; the type checks their number.
const BYTES: &[u8; 7616] = include_bytes!("../weights.bin");
const _: () = {
    let magic = b"ZANT";
    let mut i = 0;
    while i < magic.len() {
        assert!(BYTES[i] == magic[i], "weights.bin is not a file of weights");
        i += 1;
    }
    assert!(BYTES[4] == 2, "weights.bin has another format version");
};

/// The constants, which are read in place.
// SAFETY: `Weights` is `repr(C)`, consists of numbers without padding (gaps are fields), and has the size
// of the blob, which `transmute` checks; every bit pattern is a value.
pub(crate) static WEIGHTS: Weights = unsafe {
    core::mem::transmute::<[u8; 7616], Weights>(*BYTES)
};
