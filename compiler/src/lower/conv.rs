//! Convolutions: the depthwise kernel where every channel is a group of its own, else the general one.

use std::sync::Arc;

use zant_runtime::kernels::packing::{self, Piece};
use zant_runtime::terms::conv2d::Conv2d;
use zant_runtime::terms::epilogue;

use super::{Fault, Lowered, Lowering, expect_f32};
use crate::ir::{Activation, DType, Epilogue, Hw, Node, Tensor, Type, ValueId, Window};
use crate::layout::strides::merge;
use crate::program::kernels::{ConvCall, ConvKind, CopyCall, FillCall, IntConvCall};
use crate::program::{Access, Arg, View};

/// The epilogue as the kernels have it.
pub(super) fn kernel_epilogue(e: Epilogue) -> epilogue::Epilogue {
    epilogue::Epilogue {
        activation: match e.activation {
            Activation::None => epilogue::Activation::None,
            Activation::Clamp { lo, hi } => epilogue::Activation::Clamp { lo, hi },
            Activation::Leaky { alpha } => epilogue::Activation::Leaky { alpha },
        },
        residual: if e.residual { epilogue::Residual::Accumulate } else { epilogue::Residual::None },
    }
}

impl Lowering<'_> {
    pub(super) fn conv(&mut self, node: &Node, window: &Window, groups: usize, epilogue: Epilogue) -> Lowered {
        let x = self.ty(node.inputs[0]).clone();
        let y = self.ty(node.outputs[0]).clone();
        let map = self.operand(node.inputs[0]);
        let in_pitch = self.operand_pitch(node.inputs[0]);
        let out_pitch = self.result_pitch(node.outputs[0]);
        let params = Conv2d { in_pitch, out_pitch, ..conv2d(&x, &y, window, groups, epilogue) };
        if x.dtype.is_int() && !epilogue.residual {
            let w = self.operand(node.inputs[1]);
            let bias = self.bias(node, epilogue);
            let y = self.product_result(node, epilogue)?;
            let call = Arc::new(IntConvCall { dtype: x.dtype, params });
            self.call(node, call, vec![map, w, bias, y]);
            return Ok(());
        }
        expect_f32("convolution", x.dtype)?;
        self.conv_call(node, params, map, epilogue)
    }

    /// The call of a convolution over `map`, with weights, bias and residual of a node.
    fn conv_call(&mut self, node: &Node, params: Conv2d, map: Arg, epilogue: Epilogue) -> Lowered {
        let depthwise = params.groups == params.in_c && params.groups == params.out_c;
        let coded = if params.groups == 1 { self.coded(node, false, packing::conv2d(&params, false)) } else { None };
        if let Some(w) = coded {
            let (bias, y) = (self.bias(node, epilogue), self.product_result(node, epilogue)?);
            self.coded_conv(node, params, w, [map, bias, y]);
            return Ok(());
        }
        let sparse = if depthwise { None } else { self.sparse_conv(node, &params, false) };
        if let Some(w) = sparse {
            let (bias, y) = (self.bias(node, epilogue), self.product_result(node, epilogue)?);
            self.sparse_conv_call(node, params, w, [map, bias, y]);
            return Ok(());
        }
        let (kind, w) = if depthwise {
            (ConvKind::Depthwise, self.packed_weights(node, packing::depthwise2d(&params)))
        } else {
            (ConvKind::General, self.packed_weights(node, packing::conv2d(&params, false)))
        };
        let bias = self.bias(node, epilogue);
        let y = self.product_result(node, epilogue)?;
        self.call(node, Arc::new(ConvCall { kind, params }), vec![map, w, bias, y]);
        Ok(())
    }

    /// The second operand of a product in the layout of its kernel: a weight where it is constant, else packed by steps.
    pub(super) fn packed_weights(&mut self, node: &Node, pieces: impl Iterator<Item = Piece>) -> Arg {
        self.packed_operand(node, node.inputs[1], pieces)
    }

    /// The same for any operand.
    pub(super) fn packed_operand(&mut self, node: &Node, operand: ValueId, pieces: impl Iterator<Item = Piece>) -> Arg {
        if let Some(weights) = self.data(operand).and_then(Tensor::to_vec::<f32>) {
            let name = self.graph.value(operand).name.clone();
            let packed: Vec<f32> = pieces.flat_map(Piece::places).map(|at| weights[at]).collect();
            return Arg::Weight(self.new_weight(&name, Tensor::from_elements([packed.len()], &packed), Some(operand)));
        }
        let ty = Type::new(DType::F32, [self.ty(operand).elements()]);
        let (source, view) = (self.operand(operand), self.new_temporary(&ty));
        let mut y_start = 0;
        for p in pieces {
            let mut dims = p.dims.to_vec();
            let [_, d1, d2] = p.dims.map(|d| d as isize);
            let mut strides = [p.strides.to_vec(), vec![d1 * d2, d2, 1]];
            merge(&mut dims, &mut strides);
            let [x_strides, y_strides] = strides;
            let call = CopyCall { dtype: DType::F32, dims, x_start: p.start, x_strides, y_start, y_strides };
            self.helper_step(node, &ty, Arc::new(call), vec![source, Arg::Buffer(view, Access::Write)]);
            y_start += p.len();
        }
        Arg::Buffer(view, Access::Read)
    }

    /// The bias operand of a product.
    pub(super) fn bias(&mut self, node: &Node, epilogue: Epilogue) -> Arg {
        let none = Arg::Empty(self.ty(node.outputs[0]).dtype);
        if epilogue.bias { self.operand(node.inputs[2]) } else { none }
    }

    /// Where a product goes: over its residual where it has one, which lives no longer.
    pub(super) fn product_result(&mut self, node: &Node, epilogue: Epilogue) -> Lowered<Arg> {
        if !epilogue.residual {
            return Ok(Arg::Buffer(self.result(node.outputs[0]), Access::Write));
        }
        let residual = *node.inputs.last().expect("the residual is the last operand");
        let Some(view) = self.places[residual.index()] else {
            return Err(Fault::form("a residual must be computed by the model", "this is a mistake of the compiler"));
        };
        self.places[node.outputs[0].index()] = Some(view);
        Ok(Arg::Buffer(view, Access::Update))
    }

    /// A transposed convolution is a convolution over the map with zeros between its elements.
    pub(super) fn conv_transpose(
        &mut self,
        node: &Node,
        window: &Window,
        output: Hw,
        groups: usize,
        epilogue: Epilogue,
    ) -> Lowered {
        let x = self.ty(node.inputs[0]).clone();
        let y = self.ty(node.outputs[0]).clone();
        expect_f32("transposed convolution", x.dtype)?;
        let source = self.operand(node.inputs[0]);
        let (spread, shape) = self.spread(node, &x, source, window)?;
        let spread_ty = Type::new(x.dtype, shape);
        // Output pixel o reads spread pixels o + pad_begin - k * dilation: the taps run backwards.
        let span = |axis: usize| (window.kernel[axis] - 1) * window.dilation[axis];
        let pad = |axis: usize| span(axis).checked_sub(window.pad_begin[axis]);
        let (Some(top), Some(left)) = (pad(0), pad(1)) else {
            return Err(Fault::form("padding wider than the window", "crop the result by a Slice instead"));
        };
        let forward = Window {
            kernel: window.kernel,
            stride: [1, 1],
            dilation: window.dilation,
            pad_begin: [top, left],
            pad_end: [0, 0],
        };
        debug_assert_eq!(y.shape[1..3], output);
        let params = conv2d(&spread_ty, &y, &forward, groups, epilogue);
        let coded = if params.groups == 1 { self.coded(node, false, packing::conv2d(&params, true)) } else { None };
        let map = Arg::Buffer(spread, Access::Read);
        if let Some(w) = coded {
            let (bias, y) = (self.bias(node, epilogue), self.product_result(node, epilogue)?);
            self.coded_conv(node, params, w, [map, bias, y]);
            return Ok(());
        }
        if let Some(w) = self.sparse_conv(node, &params, true) {
            let (bias, y) = (self.bias(node, epilogue), self.product_result(node, epilogue)?);
            self.sparse_conv_call(node, params, w, [map, bias, y]);
            return Ok(());
        }
        let w = self.packed_weights(node, packing::conv2d(&params, true));
        let bias = self.bias(node, epilogue);
        let y = self.product_result(node, epilogue)?;
        let call = Arc::new(ConvCall { kind: ConvKind::General, params });
        self.call(node, call, vec![map, w, bias, y]);
        Ok(())
    }

    /// The map with `stride - 1` zeros between neighbouring pixels; itself where the stride is one.
    fn spread(&mut self, node: &Node, x: &Type, source: Arg, window: &Window) -> Lowered<(View, Vec<usize>)> {
        let [n, h, w, c] = <[usize; 4]>::try_from(x.shape.as_slice()).expect("a map has four dimensions");
        let [sh, sw] = window.stride;
        let shape = vec![n, (h.max(1) - 1) * sh + 1, (w.max(1) - 1) * sw + 1, c];
        let ty = Type::new(x.dtype, shape.clone());
        let view = self.new_temporary(&ty);
        if shape != x.shape {
            let elements = ty.elements();
            let value = crate::ir::Scalar::F32(0.0);
            let fill = FillCall { value, dims: vec![elements], start: 0, strides: vec![1] };
            self.helper_step(node, &ty, Arc::new(fill), vec![Arg::Buffer(view, Access::Write)]);
        }
        let strides = |h: usize, w: usize, sh: usize, sw: usize| {
            vec![(h * w * c) as isize, (w * c * sh) as isize, (c * sw) as isize, 1]
        };
        let copy = CopyCall {
            dtype: x.dtype,
            dims: x.shape.clone(),
            x_start: 0,
            x_strides: strides(h, w, 1, 1),
            y_start: 0,
            y_strides: strides(shape[1], shape[2], sh, sw),
        };
        let access = if shape == x.shape { Access::Write } else { Access::Update };
        self.helper_step(node, &ty, Arc::new(copy), vec![source, Arg::Buffer(view, access)]);
        Ok((view, shape))
    }
}

/// The kernel's parameters for dense maps.
pub(super) fn conv2d(x: &Type, y: &Type, window: &Window, groups: usize, epilogue: Epilogue) -> Conv2d {
    Conv2d {
        batch: x.shape[0],
        in_h: x.shape[1],
        in_w: x.shape[2],
        in_c: x.shape[3],
        in_pitch: x.shape[3],
        out_h: y.shape[1],
        out_w: y.shape[2],
        out_c: y.shape[3],
        out_pitch: y.shape[3],
        kernel_h: window.kernel[0],
        kernel_w: window.kernel[1],
        stride_h: window.stride[0],
        stride_w: window.stride[1],
        dilation_h: window.dilation[0],
        dilation_w: window.dilation[1],
        pad_top: window.pad_begin[0],
        pad_left: window.pad_begin[1],
        groups,
        epilogue: kernel_epilogue(epilogue),
    }
}
