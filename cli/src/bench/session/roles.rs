//! What the inputs of a decoder are: the token, its position, a mask; and which of its inputs are caches.

use zantc::diag::{Diagnostic, codes, escape};
use zantc::harness::{input_places, logits};
use zantc::ir::{DType, Tensor, Type};
use zantc::program::{Port, Program};

/// What an input is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Role {
    /// The token that is read.
    Token,
    /// How many tokens were before it.
    Position,
    /// Which slots of the caches are read: floats that are added to scores, or 1 and 0.
    Mask,
}

/// What the inputs of a decoder are.
#[derive(Clone, Debug)]
pub(super) struct Roles {
    /// Each input that is no cache, and its first byte.
    pub(super) inputs: Vec<(Role, Port, usize)>,
    /// Bytes of all of them.
    bytes: usize,
    /// Whether caches are rings, of which a new entry stands behind all slots.
    ring: bool,
    /// How many tokens there are.
    pub(super) vocabulary: u64,
    /// The output of their scores.
    pub(super) logits: String,
}

impl Roles {
    /// Those of a program.
    ///
    /// # Errors
    /// No token, no scores, no cache, or an input that is none of them.
    pub(super) fn of(program: &Program) -> Result<Roles, Diagnostic> {
        let Some(at) = logits(program) else { return Err(odd("it has no output of floats for the scores of tokens")) };
        let scores = &program.outputs[at];
        if program.states.is_empty() {
            return Err(odd("none of its inputs is a cache")
                .help("name the pairs: `--state INPUT=OUTPUT`, or `state = { INPUT = \"OUTPUT\" }` in zant.toml"));
        }
        let (places, bytes) = input_places(program);
        let mut inputs = Vec::new();
        for (port, place) in program.inputs.iter().zip(&places) {
            let Some(role) = role(port) else {
                let name = escape(&port.name);
                return Err(odd(&format!("its input `{name}` is no token, no position, no mask and no cache")));
            };
            inputs.push((role, port.clone(), *place));
        }
        if inputs.iter().filter(|(role, ..)| *role == Role::Token).count() != 1 {
            return Err(odd("it has not one input of one integer for the token"));
        }
        Ok(Roles {
            bytes: places.get(inputs.len()).copied().unwrap_or(bytes),
            inputs,
            ring: program.states.iter().any(|state| state.ring.is_some()),
            vocabulary: scores.ty.shape.last().copied().unwrap_or(1).max(1) as u64,
            logits: scores.name.clone(),
        })
    }

    /// The bytes of all inputs when `token` is the one after `position` others.
    pub(super) fn bytes(&self, token: u64, position: u64) -> Vec<u8> {
        let mut bytes = vec![0; self.bytes];
        for (role, port, place) in &self.inputs {
            let value = self.value(*role, &port.ty, token, position);
            bytes[*place..][..value.len()].copy_from_slice(&value);
        }
        bytes
    }

    /// All inputs of the model when a session begins with a token.
    pub(super) fn first(&self, program: &Program, token: u64) -> Vec<Tensor> {
        let all = program.model_inputs();
        let value = |port: Port| {
            let data = match self.inputs.iter().find(|(_, p, _)| p.name == port.name) {
                Some((role, ..)) => self.value(*role, &port.ty, token, 0),
                None => vec![0; port.ty.bytes()],
            };
            Tensor::from_bytes(port.ty, data.into()).expect("as many bytes as the type has")
        };
        all.into_iter().map(value).collect()
    }

    fn value(&self, role: Role, ty: &Type, token: u64, position: u64) -> Vec<u8> {
        let slots = ty.shape.last().copied().unwrap_or(1).max(1);
        let open = |at: usize| match self.ring {
            true => at + 1 == slots || (at as u64) < position,
            false => at as u64 <= position,
        };
        let number = |at: usize| match role {
            Role::Token => token,
            Role::Position => position,
            Role::Mask => u64::from(open(at % slots)),
        };
        (0..ty.elements()).flat_map(|at| element(ty.dtype, role, number(at))).collect()
    }
}

/// The bytes of an element. A mask of floats is added to scores: nothing where a slot is open.
fn element(dtype: DType, role: Role, number: u64) -> Vec<u8> {
    if dtype == DType::F32 {
        let float = match role {
            Role::Mask if number == 0 => f32::NEG_INFINITY,
            Role::Mask => 0.0,
            Role::Token | Role::Position => number as f32,
        };
        return float.to_le_bytes().to_vec();
    }
    number.to_le_bytes()[..dtype.size().min(8)].to_vec()
}

fn role(port: &Port) -> Option<Role> {
    let name = port.name.to_lowercase();
    let (one, float) = (port.ty.elements() == 1, port.ty.dtype.is_float());
    match () {
        () if name.contains("mask") && (!float || port.ty.dtype == DType::F32) => Some(Role::Mask),
        () if name.contains("pos") && one && !float => Some(Role::Position),
        () if one && !float && port.ty.dtype != DType::Bool => Some(Role::Token),
        () => None,
    }
}

fn odd(why: &str) -> Diagnostic {
    Diagnostic::error(codes::BAD_OPTION, format!("this is no decoder that a session can be made with: {why}"))
}

/// The pairs of inputs and outputs that are caches by their names, where no model's author said it.
pub(super) fn caches(program: &Program) -> Vec<(String, String)> {
    let inputs: Vec<&str> = program.inputs.iter().map(|port| port.name.as_str()).collect();
    let outputs: Vec<&str> = program.outputs.iter().map(|port| port.name.as_str()).collect();
    zantc::sharing::caches(&inputs, &outputs)
}

#[cfg(test)]
mod tests {
    use zantc::Config;
    use zantc::ir::text;
    use zantc::pipeline::compile_graph;
    use zantc::program::Program;

    use super::{Roles, caches};

    const DECODER: &str = r#"graph "decoder"
  in %0 "token": i64[1,1]
  in %1 "position": i64[1]
  in %2 "mask": f32[1,4]
  in %3 "past_k_0": f32[3,4]
  in %4 "past_key_values.0": f32[1,4]
  %5 = map %4, %2 {Add(x0, x1)} : f32[1,4]
  %6 = concat %3, %5 {axis 0} : f32[4,4]
  %7 = softmax %6 {axis 1} : f32[4,4]
  %8 = map %5 {Neg(x0)} : f32[1,4]
  out "logits" = %7
  out "new_k_0" = %5
  out "present.0" = %8
"#;

    fn program(config: &Config) -> Program {
        compile_graph(text::parse(DECODER).unwrap(), config).unwrap().program
    }

    #[test]
    fn caches_are_known_by_their_names() {
        let pairs = caches(&program(&Config::new()));
        let named = |a: &str, b: &str| (a.to_string(), b.to_string());
        assert_eq!(pairs, [named("past_k_0", "new_k_0"), named("past_key_values.0", "present.0")]);
    }

    #[test]
    fn inputs_say_the_token_its_place_and_what_is_open() {
        let config = Config::new().state("past_k_0", "new_k_0").state("past_key_values.0", "present.0");
        let program = program(&config);
        let roles = Roles::of(&program).unwrap();
        assert_eq!((roles.vocabulary, roles.logits.as_str(), roles.inputs.len()), (4, "logits", 3));
        let bytes = roles.bytes(3, 2);
        let at = |place: usize| i64::from_le_bytes(bytes[place..place + 8].try_into().unwrap());
        assert_eq!([roles.inputs[0].2, roles.inputs[1].2].map(at), [3, 2]);
        let mask: Vec<f32> =
            bytes[roles.inputs[2].2..][..16].chunks(4).map(|c| f32::from_le_bytes(c.try_into().unwrap())).collect();
        // A ring: two slots are filled, and the new entry stands behind all.
        assert_eq!(mask, [0.0, 0.0, f32::NEG_INFINITY, 0.0]);
        assert_eq!(roles.first(&program, 3).len(), 5);
    }

    #[test]
    fn what_is_no_decoder_is_refused() {
        let why = Roles::of(&program(&Config::new())).unwrap_err();
        assert!(why.message.contains("none of its inputs is a cache"), "{why:?}");
        let why = Roles::of(&program(&Config::new().state("past_k_0", "new_k_0"))).unwrap_err();
        assert!(why.message.contains("`past_key_values.0` is no token"), "{why:?}");
    }
}
