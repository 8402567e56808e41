//! A model as firmware: what its machine counts.

use zant_measure::Machine;
use zant_measure::report::{Metric, Value};
use zantc::diag::Diagnostic;

use super::{Prepared, Values, keep, per_mac, source_bytes};
use crate::built::device::Device;

/// Builds the firmware, runs it once, and takes what it says.
pub(super) fn measure(prepared: &Prepared<'_>, machine: &'static Machine) -> Result<Values, Vec<Diagnostic>> {
    let device = Device::write(&prepared.source(), machine)?;
    let start = std::time::Instant::now();
    let built = device.build(prepared.level, false)?;
    let build_time = start.elapsed();
    keep(&built.elf, prepared.elf.as_ref())?;
    let measured = device.run(built, std::slice::from_ref(&prepared.inputs))?;
    prepared.check(&measured.outputs.concat())?;
    let program = prepared.program();
    let (instructions, stack) = (measured.most_instructions(), measured.stack_bytes.map(u64::from));
    let missing = || Value::Missing(format!("{} counts none", machine.name));
    let sizes = measured.built.sizes;
    let arena = zantc::emit::arena_bytes(program) as u64;
    let mut values = prepared.planned(source_bytes(device.package()));
    values.extend([
        (Metric::Instructions, instructions.map_or_else(missing, Value::Count)),
        (Metric::Time, Value::Missing("an emulator keeps no time".into())),
        (Metric::Stack, stack.map_or_else(missing, Value::Count)),
        (Metric::PeakMemory, stack.map_or_else(missing, |stack| Value::Count(arena + stack))),
        (Metric::Executable, Value::Count(sizes.code + sizes.weights)),
        (Metric::Weights, Value::Count(sizes.weights)),
        (Metric::Code, Value::Count(sizes.code)),
        (Metric::BuildTime, Value::Real(build_time.as_secs_f64() * 1e3)),
    ]);
    values.extend(instructions.and_then(|n| per_mac(n, program.macs())));
    let estimate = instructions.zip(machine.pace()).map(|(n, pace)| pace.microseconds(n));
    values.extend(estimate.map(|us| (Metric::Estimate, Value::Real(us))));
    Ok(values)
}
