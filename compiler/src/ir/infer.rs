//! Types of results from types of operands; also the check that an operator fits its operands.

use super::{
    Activation, DType, Movement, Op, PoolKind, Quant, ReduceKind, ScatterKind, Type, Window, checked_elements,
};

/// Result types of an operator, or what does not fit.
pub fn infer(op: &Op, inputs: &[&Type]) -> Result<Vec<Type>, String> {
    let types = match op {
        Op::Conv { window, groups, epilogue } => {
            let count = 2 + usize::from(epilogue.bias) + usize::from(epilogue.residual);
            expect_operands(inputs, count)?;
            vec![conv(window, *groups, inputs[0], inputs[1])?]
        }
        Op::ConvTranspose { window, output, groups, epilogue } => {
            expect_operands(inputs, 2 + usize::from(epilogue.bias) + usize::from(epilogue.residual))?;
            vec![conv_transpose(window, *output, *groups, [inputs[0], inputs[1]])?]
        }
        Op::QConv { window, groups, quant } => {
            expect_operands(inputs, 4 + usize::from(quant.residual.is_some()))?;
            vec![qconv(window, *groups, quant, inputs)?]
        }
        Op::DynamicMatMul { bias, .. } => {
            expect_operands(inputs, 3 + usize::from(*bias))?;
            vec![dynamic_matmul(inputs)?]
        }
        Op::Quantized { op, from, target, .. } => {
            expect_operands(inputs, 1)?;
            let computed = matches!(
                **op,
                Op::Pool { kind: PoolKind::Average { .. }, .. }
                    | Op::Reduce { kind: ReduceKind::Sum, .. }
                    | Op::Softmax { log: false, .. }
            );
            let quant = Quant { zero: from.zero, target: *target, residual: None };
            if !computed || !matches!(inputs[0].dtype, DType::I8 | DType::U8) {
                return Err(format!("{} of {} is not computed between bytes", op.name(), inputs[0]));
            }
            if let Some(fault) = quant.fault(inputs[0].dtype) {
                return Err(fault);
            }
            let real = Type { dtype: DType::F32, ..inputs[0].clone() };
            vec![Type { dtype: target.dtype, ..infer(op, &[&real])?.remove(0) }]
        }
        Op::MatMul { epilogue } => {
            expect_operands(inputs, 2 + usize::from(epilogue.bias) + usize::from(epilogue.residual))?;
            vec![matmul(inputs[0], inputs[1])?]
        }
        Op::Pool { window, .. } => {
            expect_operands(inputs, 1)?;
            let [n, h, w, c] = map_shape(inputs[0])?;
            let [oh, ow] = window_shape(window, [h, w])?;
            vec![Type::new(inputs[0].dtype, [n, oh, ow, c])]
        }
        Op::Reduce { axes, .. } => {
            expect_operands(inputs, 1)?;
            vec![Type::new(inputs[0].dtype, without_axes(inputs[0], axes)?)]
        }
        Op::Arg { axis, .. } => {
            expect_operands(inputs, 1)?;
            let shape = without_axes(inputs[0], &[*axis])?;
            if inputs[0].shape[*axis] == 0 {
                return Err(format!("dimension {axis} of {} has no extreme element", inputs[0]));
            }
            vec![Type::new(DType::I64, shape)]
        }
        Op::Map { expr } => {
            let dtypes: Vec<DType> = inputs.iter().map(|t| t.dtype).collect();
            let result = *expr.types(&dtypes)?.last().ok_or("the expression is empty")?;
            let shapes: Vec<&[usize]> = inputs.iter().map(|t| t.shape.as_slice()).collect();
            vec![Type::new(result, broadcast(&shapes)?)]
        }
        Op::Movement(m) => {
            expect_operands(inputs, 1)?;
            vec![Type::new(inputs[0].dtype, movement(m, inputs[0])?)]
        }
        Op::Concat { axis } => vec![concat(*axis, inputs)?],
        Op::Gather { axis } => {
            expect_operands(inputs, 2)?;
            check_axis(inputs[0], *axis)?;
            let mut shape = inputs[0].shape.clone();
            shape.splice(*axis..=*axis, inputs[1].shape.iter().copied());
            vec![Type::new(inputs[0].dtype, shape)]
        }
        Op::GatherElements { axis } => {
            expect_operands(inputs, 2)?;
            check_axis(inputs[0], *axis)?;
            inside_but_for(*axis, inputs[0], inputs[1])?;
            vec![Type::new(inputs[0].dtype, inputs[1].shape.clone())]
        }
        Op::GatherNd { batch_dims } => {
            expect_operands(inputs, 2)?;
            vec![gather_nd(*batch_dims, inputs[0], inputs[1])?]
        }
        Op::ScatterElements { axis, .. } => {
            expect_operands(inputs, 3)?;
            check_axis(inputs[0], *axis)?;
            inside_but_for(*axis, inputs[0], inputs[1])?;
            same_shape(inputs[1], inputs[2])?;
            vec![inputs[0].clone()]
        }
        Op::ScatterNd { .. } => {
            expect_operands(inputs, 3)?;
            let slices = gather_nd(0, inputs[0], inputs[1])?;
            same_shape(&slices, inputs[2])?;
            vec![inputs[0].clone()]
        }
        Op::Softmax { axis, .. } | Op::Cumulative { axis, .. } => {
            expect_operands(inputs, 1)?;
            check_axis(inputs[0], *axis)?;
            vec![inputs[0].clone()]
        }
        Op::Norm { axis, scale, bias, .. } => {
            expect_operands(inputs, 1 + usize::from(*scale) + usize::from(*bias))?;
            if *bias && !*scale {
                return Err("a bias comes with a scale".into());
            }
            check_axis(inputs[0], *axis)?;
            let rows = Type::new(inputs[0].dtype, &inputs[0].shape[*axis..]);
            inputs[1..].iter().try_for_each(|t| same_shape(&rows, t))?;
            vec![inputs[0].clone()]
        }
        Op::TopK { axis, k, .. } => {
            expect_operands(inputs, 1)?;
            check_axis(inputs[0], *axis)?;
            let mut shape = inputs[0].shape.clone();
            if *k > shape[*axis] {
                return Err(format!("k = {k} exceeds the {} elements of dimension {axis}", shape[*axis]));
            }
            shape[*axis] = *k;
            vec![Type::new(inputs[0].dtype, shape.clone()), Type::new(DType::I64, shape)]
        }
    };
    for t in &types {
        checked_elements(&t.shape).ok_or_else(|| format!("the result {t} has too many elements"))?;
    }
    check_epilogue(op, inputs, &types[0])?;
    check_dtypes(op, inputs)?;
    Ok(types)
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
    let number = |dtype: DType| dtype != DType::Bool;
    let index = |dtype: DType| matches!(dtype, DType::I32 | DType::I64);
    match op {
        Op::Conv { epilogue, .. } | Op::ConvTranspose { epilogue, .. } | Op::MatMul { epilogue } => {
            same(0, 1)?;
            operand(0, if epilogue.activation == Activation::None { number } else { DType::is_float })
        }
        Op::Pool { kind: PoolKind::Average { .. }, .. } | Op::Softmax { .. } => operand(0, DType::is_float),
        Op::Norm { .. } => inputs.iter().try_for_each(|t| match t.dtype {
            DType::F32 => Ok(()),
            other => Err(format!("norm of {other}")),
        }),
        Op::Pool { kind: PoolKind::Max, .. }
        | Op::Reduce { kind: ReduceKind::Sum | ReduceKind::Prod, .. }
        | Op::Arg { .. }
        | Op::Cumulative { .. }
        | Op::TopK { .. } => operand(0, number),
        Op::Gather { .. } | Op::GatherElements { .. } | Op::GatherNd { .. } => operand(1, index),
        Op::ScatterElements { kind, .. } | Op::ScatterNd { kind } => {
            operand(1, index)?;
            same(0, 2)?;
            if *kind == ScatterKind::Replace { Ok(()) } else { operand(0, number) }
        }
        Op::Reduce { kind: ReduceKind::Max | ReduceKind::Min, .. }
        | Op::QConv { .. }
        | Op::Quantized { .. }
        | Op::DynamicMatMul { .. }
        | Op::Map { .. }
        | Op::Movement(_)
        | Op::Concat { .. } => Ok(()),
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
    same_rank(data, indices)?;
    match (0..data.rank()).find(|&d| d != axis && indices.shape[d] > data.shape[d]) {
        Some(d) => Err(format!("indices {indices} exceed {data} in dimension {d}")),
        None => Ok(()),
    }
}

fn same_shape(a: &Type, b: &Type) -> Result<(), String> {
    if a.shape == b.shape { Ok(()) } else { Err(format!("{b} should have the shape {:?}", a.shape)) }
}

fn map_shape(t: &Type) -> Result<[usize; 4], String> {
    <[usize; 4]>::try_from(t.shape.as_slice()).map_err(|_| format!("{t} is not [batch, height, width, channels]"))
}

fn window_shape(window: &Window, input: [usize; 2]) -> Result<[usize; 2], String> {
    if window.stride.contains(&0) || window.dilation.contains(&0) || window.kernel.contains(&0) {
        return Err("kernel, stride and dilation must be at least 1".into());
    }
    let len = |axis: usize| {
        window.output_len(axis, input[axis]).ok_or_else(|| {
            format!(
                "a window of {:?} (dilation {:?}) does not fit a map of {input:?} with padding {:?} and {:?}",
                window.kernel, window.dilation, window.pad_begin, window.pad_end
            )
        })
    };
    Ok([len(0)?, len(1)?])
}

fn conv(window: &Window, groups: usize, x: &Type, w: &Type) -> Result<Type, String> {
    let [n, h, wd, c] = map_shape(x)?;
    let [o, kh, kw, ci] = map_shape(w)?;
    if [kh, kw] != window.kernel {
        return Err(format!("weights {w} do not fit a window of {:?}", window.kernel));
    }
    if groups == 0 || c % groups != 0 || o % groups != 0 || ci != c / groups {
        return Err(format!("weights {w} do not fit {c} channels in {groups} groups"));
    }
    let [oh, ow] = window_shape(window, [h, wd])?;
    Ok(Type::new(x.dtype, [n, oh, ow, o]))
}

fn dynamic_matmul(inputs: &[&Type]) -> Result<Type, String> {
    let (x, w) = (inputs[0], inputs[1]);
    let (Some((k, rows)), &[n, depth]) = (x.shape.split_last(), w.shape.as_slice()) else {
        return Err(format!("{x} and {w} are not numbers and a matrix"));
    };
    if x.dtype != DType::F32 || w.dtype != DType::I8 || *k != depth {
        return Err(format!("{x} and {w} are not numbers and weights of i8 of one depth"));
    }
    if let Some(t) = inputs[2..].iter().find(|t| t.shape != [n] || t.dtype != DType::F32) {
        return Err(format!("{t} should be f32[{n}]"));
    }
    Ok(Type::new(DType::F32, rows.iter().copied().chain([n]).collect::<Vec<_>>()))
}

fn qconv(window: &Window, groups: usize, quant: &Quant, inputs: &[&Type]) -> Result<Type, String> {
    let y = Type { dtype: quant.dtype(), ..conv(window, groups, inputs[0], inputs[1])? };
    let bytes = |dtype: DType| matches!(dtype, DType::I8 | DType::U8);
    if !bytes(inputs[0].dtype) || inputs[1].dtype != DType::I8 {
        return Err(format!("{} and {} are not a map of bytes and weights of i8", inputs[0], inputs[1]));
    }
    if let Some(fault) = quant.fault(inputs[0].dtype) {
        return Err(fault);
    }
    let columns = y.shape[3];
    for (t, dtype) in inputs[2..4].iter().zip([DType::I32, DType::F32]) {
        if t.shape != [columns] || t.dtype != dtype {
            return Err(format!("{t} should be {dtype}[{columns}]"));
        }
    }
    match inputs.get(4) {
        Some(residual) if **residual != y => Err(format!("residual {residual} should be {y}")),
        Some(_) | None => Ok(y),
    }
}

fn conv_transpose(window: &Window, output: [usize; 2], groups: usize, [x, w]: [&Type; 2]) -> Result<Type, String> {
    let [n, _, _, c] = map_shape(x)?;
    let [o, kh, kw, ci] = map_shape(w)?;
    if [kh, kw] != window.kernel || window.stride.contains(&0) || window.dilation.contains(&0) {
        return Err(format!(
            "weights {w} do not fit a window of {:?} that moves by {:?}",
            window.kernel, window.stride
        ));
    }
    if groups == 0 || c % groups != 0 || o % groups != 0 || ci != c / groups {
        return Err(format!("weights {w} do not fit {c} channels in {groups} groups"));
    }
    Ok(Type::new(x.dtype, [n, output[0], output[1], o]))
}

fn matmul(a: &Type, b: &Type) -> Result<Type, String> {
    if a.rank() < 2 || b.rank() < 2 {
        return Err(format!("{a} and {b} must have rank 2 or more"));
    }
    if a.dtype != b.dtype {
        return Err(format!("{a} and {b} differ in type"));
    }
    let (batch_a, ma) = a.shape.split_at(a.rank() - 2);
    let (batch_b, mb) = b.shape.split_at(b.rank() - 2);
    if ma[1] != mb[0] {
        return Err(format!("{a} has {} columns, {b} has {} rows", ma[1], mb[0]));
    }
    let mut shape = broadcast(&[batch_a, batch_b])?;
    shape.extend([ma[0], mb[1]]);
    Ok(Type::new(a.dtype, shape))
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
    let (Op::Conv { epilogue, .. } | Op::ConvTranspose { epilogue, .. } | Op::MatMul { epilogue }) = op else {
        return Ok(());
    };
    let columns = *out.shape.last().ok_or("the result has no columns")?;
    let mut rest = inputs[2..].iter();
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
