//! Networks whose weights have three values: recognised, small, and right on every picture.

use zant_tests::cases::shared;
use zantc::LowBit;
use zantc::config::Config;
use zantc::exec::{Executor, Hygiene};
use zantc::import::from_raw;
use zantc::ir::{DType, Tensor};
use zantc::onnx::{Limits, RawTensor, load};
use zantc::pipeline::{Compiled, compile};
use zantc::targets;

/// A network, with the most bytes of constants that it may have, and whether its numbers become bytes.
struct Network {
    name: &'static str,
    bytes: usize,
    is_bytes: bool,
}

const NETWORKS: [Network; 4] = [
    Network { name: "mlp_ternary_tensor", bytes: 140_000, is_bytes: false },
    Network { name: "mlp_ternary_channel", bytes: 143_360, is_bytes: false },
    Network { name: "mlp_ternary_tensor_a8", bytes: 140_000, is_bytes: true },
    Network { name: "mlp_ternary_channel_a8", bytes: 143_360, is_bytes: true },
];

/// A network for a target; `None` where its file is missing.
fn compiled(name: &str, target: &str, low_bit: LowBit) -> Option<Compiled> {
    let path = shared()?.join("models/compression").join(name).join("model.onnx");
    let model = path.is_file().then(|| load(&path, &Limits::default()).unwrap())?;
    let config = Config::new().target(targets::find(target).unwrap()).low_bit(low_bit);
    Some(compile(&model, &config).unwrap())
}

/// The pictures as the networks take them, and their labels; `None` where they are missing.
fn pictures() -> Option<(Vec<Tensor>, Vec<u8>)> {
    let folder = shared()?.join("data/mnist");
    let read = |name: &str| from_raw(&RawTensor::read_npy(&folder.join(name), &Limits::default()).unwrap()).unwrap();
    let (x, y) = folder.is_dir().then(|| (read("test_x.npy"), read("test_y.npy")))?;
    assert_eq!((x.dtype(), x.shape()), (DType::U8, [2000, 1, 28, 28].as_slice()));
    let picture =
        |bytes: &[u8]| Tensor::from_elements([1, 1, 28, 28], &bytes.iter().map(|&b| f32::from(b)).collect::<Vec<_>>());
    Some((x.data().chunks(28 * 28).map(picture).collect(), y.data().to_vec()))
}

/// The class of each picture.
fn classes(compiled: &Compiled, pictures: &[Tensor]) -> Vec<usize> {
    let mut executor = Executor::new(&compiled.program, Hygiene::AsEmitted).unwrap();
    let class = |picture: &Tensor| {
        let scores = executor.run(std::slice::from_ref(picture)).unwrap()[0].to_vec::<f32>().unwrap();
        (0..scores.len()).max_by(|&a, &b| scores[a].total_cmp(&scores[b])).unwrap()
    };
    pictures.iter().map(class).collect()
}

#[test]
fn weights_take_few_bits_wherever_they_run() {
    for Network { name, bytes, is_bytes } in NETWORKS {
        for target in ["cortex-m7", "cortex-m0", "host"] {
            let Some(compiled) = compiled(name, target, LowBit::Auto) else {
                println!("skipped: 1 network, {name}, for its file is missing");
                continue;
            };
            let steps = compiled.program.steps.iter().filter(|s| s.call.name().starts_with("ternary_matmul"));
            let kernels: Vec<&str> = steps.map(|s| s.call.name()).collect();
            let expected = match (is_bytes, target) {
                (false, _) => "ternary_matmul",
                (true, "host") => "ternary_matmul_codes",
                (true, _) => "ternary_matmul_bytes",
            };
            assert_eq!(kernels, [expected; 3], "{name}, {target}");
            let most = if expected.ends_with("codes") { bytes * 5 / 4 + 2000 } else { bytes };
            assert!(compiled.program.weights_bytes() <= most, "{name}: {}", compiled.program.weights_bytes());
        }
    }
}

/// With floats all pictures get the class that plain floats give them, with bytes all but one in a thousand.
#[test]
fn pictures_get_the_class_of_plain_floats() {
    let Some((pictures, labels)) = pictures() else {
        println!("skipped: 2000 pictures, for they are missing");
        return;
    };
    let convolutions = ("cnn_ternary_channel", false);
    for (name, is_bytes) in NETWORKS.map(|n| (n.name, n.is_bytes)).into_iter().chain([convolutions]) {
        let Some(plain) = compiled(name, "host", LowBit::Off) else {
            println!("skipped: 1 network, {name}, for its file is missing");
            continue;
        };
        let expected = classes(&plain, &pictures);
        for target in ["host", "cortex-m7"] {
            let got = classes(&compiled(name, target, LowBit::Auto).unwrap(), &pictures);
            let differ = got.iter().zip(&expected).filter(|(a, b)| a != b).count();
            let right = got.iter().zip(&labels).filter(|(class, label)| **class == usize::from(**label)).count();
            println!("{name}, {target}: {right} of {} right, {differ} differ from plain floats", labels.len());
            assert!(differ <= if is_bytes { pictures.len() / 1000 } else { 0 }, "{name}: {differ} differ");
        }
    }
}
