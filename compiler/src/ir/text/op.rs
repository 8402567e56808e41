//! Operators as names and attributes: written, and read.

use std::fmt::Display;

use super::attributes::Attributes;
use super::line::{Line, scalar};
use crate::ir::{
    Activation, Between, Branches, Epilogue, Graph, Meeting, Movement, Op, PoolKind, Quant, ReduceKind, Repeat,
    ScatterKind, Target, Type, Wide, Window,
};

/// The operator of a node whose first result has the type `ty`.
pub(super) fn read(name: &str, line: &mut Line<'_>, ty: &Type) -> Result<Op, String> {
    if name == "map" {
        line.mark('{')?;
        let expr = super::expr::read(line)?;
        line.mark('}')?;
        return Ok(Op::Map { expr });
    }
    let mut a = Attributes::read(line)?;
    let op = by_name(name, &mut a, ty)?;
    a.end()?;
    Ok(op)
}

fn by_name(name: &str, a: &mut Attributes<'_>, ty: &Type) -> Result<Op, String> {
    let reduce = |kind, a: &mut Attributes<'_>| Ok(Op::Reduce { kind, axes: a.list("axes")? });
    match name {
        "conv" => Ok(Op::Conv { window: a.window()?, groups: a.groups()?, epilogue: a.epilogue()? }),
        "conv_transpose" => {
            let &[_, h, w, _] = ty.shape.as_slice() else { return Err(format!("{ty} is not a map")) };
            let (window, groups, epilogue) = (a.window()?, a.groups()?, a.epilogue()?);
            Ok(Op::ConvTranspose { window, output: [h, w], groups, epilogue })
        }
        "qconv" => Ok(Op::QConv { window: a.window()?, groups: a.groups()?, quant: a.quant()? }),
        "wide_conv" => {
            let wide = Wide { zero: a.number("zero")?, target: a.target("target")?, lead: a.number("lead")? };
            Ok(Op::WideConv { window: a.window()?, groups: a.groups()?, wide })
        }
        "qaverage_pool" | "qsoftmax" | "qreduce_sum" => {
            let op = by_name(&name[1..], a, ty)?;
            let (from, divisor, scale) = (a.affine("from")?, a.number("divisor")?, a.number("scale")?);
            let between = Between { from, divisor, scale, target: a.target("target")? };
            op.between(between).ok_or_else(|| format!("{} is not computed between bytes", op.name()))
        }
        "dynamic_matmul" => Ok(Op::DynamicMatMul { offset: a.number("offset")?, bias: a.flag("bias") }),
        "ternary_matmul" => Ok(Op::TernaryMatMul { rows: a.flag("rows"), epilogue: a.epilogue()? }),
        "matmul" => Ok(Op::MatMul { epilogue: a.epilogue()? }),
        "max_pool" => Ok(Op::Pool { kind: PoolKind::Max, window: a.window()? }),
        "average_pool" => {
            let kind = PoolKind::Average { count_include_pad: a.flag("count_include_pad") };
            Ok(Op::Pool { kind, window: a.window()? })
        }
        "reduce_sum" => reduce(ReduceKind::Sum, a),
        "reduce_prod" => reduce(ReduceKind::Prod, a),
        "reduce_max" => reduce(ReduceKind::Max, a),
        "reduce_min" => reduce(ReduceKind::Min, a),
        "arg_max" | "arg_min" => Ok(Op::Arg { max: name == "arg_max", axis: a.number("axis")?, last: a.flag("last") }),
        "reshape" | "transpose" | "slice" | "expand" | "pad" => read_movement(name, a, ty).map(Op::Movement),
        "concat" => Ok(Op::Concat { axis: a.number("axis")? }),
        "gather" => Ok(Op::Gather { axis: a.number("axis")? }),
        "gather_elements" => Ok(Op::GatherElements { axis: a.number("axis")? }),
        "gather_nd" => Ok(Op::GatherNd { batch_dims: a.number("batch_dims")? }),
        "scatter_elements" => Ok(Op::ScatterElements { axis: a.number("axis")?, kind: scatter_kind(a)? }),
        "scatter_nd" => Ok(Op::ScatterNd { kind: scatter_kind(a)? }),
        "softmax" | "log_softmax" => Ok(Op::Softmax { axis: a.number("axis")?, log: name == "log_softmax" }),
        "norm" => Ok(Op::Norm {
            axis: a.number("axis")?,
            center: a.flag("center"),
            epsilon: a.number("epsilon")?,
            scale: a.flag("scale"),
            bias: a.flag("bias"),
        }),
        "lstm" | "gru" | "rnn" => super::recurrent::read(name, a).map(Op::Recurrent),
        "cumulative_sum" | "cumulative_product" => Ok(Op::Cumulative {
            axis: a.number("axis")?,
            product: name == "cumulative_product",
            exclusive: a.flag("exclusive"),
            reverse: a.flag("reverse"),
        }),
        "top_k" => {
            let largest = a.flag("largest");
            if largest == a.flag("smallest") {
                return Err("top_k takes the largest or the smallest".into());
            }
            Ok(Op::TopK { axis: a.number("axis")?, k: a.number("k")?, largest })
        }
        "trees" => {
            let meeting = [Meeting::Sum, Meeting::Min, Meeting::Max].into_iter().find(|&m| a.flag(meeting_name(m)));
            Ok(Op::Trees { targets: a.number("targets")?, meeting: meeting.ok_or("how weights meet is missing")? })
        }
        // Their graphs are read behind the line.
        "if" => Ok(Op::If(Box::new(Branches { then: Graph::default(), otherwise: Graph::default() }))),
        "loop" => Ok(Op::Loop(Box::new(Repeat {
            body: Graph::default(),
            trips: a.number("trips")?,
            carried: a.number("carried")?,
            scanned: a.number("scanned")?,
            conditional: a.flag("conditional"),
        }))),
        _ => Err(format!("there is no operator {name:?}")),
    }
}

fn read_movement(name: &str, a: &mut Attributes<'_>, ty: &Type) -> Result<Movement, String> {
    let shape = ty.shape.clone();
    Ok(match name {
        "reshape" => Movement::Reshape { shape },
        "expand" => Movement::Expand { shape },
        "transpose" => Movement::Transpose { perm: a.list("perm")? },
        "slice" => {
            let start: Vec<usize> = a.list("start")?;
            let ones = || vec![1; start.len()];
            let step =
                a.words("step").map_or_else(|| Ok(ones()), |s| s.into_iter().map(super::line::number).collect())?;
            Movement::Slice { start, step, len: shape }
        }
        _ => {
            let value = scalar(a.word("value")?, ty.dtype)?;
            Movement::Pad { before: a.list("before")?, after: a.list("after")?, value }
        }
    })
}

fn scatter_kind(a: &mut Attributes<'_>) -> Result<ScatterKind, String> {
    use ScatterKind as S;
    let kind = [S::Replace, S::Add, S::Mul, S::Max, S::Min].into_iter().find(|&k| a.flag(scatter_name(k)));
    kind.ok_or_else(|| "how scattered values meet is missing".into())
}

fn list<T: Display>(name: &str, values: impl IntoIterator<Item = T>) -> String {
    values.into_iter().fold(name.to_owned(), |text, v| format!("{text} {v}"))
}

fn hw(name: &str, [h, w]: [usize; 2]) -> String {
    format!("{name} {h}x{w}")
}

fn flag(name: &str, set: bool) -> Option<String> {
    set.then(|| name.to_owned())
}

/// What stands in the braces: `name value ..` or a flag each; for maps the expression.
pub(in crate::ir) fn attributes_of(op: &Op) -> Vec<String> {
    let axis = |axis: usize| format!("axis {axis}");
    match op {
        Op::Conv { window: w, groups, epilogue: e } | Op::ConvTranspose { window: w, groups, epilogue: e, .. } => {
            [window(w), groups_of(*groups), epilogue(e)].concat()
        }
        Op::QConv { window: w, groups, quant } => [window(w), groups_of(*groups), quantization(quant)].concat(),
        Op::WideConv { window: w, groups, wide } => {
            let numbers =
                vec![format!("zero {}", wide.zero), target("target", &wide.target), format!("lead {}", wide.lead)];
            [window(w), groups_of(*groups), numbers].concat()
        }
        Op::QPool { window: w, count_include_pad, between: b } => [pool(w, *count_include_pad), between(b)].concat(),
        Op::QReduce { axes, between: b } => [vec![list("axes", axes)], between(b)].concat(),
        Op::QSoftmax { axis: a, between: b } => [vec![axis(*a)], between(b)].concat(),
        Op::MatMul { epilogue: e } => epilogue(e),
        Op::TernaryMatMul { rows, epilogue: e } => flag("rows", *rows).into_iter().chain(epilogue(e)).collect(),
        Op::DynamicMatMul { offset, bias } => {
            [format!("offset {offset}")].into_iter().chain(flag("bias", *bias)).collect()
        }
        Op::Pool { kind: PoolKind::Max, window: w } => window(w),
        Op::Pool { kind: PoolKind::Average { count_include_pad }, window: w } => pool(w, *count_include_pad),
        Op::Reduce { axes, .. } => vec![list("axes", axes)],
        Op::Arg { axis: a, last, .. } => [axis(*a)].into_iter().chain(flag("last", *last)).collect(),
        Op::Map { expr } => vec![expr.to_string()],
        Op::Movement(m) => movement(m),
        Op::Concat { axis: a }
        | Op::Gather { axis: a }
        | Op::GatherElements { axis: a }
        | Op::Softmax { axis: a, .. } => {
            vec![axis(*a)]
        }
        Op::GatherNd { batch_dims } => vec![format!("batch_dims {batch_dims}")],
        Op::ScatterElements { axis: a, kind } => vec![axis(*a), scatter_name(*kind).into()],
        Op::ScatterNd { kind } => vec![scatter_name(*kind).into()],
        Op::Norm { axis: a, center, epsilon, scale, bias } => {
            let flags = [flag("center", *center), flag("scale", *scale), flag("bias", *bias)];
            [axis(*a), format!("epsilon {epsilon:?}")].into_iter().chain(flags.into_iter().flatten()).collect()
        }
        Op::Recurrent(layer) => super::recurrent::attributes_of(layer),
        Op::Cumulative { axis: a, exclusive, reverse, .. } => {
            let flags = [flag("exclusive", *exclusive), flag("reverse", *reverse)];
            [axis(*a)].into_iter().chain(flags.into_iter().flatten()).collect()
        }
        Op::TopK { axis: a, k, largest } => {
            vec![axis(*a), format!("k {k}"), if *largest { "largest" } else { "smallest" }.into()]
        }
        Op::If(_) => vec![],
        Op::Loop(l) => {
            let counts = [("trips", l.trips), ("carried", l.carried), ("scanned", l.scanned)];
            let counts = counts.into_iter().map(|(name, n)| format!("{name} {n}"));
            counts.chain(flag("conditional", l.conditional)).collect()
        }
        Op::Trees { targets, meeting } => vec![format!("targets {targets}"), meeting_name(*meeting).into()],
    }
}

/// The word for how scattered values meet.
const fn scatter_name(kind: ScatterKind) -> &'static str {
    match kind {
        ScatterKind::Replace => "replace",
        ScatterKind::Add => "add",
        ScatterKind::Mul => "mul",
        ScatterKind::Max => "max",
        ScatterKind::Min => "min",
    }
}

/// The word for how weights of trees meet.
const fn meeting_name(meeting: Meeting) -> &'static str {
    match meeting {
        Meeting::Sum => "sum",
        Meeting::Min => "min",
        Meeting::Max => "max",
    }
}

fn groups_of(groups: usize) -> Vec<String> {
    flag(&format!("groups {groups}"), groups != 1).into_iter().collect()
}

fn window(w: &Window) -> Vec<String> {
    let pads = [w.pad_begin, w.pad_end].concat();
    let parts = [
        Some(hw("kernel", w.kernel)),
        (w.stride != [1, 1]).then(|| hw("stride", w.stride)),
        (w.dilation != [1, 1]).then(|| hw("dilation", w.dilation)),
        (pads != [0; 4]).then(|| list("pad", pads)),
    ];
    parts.into_iter().flatten().collect()
}

fn epilogue(e: &Epilogue) -> Vec<String> {
    let activation = match e.activation {
        Activation::None => None,
        Activation::Clamp { lo, hi } if lo.to_bits() == 0 && hi == f32::INFINITY => Some("relu".to_owned()),
        Activation::Clamp { lo, hi } => Some(format!("clamp {lo:?} {hi:?}")),
        Activation::Leaky { alpha } => Some(format!("leaky {alpha:?}")),
    };
    [flag("bias", e.bias), flag("residual", e.residual), activation].into_iter().flatten().collect()
}

fn pool(w: &Window, count_include_pad: bool) -> Vec<String> {
    window(w).into_iter().chain(flag("count_include_pad", count_include_pad)).collect()
}

fn between(b: &Between) -> Vec<String> {
    let from = format!("from {} {:?}", b.from.zero, b.from.scale);
    vec![from, format!("divisor {:?}", b.divisor), format!("scale {:?}", b.scale), target("target", &b.target)]
}

fn target(name: &str, t: &Target) -> String {
    format!("{name} {} {} {} {}", t.dtype, t.zero, t.lo, t.hi)
}

fn quantization(q: &Quant) -> Vec<String> {
    let mut parts = vec![format!("zero {}", q.zero), target("target", &q.target)];
    if let Some(r) = &q.residual {
        let [sum, other] = [r.sum, r.other].map(|a| format!("{} {:?}", a.zero, a.scale));
        parts.push(format!("residual {sum} {other} {:?}", r.scale));
        parts.push(target("onto", &r.target));
    }
    parts
}

fn movement(m: &Movement) -> Vec<String> {
    match m {
        Movement::Reshape { .. } | Movement::Expand { .. } => vec![],
        Movement::Transpose { perm } => vec![list("perm", perm)],
        Movement::Slice { start, step, .. } => {
            let steps = step.iter().any(|&s| s != 1).then(|| list("step", step));
            [list("start", start)].into_iter().chain(steps).collect()
        }
        Movement::Pad { before, after, value } => {
            vec![list("before", before), list("after", after), format!("value {value}")]
        }
    }
}
