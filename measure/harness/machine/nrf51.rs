
/// Starts the timers of an nRF51, the coarse one divided by 256. The stack pointer, and what they say, as if they counted down.
#[inline(always)]
pub(crate) fn start() -> (usize, u32, u32) {
    let sp;
    // SAFETY: the timers are this machine's. Stopped, 32 bits, divided by 2 to the power of 8 or 0, cleared, started.
    unsafe {
        for (timer, divider) in [(COARSE, 8), (FINE, 0)] {
            let timer = timer as *mut u32;
            timer.add(0x004 / 4).write_volatile(1);
            timer.add(0x508 / 4).write_volatile(3);
            timer.add(0x510 / 4).write_volatile(divider);
            timer.add(0x00C / 4).write_volatile(1);
            timer.write_volatile(1);
        }
        asm!("mov {sp}, sp", sp = out(reg) sp, options(nomem, nostack));
    }
    let (fine, coarse) = stop();
    (sp, fine, coarse)
}

/// What the timers say.
#[inline(always)]
pub(crate) fn stop() -> (u32, u32) {
    // SAFETY: as for the start. A capture copies the counter into a register.
    unsafe {
        (FINE as *mut u32).add(0x040 / 4).write_volatile(1);
        (COARSE as *mut u32).add(0x040 / 4).write_volatile(1);
        let (fine, coarse) = ((FINE as *mut u32).add(0x540 / 4), (COARSE as *mut u32).add(0x540 / 4));
        (0u32.wrapping_sub(fine.read_volatile()), 0u32.wrapping_sub(coarse.read_volatile()))
    }
}

/// What the fine timer says.
#[allow(dead_code, reason = "models that tell of their steps read it")]
#[inline(always)]
pub(crate) fn mark() -> u32 {
    // SAFETY: as for the start.
    unsafe {
        (FINE as *mut u32).add(0x040 / 4).write_volatile(1);
        0u32.wrapping_sub((FINE as *mut u32).add(0x540 / 4).read_volatile())
    }
}
