use std::path::Path;
use zantc::*;
fn main() {
    let dir = std::env::args().nth(1).unwrap();
    let mut c = Config::new();
    for a in std::env::args().skip(2) {
        let (k, v) = a.split_once('=').unwrap();
        c = c.dim(k, v.parse().unwrap());
    }
    let t0 = std::time::Instant::now();
    let m = read(&Path::new(&dir).join("model.onnx")).unwrap();
    let r = match compile(&m, &c) {
        Ok(r) => r,
        Err(e) => {
            for d in e {
                println!("{} {} {:?}", d.code, d.message, d.node.map(|n| n.line));
            }
            return;
        }
    };
    println!("compile {:?}", t0.elapsed());
    println!("{}", r.program);
    if let Err(e) = zantc::program::verify(&r.program) {
        println!("VERIFY {e:#?}");
    }
    if let Ok(dir) = std::env::var("EMIT") {
        let lim = zantc::onnx::Limits::default();
        let mut vectors = vec![];
        for k in 0..3 {
            let set = Path::new(&std::env::args().nth(1).unwrap()).join(format!("test_data_set_{k}"));
            let load = |p: &str, i: usize| {
                zantc::import::from_raw(
                    &zantc::onnx::RawTensor::read_pb(&set.join(format!("{p}_{i}.pb")), &lim).unwrap(),
                )
                .unwrap()
            };
            let inputs: Vec<_> = (0..r.program.inputs.len()).map(|i| load("input", i)).collect();
            let outputs =
                zantc::exec::Executor::new(&r.program, zantc::exec::Hygiene::AsEmitted).unwrap().run(&inputs).unwrap();
            vectors.push(zantc::emit::Vector { inputs, outputs });
        }
        let name = zantc::emit::crate_name(&dir);
        let src =
            zantc::emit::Source { program: &r.program, config: &c, name: &name, model_sha256: "", vectors: &vectors };
        zantc::emit::emit_crate(&src).write(Path::new(&format!("/tmp/emit/{dir}"))).unwrap();
        zantc::emit::emit_module(&src).write(Path::new(&format!("/tmp/emit/{dir}-module"))).unwrap();
        return;
    }
    let lim = zantc::onnx::Limits::default();
    for k in 0..3 {
        let set = Path::new(&dir).join(format!("test_data_set_{k}"));
        let load = |p: &str, i: usize| {
            zantc::import::from_raw(&zantc::onnx::RawTensor::read_pb(&set.join(format!("{p}_{i}.pb")), &lim).unwrap())
                .unwrap()
        };
        let ins: Vec<_> = (0..r.program.inputs.len()).map(|i| load("input", i)).collect();
        let t0 = std::time::Instant::now();
        let outs = zantc::exec::Executor::new(&r.program, zantc::exec::Hygiene::Poison).unwrap().run(&ins).unwrap();
        let dt = t0.elapsed();
        for (i, o) in outs.iter().enumerate() {
            let e = load("output", i);
            if let (Some(a), Some(b)) = (o.to_vec::<f32>(), e.to_vec::<f32>()) {
                let d = a.iter().zip(&b).map(|(x, y)| (x - y).abs()).fold(0.0, f32::max);
                let m = b.iter().fold(0.0f32, |m, y| m.max(y.abs()));
                println!("set {k} out {i}: max diff {d:e} of {m:e}  rel {:e} {dt:?}", d / m);
            }
        }
    }
}
