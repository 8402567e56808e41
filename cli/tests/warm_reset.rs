//! A model whose memory no start-up code clears, on a processor that resets itself: each time `take` gives it, with states of zeros.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use object::{Object as _, ObjectSegment as _};
use zant_measure::{Firmware, Machine, Model};
use zantc::emit::{Source, emit_crate};
use zantc::ir::text;
use zantc::{Config, compile_graph};

/// How many times the firmware starts.
const BOOTS: u32 = 5;
/// The longest that it may take.
const PATIENCE: Duration = Duration::from_secs(60);
/// Bytes that the harness writes before the model's.
const HEADERS: usize = 24;

/// Takes the model, runs it twice, says what came out, spoils its memory, and resets the processor.
const INFERENCE: &str = "//! Starts of one firmware.

const MAGIC: u32 = 0x5EED_B007;

#[unsafe(link_section = \".arena\")]
static mut LOG: Log = Log { magic: 0, starts: 0, said: [[0; 4]; BOOTS] };

/// What earlier starts left: it outlives resets, as the model's memory does.
struct Log {
    magic: u32,
    starts: usize,
    said: [[u32; 4]; BOOTS],
}

pub(crate) unsafe fn run(_: crate::File, output: crate::File) {
    // SAFETY: there is one thread; the memory is this module's; the register is every Cortex-M's.
    unsafe {
        let log = &mut *(&raw mut LOG);
        if log.magic != MAGIC {
            *log = Log { magic: MAGIC, starts: 0, said: [[0; 4]; BOOTS] };
        }
        log.starts += 1;
        let mut said = [log.starts as u32, 0, 0, 0];
        if let Some(model) = model::take() {
            said[1] = 1 + u32::from(model::take().is_some());
            said[2] = model.run_with(&[1.0; 4])[3].to_bits();
            said[3] = model.run_with(&[1.0; 4])[3].to_bits();
            core::ptr::write_bytes((&raw mut *model).cast::<u8>(), 0xA5, size_of::<model::Model>());
        }
        if let Some(place) = log.said.get_mut(log.starts - 1) {
            *place = said;
        }
        if log.starts < BOOTS {
            (0xE000_ED0C as *mut u32).write_volatile(0x05FA_0004);
            loop {}
        }
        crate::write(output, log.said.as_ptr().cast(), 16 * BOOTS);
    }
}
";

/// What an image of flash holds: not the ELF file, of which the emulator clears memory at each reset.
fn image(elf: &[u8]) -> Vec<u8> {
    let file = object::File::parse(elf).unwrap();
    let mut image = Vec::new();
    for segment in file.segments() {
        let data = segment.data().unwrap();
        // What is loaded into RAM lies behind the rest in flash; this firmware has nothing of the kind.
        let at = usize::try_from(segment.address()).unwrap();
        if !data.is_empty() {
            assert!(at < 4 << 20, "{at:#x} is no flash");
            image.resize(image.len().max(at + data.len()), 0);
            image[at..at + data.len()].copy_from_slice(data);
        }
    }
    image
}

/// Writes crate and harness into a folder, and gives the linked file's bytes.
fn firmware(folder: &Path, machine: &'static Machine) -> Vec<u8> {
    let graph = text::parse(
        r#"graph "sum"
  in %0 "x": f32[4]
  in %1 "past": f32[4]
  %2 = map %0, %1 {Add(x0, x1)} : f32[4]
  %3 = map %2 {Add(x0, 1.0)} : f32[4]
  out "y" = %2
  out "new" = %3
"#,
    )
    .unwrap();
    let target = zantc::targets::find("cortex-m7").unwrap();
    let config = Config::new().target(target).state("past", "new").arena_section(".arena");
    let program = compile_graph(graph, &config).unwrap().program;
    let source = Source { program: &program, config: &config, name: "sum", file: "", model_sha256: "", vectors: &[] };
    let krate = folder.join("model");
    emit_crate(&source).write(&krate).unwrap();
    let inference = INFERENCE.replace("BOOTS", &BOOTS.to_string());
    let model = Model {
        folder: &krate,
        name: "sum",
        inference: &inference,
        weights_bytes: 0,
        weights_section: None,
        arena_bytes: 0,
    };
    let firmware = Firmware::write(folder, &model, machine).unwrap();
    let built = firmware.build("3", false).unwrap_or_else(|e| panic!("{e}"));
    fs::read(built.elf).unwrap()
}

#[test]
fn a_model_in_memory_that_nobody_clears_is_taken_after_every_reset() {
    let machine = Machine::with_cpu("cortex-m7").unwrap();
    if let Err(e) = machine.require() {
        println!("skipped: 1 firmware over resets: {e}");
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let elf = firmware(folder.path(), machine);
    fs::write(folder.path().join("flash.bin"), image(&elf)).unwrap();
    fs::write(folder.path().join("input.bin"), 1u32.to_le_bytes()).unwrap();
    let mut emulator = Command::new(machine.emulator.program)
        .current_dir(folder.path())
        .args(["-M", machine.name])
        .args(machine.emulator.arguments)
        .args(["-nographic", "-monitor", "none", "-serial", "none"])
        .args(["-semihosting-config", "enable=on,target=native", "-kernel", "flash.bin"])
        .stdin(Stdio::null())
        .spawn()
        .unwrap();
    let start = Instant::now();
    while emulator.try_wait().unwrap().is_none() {
        if start.elapsed() > PATIENCE {
            emulator.kill().unwrap();
            emulator.wait().unwrap();
            panic!("the firmware does not end: its memory does not outlive a reset");
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    let said = fs::read(folder.path().join("output.bin")).unwrap();
    let words: Vec<u32> = said[HEADERS..].as_chunks::<4>().0.iter().map(|b| u32::from_le_bytes(*b)).collect();
    let starts: Vec<[u32; 4]> = words.as_chunks::<4>().0.to_vec();
    let expected: Vec<[u32; 4]> = (1..=BOOTS).map(|boot| [boot, 1, 1f32.to_bits(), 3f32.to_bits()]).collect();
    assert_eq!(starts, expected, "which start, whether the model was given once, two sums");
}
