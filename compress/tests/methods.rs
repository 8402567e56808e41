//! Methods on trained networks: accuracy on pictures that no method has seen.

use std::path::{Path, PathBuf};

use zant_compress::data::{Data, Transform};
use zant_compress::method::{Bench, compress, named};
use zant_compress::net::Net;
use zant_compress::{Metric, evaluate};
use zantc::Config;
use zantc::onnx::{Limits, RawTensor};
use zantc::pipeline::{Compiled, compile};
use zantc::project::read;

/// Pictures that are looked at: debug builds are slow.
const TESTED: usize = 400;
const CALIBRATED: usize = 128;

fn shared() -> Option<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let shared = std::env::var_os("ZANT_SHARED").map_or_else(|| root.join("../shared"), PathBuf::from);
    shared.join("data/gtsrb").is_dir().then_some(shared)
}

fn compiled(net: &Net) -> Compiled {
    compile(&net.to_model(), &Config::new()).unwrap()
}

/// The first examples of a file, in a file of their own.
fn part(of: &Path, count: usize, folder: &Path) -> PathBuf {
    let raw = RawTensor::read_npy(of, &Limits::default()).unwrap();
    let each = raw.data.len() / raw.dims[0];
    let dims = [&[count], &raw.dims[1..]].concat();
    let path = folder.join(of.file_name().unwrap());
    RawTensor { dims, data: raw.data.slice(..count * each), ..raw }.write_npy(&path).unwrap();
    path
}

/// How many of the test pictures of traffic signs a network names rightly.
fn right(net: &Net, [x, y]: &[PathBuf; 2]) -> usize {
    let model = compiled(net);
    let data = Data::open(x, Some(y), &Transform::default(), &model.program).unwrap();
    evaluate(&model, &data, Metric::Top1, &|_| {}).unwrap().score.right.unwrap()
}

#[test]
fn traffic_signs_are_still_known() {
    let Some(shared) = shared() else { return println!("skipped 6 cases: the data are not there") };
    let (folder, signs) = (tempfile::tempdir().unwrap(), shared.join("data/gtsrb"));
    let test = ["test_x.npy", "test_y.npy"].map(|name| part(&signs.join(name), TESTED, folder.path()));
    let model = read(&shared.join("models/compression/EnhancedLeNet5/model.onnx")).unwrap();
    let net = Net::open(&model).unwrap();
    let before = right(&net, &test);
    let float = compiled(&net);
    let calibrate = part(&signs.join("calibrate_x.npy"), CALIBRATED, folder.path());
    let data = Data::open(&calibrate, None, &Transform::default(), &float.program).unwrap();
    let bench = Bench { data: &data, progress: &|_| {} };
    // Pictures that may be lost.
    for (method, lost) in [
        ("int8-dynamic", 1),
        ("int8", 2),
        ("weights-int4", 3),
        ("ternary", 12),
        ("unstructured-50", 3),
        ("unstructured-70", 6),
    ] {
        let made = compress(&net, &named(method).unwrap(), &bench).unwrap();
        let after = right(&made, &test);
        println!("{method}: {after} of {TESTED}, {before} before");
        assert!(after + lost >= before, "{method}: {before} before, {after} after");
    }
}
