//! Writes on where a prompt stops, character by character: on a computer (`cargo run --release -- "Alice "`) and on a Cortex-M7.

#![cfg_attr(target_os = "none", no_std, no_main)]

#[cfg(target_os = "none")]
mod firmware;

#[cfg(not(target_os = "none"))]
fn main() -> Result<(), String> {
    host::main()
}

#[cfg(not(target_os = "none"))]
mod host {
    use std::io::Write;

    use zantc_example_generate::{Generator, Sampler, wonderland};

    const USAGE: &str = "usage: generate [--tokens N] [--temperature T] [--top-k K] [--seed S] [PROMPT]";

    /// What the command line asks for.
    struct Asked {
        tokens: usize,
        temperature: f32,
        top_k: usize,
        seed: u64,
        prompt: String,
    }

    fn asked() -> Result<Asked, String> {
        let mut asked = Asked { tokens: 400, temperature: 0.6, top_k: 10, seed: 1, prompt: "Alice ".into() };
        let mut words = std::env::args().skip(1);
        while let Some(word) = words.next() {
            let mut value = || words.next().ok_or(format!("{word} wants a value\n{USAGE}"));
            let bad = |_| format!("{word} wants a number\n{USAGE}");
            match word.as_str() {
                "--tokens" => asked.tokens = value()?.parse().map_err(bad)?,
                "--top-k" => asked.top_k = value()?.parse().map_err(bad)?,
                "--seed" => asked.seed = value()?.parse().map_err(bad)?,
                "--temperature" => {
                    asked.temperature = value()?.parse().map_err(|_| format!("{word} wants a number\n{USAGE}"))?;
                }
                option if option.starts_with("--") => return Err(USAGE.into()),
                prompt => asked.prompt = prompt.into(),
            }
        }
        Ok(asked)
    }

    pub fn main() -> Result<(), String> {
        let Asked { tokens, temperature, top_k, seed, prompt } = asked()?;
        let session = wonderland::take().ok_or("the session is lent once")?;
        let mut out = std::io::stdout().lock();
        let mut say = |text: &str| out.write_all(text.as_bytes()).and_then(|()| out.flush()).map_err(|e| e.to_string());
        say(&prompt)?;
        let sampler = Sampler::new(temperature, top_k, seed);
        let mut generator = Generator::new(session, sampler, &prompt).map_err(|e| e.to_string())?;
        for _ in 0..tokens {
            let next = generator.next_char().map_err(|e| e.to_string())?;
            say(next.encode_utf8(&mut [0; 4]))?;
        }
        say("\n")
    }
}
