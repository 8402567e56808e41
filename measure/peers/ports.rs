//! `MODEL FOLDER NAME:DTYPE:SHAPE..`: inputs from `FOLDER/input_K.bin`, and the answers of a process that is timed.

use std::io::Write;

/// An input of the model.
pub struct Port {
    pub name: String,
    /// As numpy names it: `<f4`.
    pub dtype: String,
    pub shape: Vec<usize>,
    pub bytes: Vec<u8>,
}

/// The model's path and its inputs.
pub fn arguments() -> (String, Vec<Port>) {
    let mut args = std::env::args().skip(1);
    let (model, folder) = args.next().zip(args.next()).expect("MODEL FOLDER");
    let ports = args.enumerate().map(|(i, port)| {
        let mut parts = port.rsplitn(3, ':');
        let (shape, dtype, name) = (parts.next().unwrap(), parts.next().unwrap(), parts.next().unwrap());
        let shape = shape.split(',').filter(|d| !d.is_empty()).map(|d| d.parse().unwrap()).collect();
        let bytes = std::fs::read(format!("{folder}/input_{i}.bin")).expect("the input is there");
        Port { name: name.into(), dtype: dtype.into(), shape, bytes }
    });
    (model, ports.collect())
}

/// Answers each count with the nanoseconds that so many runs took.
pub fn serve(mut run: impl FnMut()) {
    for line in std::io::stdin().lines() {
        let count: u64 = line.unwrap().parse().expect("a count");
        let start = std::time::Instant::now();
        for _ in 0..count {
            run();
        }
        println!("{}", start.elapsed().as_nanos());
        std::io::stdout().flush().unwrap();
    }
}
