//! A generator of text, character by character: no heap, no operating system, the same characters on every machine.

#![cfg_attr(not(test), no_std)]

mod sampler;

include!(concat!(env!("OUT_DIR"), "/wonderland.rs"));

pub use sampler::Sampler;

/// The characters by their tokens.
pub const ALPHABET: &str = include_str!("../../../models/wonderland/alphabet.txt");
/// How many there are.
const VOCABULARY: usize = ALPHABET.len();
/// Tokens that `prefill` reads at once.
const PROMPT: usize = 32;
/// Tokens that the caches have room for.
const CONTEXT: usize = 128;

/// What the model cannot compute with: a token that it does not know.
pub use wonderland::decode::DataError;

/// A text that goes on and on.
pub struct Generator<'a> {
    session: &'a mut wonderland::Session,
    sampler: Sampler,
    /// The scores of the next token.
    scores: [f32; VOCABULARY],
    /// The last tokens, the newest at the end.
    last: [u8; PROMPT],
    /// Tokens that the caches hold.
    filled: usize,
}

impl<'a> Generator<'a> {
    /// A generator that has read a prompt, of which it takes the characters that it knows. It begins with a new line where there are none.
    ///
    /// # Errors
    /// None: all tokens are of the alphabet. The model cannot know that.
    pub fn new(session: &'a mut wonderland::Session, sampler: Sampler, prompt: &str) -> Result<Self, DataError> {
        let (scores, last) = ([0.0; VOCABULARY], [0; PROMPT]);
        let mut generator = Generator { session, sampler, scores, last, filled: 0 };
        let mut tokens = prompt.chars().filter_map(token).chain(token('\n').filter(|_| prompt.is_empty()));
        // The beginning at once, the rest one by one.
        let mut first = [0; PROMPT];
        let mut length = 0;
        for (place, token) in first.iter_mut().zip(&mut tokens) {
            *place = token;
            length += 1;
        }
        generator.begin(first.get(..length).unwrap_or_default())?;
        for token in tokens {
            generator.read(token)?;
        }
        Ok(generator)
    }

    /// Chooses the next character, and reads it.
    ///
    /// # Errors
    /// As for [`Generator::new`].
    pub fn next_char(&mut self) -> Result<char, DataError> {
        let token = self.sampler.choose(&self.scores) as u8;
        self.read(token)?;
        Ok(ALPHABET.as_bytes().get(usize::from(token)).copied().map_or(' ', char::from))
    }

    /// Begins anew with up to [`PROMPT`] tokens.
    fn begin(&mut self, tokens: &[u8]) -> Result<(), DataError> {
        // What stands behind the prompt is never looked at: a decoder sees the positions before its own, and writes its own.
        let mut padded = [0; PROMPT];
        for (place, token) in padded.iter_mut().zip(tokens) {
            *place = i64::from(*token);
        }
        let scores = self.session.prefill(&padded)?;
        if let Some(row) = scores.chunks_exact(VOCABULARY).nth(tokens.len().saturating_sub(1)) {
            self.scores.copy_from_slice(row);
        }
        self.filled = tokens.len();
        tokens.iter().for_each(|token| remember(&mut self.last, *token));
        Ok(())
    }

    /// Reads a token. Where the caches are full, the last ones begin a new context.
    fn read(&mut self, token: u8) -> Result<(), DataError> {
        if self.filled == CONTEXT {
            let mut last = self.last;
            remember(&mut last, token);
            return self.begin(&last);
        }
        let inputs = wonderland::decode::Inputs { token: &[i64::from(token)], position: &[self.filled as i64] };
        self.scores = *self.session.decode(inputs)?;
        self.filled += 1;
        remember(&mut self.last, token);
        Ok(())
    }
}

/// Puts a token behind the last ones.
fn remember(last: &mut [u8; PROMPT], token: u8) {
    last.rotate_left(1);
    last[PROMPT - 1] = token;
}

/// The token of a character.
fn token(character: char) -> Option<u8> {
    ALPHABET.chars().position(|known| known == character).and_then(|at| u8::try_from(at).ok())
}

#[cfg(test)]
mod tests {
    use super::{Generator, PROMPT, Sampler, VOCABULARY, token, wonderland};

    fn written(sampler: Sampler, prompt: &str, characters: usize) -> String {
        let mut session = Box::new(wonderland::Session::new());
        let mut generator = Generator::new(&mut session, sampler, prompt).unwrap();
        (0..characters).map(|_| generator.next_char().unwrap()).collect()
    }

    #[test]
    fn the_most_likely_text_is_of_words() {
        let text = written(Sampler::greedy(), "`Curiouser and curiouser!' cried", 300);
        let book = include_str!("../../../models/wonderland/text.txt");
        let words: Vec<&str> = text.split(|c: char| !c.is_ascii_alphabetic()).filter(|word| word.len() > 2).collect();
        let known = words.iter().filter(|word| book.contains(**word)).count();
        assert!(words.len() > 30 && known * 10 >= words.len() * 9, "{text}");
        assert_eq!(text, written(Sampler::greedy(), "`Curiouser and curiouser!' cried", 300));
    }

    #[test]
    fn a_prompt_that_is_read_at_once_is_one_that_is_read_token_by_token() {
        let prompt = "Alice was beginning to get very t";
        assert!(prompt.len() == PROMPT + 1);
        let mut session = Box::new(wonderland::Session::new());
        let (_, scores) = {
            let generator = Generator::new(&mut session, Sampler::greedy(), prompt).unwrap();
            (generator.filled, generator.scores)
        };
        session.reset();
        let mut alone = [0.0; VOCABULARY];
        for (at, c) in prompt.chars().enumerate() {
            let token = [i64::from(token(c).unwrap())];
            let inputs = wonderland::decode::Inputs { token: &token, position: &[at as i64] };
            alone = *session.decode(inputs).unwrap();
        }
        // To the bit.
        assert!(scores.iter().zip(&alone).all(|(a, b)| a.to_bits() == b.to_bits()));
    }

    #[test]
    fn seeds_differ_and_short_or_strange_prompts_are_read() {
        let warm = |seed| Sampler::new(0.8, 10, seed);
        assert_ne!(written(warm(1), "The ", 40), written(warm(2), "The ", 40));
        assert_eq!(written(warm(1), "The ", 40), written(warm(1), "The ", 40));
        // One likely token alone is the most likely one.
        assert_eq!(written(Sampler::new(1.0, 1, 7), "The ", 40), written(Sampler::greedy(), "The ", 40));
        assert_eq!(written(Sampler::greedy(), "", 5).len(), 5);
        assert_eq!(written(Sampler::greedy(), "\u{1f407}The ", 9), written(Sampler::greedy(), "The ", 9));
    }
}
