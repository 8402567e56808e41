//! Recurrent layers as attributes: what differs from the usual.

use super::attributes::Attributes;
use super::line::number;
use crate::ir::{Cell, Function, Recurrent};

/// The functions' names, in order.
const ROLES: [&str; 3] = ["gate", "update", "output"];

/// A layer from its operator's name and attributes.
pub(super) fn read(name: &str, a: &mut Attributes<'_>) -> Result<Recurrent, String> {
    let cell = match name {
        "lstm" => Cell::Lstm { coupled: a.flag("coupled"), peepholes: a.flag("peepholes") },
        "gru" => Cell::Gru { reset_after: a.flag("reset_after") },
        _ => Cell::Rnn,
    };
    let mut functions = Recurrent::STANDARD;
    for (function, role) in functions.iter_mut().zip(ROLES) {
        if let Some(words) = a.words(role) {
            *function = read_function(&words)?;
        }
    }
    let clip = match a.words("clip").as_deref() {
        None => f32::INFINITY,
        Some(&[clip]) => number(clip)?,
        Some(_) => return Err("clip has one value".into()),
    };
    let dynamic = match a.words("dynamic").as_deref() {
        None => None,
        Some(&[offset]) => Some(number(offset)?),
        Some(_) => return Err("dynamic has one value".into()),
    };
    let [reverse, lens, initial] = ["reverse", "lens", "initial"].map(|flag| a.flag(flag));
    Ok(Recurrent { cell, reverse, functions, clip, lens, initial, dynamic })
}

fn read_function(words: &[&str]) -> Result<Function, String> {
    Ok(match *words {
        ["sigmoid"] => Function::Sigmoid,
        ["tanh"] => Function::Tanh,
        ["relu"] => Function::Relu,
        ["affine", alpha, beta] => Function::Affine(number(alpha)?, number(beta)?),
        ["leaky", alpha] => Function::Leaky(number(alpha)?),
        ["threshold", alpha] => Function::Threshold(number(alpha)?),
        ["scaled_tanh", alpha, beta] => Function::ScaledTanh(number(alpha)?, number(beta)?),
        ["hard_sigmoid", alpha, beta] => Function::HardSigmoid(number(alpha)?, number(beta)?),
        ["elu", alpha] => Function::Elu(number(alpha)?),
        ["softsign"] => Function::Softsign,
        ["softplus"] => Function::Softplus,
        _ => return Err(format!("{:?} is no function of a cell", words.join(" "))),
    })
}

fn written(function: Function) -> String {
    match function {
        Function::Sigmoid => "sigmoid".into(),
        Function::Tanh => "tanh".into(),
        Function::Relu => "relu".into(),
        Function::Affine(alpha, beta) => format!("affine {alpha:?} {beta:?}"),
        Function::Leaky(alpha) => format!("leaky {alpha:?}"),
        Function::Threshold(alpha) => format!("threshold {alpha:?}"),
        Function::ScaledTanh(alpha, beta) => format!("scaled_tanh {alpha:?} {beta:?}"),
        Function::HardSigmoid(alpha, beta) => format!("hard_sigmoid {alpha:?} {beta:?}"),
        Function::Elu(alpha) => format!("elu {alpha:?}"),
        Function::Softsign => "softsign".into(),
        Function::Softplus => "softplus".into(),
    }
}

/// What stands in the braces.
pub(super) fn attributes_of(layer: &Recurrent) -> Vec<String> {
    let (coupled, peepholes, reset_after) = match layer.cell {
        Cell::Lstm { coupled, peepholes } => (coupled, peepholes, false),
        Cell::Gru { reset_after } => (false, false, reset_after),
        Cell::Rnn => (false, false, false),
    };
    let flags = [
        ("coupled", coupled),
        ("peepholes", peepholes),
        ("reset_after", reset_after),
        ("reverse", layer.reverse),
        ("lens", layer.lens),
        ("initial", layer.initial),
    ];
    let functions = layer.functions.into_iter().zip(Recurrent::STANDARD).zip(ROLES);
    let functions = functions.filter(|((own, usual), _)| own != usual);
    let clip = (layer.clip != f32::INFINITY).then(|| format!("clip {:?}", layer.clip));
    let dynamic = layer.dynamic.map(|offset| format!("dynamic {offset}"));
    let flags = flags.into_iter().filter(|(_, set)| *set).map(|(name, _)| name.to_owned());
    flags
        .chain(functions.map(|((own, _), role)| format!("{role} {}", written(own))))
        .chain(clip)
        .chain(dynamic)
        .collect()
}
