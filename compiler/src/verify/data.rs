//! Data sets: folders `test_data_set_*` with `input_K.pb` and `output_K.pb`, as the ONNX project lays them out.

use std::path::{Path, PathBuf};

use crate::cache;
use crate::diag::{Diagnostic, codes};
use crate::emit::{MAX_VECTORS_BYTES, Vector};
use crate::exec::{ExecError, Executor, Hygiene};
use crate::import::from_raw;
use crate::ir::{DType, Reference, Tensor, Type, graph_work};
use crate::onnx::{Limits, RawTensor};
use crate::pipeline::Compiled;
use crate::program::{Port, Program};
use crate::project::load_diagnostic;

/// Most files of one kind that a data set may have.
const MAX_FILES: usize = 1024;

/// Multiply-adds that all vectors of an emitted crate's tests together may take; moving or computing an element counts as
/// some: seconds. What large models of images take (a few times 2^30) is far below.
pub const MAX_WORK: u64 = 1 << 35;

/// A data set.
#[derive(Clone, Debug)]
pub struct DataSet {
    /// The folder's name.
    pub name: String,
    /// One tensor per input of the model, those that are states among them.
    pub inputs: Vec<Tensor>,
    /// What the outputs should be, per output of the model; `None` where the set has no such file.
    pub outputs: Vec<Option<Tensor>>,
}

/// The folders of the data sets in a folder, in the order of their numbers; without any, nothing.
pub fn folders(parent: &Path) -> Vec<PathBuf> {
    let prefix = "test_data_set_";
    let Ok(entries) = std::fs::read_dir(parent) else { return Vec::new() };
    let named = |p: PathBuf| {
        let name = p.file_name()?.to_str()?.strip_prefix(prefix)?.to_string();
        p.is_dir().then_some((name.parse::<u64>().unwrap_or(u64::MAX), name, p))
    };
    let mut found: Vec<_> = entries.flatten().filter_map(|e| named(e.path())).collect();
    found.sort();
    found.into_iter().map(|(_, _, p)| p).collect()
}

/// The data sets beside a model.
pub fn folders_beside(model: &Path) -> Vec<PathBuf> {
    match model.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => folders(parent),
        Some(_) | None => folders(Path::new(".")),
    }
}

/// Reads one tensor: a `.npy` file by its name's end, else a TensorProto.
///
/// # Errors
/// A diagnostic where the file cannot be read or its element type has no counterpart.
pub fn read_tensor(path: &Path) -> Result<(String, Tensor), Diagnostic> {
    let limits = Limits::default();
    let npy = path.extension().is_some_and(|e| e.eq_ignore_ascii_case("npy"));
    let raw = if npy { RawTensor::read_npy(path, &limits) } else { RawTensor::read_pb(path, &limits) };
    let raw = raw.map_err(|e| load_diagnostic(&e))?;
    let tensor = from_raw(&raw).map_err(|fault| {
        let d = Diagnostic::error(fault.code, format!("{path:?}: {}", fault.message));
        fault.help.into_iter().fold(d, Diagnostic::help)
    })?;
    Ok((raw.name, tensor))
}

/// Reads a data set for a program.
///
/// # Errors
/// Files that cannot be read, inputs that are missing or do not fit.
pub fn read_set(folder: &Path, program: &Program) -> Result<DataSet, Vec<Diagnostic>> {
    match find_set(folder, program)? {
        Found::Set(set) => Ok(set),
        Found::OtherShape(why) => Err(vec![
            Diagnostic::error(codes::BAD_DATA, why)
                .help("where the model leaves a dimension open, `--dim` gives it the data's value"),
        ]),
    }
}

/// What a folder of data holds.
#[derive(Clone, Debug)]
pub enum Found {
    /// A data set for the program.
    Set(DataSet),
    /// One for other values of the dimensions that the model leaves open; why.
    OtherShape(String),
}

/// Reads a data set, which may be for other values of symbolic dimensions than the program's.
///
/// # Errors
/// As [`read_set`], save for such a set.
pub fn find_set(folder: &Path, program: &Program) -> Result<Found, Vec<Diagnostic>> {
    let name = folder.file_name().map_or_else(|| folder.to_string_lossy(), |n| n.to_string_lossy()).into_owned();
    let ports = program.model_inputs();
    let mut inputs = assign(read_files(folder, "input")?, &ports);
    let mut outputs = assign(read_files(folder, "output")?, &program.model_outputs());
    quantize_caches(program, &mut inputs, &mut outputs);
    if let Some(why) = ports.iter().zip(&inputs).find_map(|(port, given)| other_shape(port, given.as_ref()?, &name)) {
        return Ok(Found::OtherShape(why));
    }
    let fitted = ports.iter().zip(inputs).map(|(port, given)| fitting(port, given, &name));
    let inputs = fitted.collect::<Result<Vec<Tensor>, Diagnostic>>()?;
    Ok(Found::Set(DataSet { name, inputs, outputs }))
}

/// Makes bytes and scales of floats that are given for caches of bytes, as the model's inputs and, where there are any, its outputs.
pub fn quantize_caches(program: &Program, inputs: &mut [Option<Tensor>], outputs: &mut [Option<Tensor>]) {
    for state in &program.states {
        let scales = program.states.iter().find(|s| Some(s.positions[0]) == state.scale);
        let Some(scales) = scales else { continue };
        for (io, given) in [&mut *inputs, &mut *outputs].into_iter().enumerate() {
            let [codes, scale] = [state.positions[io], scales.positions[io]];
            let floats = given.get(codes).and_then(Option::as_ref).filter(|given| given.dtype() == DType::F32);
            let floats = floats.filter(|floats| floats.shape().len() == state.ty.rank());
            let made = floats.and_then(|floats| cache::of_floats(floats, &state.ty, &scales.ty, &Reference::default()));
            if let Some(made) = made {
                [given[codes], given[scale]] = made.map(Some);
            }
        }
    }
}

/// Why a tensor is one for other dimensions than the port's, where nothing else is wrong with it.
fn other_shape(port: &Port, given: &Tensor, set: &str) -> Option<String> {
    let (here, there) = (&port.ty, given.ty());
    let differs = here.dtype == there.dtype && here.rank() == there.rank() && here != there;
    differs.then(|| format!("input {:?} is {there} in {set}, the model's is {here}", port.name))
}

/// `KIND_0.pb`, `KIND_1.pb`, .. (or `.npy`) as far as they go.
fn read_files(folder: &Path, kind: &str) -> Result<Vec<(String, Tensor)>, Vec<Diagnostic>> {
    let mut tensors = Vec::new();
    for k in 0..MAX_FILES {
        let pb = folder.join(format!("{kind}_{k}.pb"));
        let npy = folder.join(format!("{kind}_{k}.npy"));
        let path = if pb.exists() { pb } else { npy };
        if !path.exists() {
            break;
        }
        tensors.push(read_tensor(&path)?);
    }
    Ok(tensors)
}

/// Tensors to ports: by name where each tensor has the name of another port, else by position.
fn assign(tensors: Vec<(String, Tensor)>, ports: &[Port]) -> Vec<Option<Tensor>> {
    let mut assigned = vec![None; ports.len()];
    let places: Option<Vec<usize>> =
        tensors.iter().map(|(name, _)| ports.iter().position(|p| p.name == *name)).collect();
    let distinct = |places: &Vec<usize>| places.iter().enumerate().all(|(i, p)| !places[..i].contains(p));
    let places = places.filter(distinct).unwrap_or_else(|| (0..tensors.len()).collect());
    for ((_, tensor), place) in tensors.into_iter().zip(places) {
        if let Some(slot) = assigned.get_mut(place) {
            *slot = Some(tensor);
        }
    }
    assigned
}

/// A tensor that has the port's type.
///
/// # Errors
/// A diagnostic where it is missing or has another type.
pub fn fitting(port: &Port, given: Option<Tensor>, from: &str) -> Result<Tensor, Diagnostic> {
    let Some(tensor) = given else {
        return Err(Diagnostic::error(codes::BAD_DATA, format!("{from} has no input {:?} ({})", port.name, port.ty)));
    };
    if *tensor.ty() == port.ty {
        return Ok(tensor);
    }
    let message = format!("input {:?} is {} in {from}, the model's is {}", port.name, tensor.ty(), port.ty);
    let error = Diagnostic::error(codes::BAD_DATA, message);
    Err(conversions(tensor.ty(), &port.ty).into_iter().fold(error, Diagnostic::help))
}

/// How data of one type become such of another.
fn conversions(given: &Type, wanted: &Type) -> Vec<String> {
    let mut ways = Vec::new();
    if given.dtype != wanted.dtype {
        let to = numpy_name(wanted.dtype);
        ways.push(match (given.dtype.is_float(), wanted.dtype.is_int()) {
            (true, true) => format!(
                "convert it: `x.astype(numpy.{to})` where the numbers are whole; an input that is quantized takes \
                 `numpy.rint(x / scale + zero_point).clip(..).astype(numpy.{to})`"
            ),
            _ => format!("convert it: `x.astype(numpy.{to})`"),
        });
    }
    if given.shape != wanted.shape {
        if given.elements() == wanted.elements() {
            ways.push(format!("give it the shape: `x.reshape({:?})`", wanted.shape));
        } else {
            ways.push("where the model leaves a dimension open, `--dim` gives it the data's value".into());
        }
    }
    ways
}

/// NumPy's name of an element type; bfloat16 and the floats of 8 and 4 bits are the `ml_dtypes` package's.
fn numpy_name(dtype: DType) -> &'static str {
    match dtype {
        DType::Bool => "bool_",
        DType::I8 => "int8",
        DType::I16 => "int16",
        DType::I32 => "int32",
        DType::I64 => "int64",
        DType::U8 => "uint8",
        DType::U16 => "uint16",
        DType::U32 => "uint32",
        DType::U64 => "uint64",
        DType::F16 => "float16",
        DType::BF16 => "bfloat16",
        DType::F32 => "float32",
        DType::F64 => "float64",
        DType::Mini(format) => format.name(),
    }
}

/// Vectors for an emitted crate's tests: the inputs of the data sets beside the model with the outputs that this process
/// computes; without data sets, one pseudo-random input. Data that make the model fail are left out, and those of another shape, of
/// which `note` hears. States are zeros before each vector.
///
/// As many vectors are computed as [`MAX_WORK`] and [`MAX_VECTORS_BYTES`] allow, and none where the arena is larger than what is
/// run in this process; nothing is allocated before that is known.
///
/// # Errors
/// Data sets that cannot be read or do not fit.
pub fn golden_vectors(
    model: &Path,
    compiled: &Compiled,
    observe: &mut dyn FnMut(&str),
    note: &mut dyn FnMut(&str),
) -> Result<Vec<Vector>, Vec<Diagnostic>> {
    let program = &compiled.program;
    let affordable = MAX_WORK / graph_work(&compiled.graph).max(1);
    let bytes = program.inputs.iter().chain(&program.outputs).map(|p| p.ty.bytes()).fold(0, usize::saturating_add);
    let small = MAX_VECTORS_BYTES / bytes.max(1);
    let mut executor = match Executor::new(program, Hygiene::AsEmitted) {
        Ok(executor) if affordable > 0 && small > 0 => executor,
        Ok(_) | Err(ExecError::TooLarge { .. }) => return Ok(Vec::new()),
        Err(e) => return Err(vec![Diagnostic::error(codes::BAD_DATA, e.to_string())]),
    };
    let mut inputs = Vec::new();
    for folder in folders_beside(model).into_iter().take(usize::try_from(affordable).unwrap_or(usize::MAX)) {
        match find_set(&folder, program)? {
            Found::Set(set) => inputs.push((Some(set.name), program.split_inputs(&set.inputs).0)),
            Found::OtherShape(why) => note(&format!("{why}; the crate's tests go without it")),
        }
    }
    if inputs.is_empty() {
        inputs.push((None, super::seeded::inputs(program.inputs.iter().map(|p| &p.ty))));
    }
    let mut vectors = Vec::new();
    for (i, (data_set, inputs)) in inputs.into_iter().enumerate() {
        if vectors.len() == small {
            break;
        }
        observe(&format!("computing vector {i}"));
        executor.reset();
        match executor.run(&inputs) {
            Ok(outputs) => vectors.push(Vector { inputs, outputs, data_set }),
            Err(ExecError::Run { .. }) => {}
            Err(e) => return Err(vec![Diagnostic::error(codes::BAD_DATA, e.to_string())]),
        }
    }
    Ok(vectors)
}

#[cfg(test)]
mod tests {
    use super::{ExecError, Executor, Found, Hygiene, assign, find_set, folders, golden_vectors, read_set};
    use crate::ir::{DType, Tensor, Type};
    use crate::program::{BufferId, Port, View};

    fn port(name: &str) -> Port {
        let view = View { buffer: BufferId(0), offset: 0, len: 1 };
        Port { name: name.into(), ty: Type::new(DType::F32, [1]), view }
    }

    fn value(v: f32) -> Tensor {
        Tensor::from_elements([1], &[v])
    }

    #[test]
    fn tensors_go_where_their_names_say() {
        let ports = [port("a"), port("b")];
        let named = assign(vec![("b".into(), value(1.0)), ("a".into(), value(2.0))], &ports);
        assert_eq!(named, [Some(value(2.0)), Some(value(1.0))]);
        let unnamed = assign(vec![(String::new(), value(1.0)), ("a".into(), value(2.0))], &ports);
        assert_eq!(unnamed, [Some(value(1.0)), Some(value(2.0))]);
        let twice = assign(vec![("b".into(), value(1.0)), ("b".into(), value(2.0)), ("a".into(), value(3.0))], &ports);
        assert_eq!(twice, [Some(value(1.0)), Some(value(2.0))]);
        assert_eq!(assign(vec![("b".into(), value(1.0))], &ports), [None, Some(value(1.0))]);
    }

    /// Neither computed nor allocated: in a test this size would show.
    #[test]
    fn vectors_that_are_too_much_work_or_memory_are_not_made() {
        let compiled = |text: &str| {
            let graph = crate::ir::text::parse(text).unwrap();
            crate::compile_graph(graph, &crate::Config::new()).unwrap()
        };
        let dir = tempfile::tempdir().unwrap();
        let vectors = |text: &str| {
            golden_vectors(&dir.path().join("m.onnx"), &compiled(text), &mut |_| {}, &mut |_| {}).unwrap().len()
        };
        let product = |n: usize| {
            format!(
                "graph \"\"\n  in %0 \"x\": f32[{n},{n}]\n  in %1 \"z\": f32[{n},{n}]\n  %2 = matmul %0, %1 : f32[{n},{n}]\n  out \"y\" = %2\n"
            )
        };
        assert_eq!((vectors(&product(8)), vectors(&product(6000))), (1, 0));
        let large = |n: usize| {
            format!("graph \"\"\n  in %0 \"x\": f32[1,1]\n  %1 = expand %0 : f32[{n},{n}]\n  out \"y\" = %1\n")
        };
        assert_eq!((vectors(&large(8)), vectors(&large(40000))), (1, 0));
        let corner = |n: usize| {
            format!("graph \"\"\n  in %0 \"x\": f32[{n}]\n  %1 = slice %0 {{start 1}} : f32[2]\n  out \"y\" = %1\n")
        };
        assert_eq!((vectors(&corner(8)), vectors(&corner(1 << 30))), (1, 0));
        let program = compiled(&large(40000)).program;
        let bytes = program.layout.as_ref().unwrap().arena_bytes;
        assert_eq!(Executor::new(&program, Hygiene::AsEmitted).err(), Some(ExecError::TooLarge { bytes }));
    }

    /// A `.npy` file of zeros.
    fn npy(shape: &str, elements: usize) -> Vec<u8> {
        let header = format!("{{'descr': '<f4', 'fortran_order': False, 'shape': {shape}, }}");
        let padded = format!("{header:<117}\n");
        let mut bytes = b"\x93NUMPY\x01\x00".to_vec();
        bytes.extend(u16::try_from(padded.len()).unwrap().to_le_bytes());
        bytes.extend(padded.bytes());
        bytes.extend(vec![0; 4 * elements]);
        bytes
    }

    #[test]
    fn sets_of_another_shape_are_left_out_and_named() {
        let dir = tempfile::tempdir().unwrap();
        let text = "graph \"g\"\n  in %0 \"x\": f32[2,4]\n  %1 = map %0 {Mul(x0, 2.0)} : f32[2,4]\n  out \"y\" = %1\n";
        let graph = crate::ir::text::parse(text).unwrap();
        let compiled = crate::compile_graph(graph, &crate::Config::new()).unwrap();
        let program = &compiled.program;
        let set = dir.path().join("test_data_set_0");
        std::fs::create_dir(&set).unwrap();
        std::fs::write(set.join("input_0.npy"), npy("(1, 4)", 4)).unwrap();
        let model = dir.path().join("model.onnx");
        let mut notes = Vec::new();
        let vectors = golden_vectors(&model, &compiled, &mut |_| {}, &mut |note| notes.push(note.to_string())).unwrap();
        assert_eq!((vectors.len(), notes.len()), (1, 1));
        assert!(notes[0].contains("f32[1,4]") && notes[0].contains("f32[2,4]"), "{notes:?}");
        assert!(matches!(find_set(&set, program), Ok(Found::OtherShape(_))));
        assert!(read_set(&set, program).unwrap_err()[0].message.contains("f32[1,4]"));
        // Another rank is a mistake.
        std::fs::write(set.join("input_0.npy"), npy("(4,)", 4)).unwrap();
        golden_vectors(&model, &compiled, &mut |_| {}, &mut |_| {}).unwrap_err();
        std::fs::write(set.join("input_0.npy"), npy("(2, 4)", 8)).unwrap();
        assert_eq!(golden_vectors(&model, &compiled, &mut |_| {}, &mut |_| panic!("it fits")).unwrap().len(), 1);
    }

    #[test]
    fn what_does_not_fit_is_converted_in_one_line() {
        let of = |given: Tensor, dtype: DType, shape: &[usize]| {
            let mut port = port("x");
            port.ty = Type::new(dtype, shape.to_vec());
            super::fitting(&port, Some(given), "here").map_or_else(|d| d.help.join("; "), |_| String::new())
        };
        let floats = |shape: &[usize]| Tensor::from_elements(shape.to_vec(), &vec![0f32; shape.iter().product()]);
        assert_eq!(of(floats(&[2, 3]), DType::F32, &[2, 3]), "");
        assert_eq!(
            of(floats(&[6]), DType::F64, &[2, 3]),
            "convert it: `x.astype(numpy.float64)`; give it the shape: `x.reshape([2, 3])`"
        );
        assert!(of(floats(&[1]), DType::I8, &[1]).contains("numpy.rint(x / scale + zero_point)"));
        assert!(of(floats(&[5]), DType::F32, &[2, 3]).contains("`--dim`"));
    }

    #[test]
    fn sets_are_in_the_order_of_their_numbers() {
        let dir = tempfile::tempdir().unwrap();
        for n in ["test_data_set_10", "test_data_set_9", "other"] {
            std::fs::create_dir(dir.path().join(n)).unwrap();
        }
        let names: Vec<_> = folders(dir.path()).iter().map(|p| p.file_name().unwrap().to_owned()).collect();
        assert_eq!(names, ["test_data_set_9", "test_data_set_10"]);
    }
}
