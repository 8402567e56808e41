//! The models that are built into one crate, with the memory that they may take.

use std::path::PathBuf;

use zant_tests::cases;
use zantc::config::{Alloc, Config};
use zantc::ir::{Tensor, text};
use zantc::onnx::{Limits, RawTensor};
use zantc::pipeline::{Compiled, compile, compile_graph};
use zantc::project::read;
use zantc::{emit, exec, import};

/// A model of the set: its name, the dimensions to bind, the bytes that its arena may have.
struct Listed(&'static str, &'static [(&'static str, usize)], Option<usize>);

/// The limits are what the project promises; other compilers need up to twice as much.
const LISTED: [Listed; 16] = [
    Listed("mnist-8", &[], Some(32 << 10)),
    Listed("mnist-1", &[], None),
    Listed("hello_world_f32", &[], None),
    Listed("hello_world_f32_dyn", &[("unk__23", 1)], None),
    Listed("ecg_cnn1d_dyn", &[("batch", 1)], None),
    Listed("ad_autoencoder_f32", &[], None),
    Listed("kws_dscnn_f32", &[], Some(66 << 10)),
    Listed("ic_resnet8_f32", &[], Some(150 << 10)),
    Listed("vww_mobilenetv1_f32", &[], Some(225 << 10)),
    Listed("fomo8_f32", &[], None),
    Listed("ternary_mlp", &[], None),
    Listed("bitlinear_mlp", &[], None),
    Listed("mnist_lstm_f32", &[], None),
    Listed("kws_gru", &[], None),
    Listed("mobilenet_v2", &[], None),
    Listed("darknet_s", &[], None),
];

/// One data set: what goes in, what another implementation gave, what this process computes.
pub(crate) struct Vector {
    pub(crate) input: Tensor,
    pub(crate) reference: Option<Tensor>,
    pub(crate) computed: Tensor,
}

/// A compiled model of one input and one output, both f32.
pub(crate) struct Model {
    pub(crate) module: String,
    pub(crate) config: Config,
    pub(crate) compiled: Compiled,
    pub(crate) arena_limit: Option<usize>,
    pub(crate) vectors: Vec<Vector>,
}

impl Model {
    /// The file of the emitted module and its blob.
    pub(crate) fn package(&self) -> emit::Package {
        emit::emit_module(&emit::Source {
            program: &self.compiled.program,
            config: &self.config,
            name: &self.module,
            file: "",
            model_sha256: "",
            vectors: &[],
        })
    }

    fn new(module: &str, config: Config, compiled: Compiled, io: Vec<(Tensor, Option<Tensor>)>) -> Model {
        let program = &compiled.program;
        assert!(program.inputs.len() == 1 && program.outputs.len() == 1, "{module}: one input, one output");
        let mut executor = exec::Executor::new(program, exec::Hygiene::AsEmitted).expect("it is planned");
        let vectors = io.into_iter().map(|(input, reference)| {
            let computed = executor.run(std::slice::from_ref(&input)).unwrap_or_else(|e| panic!("{module}: {e}"));
            Vector { computed: computed.into_iter().next().expect("one output"), input, reference }
        });
        let vectors = vectors.collect();
        Model { module: module.replace('-', "_"), config, compiled, arena_limit: None, vectors }
    }
}

/// Every model that is there; how many are not.
pub(crate) fn all() -> (Vec<Model>, usize) {
    let mut models = vec![digits(), wide(), control("gru_scan"), chosen()];
    let mut skipped = 0;
    for listed in &LISTED {
        match files(listed.0) {
            Some((model, vectors)) => models.push(from_files(listed, &model, &vectors)),
            None => skipped += 1,
        }
    }
    models.extend([Alloc::Caller, Alloc::Heap].map(other_alloc));
    models.extend([Alloc::Static, Alloc::Caller].map(stateful));
    (models, skipped)
}

/// The model's file and the folder of its vectors. Large models are not stored but made, into the target folder.
fn files(name: &str) -> Option<(PathBuf, PathBuf)> {
    let folder = cases::shared()?.join("models").join(name);
    let made = cases::workspace().join("target/zant-large").join(name).join("model.onnx");
    let stored = folder.join("model.onnx");
    let model = [stored, made].into_iter().find(|path| path.is_file())?;
    Some((model, folder))
}

fn from_files(listed: &Listed, model: &std::path::Path, vectors: &std::path::Path) -> Model {
    let Listed(name, dims, limit) = *listed;
    let config = dims.iter().fold(Config::new(), |c, &(dim, n)| c.dim(dim, n));
    let compiled = read(model).and_then(|m| compile(&m, &config)).unwrap_or_else(|e| panic!("{name}: {e:?}"));
    let case = cases::Case { group: "models".into(), name: name.into(), folder: vectors.to_path_buf() };
    let sets = case.data_sets();
    assert!(!sets.is_empty(), "{name} has no vectors");
    let io = sets.iter().map(|set| (tensor(&set.inputs[0]), Some(tensor(&set.outputs[0])))).collect();
    Model { arena_limit: limit, ..Model::new(name, config, compiled, io) }
}

fn tensor(path: &std::path::Path) -> Tensor {
    let raw = RawTensor::read_pb(path, &Limits::default()).unwrap_or_else(|e| panic!("{path:?}: {e}"));
    import::from_raw(&raw).unwrap_or_else(|e| panic!("{path:?}: {e:?}"))
}

/// The project's own model.
fn digits() -> Model {
    let folder = cases::workspace().join("models/digits");
    from_files(&Listed("digits", &[], None), &folder.join("digits.onnx"), &folder)
}

/// One of the project's models with control flow.
fn control(name: &'static str) -> Model {
    let folder = cases::workspace().join("models/control").join(name);
    from_files(&Listed(name, &[], None), &folder.join("model.onnx"), &folder)
}

/// A choice by the data, with a loop in one branch that the data end, and a choice in that.
fn chosen() -> Model {
    let graph = text::parse(
        r#"graph "chosen"
  in %0 "x": f32[8]
  %1 = reduce_sum %0 {axes 0} : f32[]
  %2 = map %1 {Lt(0.0, x0)} : bool[]
  %3 = if %2, %0, %1 : f32[8]
    graph "then"
      in %0 "x": f32[8]
      in %1 "sum": f32[]
      $2 = bool[] true
      %3, %4, %5 = loop $2, %0, %1 {trips 9, carried 1, scanned 0, conditional} : f32[8], f32[9], i64[]
        graph "body"
          in %0 "number": i64[]
          in %1 "y": f32[8]
          in %2 "sum": f32[]
          %3 = map %1, %2 {Add(Mul(x0, 0.5), x1)} : f32[8]
          %4 = reduce_max %3 {axes 0} : f32[]
          %5 = map %4, %2, %0 {And(Lt(x1, x0), Lt(x2, 7_i64))} : bool[]
          %6 = if %5, %3, %1 : f32[8]
            graph "then"
              in %0 "a": f32[8]
              in %1 "b": f32[8]
              out "r" = %0
            end
            graph "else"
              in %0 "a": f32[8]
              in %1 "b": f32[8]
              %2 = map %0, %1 {Sub(x0, x1)} : f32[8]
              out "r" = %2
            end
          out "goes on" = %5
          out "y" = %6
          out "row" = %4
        end
      %6 = reduce_sum %4 {axes 0} : f32[]
      %7 = map %3, %6, %5 {Add(Add(x0, x1), f32(x2))} : f32[8]
      out "r" = %7
    end
    graph "else"
      in %0 "x": f32[8]
      in %1 "sum": f32[]
      %2 = map %0 {Tanh(x0)} : f32[8]
      %3 = softmax %2 {axis 0} : f32[8]
      out "r" = %3
    end
  %4 = map %3 {Mul(x0, 2.0)} : f32[8]
  out "y" = %4
"#,
    );
    let config = Config::new();
    let compiled = compile_graph(graph.expect("the text is a graph"), &config).expect("it compiles");
    let ty = compiled.program.inputs[0].ty.clone();
    Model::new("chosen", config, compiled, (0..6).map(|run| (text::random(&ty, run), None)).collect())
}

/// The same with another owner of the arena.
fn other_alloc(alloc: Alloc) -> Model {
    let mut model = digits();
    model.config = model.config.alloc(alloc);
    model.module = format!("digits_{}", if alloc == Alloc::Heap { "heap" } else { "caller" });
    model
}

/// A model whose arena is far larger than any stack: 11 MB.
fn wide() -> Model {
    let graph = text::parse(
        "graph \"wide\"\n in %0 \"x\": f32[1000]\n %1 = map %0 {Tanh(x0)} : f32[1000]\n %2 = expand %1 : f32[2800,1000]\n \
         $3 = f32[2800,1] random 3\n %4 = map %2, $3 {Mul(x0, x1)} : f32[2800,1000]\n out \"y\" = %4\n",
    );
    let config = Config::new();
    let compiled = compile_graph(graph.expect("the text is a graph"), &config).expect("it compiles");
    let elements: Vec<f32> = (0..1000u16).map(|i| f32::from(i) / 500.0 - 1.0).collect();
    Model::new("wide", config, compiled, vec![(Tensor::from_elements([1000], &elements), None)])
}

/// A model that remembers: a ring that a Concat reads, and a sum that is updated in place. Its vectors are runs one after the
/// other, more than the ring has room for.
fn stateful(alloc: Alloc) -> Model {
    let graph = text::parse(
        r#"graph "stateful"
  in %0 "x": f32[1,2,1,4]
  in %1 "past": f32[1,2,3,4]
  in %2 "sum": f32[1,2,1,4]
  %3 = concat %1, %0 {axis 2} : f32[1,2,4,4]
  %4 = transpose %3 {perm 0 1 3 2} : f32[1,2,4,4]
  %5 = matmul %0, %4 : f32[1,2,1,4]
  %6 = softmax %5 {axis 3} : f32[1,2,1,4]
  %7 = matmul %6, %3 : f32[1,2,1,4]
  %8 = map %2, %7 {Add(Mul(x0, 0.5), x1)} : f32[1,2,1,4]
  %9 = norm %8 {axis 3, epsilon 1e-5, center} : f32[1,2,1,4]
  %10 = map %0 {Neg(x0)} : f32[1,2,1,4]
  out "y" = %9
  out "sum next" = %8
  out "new" = %10
"#,
    );
    let config = Config::new().alloc(alloc).state("past", "new").state("sum", "sum next");
    let compiled = compile_graph(graph.expect("the text is a graph"), &config).expect("it compiles");
    let ty = compiled.program.inputs[0].ty.clone();
    let runs = (0..5).map(|run| (text::random(&ty, run), None)).collect();
    let module = if alloc == Alloc::Caller { "stateful_caller" } else { "stateful" };
    Model::new(module, config, compiled, runs)
}
