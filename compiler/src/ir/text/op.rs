//! Operators from their names and attributes.

use super::attributes::Attributes;
use super::line::{Line, scalar};
use crate::ir::print::scatter_name;
use crate::ir::{Between, Movement, Op, PoolKind, ReduceKind, ScatterKind, Type};

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
        "qaverage_pool" | "qsoftmax" | "qreduce_sum" => {
            let op = by_name(&name[1..], a, ty)?;
            let (from, divisor, scale) = (a.affine("from")?, a.number("divisor")?, a.number("scale")?);
            let between = Between { from, divisor, scale, target: a.target("target")? };
            op.between(between).ok_or_else(|| format!("{} is not computed between bytes", op.name()))
        }
        "dynamic_matmul" => Ok(Op::DynamicMatMul { offset: a.number("offset")?, bias: a.flag("bias") }),
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
        "reshape" | "transpose" | "slice" | "expand" | "pad" => movement(name, a, ty).map(Op::Movement),
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
        _ => Err(format!("there is no operator {name:?}")),
    }
}

fn movement(name: &str, a: &mut Attributes<'_>, ty: &Type) -> Result<Movement, String> {
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
