//! Weights in few bits, activations in floats: codes behind DequantizeLinear.

use zantc::ir::Tensor;
use zantc::onnx::proto::AttributeProto;
use zantc::onnx::{ElementType, RawTensor};

use super::rounding::{Codes, codes};
use super::{MOST, recurrent};
use crate::Outcome;
use crate::gram::{Budget, Gram, measure};
use crate::layer::{Form, Layer, layers};
use crate::method::Bench;
use crate::net::{Net, node, with_integer};

/// Inputs of a block of four-bit weights, which share a scale.
const BLOCK: usize = 32;

/// Weights as bytes, a scale for each output channel, chosen so that the layer's output changes least.
///
/// # Errors
/// A model that does not compile or run on the examples.
pub fn weights_int8(net: &Net, bench: &Bench<'_>) -> Outcome<Net> {
    int8(net, Some(bench))
}

/// The same; without examples each weight is rounded to the nearest code, into as many bytes.
pub(crate) fn int8(net: &Net, bench: Option<&Bench<'_>>) -> Outcome<Net> {
    let net = rounded(net, bench, &mut |net, layer, grams| by_channels(net, layer, grams, MOST, ElementType::I8))?;
    Ok(written(with_recurrent(net)))
}

/// Weights of products in four bits, `-7..=7`, in blocks of 32 inputs with a scale each. Other layers become bytes, recurrent ones among
/// them.
///
/// # Errors
/// As of [`weights_int8`].
pub fn weights_int4(net: &Net, bench: &Bench<'_>) -> Outcome<Net> {
    int4(net, Some(bench))
}

/// The same; without examples as [`int8`].
pub(crate) fn int4(net: &Net, bench: Option<&Bench<'_>>) -> Outcome<Net> {
    let mut net = net.clone();
    let four = net.raise_for_blocks();
    let net = rounded(&net, bench, &mut |net, layer, grams| {
        let product = matches!(layer.form, Form::Rows | Form::Columns);
        if four && product && layer.depth.is_multiple_of(BLOCK) {
            by_blocks(net, layer, grams.first());
        } else {
            by_channels(net, layer, grams, MOST, ElementType::I8);
        }
    })?;
    Ok(written(with_recurrent(net)))
}

/// The same with weights of recurrent layers as bytes.
fn with_recurrent(mut net: Net) -> Net {
    recurrent::quantize(&mut net);
    net
}

/// Rounds the weights of all layers, each with what it reads measured where there are examples. The conversions wait to be [`written`].
pub(crate) fn rounded(
    net: &Net,
    bench: Option<&Bench<'_>>,
    round: &mut dyn FnMut(&mut Net, &Layer, &[Gram]),
) -> Outcome<Net> {
    let mut changed = net.clone();
    let found: Vec<Layer> = layers(net).into_iter().map(|layer| layer.with_own_constants(&mut changed)).collect();
    if let Some(bench) = bench {
        let start = changed.clone();
        measure(&start, &found, bench.data, Budget::default(), &mut |at, grams| {
            (bench.progress)(&format!("rounding {}", found[at].name));
            round(&mut changed, &found[at], &grams);
            Ok(())
        })?;
    }
    for layer in found.iter().filter(|l| bench.is_none() || matches!(l.form, Form::ConvTranspose { .. })) {
        round(&mut changed, layer, &[]);
    }
    Ok(changed)
}

/// Gives a layer codes `-most..=most` with a scale for each output channel.
pub(crate) fn by_channels(net: &mut Net, layer: &Layer, grams: &[Gram], most: i32, dtype: ElementType) {
    let Some(axis) = layer.axis() else { return };
    let rows = layer.weights(net);
    let each = layer.outputs / layer.groups * layer.depth;
    let mut all = Codes { codes: Vec::new(), scales: Vec::new() };
    for (group, rows) in rows.chunks(each).enumerate() {
        let found = codes(rows, layer.depth, grams.get(group), most, false);
        all.codes.extend(found.codes);
        all.scales.extend(found.scales);
    }
    store(net, layer, &all.codes, dtype, (&[all.scales.len()], &all.scales), vec![with_integer("axis", axis as i64)]);
}

/// Gives a product codes of four bits in blocks.
fn by_blocks(net: &mut Net, layer: &Layer, gram: Option<&Gram>) {
    let (rows, blocks, outputs) = (layer.weights(net), layer.depth / BLOCK, layer.outputs);
    let (all, scales) = in_blocks(&rows, layer.depth, gram);
    let (axis, shape, scales) = match layer.form {
        Form::Columns => {
            let turned = (0..blocks).flat_map(|b| (0..outputs).map(move |o| o * blocks + b)).map(|at| scales[at]);
            (0, [blocks, outputs], turned.collect::<Vec<f32>>())
        }
        _ => (1, [outputs, blocks], scales),
    };
    let attributes = vec![with_integer("axis", axis), with_integer("block_size", BLOCK as i64)];
    store(net, layer, &all, ElementType::I4, (&shape, &scales), attributes);
}

/// Codes of rows in blocks, each block for itself.
fn in_blocks(rows: &[f32], depth: usize, gram: Option<&Gram>) -> (Vec<i8>, Vec<f32>) {
    let blocks = depth / BLOCK;
    let (mut all, mut scales) = (vec![0i8; rows.len()], vec![0.0f32; rows.len() / BLOCK]);
    for block in 0..blocks {
        let part: Vec<f32> = rows.chunks(depth).flat_map(|row| row[block * BLOCK..][..BLOCK].to_vec()).collect();
        let of_block = gram.map(|gram| {
            let mut part = Gram::new(BLOCK);
            part.rows = gram.rows;
            for i in 0..BLOCK {
                let row = &gram.sums[(block * BLOCK + i) * depth + block * BLOCK..][..BLOCK];
                part.sums[i * BLOCK..][..BLOCK].copy_from_slice(row);
            }
            part
        });
        let found = codes(&part, BLOCK, of_block.as_ref(), 7, false);
        for (row, (codes, scale)) in found.codes.chunks(BLOCK).zip(&found.scales).enumerate() {
            all[row * depth + block * BLOCK..][..BLOCK].copy_from_slice(codes);
            scales[row * blocks + block] = *scale;
        }
    }
    (all, scales)
}

/// Puts codes in the place of a layer's weights, which it reads through a DequantizeLinear.
pub(crate) fn store(
    net: &mut Net,
    layer: &Layer,
    codes: &[i8],
    dtype: ElementType,
    (shape, scales): (&[usize], &[f32]),
    attributes: Vec<AttributeProto>,
) {
    let dims = net.floats(&layer.weight).map(|(shape, _)| shape).unwrap_or_default();
    let stored: Vec<i8> = layer.places().map(|place| codes[place]).collect();
    let name = net.fresh(&format!("{}_quantized", layer.weight));
    if dtype == ElementType::I4 {
        let pair = |two: &[i8]| (two[0] & 15) as u8 | (two.get(1).map_or(0, |c| c & 15) as u8) << 4;
        let data: Vec<u8> = stored.chunks(2).map(pair).collect();
        net.insert(RawTensor { name: name.clone(), dtype, dims, data: data.into() });
    } else {
        net.set(&name, &Tensor::from_elements(dims, &stored));
    }
    let scale = net.fresh(&format!("{}_scale", layer.weight));
    net.set_floats(&scale, shape, scales);
    let back = net.fresh(&format!("{}_dequantized", layer.weight));
    net.nodes_mut()[layer.node].input[1] = back.clone();
    net.before.push(node("DequantizeLinear", &back, &[&name, &scale], &back, attributes));
}

/// The model with the conversions that wait before all other nodes: they read constants alone.
pub(crate) fn written(mut net: Net) -> Net {
    let before = std::mem::take(&mut net.before);
    net.nodes_mut().splice(0..0, before);
    net.sweep();
    net
}
