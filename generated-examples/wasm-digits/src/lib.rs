//! Recognises a digit of 8 by 8 pixels. The page writes the pixels where [`image`] says, calls [`recognise`], and reads the
//! probabilities where [`probabilities`] says.

#![no_std]

include!(concat!(env!("OUT_DIR"), "/digits.rs"));

use core::cell::UnsafeCell;

/// What belongs to the page's one thread.
struct Memory<T>(UnsafeCell<T>);

// SAFETY: WebAssembly without threads has one.
unsafe impl<T> Sync for Memory<T> {}

static MODEL: Memory<digits::Model> = Memory(UnsafeCell::new(digits::Model::new()));
static IMAGE: Memory<[f32; 64]> = Memory(UnsafeCell::new([0.0; 64]));
static PROBABILITIES: Memory<[f32; 10]> = Memory(UnsafeCell::new([0.0; 10]));

/// Where the 64 pixels go, row by row: `f32` from 0 (paper) to 1 (ink).
#[unsafe(no_mangle)]
pub extern "C" fn image() -> *mut f32 {
    IMAGE.0.get().cast()
}

/// Where the probabilities of the ten digits are, `f32`.
#[unsafe(no_mangle)]
pub extern "C" fn probabilities() -> *const f32 {
    PROBABILITIES.0.get().cast()
}

/// Computes the probabilities of the image; gives the most probable digit.
#[unsafe(no_mangle)]
pub extern "C" fn recognise() -> u32 {
    // SAFETY: there is one thread, and these references end with the call.
    let (model, image, out) = unsafe { (&mut *MODEL.0.get(), &*IMAGE.0.get(), &mut *PROBABILITIES.0.get()) };
    *out = *model.run(image);
    let best = (0..).zip(out.iter()).fold((0, 0.0), |best, (digit, &p)| if p > best.1 { (digit, p) } else { best });
    best.0
}

#[panic_handler]
fn panic(_: &core::panic::PanicInfo<'_>) -> ! {
    core::arch::wasm32::unreachable()
}
