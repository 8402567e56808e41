//! The same on a Cortex-M7: the prompt, then some characters, through the debugger as they come.

use cortex_m_rt::entry;
use cortex_m_semihosting::{debug, hprint, hprintln};
use zantc_example_generate::{Generator, Sampler, wonderland};

const PROMPT: &str = "`Curiouser and curiouser!' cried";
const TOKENS: usize = 40;

#[entry]
fn main() -> ! {
    // The models with their memory lie in `.bss`, their weights in flash.
    let written = wonderland::take().is_some_and(|session| {
        hprint!("{}", PROMPT);
        let Ok(mut generator) = Generator::new(session, Sampler::greedy(), PROMPT) else { return false };
        (0..TOKENS).all(|_| generator.next_char().map(|c| hprint!("{}", c)).is_ok())
    });
    hprintln!("");
    debug::exit(if written { debug::EXIT_SUCCESS } else { debug::EXIT_FAILURE });
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
