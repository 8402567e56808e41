
/// Starts the system counter of an SSE-300. The stack pointer, the counter's low word, and its 32 bits from the ninth on; both as if
/// they counted down.
#[inline(always)]
pub(crate) fn start() -> (usize, u32, u32) {
    let sp;
    // SAFETY: the counter is this machine's. Disabled, zero, enabled.
    unsafe {
        (FINE as *mut u32).write_volatile(0);
        (FINE as *mut u32).add(2).write_volatile(0);
        (FINE as *mut u32).add(3).write_volatile(0);
        (FINE as *mut u32).write_volatile(1);
        asm!("mov {sp}, sp", sp = out(reg) sp, options(nomem, nostack));
    }
    let (fine, coarse) = stop();
    (sp, fine, coarse)
}

/// What the counter says.
#[inline(always)]
pub(crate) fn stop() -> (u32, u32) {
    // SAFETY: as for the start.
    let (low, high) = unsafe {
        ((FINE as *const u32).add(2).read_volatile(), (FINE as *const u32).add(3).read_volatile())
    };
    (0u32.wrapping_sub(low), 0u32.wrapping_sub(high << 24 | low >> 8))
}

/// The counter's low word.
#[allow(dead_code, reason = "models that tell of their steps read it")]
#[inline(always)]
pub(crate) fn mark() -> u32 {
    // SAFETY: as for the start.
    unsafe { 0u32.wrapping_sub((FINE as *const u32).add(2).read_volatile()) }
}
