//! The arena map: time across, address up, one box a buffer.
//!
//! Buffers that share their start are joined in the middle of the step that turns one into the other and
//! have one colour. Scratch is hatched, state grey. The peak step is framed; below the map the live bytes
//! of each step stand as bars. Every box carries its name, size, address and time as a tooltip, whether
//! or not there is room for a label.

mod canvas;
mod text;

use super::Placement;
use super::liveness::LiveRange;
use super::problem::{BufferIx, Problem, StepIx};
use canvas::{Anchor, Canvas, Rect};
use text::{binary, cut, grouped};

/// Names of what a picture shows; any text. Missing ones are replaced by numbers.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct Names {
    /// By buffer.
    pub buffers: Vec<String>,
    /// By step, as given.
    pub steps: Vec<String>,
}

impl Names {
    fn buffer(&self, buffer: usize) -> String {
        self.buffers.get(buffer).cloned().unwrap_or_else(|| format!("buffer {buffer}"))
    }

    fn step(&self, step: StepIx) -> String {
        self.steps.get(step.0).cloned().unwrap_or_else(|| format!("step {}", step.0))
    }
}

/// Draws `placement`, a plan of `problem`, as an SVG document.
pub fn draw(problem: &Problem, placement: &Placement, names: &Names) -> String {
    let map = Map::new(problem, placement, names);
    let mut canvas = Canvas::default();
    map.heading(&mut canvas);
    map.axes(&mut canvas);
    map.buffers(&mut canvas);
    map.scratch(&mut canvas);
    map.peak(&mut canvas);
    map.joints(&mut canvas);
    map.labels(&mut canvas);
    map.bars(&mut canvas);
    map.legend(&mut canvas);
    canvas.finish((map.width(), map.height()), STYLE, DEFS)
}

/// Height in pixels of the map, of the bars, and of the space between.
const MAP: f64 = 440.0;
const BARS: f64 = 54.0;
const SPACE: f64 = 22.0;
/// Space to the left, to the right, and above.
const LEFT: f64 = 84.0;
const RIGHT: f64 = 90.0;
const TOP: f64 = 78.0;
/// The narrowest picture, for the heading and the legend.
const NARROWEST: f64 = 760.0;
/// Width of a character of a label, and its height, in pixels.
const CHARACTER: f64 = 5.9;
const LINE: f64 = 12.0;
/// Characters of a name that are shown outside of boxes.
const NAME: usize = 26;
/// Step names stand no closer than this.
const PITCH: f64 = 13.0;

const STYLE: &str = "\
text{font-family:'Helvetica Neue',Helvetica,Arial,'Liberation Sans',sans-serif;font-size:10.5px;fill:#1f2933}
.h1{font-size:16px;font-weight:600}
.h2{font-size:12px;fill:#52606d}
.axis{fill:#616e7c;font-size:10px}
.step{fill:#323f4b;font-size:10px}
.hot{fill:#b42318;font-weight:600}
.bytes{fill:#3e4c59;font-size:9.5px}
.name,.bytes{paint-order:stroke;stroke:#fff;stroke-width:2px;stroke-opacity:.45;pointer-events:none}
.box{stroke:#3e4c59;stroke-width:.8}
.state{fill:#d9dee4}
.out{stroke:#1f2933;stroke-width:1.8}
.scratch{fill:url(#hatch);stroke:#7b8794;stroke-width:.7}
.bar{fill:#9fb3c8}
.barhot{fill:#d64545}
.grid{stroke:#e4e7eb;stroke-width:1;fill:none}
.frame{stroke:#9aa5b1;stroke-width:1;fill:none}
.bound{stroke:#d64545;stroke-width:1.2;stroke-dasharray:5 3;fill:none}
.top{stroke:#1f2933;stroke-width:1.4;fill:none}
.band{fill:#d64545;fill-opacity:.09;pointer-events:none}
.peak{stroke:#d64545;stroke-width:1.1;stroke-dasharray:3 2;fill:none}
.arrow{fill:#1f2933;pointer-events:none}
";

const DEFS: &str = "<pattern id=\"hatch\" width=\"6\" height=\"6\" patternUnits=\"userSpaceOnUse\">\
<rect width=\"6\" height=\"6\" fill=\"#f5f7fa\"/><path d=\"M-1 1L1 -1M0 6L6 0M5 7L7 5\" stroke=\"#7b8794\"/></pattern>";

/// Light fills that dark text is legible on.
const COLOURS: [&str; 10] =
    ["#a6cee3", "#fdd49e", "#b2df8a", "#cab2d6", "#fbb4ae", "#8dd3c7", "#ffed9f", "#bcd0f0", "#e5c9a8", "#f4b6d2"];

struct Map<'a> {
    problem: &'a Problem,
    placement: &'a Placement,
    names: &'a Names,
    /// Width of a step.
    column: f64,
    columns: usize,
    /// Per buffer: whether it begins, and ends, in the middle of a column.
    halves: Vec<(bool, bool)>,
    /// Per buffer: which colour.
    colours: Vec<usize>,
}

impl<'a> Map<'a> {
    fn new(problem: &'a Problem, placement: &'a Placement, names: &'a Names) -> Self {
        let columns = placement.order.len().max(1);
        let count = problem.buffers.len();
        let mut halves = vec![(false, false); count];
        let mut before: Vec<Option<BufferIx>> = vec![None; count];
        for shared in &placement.sharing {
            halves[shared.pair.read.0].1 = true;
            halves[shared.pair.write.0].0 = true;
            before[shared.pair.write.0] = Some(shared.pair.read);
        }
        // By birth, so that neighbours in time differ and a chain takes the colour of its head.
        let mut by_birth: Vec<usize> = (0..count).filter(|&b| placement.ranges[b].is_some()).collect();
        by_birth.sort_by_key(|&b| placement.ranges[b].map(|range| (range.first, range.last)));
        let mut colours = vec![0; count];
        let mut next = 0;
        for &buffer in by_birth.iter().filter(|&&b| before[b].is_none()) {
            colours[buffer] = next;
            next = (next + 1) % COLOURS.len();
        }
        for shared in &placement.sharing {
            colours[shared.pair.write.0] = colours[shared.pair.read.0];
        }
        let column = (1120.0 / columns as f64).clamp(9.0, 150.0);
        Self { problem, placement, names, column, columns, halves, colours }
    }

    fn map_width(&self) -> f64 {
        self.column * self.columns as f64
    }

    fn width(&self) -> f64 {
        (LEFT + self.map_width() + RIGHT).max(NARROWEST)
    }

    fn height(&self) -> f64 {
        let names = self.placement.order.iter().zip(0..).map(|(&step, i)| self.step_label(i, step).chars().count());
        let longest = names.max().unwrap_or(0);
        // The names are turned by 50 degrees; below them stands the legend.
        TOP + MAP + SPACE + BARS + longest as f64 * CHARACTER * 0.77 + 64.0
    }

    fn x(&self, position: usize) -> f64 {
        LEFT + self.column * position as f64
    }

    /// Where an address lies; address 0 at the bottom.
    fn y(&self, address: usize) -> f64 {
        let whole = self.placement.arena_bytes.max(1) as f64;
        TOP + MAP - MAP * address as f64 / whole
    }

    /// The rectangle of `bytes` at `offset` from `left` to `right`; never too thin to be seen.
    fn span(&self, (left, right): (f64, f64), offset: usize, bytes: usize) -> Rect {
        let (bottom, top) = (self.y(offset), self.y(offset.saturating_add(bytes)));
        Rect { x: left, y: top, width: right - left, height: (bottom - top).max(0.6) }
    }

    fn heading(&self, canvas: &mut Canvas) {
        let p = self.placement;
        let at = |y| Anchor { x: LEFT, y, at: "start", turned: 0 };
        canvas.text(at(26.0), "h1", &format!("Arena of {} bytes", grouped(p.arena_bytes)));
        canvas.text(at(44.0), "h2", &p.describe(|buffer| cut(&self.names.buffer(buffer.0), NAME)));
    }

    fn axes(&self, canvas: &mut Canvas) {
        let (left, right) = (LEFT, LEFT + self.map_width());
        let mut tick = 1usize;
        while self.placement.arena_bytes / tick > 8 {
            tick *= 2;
        }
        let mut address = 0;
        while address <= self.placement.arena_bytes {
            let y = self.y(address);
            canvas.line((left, y), (right, y), "grid");
            canvas.text(Anchor { x: left - 8.0, y: y + 3.5, at: "end", turned: 0 }, "axis", &binary(address));
            address += tick;
        }
        let frame = Rect { x: left, y: TOP, width: right - left, height: MAP };
        canvas.rect(frame, "frame", "", "");
    }

    fn step_label(&self, position: usize, step: StepIx) -> String {
        format!("{}: {}", position + 1, cut(&self.names.step(step), NAME))
    }

    fn peak_position(&self) -> Option<usize> {
        let step = self.placement.peak_step?;
        self.placement.order.iter().position(|&other| other == step)
    }

    fn buffers(&self, canvas: &mut Canvas) {
        for (buffer, spec) in self.problem.buffers.iter().enumerate() {
            let Some(range) = self.placement.ranges[buffer] else { continue };
            if spec.bytes == 0 {
                continue;
            }
            let offset = self.placement.offsets[buffer];
            let rect = self.span(self.sides(buffer, range), offset, spec.bytes);
            let (class, style) = match (spec.live_from_start, spec.live_to_end) {
                (true, true) => ("box state", String::new()),
                (false, true) => ("box out", format!("fill:{}", COLOURS[self.colours[buffer]])),
                (true, false) | (false, false) => ("box", format!("fill:{}", COLOURS[self.colours[buffer]])),
            };
            let name = self.names.buffer(buffer);
            let bytes = grouped(spec.bytes);
            let end = grouped(offset + spec.bytes);
            let life = format!("steps {} to {}", range.first + 1, range.last + 1);
            let title = format!("{}\n{bytes} bytes at {}..{end}\n{life}", cut(&name, 200), grouped(offset));
            canvas.rect(rect, class, &style, &title);
        }
    }

    /// Name and size of every buffer that has room for them.
    fn labels(&self, canvas: &mut Canvas) {
        for (buffer, spec) in self.problem.buffers.iter().enumerate() {
            if let Some(range) = self.placement.ranges[buffer] {
                let rect = self.span(self.sides(buffer, range), self.placement.offsets[buffer], spec.bytes);
                label(canvas, rect, &self.names.buffer(buffer), &grouped(spec.bytes));
            }
        }
    }

    /// From where to where a buffer is drawn.
    fn sides(&self, buffer: usize, range: LiveRange) -> (f64, f64) {
        let (from_half, to_half) = self.halves[buffer];
        let left = self.x(range.first) + if from_half { self.column / 2.0 } else { 0.0 };
        let right = self.x(range.last) + if to_half { self.column / 2.0 } else { self.column };
        (left, right)
    }

    fn scratch(&self, canvas: &mut Canvas) {
        for (position, &step) in self.placement.order.iter().enumerate() {
            let sizes = &self.problem.steps[step.0].scratch;
            for (&bytes, &offset) in sizes.iter().zip(&self.placement.scratch[step.0]) {
                if bytes == 0 {
                    continue;
                }
                let rect = self.span((self.x(position), self.x(position + 1)), offset, bytes);
                let name = cut(&self.names.step(step), 200);
                let title = format!("scratch of {name}\n{} bytes at {}", grouped(bytes), grouped(offset));
                canvas.rect(rect, "scratch", "", &title);
            }
        }
    }

    /// Marks where one buffer becomes another.
    fn joints(&self, canvas: &mut Canvas) {
        for shared in &self.placement.sharing {
            let bytes = |buffer: BufferIx| self.problem.buffers[buffer.0].bytes;
            let least = bytes(shared.pair.read).min(bytes(shared.pair.write));
            let Some(range) = self.placement.ranges[shared.pair.write.0] else { continue };
            let x = self.x(range.first) + self.column / 2.0;
            let offset = self.placement.offsets[shared.pair.write.0];
            let (bottom, top) = (self.y(offset), self.y(offset + least));
            let size = (self.column / 3.0).min(7.0).min((bottom - top) / 3.0);
            if size < 1.5 {
                continue;
            }
            let middle = (bottom + top) / 2.0;
            canvas.triangle([(x - size, middle - size), (x - size, middle + size), (x + size, middle)], "arrow");
        }
    }

    fn peak(&self, canvas: &mut Canvas) {
        let right = LEFT + self.map_width();
        let top = self.y(self.placement.arena_bytes);
        canvas.line((LEFT, top), (right, top), "top");
        let bound = self.y(self.placement.lower_bound_bytes);
        canvas.line((LEFT, bound), (right, bound), "bound");
        let side = |y: f64| Anchor { x: right + 6.0, y: y + 3.5, at: "start", turned: 0 };
        canvas.text(side(bound), "axis hot", "lower bound");
        if bound - top > LINE {
            canvas.text(side(top), "axis", "arena");
        }
        let (Some(position), Some(step)) = (self.peak_position(), self.placement.peak_step) else { return };
        let band = Rect { x: self.x(position), y: TOP, width: self.column, height: MAP };
        canvas.rect(band, "band", "", "");
        for x in [self.x(position), self.x(position + 1)] {
            canvas.line((x, TOP - 4.0), (x, TOP + MAP + SPACE + BARS), "peak");
        }
        let live = grouped(self.placement.peak_bytes());
        let text = format!("peak: {live} bytes in step {}", self.step_label(position, step));
        // The text runs towards the side that has more room.
        let (x, at) = if self.x(position) < self.width() / 2.0 {
            (self.x(position), "start")
        } else {
            (self.x(position + 1), "end")
        };
        canvas.text(Anchor { x, y: TOP - 9.0, at, turned: 0 }, "hot", &text);
    }

    /// Live bytes and names of the steps.
    fn bars(&self, canvas: &mut Canvas) {
        let base = TOP + MAP + SPACE + BARS;
        let most = self.placement.peak_bytes().max(1) as f64;
        let peak = self.peak_position();
        canvas.text(Anchor { x: LEFT - 8.0, y: base - BARS / 2.0, at: "end", turned: 0 }, "axis", "live bytes");
        let every = (PITCH / self.column).ceil().max(1.0) as usize;
        for (position, &step) in self.placement.order.iter().enumerate() {
            let live = self.placement.live_bytes[position];
            let height = BARS * live as f64 / most;
            let gap = (self.column * 0.1).min(3.0);
            let rect = Rect { x: self.x(position) + gap, y: base - height, width: self.column - 2.0 * gap, height };
            let hot = Some(position) == peak;
            let name = self.names.step(step);
            let title = format!("step {} {}\n{} bytes live", position + 1, cut(&name, 200), grouped(live));
            canvas.rect(rect, if hot { "barhot" } else { "bar" }, "", &title);
            if hot || position.is_multiple_of(every) && !near(peak, position, every) {
                let anchor =
                    Anchor { x: self.x(position) + self.column / 2.0 + 3.0, y: base + 10.0, at: "end", turned: -50 };
                let class = if hot { "step hot" } else { "step" };
                canvas.text(anchor, class, &self.step_label(position, step));
            }
        }
        canvas.line((LEFT, base), (LEFT + self.map_width(), base), "frame");
    }

    fn legend(&self, canvas: &mut Canvas) {
        let y = self.height() - 22.0;
        let mut x = LEFT;
        let entries = [
            ("box", "fill:#a6cee3", "buffer"),
            ("box out", "fill:#a6cee3", "output, live to the end"),
            ("box state", "", "state, kept between runs"),
            ("scratch", "", "scratch of one step"),
        ];
        for (class, style, text) in entries {
            canvas.rect(Rect { x, y: y - 9.0, width: 16.0, height: 11.0 }, class, style, "");
            canvas.text(Anchor { x: x + 21.0, y, at: "start", turned: 0 }, "h2", text);
            x += 40.0 + 6.2 * text.len() as f64;
        }
        canvas.triangle([(x, y - 9.0), (x, y + 1.0), (x + 10.0, y - 4.0)], "arrow");
        canvas.text(Anchor { x: x + 16.0, y, at: "start", turned: 0 }, "h2", "written in place");
    }
}

/// Whether the name at `position` would run into the one of the peak.
fn near(peak: Option<usize>, position: usize, every: usize) -> bool {
    every > 1 && peak.is_some_and(|peak| peak.abs_diff(position) < every)
}

/// Writes name and size into a box, as far as there is room: across if all of it fits, else along the
/// longer side. A number is never cut.
fn label(canvas: &mut Canvas, rect: Rect, name: &str, bytes: &str) {
    // Rounded down to whole characters; never negative.
    let room = |pixels: f64| ((pixels - 6.0) / CHARACTER).max(0.0) as usize;
    let longest = name.chars().count().max(bytes.chars().count());
    let upright = rect.height > rect.width && room(rect.width) < longest;
    let (along, across) = if upright { (rect.height, rect.width) } else { (rect.width, rect.height) };
    let room = room(along);
    if room < 3 || across < LINE - 1.0 {
        return;
    }
    let (x, y) = (rect.x + rect.width / 2.0, rect.y + rect.height / 2.0);
    // Offset of the base line from the middle of the box, across the text.
    let at = |shift: f64| {
        let (x, y) = if upright { (x + shift, y) } else { (x, y + shift) };
        Anchor { x, y, at: "middle", turned: if upright { -90 } else { 0 } }
    };
    let both = format!("{name}  {bytes}");
    if across >= 2.0 * LINE + 2.0 && bytes.chars().count() <= room {
        canvas.text(at(-2.0), "name", &cut(name, room));
        canvas.text(at(LINE - 2.0), "bytes", bytes);
    } else if both.chars().count() <= room {
        canvas.text(at(3.5), "name", &both);
    } else {
        canvas.text(at(3.5), "name", &cut(name, room));
    }
}
