//! Runs the model on test vectors. Outputs must have the same bits (all NaN count as equal) as zantc computed with the same
//! kernels when it made the crate. This shows that this machine computes the same, not that the model is right: `zantc verify`
//! compares with the outputs of the model's own data sets.

use digits::*;

/// An element of an input or output, as little-endian bytes.
trait Element: Copy {
    fn load(bytes: &[u8]) -> Self;
    fn store(self) -> Vec<u8>;
}

impl Element for f32 {
    fn load(bytes: &[u8]) -> f32 {
        f32::from_le_bytes(bytes.try_into().unwrap())
    }
    fn store(self) -> Vec<u8> {
        self.to_le_bytes().to_vec()
    }
}

/// Elements on the heap instead of the stack.
fn array<T: Element, const N: usize>(bytes: &[u8]) -> Box<[T; N]> {
    let elements: Vec<T> = bytes.chunks_exact(size_of::<T>()).map(T::load).collect();
    elements.into_boxed_slice().try_into().ok().expect("the vector has the model's length")
}

fn bytes<T: Element>(elements: &[T]) -> Vec<u8> {
    elements.iter().flat_map(|e| e.store()).collect()
}

/// Whether floats of `N` bytes have the same bits; all NaN count as equal. `infinity` is the bits of infinity.
fn same<const N: usize>(result: &[u8], expected: &[u8], infinity: u64) -> bool {
    let bits = |e: &[u8]| e.iter().rev().fold(0u64, |bits, byte| bits << 8 | u64::from(*byte));
    let is_nan = |bits: u64| bits & !(1 << (8 * N - 1)) > infinity;
    let mut pairs = result.chunks_exact(N).zip(expected.chunks_exact(N)).map(|(a, b)| (bits(a), bits(b)));
    result.len() == expected.len() && pairs.all(|(a, b)| a == b || (is_nan(a) && is_nan(b)))
}

fn check(inputs: &[&[u8]], outputs: &[&[u8]]) {
    let image = array::<f32, 64>(inputs[0]);
    static MODEL: std::sync::Mutex<Model> = std::sync::Mutex::new(Model::new());
    let mut model = MODEL.lock().unwrap_or_else(|e| e.into_inner());
    let result = model.run(&image);
    assert!(same::<4>(&bytes(result), outputs[0], 0x7f80_0000), "output 0 differs");
}

/// The inputs of `test_data_set_0`.
#[test]
fn vector_0() {
    check(&[include_bytes!("golden/input_0_0.bin")], &[include_bytes!("golden/output_0_0.bin")]);
}

/// The inputs of `test_data_set_1`.
#[test]
fn vector_1() {
    check(&[include_bytes!("golden/input_1_0.bin")], &[include_bytes!("golden/output_1_0.bin")]);
}

/// The inputs of `test_data_set_2`.
#[test]
fn vector_2() {
    check(&[include_bytes!("golden/input_2_0.bin")], &[include_bytes!("golden/output_2_0.bin")]);
}
