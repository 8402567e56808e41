//! What the inputs of a model are that reads a prompt at once.

use zantc::diag::{Diagnostic, codes, escape};
use zantc::harness::{input_places, logits};
use zantc::ir::DType;
use zantc::program::{Port, Program};

/// What an input of a reader is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Role {
    /// The tokens.
    Tokens,
    /// Their positions: 0, 1, 2 and so on.
    Positions,
    /// Which tokens count: 1 and 0.
    Mask,
}

/// What the inputs of a reader are.
#[derive(Clone, Debug)]
pub(super) struct Prompt {
    /// Each input, and its first byte among all.
    inputs: Vec<(Option<Role>, Port, usize)>,
    bytes: usize,
    /// Tokens that are read at once.
    room: usize,
    /// The output of the tokens' scores.
    pub(super) logits: String,
}

impl Prompt {
    /// Those of a program, for a prompt of `length` tokens of `vocabulary`.
    ///
    /// # Errors
    /// No tokens, no scores of that vocabulary, too little room, or an input that is none of them.
    pub(super) fn of(program: &Program, length: usize, vocabulary: u64) -> Result<Prompt, Diagnostic> {
        let scores = logits(program).map(|at| &program.outputs[at]);
        let scores = scores.filter(|port| port.ty.shape.last().copied() == Some(vocabulary as usize));
        let Some(scores) = scores else { return Err(odd("it has no scores of the decoder's tokens")) };
        let places = input_places(program).0;
        let mut inputs = Vec::new();
        for (port, place) in program.inputs.iter().zip(&places) {
            // An empty cache, as exporters leave it for the first run.
            let role = role(port).filter(|_| port.ty.elements() > 0);
            if role.is_none() && port.ty.elements() > 0 {
                return Err(odd(&format!("its input `{}` is no tokens, no positions and no mask", escape(&port.name))));
            }
            inputs.push((role, port.clone(), *place));
        }
        let mut tokens = inputs.iter().filter(|(role, ..)| *role == Some(Role::Tokens));
        let (Some((_, port, _)), None) = (tokens.next(), tokens.next()) else {
            return Err(odd("it has not one input of integers for the tokens"));
        };
        let room = port.ty.elements();
        let rows = scores.ty.elements() / vocabulary.max(1) as usize;
        if length > room || (rows == 1 && length < room) || (rows != 1 && rows != room) {
            let why = format!("it reads {room} tokens and scores {rows} of them, for a prompt of {length}");
            return Err(odd(&why).help(format!("`--prompt {room}`")));
        }
        let bytes = inputs.iter().map(|(_, port, place)| place + port.ty.bytes()).max().unwrap_or(0);
        Ok(Prompt { inputs, bytes, room, logits: scores.name.clone() })
    }

    /// Each input, and its first byte among all.
    pub(super) fn places(&self) -> impl Iterator<Item = (&Port, usize)> {
        self.inputs.iter().map(|(_, port, place)| (port, *place))
    }

    /// The bytes of all inputs for a prompt; what is behind it is filled up with its last token.
    pub(super) fn bytes(&self, prompt: &[u64]) -> Vec<u8> {
        let mut bytes = vec![0; self.bytes];
        for (role, port, place) in &self.inputs {
            let Some(role) = role else { continue };
            let size = port.ty.dtype.size();
            for at in 0..port.ty.elements() {
                let number = match role {
                    Role::Tokens => prompt.get(at).or(prompt.last()).copied().unwrap_or(0),
                    Role::Positions => (at % self.room) as u64,
                    Role::Mask => u64::from(at % self.room < prompt.len()),
                };
                let element = &number.to_le_bytes()[..size.min(8)];
                bytes[place + at * size..][..element.len()].copy_from_slice(element);
            }
        }
        bytes
    }
}

fn role(port: &Port) -> Option<Role> {
    let name = port.name.to_lowercase();
    match () {
        () if port.ty.dtype.is_float() => None,
        () if name.contains("mask") => Some(Role::Mask),
        () if port.ty.dtype == DType::Bool => None,
        () if name.contains("pos") => Some(Role::Positions),
        () => Some(Role::Tokens),
    }
}

fn odd(why: &str) -> Diagnostic {
    Diagnostic::error(codes::BAD_OPTION, format!("this is no reader of a decoder's prompt: {why}"))
}

#[cfg(test)]
mod tests {
    use zantc::Config;
    use zantc::ir::text;
    use zantc::pipeline::compile_graph;

    use super::Prompt;

    const READER: &str = r#"graph "reader"
  in %0 "input_ids": i64[1,4]
  in %1 "position_ids": i64[1,4]
  in %2 "attention_mask": i64[1,4]
  $3 = f32[4,8] random 1
  %4 = map %0, %1, %2 {f32(Add(x0, Add(x1, x2)))} : f32[1,4]
  %5 = reshape %4 : f32[4,1]
  %6 = map %5, $3 {Add(x0, x1)} : f32[4,8]
  out "logits" = %6
"#;

    #[test]
    fn inputs_are_filled_up_behind_the_prompt() {
        let graph = text::parse(READER).unwrap_or_else(|e| panic!("{e}"));
        let program = compile_graph(graph, &Config::new()).unwrap().program;
        let prompt = Prompt::of(&program, 2, 8).unwrap();
        let bytes = prompt.bytes(&[5, 7]);
        let numbers = |place: usize| -> Vec<u64> {
            bytes[place..][..32].chunks(8).map(|c| u64::from_le_bytes(c.try_into().unwrap())).collect()
        };
        let read: Vec<Vec<u64>> = prompt.places().map(|(_, place)| numbers(place)).collect();
        assert_eq!(read, [[5, 7, 7, 7], [0, 1, 2, 3], [1, 1, 0, 0]]);
        let why = |length, vocabulary| Prompt::of(&program, length, vocabulary).unwrap_err().message;
        assert!(why(5, 8).contains("it reads 4 tokens"), "{}", why(5, 8));
        assert!(why(2, 9).contains("no scores of the decoder's tokens"));
    }
}
