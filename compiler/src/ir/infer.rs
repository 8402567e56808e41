//! Types of results from types of operands; also the check that an operator fits its operands.

mod products;
mod recurrent;

use self::products::{
    conv, conv_transpose, dynamic_matmul, map_shape, matmul, qconv, ternary_matmul, wide_conv, window_shape,
};
use super::{Between, DType, Movement, Op, Takes, Type, Wide, checked_elements};

/// Result types of an operator, or what does not fit.
pub fn infer(op: &Op, inputs: &[&Type]) -> Result<Vec<Type>, String> {
    if let Some(n) = op.properties().operands {
        expect_operands(inputs, n)?;
    }
    let types = results(op, inputs)?;
    for t in &types {
        checked_elements(&t.shape).ok_or_else(|| format!("the result {t} has too many elements"))?;
    }
    check_epilogue(op, inputs, &types[0])?;
    check_dtypes(op, inputs)?;
    Ok(types)
}

/// The results of an operator that has as many operands as it needs.
fn results(op: &Op, inputs: &[&Type]) -> Result<Vec<Type>, String> {
    let x = || inputs[0].clone();
    let one = match op {
        Op::Conv { window, groups, .. } => conv(window, *groups, inputs[0], inputs[1]),
        Op::ConvTranspose { window, output, groups, .. } => {
            conv_transpose(window, *output, *groups, [inputs[0], inputs[1]])
        }
        Op::QConv { window, groups, quant } => qconv(window, *groups, quant, inputs),
        Op::WideConv { window, groups, wide } => wide_conv(window, *groups, wide, inputs),
        Op::QPool { .. } | Op::QReduce { .. } | Op::QSoftmax { .. } => between(op, inputs[0]),
        Op::MatMul { .. } => matmul(inputs[0], inputs[1]),
        Op::DynamicMatMul { .. } => dynamic_matmul(inputs),
        Op::TernaryMatMul { rows, .. } => ternary_matmul(*rows, inputs),
        Op::Pool { window, .. } => {
            let [n, h, w, c] = map_shape(inputs[0])?;
            let [oh, ow] = window_shape(window, [h, w])?;
            Ok(Type::new(inputs[0].dtype, [n, oh, ow, c]))
        }
        Op::Reduce { axes, .. } => Ok(Type::new(inputs[0].dtype, without_axes(inputs[0], axes)?)),
        Op::Arg { axis, .. } => {
            let shape = without_axes(inputs[0], &[*axis])?;
            if inputs[0].shape[*axis] == 0 {
                return Err(format!("dimension {axis} of {} has no extreme element", inputs[0]));
            }
            Ok(Type::new(DType::I64, shape))
        }
        Op::Map { expr } => {
            let dtypes: Vec<DType> = inputs.iter().map(|t| t.dtype).collect();
            let result = *expr.types(&dtypes)?.last().ok_or("the expression is empty")?;
            let shapes: Vec<&[usize]> = inputs.iter().map(|t| t.shape.as_slice()).collect();
            Ok(Type::new(result, broadcast(&shapes)?))
        }
        Op::Movement(m) => Ok(Type::new(inputs[0].dtype, movement(m, inputs[0])?)),
        Op::Concat { axis } => concat(*axis, inputs),
        Op::Gather { axis } => {
            check_axis(inputs[0], *axis)?;
            let mut shape = inputs[0].shape.clone();
            shape.splice(*axis..=*axis, inputs[1].shape.iter().copied());
            Ok(Type::new(inputs[0].dtype, shape))
        }
        Op::GatherElements { axis } => {
            inside_but_for(*axis, inputs[0], inputs[1])?;
            Ok(Type::new(inputs[0].dtype, inputs[1].shape.clone()))
        }
        Op::GatherNd { batch_dims } => gather_nd(*batch_dims, inputs[0], inputs[1]),
        Op::ScatterElements { axis, .. } => {
            inside_but_for(*axis, inputs[0], inputs[1])?;
            same_shape(inputs[1], inputs[2]).map(|()| x())
        }
        Op::ScatterNd { .. } => {
            let slices = gather_nd(0, inputs[0], inputs[1])?;
            same_shape(&slices, inputs[2]).map(|()| x())
        }
        Op::Softmax { axis, .. } | Op::Cumulative { axis, .. } => check_axis(inputs[0], *axis).map(|()| x()),
        Op::Norm { axis, scale, bias, .. } => {
            if *bias && !*scale {
                return Err("a bias comes with a scale".into());
            }
            check_axis(inputs[0], *axis)?;
            let rows = Type::new(inputs[0].dtype, &inputs[0].shape[*axis..]);
            inputs[1..].iter().try_for_each(|t| same_shape(&rows, t)).map(|()| x())
        }
        Op::Recurrent(layer) => return recurrent::results(layer, inputs),
        Op::TopK { axis, k, .. } => {
            check_axis(inputs[0], *axis)?;
            let mut shape = inputs[0].shape.clone();
            if *k > shape[*axis] {
                return Err(format!("k = {k} exceeds the {} elements of dimension {axis}", shape[*axis]));
            }
            shape[*axis] = *k;
            return Ok(vec![Type::new(inputs[0].dtype, shape.clone()), Type::new(DType::I64, shape)]);
        }
        Op::Trees { targets, .. } => super::trees::infer(*targets, inputs),
        Op::If(branches) => return branches.infer(inputs),
        Op::Loop(repeat) => return repeat.infer(inputs),
    };
    Ok(vec![one?])
}

/// The result of a float operator between bytes.
fn between(op: &Op, x: &Type) -> Result<Type, String> {
    let (float, Between { from, target, .. }) = op.float().ok_or("is not computed between bytes")?;
    if let Some(fault) = (Wide { zero: from.zero, target, lead: 0 }).fault(x.dtype) {
        return Err(fault);
    }
    let real = Type { dtype: DType::F32, ..x.clone() };
    Ok(Type { dtype: target.dtype, ..infer(&float, &[&real])?.remove(0) })
}

/// Whether the element types are ones that the operator takes; expressions have been checked by then.
fn check_dtypes(op: &Op, inputs: &[&Type]) -> Result<(), String> {
    let operand = |n: usize, fits: fn(DType) -> bool| match inputs.get(n) {
        Some(t) if !fits(t.dtype) => Err(format!("operand {n} is {t}, which it does not take")),
        Some(_) | None => Ok(()),
    };
    let same = |a: usize, b: usize| match (inputs.get(a), inputs.get(b)) {
        (Some(x), Some(y)) if x.dtype != y.dtype => Err(format!("{x} and {y} differ in type")),
        _ => Ok(()),
    };
    let properties = op.properties();
    if properties.indices.is_some() {
        operand(1, |dtype| matches!(dtype, DType::I32 | DType::I64))?;
    }
    if let Some(other) = properties.alike {
        same(0, other)?;
    }
    if let Some(t) = inputs.iter().find(|t| properties.widens && matches!(t.dtype, DType::Mini(_))) {
        return Err(format!("{} of {}", op.name(), t.dtype));
    }
    match properties.takes {
        Takes::Any => Ok(()),
        Takes::Numbers => operand(0, DType::is_number),
        Takes::Floats => operand(0, DType::is_float),
        Takes::F32 => match inputs.iter().find(|t| t.dtype != DType::F32) {
            Some(t) => Err(format!("{} of {}", op.name(), t.dtype)),
            None => Ok(()),
        },
    }
}

/// The common shape of operands that broadcast by numpy's rules.
pub fn broadcast(shapes: &[&[usize]]) -> Result<Vec<usize>, String> {
    let rank = shapes.iter().map(|s| s.len()).max().unwrap_or(0);
    let mut out = vec![1; rank];
    for shape in shapes {
        for (o, &d) in out[rank - shape.len()..].iter_mut().zip(*shape) {
            match (*o, d) {
                (a, b) if a == b => {}
                (1, b) => *o = b,
                (_, 1) => {}
                _ => return Err(format!("shapes {} do not broadcast", list(shapes))),
            }
        }
    }
    Ok(out)
}

fn list(shapes: &[&[usize]]) -> String {
    let all: Vec<String> = shapes.iter().map(|s| format!("{s:?}")).collect();
    all.join(" and ")
}

fn expect_operands(inputs: &[&Type], n: usize) -> Result<(), String> {
    if inputs.len() == n { Ok(()) } else { Err(format!("needs {n} operands, has {}", inputs.len())) }
}

fn check_axis(t: &Type, axis: usize) -> Result<(), String> {
    if axis < t.rank() { Ok(()) } else { Err(format!("{t} has no dimension {axis}")) }
}

fn same_rank(a: &Type, b: &Type) -> Result<(), String> {
    if a.rank() == b.rank() { Ok(()) } else { Err(format!("{a} and {b} differ in rank")) }
}

/// Whether indices along `axis` lie within the data along all other dimensions.
fn inside_but_for(axis: usize, data: &Type, indices: &Type) -> Result<(), String> {
    check_axis(data, axis)?;
    same_rank(data, indices)?;
    match (0..data.rank()).find(|&d| d != axis && indices.shape[d] > data.shape[d]) {
        Some(d) => Err(format!("indices {indices} exceed {data} in dimension {d}")),
        None => Ok(()),
    }
}

fn same_shape(a: &Type, b: &Type) -> Result<(), String> {
    if a.shape == b.shape { Ok(()) } else { Err(format!("{b} should have the shape {:?}", a.shape)) }
}

fn without_axes(t: &Type, axes: &[usize]) -> Result<Vec<usize>, String> {
    if axes.windows(2).any(|w| w[0] >= w[1]) {
        return Err(format!("dimensions {axes:?} are not ascending"));
    }
    axes.iter().try_for_each(|&a| check_axis(t, a))?;
    Ok((0..t.rank()).filter(|d| !axes.contains(d)).map(|d| t.shape[d]).collect())
}

fn movement(m: &Movement, x: &Type) -> Result<Vec<usize>, String> {
    match m {
        Movement::Reshape { shape } => {
            if checked_elements(shape) != Some(x.elements()) {
                return Err(format!("{x} has {} elements, the shape {shape:?} other ones", x.elements()));
            }
            Ok(shape.clone())
        }
        Movement::Transpose { perm } => {
            let mut sorted = perm.clone();
            sorted.sort_unstable();
            if sorted.len() != x.rank() || sorted.iter().enumerate().any(|(i, &p)| i != p) {
                return Err(format!("{perm:?} is not a permutation of the dimensions of {x}"));
            }
            Ok(perm.iter().map(|&p| x.shape[p]).collect())
        }
        Movement::Slice { start, step, len } => {
            if [start.len(), step.len(), len.len()] != [x.rank(); 3] {
                return Err(format!("a slice of {x} needs {} dimensions", x.rank()));
            }
            for d in 0..x.rank() {
                let last = (len[d] as isize - 1).checked_mul(step[d]).and_then(|o| o.checked_add(start[d] as isize));
                let inside = last.is_some_and(|l| l >= 0 && (l as usize) < x.shape[d] && start[d] < x.shape[d]);
                if step[d] == 0 || (len[d] > 0 && !inside) {
                    return Err(format!("a slice of {} from {} by {} leaves {x}", len[d], start[d], step[d]));
                }
            }
            Ok(len.clone())
        }
        Movement::Expand { shape } => {
            if broadcast(&[&x.shape, shape])? != *shape {
                return Err(format!("{x} does not broadcast to {shape:?}"));
            }
            Ok(shape.clone())
        }
        Movement::Pad { before, after, value } => {
            if [before.len(), after.len()] != [x.rank(); 2] || value.dtype() != x.dtype {
                return Err(format!("padding does not fit {x}"));
            }
            let pad = |d: usize| x.shape[d].checked_add(before[d])?.checked_add(after[d]);
            (0..x.rank()).map(|d| pad(d).ok_or_else(|| format!("padding of {x} overflows"))).collect()
        }
    }
}

fn concat(axis: usize, inputs: &[&Type]) -> Result<Type, String> {
    let first = *inputs.first().ok_or("needs an operand")?;
    check_axis(first, axis)?;
    let mut out = first.clone();
    for t in &inputs[1..] {
        same_rank(first, t)?;
        let fits = (0..first.rank()).all(|d| d == axis || t.shape[d] == first.shape[d]);
        if !fits || t.dtype != first.dtype {
            return Err(format!("{t} does not stand beside {first} along dimension {axis}"));
        }
        out.shape[axis] = out.shape[axis].checked_add(t.shape[axis]).ok_or("the length overflows")?;
    }
    Ok(out)
}

fn gather_nd(batch_dims: usize, data: &Type, indices: &Type) -> Result<Type, String> {
    let misfit = || format!("indices {indices} do not fit {data} with {batch_dims} batch dimensions");
    let (&depth, lead) = indices.shape.split_last().ok_or_else(misfit)?;
    if batch_dims > lead.len() || batch_dims + depth > data.rank() || data.shape[..batch_dims] != lead[..batch_dims] {
        return Err(misfit());
    }
    let mut shape = lead.to_vec();
    shape.extend(&data.shape[batch_dims + depth..]);
    Ok(Type::new(data.dtype, shape))
}

/// Bias and residual of the operators that have them.
fn check_epilogue(op: &Op, inputs: &[&Type], out: &Type) -> Result<(), String> {
    let (factors, epilogue) = if let Op::TernaryMatMul { rows, epilogue } = op {
        (3 + usize::from(*rows), epilogue)
    } else if let Op::Conv { epilogue, .. } | Op::ConvTranspose { epilogue, .. } | Op::MatMul { epilogue } = op {
        (2, epilogue)
    } else {
        return Ok(());
    };
    let columns = *out.shape.last().ok_or("the result has no columns")?;
    let mut rest = inputs[factors..].iter();
    if epilogue.bias {
        let bias = rest.next().ok_or("the bias is missing")?;
        if bias.shape != [columns] || bias.dtype != out.dtype {
            return Err(format!("bias {bias} should be {}[{columns}]", out.dtype));
        }
    }
    if epilogue.residual {
        let residual = rest.next().ok_or("the residual is missing")?;
        if *residual != out {
            return Err(format!("residual {residual} should be {out}"));
        }
    }
    Ok(())
}
