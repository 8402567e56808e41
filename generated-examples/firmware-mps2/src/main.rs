//! Recognises a handwritten digit on a Cortex-M7, by floats and by bytes, and prints what it saw through the debugger.

#![no_std]
#![no_main]

use cortex_m_rt::entry;
use cortex_m_semihosting::{debug, hprintln};

include!(concat!(env!("OUT_DIR"), "/models.rs"));

/// A digit as it was written: ink from 0 (` `) to 16 (`@`), in the steps of [`INK`].
const IMAGE: [&str; 8] =
    ["  +@-   ", " :@@%   ", " =@#@.  ", " .:*@   ", "   %*   ", "  =@:.. ", "  +@#%+ ", "  =@@+. "];

/// Ink by character, from paper to black.
const INK: &str = " .-:=+*%#@";

/// The image as the models take it: 8 by 8 numbers from 0 to 1.
fn pixels(image: &[&str; 8]) -> [f32; 64] {
    let mut pixels = [0.0; 64];
    for (row, line) in pixels.as_chunks_mut::<8>().0.iter_mut().zip(image) {
        for (pixel, c) in row.iter_mut().zip(line.chars()) {
            *pixel = INK.find(c).unwrap_or(0) as f32 / 9.0;
        }
    }
    pixels
}

/// Prints the most probable digit.
fn report(model: &str, probabilities: &[f32; 10]) {
    let best =
        probabilities.iter().enumerate().fold((0, 0.0), |best, (digit, &p)| if p > best.1 { (digit, p) } else { best });
    hprintln!("{}: this is a {} ({} %).", model, best.0, (best.1 * 100.0) as u32);
}

#[entry]
fn main() -> ! {
    let image = pixels(&IMAGE);
    IMAGE.iter().for_each(|line| hprintln!("{}", line));
    // The arena that both models work in lies in `.bss`, their weights in flash; nothing of them is ever on the stack, and interrupts
    // go on while they compute.
    if let Some(arena) = models::take() {
        let (floats, bytes) = (models::digits::Model::new(), models::digits_int8::Model::new());
        *floats.input_mut(arena) = image;
        report("floats", floats.run(arena));
        *bytes.input_mut(arena) = image;
        report("bytes", bytes.run(arena));
        debug::exit(debug::EXIT_SUCCESS);
    }
    debug::exit(debug::EXIT_FAILURE);
    loop {
        cortex_m::asm::wfi();
    }
}

#[panic_handler]
fn panic(_: &core::panic::PanicInfo<'_>) -> ! {
    debug::exit(debug::EXIT_FAILURE);
    loop {
        cortex_m::asm::bkpt();
    }
}
