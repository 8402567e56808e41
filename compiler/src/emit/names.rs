//! The identifiers of an emitted model. Steps are called by what they compute and their number, `conv_0`, and so are their results,
//! `Act0`, their working memory, `Work0`, and their constants, `WEIGHTS.conv_0.w`; a name of the model is an identifier only where it is
//! short and nobody else's. Whatever the model says, the result is an ASCII identifier that is no keyword, and unique among its kind.

use std::collections::{BTreeMap, BTreeSet};

use proc_macro2::TokenStream;
use quote::quote;

use super::pieces::ident;
use super::words::{MAX_LEN, RESERVED, camel, is_plain, is_telling, snake};
use crate::ir::Origin;
use crate::program::{Access, Arg, BufferId, Port, Program, Region, RegionKind, Step, Storage, View};

/// The identifiers of one emitted model.
pub(crate) struct Names {
    /// Function of each step.
    pub(super) steps: Vec<String>,
    /// Functions of each region: of its parts.
    pub(super) regions: Vec<Vec<String>>,
    /// The constants: per step that has some, in its order.
    pub(super) groups: Vec<Group>,
    /// Field of each weight: its group's, and its own there.
    pub(super) weights: Vec<[String; 2]>,
    /// The weights that lie among another model's, by their positions, and how they are reached.
    pub(super) elsewhere: BTreeMap<usize, TokenStream>,
    /// Whether other models reach weights of this one.
    pub(super) lends: bool,
    /// Field or parameter of each input.
    pub(crate) inputs: Vec<String>,
    /// Field of each output.
    pub(crate) outputs: Vec<String>,
    /// Method that gives each state.
    pub(crate) states: Vec<String>,
    /// Type alias of each buffer.
    pub(super) buffers: Vec<String>,
}

/// The constants of a step.
pub(super) struct Group {
    /// The field that has them: the step's function.
    pub(super) field: String,
    /// The type of that field.
    pub(super) ty: String,
    /// Their positions among all.
    pub(super) weights: Vec<usize>,
}

impl Names {
    pub(crate) fn new(program: &Program) -> Names {
        let kernels = program.steps.iter().flat_map(|s| s.call.uses());
        let imported: Vec<&str> = kernels.filter_map(|u| u.rsplit("::").next()).collect();
        let mut functions = Unique::new(imported.iter().copied());
        let mut results = Unique::new([]);
        let mut methods = Unique::new([]);
        let steps = step_names(program, &mut functions);
        let regions = region_names(program, &mut functions);
        let (groups, weights) = groups(program, &steps);
        // A parameter must not hide a function.
        let mut ports = functions;
        Names {
            groups,
            weights,
            elsewhere: BTreeMap::new(),
            lends: false,
            inputs: port_names(&program.inputs, "input").into_iter().map(|n| ports.add(n)).collect(),
            outputs: port_names(&program.outputs, "output").into_iter().map(|n| results.add(n)).collect(),
            states: program.states.iter().map(|s| methods.add(format!("state_{}", snake(&s.name, "value")))).collect(),
            buffers: buffer_names(program, &imported),
            steps,
            regions,
        }
    }

    /// A weight's place within the typed static.
    pub(super) fn weight(&self, at: usize) -> TokenStream {
        let [group, field] = self.weights[at].each_ref().map(|name| ident(name));
        quote!(#group.#field)
    }

    /// The alias of a view: that of its buffer where it is all of it.
    pub(super) fn view(&self, program: &Program, v: View) -> String {
        let name = &self.buffers[v.buffer.index()];
        if v.offset == 0 && v.len == program.buffer(v.buffer).elements {
            name.clone()
        } else {
            format!("{name}From{}To{}", v.offset, v.offset + v.len)
        }
    }

    /// Every view of the arena that the program's steps and outputs use, once, in the order of their addresses.
    pub(super) fn views(&self, program: &Program) -> Vec<(String, View)> {
        let args = program.steps.iter().flat_map(|s| &s.args).filter_map(|a| {
            let Arg::Buffer(v, _) = *a else { return None };
            (program.buffer(v.buffer).storage == Storage::Arena).then_some(v)
        });
        let kept = program.kept().into_iter().map(|b| program.whole(b));
        let conditions = program.regions.iter().filter_map(|r| r.condition());
        let conditions = conditions.filter(|v| program.buffer(v.buffer).storage == Storage::Arena);
        let inputs = program.own_input_buffers().map(|b| program.whole(b));
        let used = args.chain(conditions).chain(program.outputs.iter().map(|o| o.view)).chain(kept).chain(inputs);
        let mut views: Vec<(String, View)> = used.map(|v| (self.view(program, v), v)).collect();
        views.sort_by_key(|(name, v)| (v.buffer, v.offset, v.len, name.clone()));
        views.dedup();
        views
    }
}

/// The names of which each says something, is short, and is no other's; `identifier` is what they become.
fn telling<'a>(names: impl Iterator<Item = &'a str>, identifier: fn(&str, &str) -> String) -> Vec<Option<String>> {
    let wanted: Vec<Option<String>> = names.map(|n| is_telling(n).then(|| identifier(n, "model"))).collect();
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    wanted.iter().flatten().for_each(|name| *counts.entry(name).or_default() += 1);
    let alone = |name: &Option<String>| name.clone().filter(|n| counts[n.as_str()] == 1);
    wanted.iter().map(alone).collect()
}

/// The function of each step: a word for what it computes, and its number; or its node's own name.
fn step_names(program: &Program, functions: &mut Unique) -> Vec<String> {
    let numbered: Vec<String> = program.steps.iter().enumerate().map(|(i, s)| format!("{}_{i}", word(s))).collect();
    let own = telling(program.steps.iter().map(|s| main_node(s).map_or("", |o| o.name.as_str())), snake);
    let others: BTreeSet<&str> = numbered.iter().map(String::as_str).collect();
    let own = own.into_iter().map(|name| name.filter(|n| !others.contains(n.as_str())));
    own.zip(&numbered).map(|(own, numbered)| functions.add(own.unwrap_or_else(|| numbered.clone()))).collect()
}

/// The functions of each region: `if_3_then`, by its first step.
fn region_names(program: &Program, functions: &mut Unique) -> Vec<Vec<String>> {
    let of = |r: &Region| {
        let what = match r.kind {
            RegionKind::If { .. } => "if",
            RegionKind::Loop { .. } => "loop",
        };
        let name = |(part, _): (&str, _)| functions.add(format!("{what}_{}_{part}", r.steps.start));
        r.parts().into_iter().map(name).collect()
    };
    program.regions.iter().map(of).collect()
}

/// Operators that say nothing of what a step computes, where it computes another one.
const AROUND: [&str; 10] = [
    "QuantizeLinear",
    "DequantizeLinear",
    "DynamicQuantizeLinear",
    "Reshape",
    "Transpose",
    "Identity",
    "Cast",
    "Flatten",
    "Squeeze",
    "Unsqueeze",
];

/// Parts of the names of operators that compute products.
const PRODUCTS: [&str; 3] = ["Conv", "MatMul", "Gemm"];

/// The node that a step is about, of those that it computes.
fn main_node(step: &Step) -> Option<&Origin> {
    let of = |keep: &dyn Fn(&str) -> bool| step.origin.iter().find(|o| keep(&o.op_type));
    let product = of(&|op| PRODUCTS.iter().any(|p| op.contains(p)));
    product.or_else(|| of(&|op| !AROUND.contains(&op))).or(step.origin.first())
}

/// What a step computes, in a word or two: that of its operator.
fn word(step: &Step) -> String {
    let kernel = step.call.name();
    let Some(node) = main_node(step) else { return "copy".into() };
    // A product's operand may have to be moved before it.
    let moves = ["copy", "fill"].into_iter().filter(|_| PRODUCTS.iter().any(|p| node.op_type.contains(p)));
    if let Some(part) = ["depthwise", "separable"].into_iter().chain(moves).find(|part| kernel.contains(part)) {
        return part.into();
    }
    let op = node.op_type.trim_start_matches("QLinear").trim_start_matches("Fused").trim_end_matches("Integer");
    match op {
        "Gemm" => "matmul".into(),
        op => snake(op, "step").replace("mat_mul", "matmul"),
    }
}

/// The constants by the steps that read them first, each called by its part in that step.
fn groups(program: &Program, steps: &[String]) -> (Vec<Group>, Vec<[String; 2]>) {
    let mut names: Vec<Option<[String; 2]>> = vec![None; program.weights.len()];
    let mut types = Unique::types(["Weights"]);
    let mut groups: Vec<Group> = Vec::new();
    for (step, function) in program.steps.iter().zip(steps) {
        let mut weights = Vec::new();
        for (arg, role) in step.args.iter().zip(step.call.roles()) {
            let Arg::Weight(w) = *arg else { continue };
            let name = &mut names[w.index()];
            if name.is_none() {
                *name = Some([function.clone(), role]);
                weights.push(w.index());
            }
        }
        if !weights.is_empty() {
            groups.push(Group { field: function.clone(), ty: types.add(camel(function, "Step")), weights });
        }
    }
    let left: Vec<usize> = (0..names.len()).filter(|&w| names[w].is_none()).collect();
    if !left.is_empty() {
        let field = Unique::new(steps.iter().map(String::as_str)).add("unused".into());
        left.iter().for_each(|&w| names[w] = Some([field.clone(), format!("constant_{w}")]));
        groups.push(Group { ty: types.add(camel(&field, "Step")), field, weights: left });
    }
    (groups, names.into_iter().flatten().collect())
}

/// The name of each input or output: its own where that is short, or where it is one of several and can be told from them; else what it
/// is, with its number where there are several.
fn port_names(ports: &[Port], kind: &str) -> Vec<String> {
    let whole = |p: &Port| {
        let name = p.name.strip_suffix(":0").unwrap_or(&p.name);
        let is_short = is_plain(name) && name.len() <= MAX_LEN / 2;
        (is_short || ports.len() > 1 && name.len() <= MAX_LEN && !name.is_empty()).then(|| snake(name, kind))
    };
    let wanted: Vec<Option<String>> = ports.iter().map(whole).collect();
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    wanted.iter().flatten().for_each(|name| *counts.entry(name).or_default() += 1);
    let generic = |i: usize| if ports.len() == 1 { kind.to_string() } else { format!("{kind}_{i}") };
    let one = |(i, name): (usize, &Option<String>)| match name {
        Some(name) if counts[name.as_str()] == 1 => name.clone(),
        Some(_) | None => generic(i),
    };
    wanted.iter().enumerate().map(one).collect()
}

/// The alias of each buffer of the arena: `Act3`, what step 3 gives, `Work3`, what it works in; or the value's own name.
fn buffer_names(program: &Program, imported: &[&str]) -> Vec<String> {
    let own = ["Model", "Inputs", "Outputs", "Arena", "Buffer", "Read", "Write", "Cpu", "Block", "DataError", "Steps"];
    // What every module sees without an import, as far as emitted code uses it.
    let prelude = ["Result", "Ok", "Err", "Option", "Some", "None", "Default", "Iterator"];
    let mut types = Unique::types(own.into_iter().chain(prelude).chain(imported.iter().copied()));
    let (makers, read) = (makers(program), read(program));
    let inputs: BTreeSet<u32> = program.own_input_buffers().map(|b| b.0).collect();
    let mut numbered: Vec<String> = Vec::with_capacity(program.buffers.len());
    let mut seen: BTreeMap<String, usize> = BTreeMap::new();
    for i in 0..program.buffers.len() {
        let name = match makers[i] {
            Some(step) if read[i] => format!("Act{step}"),
            Some(step) => format!("Work{step}"),
            None if inputs.contains(&(i as u32)) => "Input".into(),
            None => format!("Kept{i}"),
        };
        let nth = seen.entry(name.clone()).or_default();
        numbered.push(if *nth == 0 { name } else { format!("{name}{}", letters(*nth)) });
        *nth += 1;
    }
    let own = telling(program.buffers.iter().map(|b| b.name.as_str()), camel);
    let others: BTreeSet<&str> = numbered.iter().map(String::as_str).collect();
    let name = |(i, own): (usize, &Option<String>)| match program.buffers[i].storage {
        Storage::Input(_) => String::new(),
        Storage::Arena => {
            let own = own.clone().filter(|name| !others.contains(name.as_str()));
            types.add(own.unwrap_or_else(|| numbered[i].clone()))
        }
    };
    own.iter().enumerate().map(name).collect()
}

/// The step that writes each buffer first.
fn makers(program: &Program) -> Vec<Option<usize>> {
    let mut makers = vec![None; program.buffers.len()];
    for (i, step) in program.steps.iter().enumerate() {
        let updates = step.args.iter().filter_map(|a| match *a {
            Arg::Buffer(v, Access::Write | Access::Update) => Some(v.buffer),
            Arg::Buffer(_, Access::Read) | Arg::Weight(_) | Arg::Empty(_) => None,
        });
        for buffer in step.writes().map(|(_, v)| v.buffer).chain(updates) {
            makers[buffer.index()].get_or_insert(i);
        }
    }
    makers
}

/// Which buffers are read by a step, or after the last one.
pub(super) fn read(program: &Program) -> Vec<bool> {
    let mut read = vec![false; program.buffers.len()];
    let steps = program.steps.iter().flat_map(|s| s.reads().map(|(_, v)| v.buffer).collect::<Vec<BufferId>>());
    let conditions = program.regions.iter().filter_map(|r| r.condition()).map(|v| v.buffer);
    let after = program.outputs.iter().map(|o| o.view.buffer).chain(program.kept()).chain(conditions);
    steps.chain(after).for_each(|b| read[b.index()] = true);
    read
}

/// `b` for 1, `c` for 2 and so on: what tells a further result from the first one.
fn letters(n: usize) -> String {
    let letter = char::from(b'a' + (n % 26) as u8);
    if n < 26 { letter.to_string() } else { format!("{}{letter}", letters(n / 26)) }
}

/// Identifiers in use.
struct Unique {
    taken: BTreeSet<String>,
    /// Per name that was asked for, the least number that may be free.
    next: BTreeMap<String, usize>,
    /// Between a name and its number: Rust's types have no underscores.
    joint: &'static str,
}

impl Unique {
    fn new<'a>(taken: impl IntoIterator<Item = &'a str>) -> Unique {
        let taken = RESERVED.iter().copied().chain(taken).map(str::to_string).collect();
        Unique { taken, next: BTreeMap::new(), joint: "_" }
    }

    fn types<'a>(taken: impl IntoIterator<Item = &'a str>) -> Unique {
        Unique { joint: "", ..Unique::new(taken) }
    }

    /// The name, with a number behind it where it is taken.
    fn add(&mut self, name: String) -> String {
        if self.taken.insert(name.clone()) {
            return name;
        }
        let next = self.next.entry(name.clone()).or_insert(2);
        loop {
            let numbered = format!("{name}{}{next}", self.joint);
            *next += 1;
            if self.taken.insert(numbered.clone()) {
                return numbered;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Names;
    use crate::Config;
    use crate::emit::{Source, emit_crate};
    use crate::ir::{Origin, text};

    const TWO_LAYERS: &str = "graph \"exporter\"
  in %0 \"serving_default_input:0\": f32[1,4,4,4]
  $1 = f32[4,1,1,4] random 1
  $2 = f32[4] random 2
  $3 = f32[4,3,3,1] random 3
  %4 = conv %0, $1, $2 {kernel 1x1, bias} : f32[1,4,4,4]
  %5 = conv %4, $3 {groups 4, kernel 3x3} : f32[1,2,2,4]
  out \"StatefulPartitionedCall:0\" = %5
";

    /// The names, and the code of `model.rs` and `weights.rs`, with these names of the two nodes and their results.
    fn emitted(nodes: [&str; 2]) -> (Names, [String; 3]) {
        let mut graph = text::parse(TWO_LAYERS).unwrap_or_else(|e| panic!("{e}"));
        for (index, node) in graph.nodes.iter_mut().enumerate() {
            graph.values[node.outputs[0].index()].name = nodes[index].to_string();
            node.origin = vec![Origin { index, name: nodes[index].to_string(), op_type: "Conv".into() }];
        }
        let config = Config::new();
        let compiled = crate::compile_graph(graph, &config).unwrap_or_else(|e| panic!("{e:?}"));
        let program = &compiled.program;
        let file = "some_net/model.onnx";
        let source = Source { program, config: &config, name: "net", file, model_sha256: "", vectors: &[] };
        let files = emit_crate(&source).files;
        let code =
            ["src/lib.rs", "src/model.rs", "src/weights.rs"].map(|f| String::from_utf8_lossy(&files[f]).into_owned());
        (Names::new(program), code)
    }

    #[test]
    fn steps_are_called_by_what_they_compute_and_their_number() {
        let long = "sequential/conv/Conv2D;sequential/activation/Relu;sequential/conv/BiasAdd/ReadVariableOp/resource1_prequant";
        let (names, files) = emitted([long, "Conv_7"]);
        let code = files.concat();
        assert_eq!(names.steps, ["conv_0", "depthwise_1"]);
        assert_eq!([&names.inputs[0], &names.outputs[0]], ["input", "output"]);
        for part in [
            "WEIGHTS.conv_0.w, &WEIGHTS.conv_0.bias",
            "WEIGHTS.depthwise_1.w",
            "type Act0 = ",
            "INPUT_SHAPE",
            "The neural network `some_net`",
            "// @generated by zantc",
            "from some_net/model.onnx for host; do not edit.",
        ] {
            assert!(code.contains(part), "{part}: {code}");
        }
        // The model's own name is whole in the documentation.
        assert!(code.lines().any(|line| line.starts_with("/// ") && line.contains(&format!("`{long}`"))), "{code}");
        let map: Vec<&str> = code.lines().filter(|l| l.starts_with("//   ")).collect();
        assert!(map.len() == 2 && map[0].contains("conv_0") && map[0].contains("Act0[0..256]"), "{map:?}");
    }

    #[test]
    fn short_names_that_nobody_shares_are_kept() {
        assert_eq!(emitted(["stem", "head"]).0.steps, ["stem", "head"]);
        assert_eq!(emitted(["block", "block"]).0.steps, ["conv_0", "depthwise_1"]);
        assert_eq!(emitted(["stem", "conv0"]).0.steps, ["stem", "conv0"]);
        assert_eq!(emitted(["fn", "as"]).0.steps.len(), 2);
    }

    #[test]
    fn no_name_of_a_model_ends_a_comment() {
        for code in emitted(["a\n} fn evil() {", "b*/ `c`\r\n"]).1 {
            assert!(code.lines().all(|l| !l.trim_start().starts_with("} fn evil")), "{code}");
            assert!(syn::parse_file(&code).is_ok(), "{code}");
        }
    }
}
