//! Operators that move elements.

use zantc::ir::{Scalar, Tensor, Type};

use super::{Entry, op};
use crate::random::draft::{ALL, BOOL, Draft, FLOATS, NUMBERS};

pub(super) const OPS: &[Entry] = &[
    op("Concat", 4, concat),
    op("Expand", 8, expand),
    op("Flatten", 1, flatten),
    op("Reshape", 5, reshape),
    op("Slice", 1, slice),
    op("Split", 2, split),
    op("Squeeze", 1, squeeze),
    op("Transpose", 1, transpose),
    op("Unsqueeze", 1, unsqueeze),
    op("DepthToSpace", 1, depth_to_space),
    op("SpaceToDepth", 1, space_to_depth),
    op("Tile", 6, tile),
    op("Pad", 2, pad),
    op("CenterCropPad", 18, center),
    op("Trilu", 14, trilu),
    op("Shape", 1, shape),
    op("Size", 1, |d| {
        d.x(ALL, 0, 4);
        Some(())
    }),
    op("ReverseSequence", 10, reverse),
    op("Dropout", 7, dropout),
];

fn concat(d: &mut Draft<'_>) -> Option<()> {
    let ty = d.x(ALL, 1, 4);
    let axis = d.axis(ty.rank());
    let at = axis.rem_euclid(ty.rank() as i64) as usize;
    let more = d.r.pick(&[0, 1, 1, 2, 3, 5]);
    for _ in 0..more {
        if d.one_in(6) {
            d.again(0);
            continue;
        }
        let mut shape = ty.shape.clone();
        if !d.one_in(3) {
            shape[at] = d.dim();
        }
        d.exactly(ty.dtype, shape);
    }
    d.int("axis", axis);
    Some(())
}

fn expand(d: &mut Draft<'_>) -> Option<()> {
    let ty = d.x(ALL, 0, 4);
    let own: Vec<i64> =
        ty.shape.iter().map(|&n| if n == 1 { d.dim() as i64 } else { d.r.pick(&[1, n as i64]) }).collect();
    let cut = if d.one_in(4) && !own.is_empty() { d.r.below(own.len()) } else { 0 };
    let lead: Vec<i64> = if cut == 0 { (0..d.r.below(2)).map(|_| d.r.within(1, 3) as i64).collect() } else { vec![] };
    d.list(&[lead.as_slice(), &own[cut..]].concat());
    Some(())
}

fn flatten(d: &mut Draft<'_>) -> Option<()> {
    let ty = d.x(ALL, 0, 4);
    let axis = d.r.within(0, ty.rank()) as i64;
    let axis = if d.opset >= 11 && d.one_in(3) && axis < ty.rank() as i64 { axis - ty.rank() as i64 } else { axis };
    if axis != 1 || d.one_in(2) {
        d.int("axis", axis);
    }
    Some(())
}

fn reshape(d: &mut Draft<'_>) -> Option<()> {
    let ty = d.x(ALL, 0, 5);
    let mut new: Vec<i64> = ty.shape.iter().map(|&n| n as i64).collect();
    for _ in 0..d.r.within(1, 3) {
        let at = d.r.below(new.len() + 1);
        match d.r.below(3) {
            0 => new.insert(at, 1),
            1 if at + 1 < new.len() => {
                let joined = new[at] * new[at + 1];
                new.splice(at..at + 2, [joined]);
            }
            _ => {
                if let Some(&n) = new.get(at)
                    && let Some(f) = (2..n).find(|f| n % f == 0)
                {
                    new.splice(at..=at, [f, n / f]);
                }
            }
        }
    }
    if d.opset >= 14 && d.one_in(4) {
        d.int("allowzero", 1);
    } else {
        // Zeros copy a dimension, -1 is what is left.
        for (i, n) in new.iter_mut().enumerate() {
            if ty.shape.get(i).is_some_and(|&o| o as i64 == *n) && d.r.one_in(3) {
                *n = 0;
            }
        }
        if !new.is_empty() && d.one_in(3) && !ty.shape.contains(&0) {
            let at = d.r.below(new.len());
            new[at] = -1;
        }
    }
    d.list(&new);
    Some(())
}

fn slice(d: &mut Draft<'_>) -> Option<()> {
    let ty = d.x(ALL, 1, 4);
    let rank = ty.rank();
    let mut axes = d.r.shuffled(rank);
    let count = d.r.within(1, rank);
    axes.truncate(count);
    let default_axes = d.one_in(4);
    if default_axes {
        axes = (0..count).collect();
    }
    let (mut starts, mut ends, mut steps) = (vec![], vec![], vec![]);
    for &a in &axes {
        let n = ty.shape[a] as i64;
        let place = |d: &mut Draft<'_>| match d.r.below(8) {
            0 => i64::MAX,
            1 => i64::from(i32::MIN),
            2 => -n - 3,
            _ => d.r.below(2 * n.max(1) as usize + 1) as i64 - n,
        };
        starts.push(place(d));
        ends.push(place(d));
        steps.push(if d.opset < 10 { 1 } else { d.r.pick(&[1, 1, 2, 3, -1, -1, -2]) });
    }
    let axes: Vec<i64> = axes.iter().map(|&a| if d.r.one_in(3) { a as i64 - rank as i64 } else { a as i64 }).collect();
    if d.opset < 10 {
        d.ints("starts", &starts);
        d.ints("ends", &ends);
        if !default_axes {
            let axes: Vec<i64> = axes.iter().map(|a| a.rem_euclid(rank as i64)).collect();
            d.ints("axes", &axes);
        }
        return Some(());
    }
    d.list(&starts);
    d.list(&ends);
    if default_axes {
        d.none();
    } else {
        d.list(&axes);
    }
    if steps.iter().any(|&s| s != 1) || d.one_in(2) {
        d.list(&steps);
    }
    Some(())
}

fn split(d: &mut Draft<'_>) -> Option<()> {
    let ty = d.x(ALL, 1, 4);
    let axis = d.axis(ty.rank());
    let n = ty.shape[axis.rem_euclid(ty.rank() as i64) as usize];
    d.int("axis", axis);
    let parts = d.r.within(1, n.clamp(1, 4));
    d.outputs(parts);
    if d.one_in(2) {
        if d.opset >= 18 {
            d.int("num_outputs", parts as i64);
        }
        return (d.opset >= 18 || n.is_multiple_of(parts)).then_some(());
    }
    let mut lengths = vec![0i64; parts];
    for _ in 0..n {
        let at = d.r.below(parts);
        lengths[at] += 1;
    }
    if d.opset >= 13 {
        d.list(&lengths);
    } else {
        d.ints("split", &lengths);
    }
    Some(())
}

fn squeeze(d: &mut Draft<'_>) -> Option<()> {
    let mut shape = d.shape(0, 3);
    let at = d.r.below(shape.len() + 1);
    shape.insert(at, 1);
    let ty = d.x_of(ALL, shape, |s| s.contains(&1));
    let ones: Vec<i64> = (0..ty.rank()).filter(|&i| ty.shape[i] == 1).map(|i| i as i64).collect();
    if d.one_in(3) {
        return Some(());
    }
    let axes: Vec<i64> = ones.into_iter().filter(|_| !d.r.one_in(3)).collect();
    if d.opset >= 13 {
        d.list(&axes);
    } else if !axes.is_empty() {
        d.ints("axes", &axes);
    }
    Some(())
}

fn transpose(d: &mut Draft<'_>) -> Option<()> {
    let ty = d.x(ALL, 0, 5);
    if !d.one_in(4) {
        let perm: Vec<i64> = d.r.shuffled(ty.rank()).into_iter().map(|p| p as i64).collect();
        d.ints("perm", &perm);
    }
    Some(())
}

fn unsqueeze(d: &mut Draft<'_>) -> Option<()> {
    let ty = d.x(ALL, 0, 3);
    let count = d.r.within(1, 2);
    let rank = ty.rank() + count;
    let mut axes: Vec<i64> = d.r.shuffled(rank).into_iter().take(count).map(|a| a as i64).collect();
    if d.opset >= 11 && d.one_in(3) {
        axes.iter_mut().for_each(|a| *a -= rank as i64);
    }
    if d.opset >= 13 {
        d.list(&axes);
    } else {
        d.ints("axes", &axes);
    }
    Some(())
}

fn depth_to_space(d: &mut Draft<'_>) -> Option<()> {
    let b = d.r.within(1, 3);
    let shape = vec![d.r.within(1, 2), b * b * d.r.within(1, 3), d.dim(), d.dim()];
    d.x_of(ALL, shape, |s| s.len() == 4 && s[1] % (b * b) == 0);
    d.int("blocksize", b as i64);
    if d.opset >= 11 && d.one_in(2) {
        let mode = d.r.pick(&["DCR", "CRD"]);
        d.text("mode", mode);
    }
    Some(())
}

fn space_to_depth(d: &mut Draft<'_>) -> Option<()> {
    let b = d.r.within(1, 3);
    let shape = vec![d.r.within(1, 2), d.dim(), b * d.r.within(1, 3), b * d.r.within(1, 3)];
    d.x_of(ALL, shape, |s| s.len() == 4 && s[2] % b == 0 && s[3] % b == 0);
    d.int("blocksize", b as i64);
    if d.opset >= 28 && d.one_in(2) {
        let mode = d.r.pick(&["DCR", "CRD"]);
        d.text("mode", mode);
    }
    Some(())
}

fn tile(d: &mut Draft<'_>) -> Option<()> {
    let ty = d.x(ALL, 1, 4);
    let repeats: Vec<i64> = (0..ty.rank()).map(|_| d.r.pick(&[1, 1, 2, 3, 0, 1])).collect();
    d.list(&repeats);
    Some(())
}

fn pad(d: &mut Draft<'_>) -> Option<()> {
    let dtypes = if d.opset < 11 {
        FLOATS
    } else if d.opset < 13 {
        NUMBERS
    } else {
        ALL
    };
    let ty = d.x(dtypes, 1, 4);
    let modes: &[&str] =
        if d.opset < 18 { &["constant", "reflect", "edge"] } else { &["constant", "reflect", "edge", "wrap"] };
    let mode = if d.one_in(2) { "constant" } else { d.r.pick(modes) };
    let rank = ty.rank();
    let axes: Vec<usize> = if d.opset >= 18 && d.one_in(2) {
        d.r.shuffled(rank).into_iter().take(1).collect()
    } else {
        (0..rank).collect()
    };
    let pads: Vec<i64> = (0..2 * axes.len())
        .map(|i| {
            let n = ty.shape[axes[i % axes.len()]] as i64;
            let most = if mode == "reflect" { (n - 1).clamp(0, 3) } else { 3 };
            match d.r.below(3) {
                0 => 0,
                1 if mode == "constant" && n > 2 => -1,
                _ => d.r.below(most as usize + 1) as i64,
            }
        })
        .collect();
    if mode != "constant" || d.one_in(2) {
        d.text("mode", mode);
    }
    if d.opset < 11 {
        d.ints("pads", &pads);
        d.float_near("value", 0.0);
        return Some(());
    }
    d.list(&pads);
    let whole = axes.len() == rank && axes.iter().enumerate().all(|(i, &a)| i == a);
    if d.one_in(2) {
        let value = if d.one_in(2) { Scalar::zero(ty.dtype) } else { Scalar::from_i64(1, ty.dtype) };
        d.either(Tensor::scalar(value));
    } else if !whole {
        d.none();
    }
    if !whole {
        let axes: Vec<i64> = axes.iter().map(|&a| a as i64).collect();
        d.list(&axes);
    }
    Some(())
}

fn center(d: &mut Draft<'_>) -> Option<()> {
    let ty = d.x(ALL, 1, 4);
    let rank = ty.rank();
    let mut axes: Vec<i64> = (0..rank as i64).collect();
    if d.one_in(2) {
        let keep = d.r.within(1, rank);
        axes = d.r.shuffled(rank).into_iter().take(keep).map(|a| a as i64).collect();
        d.ints("axes", &axes);
    }
    let lengths: Vec<i64> = axes.iter().map(|_| d.r.within(1, 8) as i64).collect();
    d.list(&lengths);
    Some(())
}

fn trilu(d: &mut Draft<'_>) -> Option<()> {
    d.x(ALL, 2, 4);
    if d.one_in(2) {
        let k = d.r.below(9) as i64 - 4;
        d.given(Tensor::scalar(Scalar::I64(k)));
    }
    d.flag("upper");
    Some(())
}

fn shape(d: &mut Draft<'_>) -> Option<()> {
    let ty = d.x(ALL, 0, 4);
    if d.opset >= 15 {
        for name in ["start", "end"] {
            if d.one_in(2) {
                let v = d.r.below(2 * ty.rank() + 3) as i64 - ty.rank() as i64 - 1;
                d.int(name, v);
            }
        }
    }
    Some(())
}

fn reverse(d: &mut Draft<'_>) -> Option<()> {
    let ty = d.x(ALL, 2, 4);
    let batch = d.r.below(2);
    let lengths: Vec<i64> = (0..ty.shape[batch]).map(|_| d.r.within(1, ty.shape[1 - batch].max(1)) as i64).collect();
    d.list(&lengths);
    d.int("batch_axis", batch as i64);
    d.int("time_axis", 1 - batch as i64);
    Some(())
}

fn dropout(d: &mut Draft<'_>) -> Option<()> {
    d.x(FLOATS, 0, 4);
    if d.opset >= 12 {
        if d.one_in(2) {
            d.either(Tensor::scalar(Scalar::F32(0.25)));
            if d.one_in(2) {
                d.constant(Tensor::from_scalars(Type::new(BOOL[0], []), [Scalar::Bool(false)]));
            }
        }
    } else if d.one_in(2) {
        d.float_near("ratio", 0.5);
    }
    if d.one_in(3) {
        d.outputs(2);
    }
    Some(())
}
