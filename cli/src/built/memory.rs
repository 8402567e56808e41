//! The inputs, outputs and states of a model as the bytes that an emitted crate has them in.

use zantc::ir::Tensor;
use zantc::program::{Program, State};

/// The bytes of each input that is lent, then of each state.
pub fn inputs(program: &Program, inputs: &[Tensor]) -> Vec<Vec<u8>> {
    let (lent, states) = program.split_inputs(inputs);
    let mut parts: Vec<Vec<u8>> = lent.iter().map(|t| t.data().to_vec()).collect();
    for (state, value) in program.states.iter().zip(&states) {
        let mut memory = vec![0; state.bytes()];
        state.store(value, &mut memory);
        parts.push(memory);
    }
    parts
}

/// Bytes of a run's outputs and states.
pub fn output_bytes(program: &Program) -> usize {
    program.outputs.iter().map(|p| p.ty.bytes()).chain(program.states.iter().map(State::bytes)).sum()
}

/// The model's outputs from [`output_bytes`] bytes of a run's outputs and states, one after the other.
pub fn outputs(program: &Program, mut bytes: &[u8]) -> Vec<Tensor> {
    let mut next = |len: usize| {
        let (part, rest) = bytes.split_at(len);
        bytes = rest;
        part.to_vec()
    };
    let of_port = |ty: &zantc::ir::Type, bytes: Vec<u8>| {
        Tensor::from_bytes(ty.clone(), bytes.into()).expect("the run gave so many bytes")
    };
    let outputs: Vec<Tensor> = program.outputs.iter().map(|p| of_port(&p.ty, next(p.ty.bytes()))).collect();
    let states: Vec<Tensor> = program.states.iter().map(|s| s.output_of(&s.load(&next(s.bytes())))).collect();
    program.join_outputs(outputs, states)
}
