//! The text form of a program: weights, steps with their arguments, and the layout where there is one.

use std::fmt;

use super::{Access, Arg, Program, RegionKind, Storage};

impl fmt::Display for Program {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "program {:?} ({:?})", self.name, self.numerics)?;
        for (i, w) in self.weights.iter().enumerate() {
            writeln!(f, "  w{i} = {} {:?}", w.data.ty(), w.name)?;
        }
        for (i, b) in self.buffers.iter().enumerate() {
            let place = match (b.storage, self.layout.as_ref().and_then(|l| l.offsets[i])) {
                (Storage::Input(n), _) => format!("input {n}"),
                (Storage::Arena, Some(at)) => format!("at {at}"),
                (Storage::Arena, None) => "unplaced".into(),
            };
            writeln!(f, "  b{i} = {}[{}] {place} {:?}", b.dtype, b.elements, b.name)?;
        }
        for (i, s) in self.steps.iter().enumerate() {
            let args: Vec<String> = s.args.iter().map(|a| self.arg(a)).collect();
            let from: Vec<String> = s.origin.iter().map(|o| format!("{:?}", o.name)).collect();
            writeln!(
                f,
                "  {i}: {}({}) {{{}}} // {}",
                s.call.name(),
                args.join(", "),
                s.call.describe(),
                from.join(" ")
            )?;
        }
        for r in &self.regions {
            let condition = r.condition().map_or(String::new(), |v| format!(" while b{}", v.buffer.0));
            let (start, end) = (r.steps.start, r.steps.end);
            match r.kind {
                RegionKind::If { condition, otherwise } => {
                    writeln!(f, "  if b{}: {start}..{otherwise} else {otherwise}..{end}", condition.buffer.0)?;
                }
                RegionKind::Loop { trips, .. } => writeln!(f, "  {trips} times{condition}: {start}..{end}")?,
            }
        }
        for s in &self.states {
            let ring = s.ring.as_ref().map_or(String::new(), |r| match r.slot {
                Some(slot) => format!(", ring of {} by b{}", r.output, slot.0),
                None => format!(", begun by {}", r.output),
            });
            writeln!(f, "  state {:?}: {} = b{} from {:?}{ring}", s.name, s.ty, s.buffer.0, s.output_name)?;
        }
        for p in &self.outputs {
            writeln!(f, "  out {:?}: {} = {}", p.name, p.ty, self.arg(&Arg::Buffer(p.view, Access::Read)))?;
        }
        if let Some(l) = &self.layout {
            let order = if l.optimal_order { "the best order" } else { "this order" };
            writeln!(
                f,
                "  arena {} bytes, lower bound {} bytes (step {}) for {order}",
                l.arena_bytes, l.lower_bound_bytes, l.peak_step
            )?;
            if let Some(gap) = &l.gap {
                writeln!(f, "  gap: {gap}")?;
            }
        }
        Ok(())
    }
}

impl Program {
    /// An argument: `w1`, `b2` for a whole buffer, `b2[64..128]` for a part, with `!` where it is written and `~` where it is
    /// updated.
    fn arg(&self, arg: &Arg) -> String {
        match arg {
            Arg::Weight(w) => format!("w{}", w.0),
            Arg::Empty(_) => "-".into(),
            Arg::Buffer(v, access) => {
                let whole = v.offset == 0 && v.len == self.buffer(v.buffer).elements;
                let part = if whole { String::new() } else { format!("[{}..{}]", v.offset, v.offset + v.len) };
                let mark = match access {
                    Access::Read => "",
                    Access::Write => "!",
                    Access::Update => "~",
                };
                format!("{mark}b{}{part}", v.buffer.0)
            }
        }
    }
}
