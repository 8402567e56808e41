//! Recognises a handwritten digit. The model was compiled by the build script; nothing is loaded or allocated here.

include!(concat!(env!("OUT_DIR"), "/digits.rs"));

use std::sync::Mutex;

/// The model with its memory: it lies in `.bss`, its weights in the constants of the program.
static MODEL: Mutex<digits::Model> = Mutex::new(digits::Model::new());

/// A digit as it was written: ink from 0 (` `) to 16 (`@`), in the steps of [`INK`].
const IMAGE: [&str; 8] = ["  +@-   ", " :@@%   ", " =@#@.  ", " .:*@   ", "   %*   ", "  =@:.. ", "  +@#%+ ", "  =@@+. "];

/// Ink by character, from paper to black.
const INK: &str = " .-:=+*%#@";

/// The image as the model takes it: 8 by 8 numbers from 0 to 1.
fn pixels(image: &[&str; 8]) -> [f32; 64] {
    let mut pixels = [0.0; 64];
    for (row, line) in pixels.chunks_exact_mut(8).zip(image) {
        for (pixel, c) in row.iter_mut().zip(line.chars()) {
            *pixel = INK.find(c).unwrap_or(0) as f32 / 9.0;
        }
    }
    pixels
}

/// The most probable digit, and its probability.
fn recognise(image: &[f32; 64]) -> (usize, f32) {
    let mut model = MODEL.lock().unwrap_or_else(|e| e.into_inner());
    let probabilities = model.run(image);
    let mut best = 0;
    for (digit, p) in probabilities.iter().enumerate() {
        if *p > probabilities[best] {
            best = digit;
        }
    }
    (best, probabilities[best])
}

fn main() {
    IMAGE.iter().for_each(|line| println!("{line}"));
    let (digit, probability) = recognise(&pixels(&IMAGE));
    println!("This is a {digit} ({:.1} %).", probability * 100.0);
}

#[cfg(test)]
mod tests {
    use super::{IMAGE, pixels, recognise};

    #[test]
    fn the_digit_is_recognised() {
        let (digit, probability) = recognise(&pixels(&IMAGE));
        assert_eq!(digit, 2);
        assert!(probability > 0.5, "{probability}");
    }
}
