//! Runs a model by rten as often as each line of input says.

mod ports;

use std::sync::Arc;

use rten::{Model, RunOptions, ThreadPool, Value};
use rten_tensor::Tensor;

/// The elements, of `N` bytes each.
fn elements<const N: usize, T>(bytes: &[u8], of: impl Fn([u8; N]) -> T) -> Vec<T> {
    bytes.chunks_exact(N).map(|b| of(b.try_into().expect("so many bytes"))).collect()
}

/// The input; rten has integers of 32 bits and of bytes.
fn value(port: &ports::Port) -> Value {
    let (shape, bytes) = (port.shape.as_slice(), port.bytes.as_slice());
    match port.dtype.as_str() {
        "<f4" => Tensor::from_data(shape, elements(bytes, f32::from_le_bytes)).into(),
        "<i4" => Tensor::from_data(shape, elements(bytes, i32::from_le_bytes)).into(),
        "<i8" => Tensor::from_data(shape, elements(bytes, |b| i64::from_le_bytes(b) as i32)).into(),
        "bool" => Tensor::from_data(shape, elements(bytes, |[b]| i32::from(b))).into(),
        "<i1" => Tensor::from_data(shape, elements(bytes, i8::from_le_bytes)).into(),
        "<u1" => Tensor::from_data(shape, elements(bytes, u8::from_le_bytes)).into(),
        other => panic!("rten has no {other}"),
    }
}

fn main() {
    let (path, ports) = ports::arguments();
    let model = Model::load_file(path).expect("rten reads the model");
    let inputs: Vec<_> = ports.iter().map(|p| (model.node_id(&p.name).expect("the input is known"), value(p))).collect();
    let pool = Arc::new(ThreadPool::with_num_threads(1));
    let run = || {
        let options = RunOptions::default().with_thread_pool(Some(pool.clone()));
        let views = inputs.iter().map(|(id, value)| (*id, value.into())).collect();
        model.run(views, model.output_ids(), Some(options))
    };
    run().expect("rten runs the model");
    ports::serve(|| drop(std::hint::black_box(run())));
}
