//! Runs the model on its vectors. Outputs are compared to the bit: they are what the compiler computed with the same
//! kernels, and what every target computes.

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

/// Elements in memory of their own, off the stack.
fn array<T: Element, const N: usize>(bytes: &[u8]) -> Box<[T; N]> {
    let elements: Vec<T> = bytes.chunks_exact(size_of::<T>()).map(T::load).collect();
    elements.into_boxed_slice().try_into().ok().expect("the vector has the model's length")
}

fn bytes<T: Element>(elements: &[T]) -> Vec<u8> {
    elements.iter().flat_map(|e| e.store()).collect()
}

fn check(inputs: &[&[u8]], outputs: &[&[u8]]) {
    let image = array::<f32, 64>(inputs[0]);
    static MODEL: std::sync::Mutex<Model> = std::sync::Mutex::new(Model::new());
    let mut model = MODEL.lock().unwrap_or_else(|e| e.into_inner());
    let result = model.run(&image);
    assert!(bytes(result) == outputs[0], "output 0 differs");
}

#[test]
fn vector_0() {
    check(&[include_bytes!("golden/input_0_0.bin")], &[include_bytes!("golden/output_0_0.bin")]);
}

#[test]
fn vector_1() {
    check(&[include_bytes!("golden/input_1_0.bin")], &[include_bytes!("golden/output_1_0.bin")]);
}

#[test]
fn vector_2() {
    check(&[include_bytes!("golden/input_2_0.bin")], &[include_bytes!("golden/output_2_0.bin")]);
}
