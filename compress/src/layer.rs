//! Layers that multiply by constants: convolutions and products of matrices, as matrices of one row for each output channel.

use zantc::onnx::proto::NodeProto;

use crate::net::{Links, Net, float, integer, integers, is_onnx};

/// A convolution, a Gemm or a MatMul whose weights are constant floats.
#[derive(Clone, Debug, PartialEq)]
pub struct Layer {
    /// Its node.
    pub node: usize,
    /// The addition of a bias behind it, which is part of it.
    pub bias_node: Option<usize>,
    /// The node's name, or its output's where it has none.
    pub name: String,
    /// What it reads.
    pub input: String,
    /// What it makes, with the bias.
    pub output: String,
    /// Its weights, a constant.
    pub weight: String,
    /// Its biases, a constant of one for each output channel.
    pub bias: Option<String>,
    /// How it multiplies.
    pub form: Form,
    /// Output channels: rows of the matrix.
    pub outputs: usize,
    /// Weights in a row: input channels of a group times taps.
    pub depth: usize,
    /// Groups of output channels, which read groups of input channels.
    pub groups: usize,
}

/// How a layer multiplies.
#[derive(Clone, Debug, PartialEq)]
pub enum Form {
    /// `[outputs, channels of a group, height, width]`; in one dimension the height is 1.
    Conv(Window),
    /// `[inputs, outputs of a group, height, width]`.
    ConvTranspose {
        /// Taps.
        taps: usize,
    },
    /// Rows of numbers; weights `[outputs, inputs]`.
    Rows,
    /// Rows of numbers; weights `[inputs, outputs]`.
    Columns,
}

/// The window of a convolution.
#[derive(Clone, Debug, PartialEq)]
pub struct Window {
    /// Height and width.
    pub kernel: [usize; 2],
    /// Steps.
    pub stride: [usize; 2],
    /// Distances of taps.
    pub dilation: [usize; 2],
    /// Zeros before the first row and column, and behind the last.
    pub pads: [usize; 4],
}

impl Layer {
    /// The weights as a matrix `[outputs][depth]`; a row of a convolution has the order `[channel][height][width]`.
    pub fn weights(&self, net: &Net) -> Vec<f32> {
        let (_, stored) = net.floats(&self.weight).unwrap_or_default();
        let mut rows = vec![0.0; stored.len()];
        self.places().zip(&stored).for_each(|(place, w)| rows[place] = *w);
        rows
    }

    /// Stores a matrix `[outputs][depth]` as the weights.
    pub fn set_weights(&self, net: &mut Net, rows: &[f32]) {
        let Some((shape, _)) = net.floats(&self.weight) else { return };
        let stored: Vec<f32> = self.places().map(|place| rows[place]).collect();
        net.set_floats(&self.weight, &shape, &stored);
    }

    /// The place in the matrix of each stored weight.
    pub fn places(&self) -> Box<dyn Iterator<Item = usize> + '_> {
        let (outputs, depth) = (self.outputs, self.depth);
        match &self.form {
            Form::Conv(_) | Form::Rows => Box::new(0..outputs * depth),
            Form::Columns => Box::new((0..depth).flat_map(move |k| (0..outputs).map(move |o| o * depth + k))),
            Form::ConvTranspose { taps } => {
                let (taps, each) = (*taps, outputs / self.groups);
                let inputs = depth / taps;
                Box::new((0..self.groups * inputs).flat_map(move |i| {
                    (0..each * taps).map(move |at| {
                        let row = i / inputs * each + at / taps;
                        row * depth + i % inputs * taps + at % taps
                    })
                }))
            }
        }
    }

    /// The dimension of the stored weights that counts output channels; a grouped ConvTranspose has none.
    pub fn axis(&self) -> Option<usize> {
        match self.form {
            Form::Conv(_) | Form::Rows => Some(0),
            Form::Columns => Some(1),
            Form::ConvTranspose { .. } => (self.groups == 1).then_some(1),
        }
    }

    /// The biases, zeros where there are none.
    pub fn biases(&self, net: &Net) -> Vec<f32> {
        let stored = self.bias.as_ref().and_then(|name| net.floats(name));
        match stored {
            Some((_, bias)) if bias.len() == self.outputs => bias,
            Some((_, bias)) if bias.len() == 1 => vec![bias[0]; self.outputs],
            _ => vec![0.0; self.outputs],
        }
    }

    /// Stores biases; the layer has some, or can be given some: a MatMul without one cannot.
    pub fn set_biases(&self, net: &mut Net, biases: &[f32]) {
        if let Some(name) = &self.bias {
            let shape = net.floats(name).map_or(vec![biases.len()], |(shape, old)| {
                if old.len() == biases.len() { shape } else { vec![biases.len()] }
            });
            net.set_floats(name, &shape, biases);
        }
    }

    /// The layer with constants that nothing else reads, and with a bias where it can have one.
    pub fn with_own_constants(mut self, net: &mut Net) -> Layer {
        let links = net.links();
        if links.readers(&self.weight).len() > 1 {
            let raw = net.constant(&self.weight).expect("weights are constants").clone();
            let name = net.fresh(&format!("{}_own", self.weight));
            net.insert(zantc::onnx::RawTensor { name: name.clone(), ..raw });
            net.nodes_mut()[self.node].input[1] = name.clone();
            self.weight = name;
        }
        let shared = self.bias.as_ref().is_some_and(|bias| links.readers(bias).len() > 1);
        if (shared || self.bias.is_none())
            && (self.form != Form::Columns || self.bias_node.is_some() || self.is_gemm(net))
        {
            let biases = self.biases(net);
            let name = net.fresh(&format!("{}_bias", self.output));
            net.set_floats(&name, &[biases.len()], &biases);
            let at = self.bias_node.unwrap_or(self.node);
            let place = match self.bias_node {
                Some(add) => net.nodes()[add].input.iter().position(|i| Some(i) == self.bias.as_ref()).unwrap_or(1),
                None => 2,
            };
            let node = &mut net.nodes_mut()[at];
            node.input.resize(node.input.len().max(place + 1), String::new());
            node.input[place] = name.clone();
            self.bias = Some(name);
        }
        self
    }

    fn is_gemm(&self, net: &Net) -> bool {
        net.nodes()[self.node].op_type == "Gemm"
    }

    /// Whether each output channel reads one input channel of its own.
    pub fn is_depthwise(&self) -> bool {
        match &self.form {
            Form::Conv(window) => self.groups > 1 && self.depth == window.kernel[0] * window.kernel[1],
            _ => false,
        }
    }
}

/// All layers of a model, in its order.
pub fn layers(net: &Net) -> Vec<Layer> {
    let links = net.links();
    (0..net.nodes().len()).filter_map(|at| layer(net, &links, at)).collect()
}

/// The layer of a node, where it is one.
fn layer(net: &Net, links: &Links, at: usize) -> Option<Layer> {
    let node = &net.nodes()[at];
    if !is_onnx(&node.domain) {
        return None;
    }
    let (input, weight, output) = (node.input.first()?, node.input.get(1)?, node.output.first()?);
    if net.is_constant(input) {
        return None;
    }
    let (shape, weights) = net.floats(weight)?;
    if weights.is_empty() {
        return None;
    }
    let bias = node.input.get(2).filter(|b| !b.is_empty()).cloned();
    let (form, outputs, depth, groups) = match node.op_type.as_str() {
        "Conv" => conv(node, &shape)?,
        "ConvTranspose" => conv_transpose(node, &shape)?,
        "Gemm" => {
            let plain = float(node, "alpha", 1.0) == 1.0 && float(node, "beta", 1.0) == 1.0;
            let &[rows, columns] = shape.as_slice() else { return None };
            if !plain || integer(node, "transA", 0) != 0 {
                return None;
            }
            match integer(node, "transB", 0) {
                0 => (Form::Columns, columns, rows, 1),
                _ => (Form::Rows, rows, columns, 1),
            }
        }
        "MatMul" => {
            let &[rows, columns] = shape.as_slice() else { return None };
            (Form::Columns, columns, rows, 1)
        }
        _ => return None,
    };
    if let Some(bias) = &bias {
        let (_, elements) = net.floats(bias)?;
        if elements.len() != outputs && elements.len() != 1 {
            return None;
        }
    }
    let name = if node.name.is_empty() { output.clone() } else { node.name.clone() };
    let mut layer = Layer {
        node: at,
        bias_node: None,
        name,
        input: input.clone(),
        output: output.clone(),
        weight: weight.clone(),
        bias,
        form,
        outputs,
        depth,
        groups,
    };
    if node.op_type == "MatMul" {
        added_bias(net, links, &mut layer);
    }
    Some(layer)
}

/// Takes the addition of a constant behind a MatMul as its bias.
fn added_bias(net: &Net, links: &Links, layer: &mut Layer) {
    let Some(reader) = links.only_reader(&layer.output) else { return };
    let add = &net.nodes()[reader];
    if add.op_type != "Add" || !is_onnx(&add.domain) {
        return;
    }
    let Some(bias) = add.input.iter().find(|i| **i != layer.output) else { return };
    if net.floats(bias).is_some_and(|(shape, v)| v.len() == layer.outputs && shape.last() == Some(&layer.outputs)) {
        layer.bias = Some(bias.clone());
        layer.bias_node = Some(reader);
        layer.output = add.output[0].clone();
    }
}

type Read = (Form, usize, usize, usize);

fn conv(node: &NodeProto, shape: &[usize]) -> Option<Read> {
    let (&outputs, rest) = shape.split_first()?;
    let (&channels, kernel) = rest.split_first()?;
    let groups = usize::try_from(integer(node, "group", 1)).ok().filter(|g| *g > 0 && outputs % g == 0)?;
    let kernel = two(kernel)?;
    let window = Window {
        kernel,
        stride: listed(node, "strides", 1)?,
        dilation: listed(node, "dilations", 1)?,
        pads: pads(node, kernel)?,
    };
    Some((Form::Conv(window), outputs, channels * kernel[0] * kernel[1], groups))
}

fn conv_transpose(node: &NodeProto, shape: &[usize]) -> Option<Read> {
    let &[inputs, each, ref kernel @ ..] = shape else { return None };
    let groups = usize::try_from(integer(node, "group", 1)).ok().filter(|g| *g > 0 && inputs % g == 0)?;
    let taps = kernel.iter().product();
    Some((Form::ConvTranspose { taps }, each * groups, inputs / groups * taps, groups))
}

/// One or two dimensions as two.
fn two(of: &[usize]) -> Option<[usize; 2]> {
    match *of {
        [w] => Some([1, w]),
        [h, w] => Some([h, w]),
        _ => None,
    }
}

fn listed(node: &NodeProto, name: &str, default: usize) -> Option<[usize; 2]> {
    match integers(node, name) {
        None => Some([default, default]),
        Some(list) => two(&list.iter().map(|v| usize::try_from(*v).ok()).collect::<Option<Vec<usize>>>()?),
    }
}

/// Pads as numbers; `SAME_*` is given by [`SAME_UPPER`] or [`SAME_LOWER`], since it needs the input's size.
fn pads(node: &NodeProto, kernel: [usize; 2]) -> Option<[usize; 4]> {
    if let Some(zantc::onnx::AttributeValue::Str(mode)) = crate::net::attribute(node, "auto_pad") {
        match mode.as_ref() {
            b"SAME_UPPER" => return Some(SAME_UPPER),
            b"SAME_LOWER" => return Some(SAME_LOWER),
            b"VALID" => return Some([0; 4]),
            _ => {}
        }
    }
    let list = integers(node, "pads").unwrap_or_else(|| vec![0; if kernel[0] == 1 { 2 } else { 4 }]);
    let list = list.iter().map(|v| usize::try_from(*v).ok()).collect::<Option<Vec<usize>>>()?;
    match *list.as_slice() {
        [before, after] => Some([0, before, 0, after]),
        [top, left, bottom, right] => Some([top, left, bottom, right]),
        _ => None,
    }
}

/// Pads that make as many outputs as steps fit the input, the odd one behind.
pub(crate) const SAME_UPPER: [usize; 4] = [usize::MAX; 4];
/// The same, the odd one before.
pub(crate) const SAME_LOWER: [usize; 4] = [usize::MAX - 1; 4];
