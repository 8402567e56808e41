
/// Starts the CMSDK timers: both count down; the coarse one, for long runs, by 256 ticks. The stack pointer, and what they say.
#[inline(always)]
pub(crate) fn start() -> (usize, u32, u32) {
    let (sp, fine, coarse);
    // SAFETY: the timers are this machine's.
    unsafe {
        (FINE as *mut u32).write_volatile(0);
        (FINE as *mut u32).add(2).write_volatile(u32::MAX);
        (FINE as *mut u32).add(1).write_volatile(u32::MAX);
        (COARSE as *mut u32).add(2).write_volatile(0);
        (COARSE as *mut u32).write_volatile(u32::MAX);
        // Enabled, periodic, divided by 256, 32 bits.
        (COARSE as *mut u32).add(2).write_volatile(0b1100_1010);
        (FINE as *mut u32).write_volatile(1);
        asm!(
            "mov {sp}, sp",
            "ldr {coarse}, [{slow}, #4]",
            "ldr {fine}, [{fast}, #4]",
            fast = in(reg) FINE,
            slow = in(reg) COARSE,
            sp = out(reg) sp,
            fine = out(reg) fine,
            coarse = out(reg) coarse,
        );
    }
    (sp, fine, coarse)
}

/// What the timers say.
#[inline(always)]
pub(crate) fn stop() -> (u32, u32) {
    let (fine, coarse): (u32, u32);
    // SAFETY: as for the start.
    unsafe {
        asm!(
            "ldr {fine}, [{fast}, #4]",
            "ldr {coarse}, [{slow}, #4]",
            fast = in(reg) FINE,
            slow = in(reg) COARSE,
            fine = out(reg) fine,
            coarse = out(reg) coarse,
        );
    }
    (fine, coarse)
}

/// What the fine timer says.
#[allow(dead_code, reason = "models that tell of their steps read it")]
#[inline(always)]
pub(crate) fn mark() -> u32 {
    // SAFETY: the timer is this machine's.
    unsafe { (FINE as *const u32).add(1).read_volatile() }
}
