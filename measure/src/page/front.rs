//! Plots of two quantities as SVG inside a page: a point for each thing, and a line through those that nothing beats in both.
//!
//! Invariants: the horizontal quantity is the better the smaller it is; each point has its name and both numbers as a tooltip; labels
//! do not lie on each other, for one that has no room is left to the tooltip.

use std::fmt::Write;

use super::html::escape;
use super::text::number;

/// The drawing, of a size that a phone shows without making it smaller.
const WIDTH: f64 = 380.0;
const HEIGHT: f64 = 280.0;
/// What the points lie in: left, top, right, bottom.
const FIELD: [f64; 4] = [52.0, 14.0, WIDTH - 16.0, HEIGHT - 40.0];
/// Above this ratio of the largest to the smallest value an axis is logarithmic.
const WIDE: f64 = 3.0;
/// Width of a letter of a label, about, and the height of one.
const LETTER: f64 = 5.6;
const LINE: f64 = 11.0;
/// Characters of a label that are shown.
const NAME: usize = 26;

/// A plot.
pub(crate) struct Front {
    /// What it shows.
    pub(crate) title: String,
    /// The horizontal quantity with its unit: the smaller, the better.
    pub(crate) x: String,
    /// The vertical quantity with its unit.
    pub(crate) y: String,
    /// Whether the vertical quantity is the better the larger it is.
    pub(crate) higher: bool,
    /// What is in it.
    pub(crate) points: Vec<Point>,
}

/// A point of a plot.
pub(crate) struct Point {
    /// What it is.
    pub(crate) name: String,
    /// The horizontal value, and how it is written.
    pub(crate) x: (f64, String),
    /// The vertical value, and how it is written.
    pub(crate) y: (f64, String),
    /// Whether the others are measured against it.
    pub(crate) base: bool,
}

/// Where values lie.
struct Axis {
    low: f64,
    high: f64,
    logarithmic: bool,
}

impl Axis {
    fn new(values: &[f64], may_be_logarithmic: bool) -> Axis {
        let (least, most) = values.iter().fold((f64::INFINITY, f64::NEG_INFINITY), |(l, m), v| (l.min(*v), m.max(*v)));
        if values.is_empty() {
            return Axis { low: 0.0, high: 1.0, logarithmic: false };
        }
        if may_be_logarithmic && least > 0.0 && most / least > WIDE {
            return Axis { low: least / 1.35, high: most * 1.35, logarithmic: true };
        }
        let room = if most > least { (most - least) * 0.1 } else { most.abs().max(1e-9) * 0.1 };
        Axis { low: least - room, high: most + room, logarithmic: false }
    }

    /// The part of the axis that lies before a value.
    fn part(&self, v: f64) -> f64 {
        match self.logarithmic {
            true => (v / self.low).ln() / (self.high / self.low).ln(),
            false => (v - self.low) / (self.high - self.low),
        }
    }

    /// Numbers of few digits on the axis, some three to seven of them.
    fn ticks(&self) -> Vec<f64> {
        if self.logarithmic {
            let sets: [&[f64]; 3] = [&[1.0], &[1.0, 2.0, 5.0], &[1.0, 1.5, 2.0, 3.0, 4.0, 5.0, 7.0]];
            let first = self.low.log10().floor() as i32;
            let of = |set: &[f64]| -> Vec<f64> {
                let all = (first..first + 20).flat_map(|e| set.iter().map(move |m| m * 10f64.powi(e)));
                all.filter(|t| (self.low..=self.high).contains(t)).collect()
            };
            return sets.map(of).into_iter().find(|ticks| ticks.len() >= 3).unwrap_or_default();
        }
        let rough = 10f64.powf(((self.high - self.low) / 4.0).log10().floor());
        let fits = |step: &f64| (self.high - self.low) / step <= 6.0;
        let step = [1.0, 2.0, 5.0, 10.0].map(|f| f * rough).into_iter().find(fits).unwrap_or(self.high - self.low);
        let first = (self.low / step).ceil();
        (0..8).map(|i| (first + f64::from(i)) * step).take_while(|t| *t <= self.high).collect()
    }
}

impl Front {
    /// Whether nothing is as good as a point in one quantity and better in the other.
    fn stands(&self, point: &Point) -> bool {
        let side = if self.higher { -1.0 } else { 1.0 };
        let of = |p: &Point| (p.x.0, side * p.y.0);
        let (x, y) = of(point);
        !self.points.iter().map(of).any(|(ox, oy)| ox <= x && oy <= y && (ox < x || oy < y))
    }
}

/// Draws a plot.
pub(super) fn svg(front: &Front) -> String {
    let values = |of: fn(&Point) -> f64| front.points.iter().map(of).collect::<Vec<f64>>();
    // Shares lie close together; differences may be far apart.
    let (x, y) = (Axis::new(&values(|p| p.x.0), true), Axis::new(&values(|p| p.y.0), !front.higher));
    let [left, top, right, bottom] = FIELD;
    let place = |p: &Point| (left + (right - left) * x.part(p.x.0), bottom - (bottom - top) * y.part(p.y.0));
    let title = escape(&front.title);
    let mut text = format!("<figure><figcaption>{title}</figcaption><div class=\"scroll\">");
    _ = write!(text, "<svg viewBox=\"0 0 {WIDTH} {HEIGHT}\" role=\"img\" aria-label=\"{title}\">");
    for tick in x.ticks() {
        let at = left + (right - left) * x.part(tick);
        _ = write!(text, "<path class=\"grid\" d=\"M{at:.1} {top}V{bottom}\"/>");
        _ = write!(text, "<text class=\"tick\" x=\"{at:.1}\" y=\"{}\">{}</text>", bottom + 14.0, short(tick));
    }
    for tick in y.ticks() {
        let at = bottom - (bottom - top) * y.part(tick);
        _ = write!(text, "<path class=\"grid\" d=\"M{left} {at:.1}H{right}\"/>");
        _ = write!(text, "<text class=\"side\" x=\"{}\" y=\"{:.1}\">{}</text>", left - 6.0, at + 3.5, short(tick));
    }
    let scale = |axis: &Axis| if axis.logarithmic { ", logarithmic" } else { "" };
    let middle = (left + right) / 2.0;
    let name = escape(&format!("{}{}", front.x, scale(&x)));
    _ = write!(text, "<text class=\"tick axis\" x=\"{middle}\" y=\"{}\">{name}</text>", HEIGHT - 8.0);
    let name = escape(&format!("{}{}", front.y, scale(&y)));
    _ = write!(
        text,
        "<text class=\"tick axis\" transform=\"translate(11 {}) rotate(-90)\">{name}</text>",
        (top + bottom) / 2.0
    );
    line(&mut text, front, &place);
    points(&mut text, front, &place);
    text + "</svg></div></figure>\n"
}

/// The line through the points that stand, in steps: what one gets at most for so much.
fn line(text: &mut String, front: &Front, place: &dyn Fn(&Point) -> (f64, f64)) {
    let mut standing: Vec<(f64, f64)> = front.points.iter().filter(|p| front.stands(p)).map(place).collect();
    standing.sort_by(|a, b| a.0.total_cmp(&b.0));
    let Some(((x, y), rest)) = standing.split_first() else { return };
    let mut path = format!("M{x:.1} {y:.1}");
    rest.iter().for_each(|(x, y)| _ = write!(path, "H{x:.1}V{y:.1}"));
    _ = write!(text, "<path class=\"step\" d=\"{path}H{}\"/>", FIELD[2]);
}

fn points(text: &mut String, front: &Front, place: &dyn Fn(&Point) -> (f64, f64)) {
    let mut taken: Vec<[f64; 4]> = front
        .points
        .iter()
        .map(|p| {
            let (x, y) = place(p);
            [x - 5.0, y - 5.0, x + 5.0, y + 5.0]
        })
        .collect();
    let mut labels = String::new();
    // Those that stand are named first, while there is room.
    let mut order: Vec<&Point> = front.points.iter().collect();
    order.sort_by_key(|p| !(p.base || front.stands(p)));
    for point in order {
        let (x, y) = place(point);
        let class = if point.base { " class=\"k1\"" } else { ["", " class=\"k0\""][usize::from(front.stands(point))] };
        let title = escape(&format!("{}: {}, {}", point.name, point.y.1, point.x.1));
        _ = write!(text, "<circle{class} cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"4.5\"><title>{title}</title></circle>");
        let name: String = point.name.chars().take(NAME).collect();
        let width = LETTER * name.chars().count() as f64;
        // The line goes right from a point, and up or down to it from the left.
        let spots =
            [(7.0, -7.0), (7.0, 15.0), (-7.0 - width, -7.0), (-7.0 - width, 15.0), (8.0, 3.5), (-8.0 - width, 3.5)];
        let spot = spots.into_iter().map(|(dx, dy)| (x + dx, y + dy)).find(|(lx, ly)| {
            let own = [*lx, ly - LINE + 2.0, lx + width, ly + 2.0];
            let inside = own[0] >= FIELD[0] && own[2] <= WIDTH && own[1] >= 0.0 && own[3] <= FIELD[3];
            inside && taken.iter().all(|t| own[2] <= t[0] || t[2] <= own[0] || own[3] <= t[1] || t[3] <= own[1])
        });
        if let Some((lx, ly)) = spot {
            taken.push([lx, ly - LINE + 2.0, lx + width, ly + 2.0]);
            _ = write!(labels, "<text x=\"{lx:.1}\" y=\"{ly:.1}\">{}</text>", escape(&name));
        }
    }
    *text += &labels;
}

/// A number on an axis: thousands and millions by their letter.
fn short(tick: f64) -> String {
    let size = tick.abs();
    for (unit, letter) in [(1e9, "G"), (1e6, "M"), (1e3, "k")] {
        if size >= unit {
            return format!("{}{letter}", (tick / unit * 1e6).round() / 1e6);
        }
    }
    let rounded = (tick * 1e6).round() / 1e6;
    if rounded == 0.0 && tick != 0.0 { number(tick) } else { rounded.to_string() }
}

#[cfg(test)]
mod tests {
    use super::{Axis, Front, Point, short, svg};

    fn front(points: &[(f64, f64)], higher: bool) -> Front {
        let written = |v: f64| (v, v.to_string());
        let point = |(i, (x, y)): (usize, &(f64, f64))| Point {
            name: format!("p{i}"),
            x: written(*x),
            y: written(*y),
            base: i == 0,
        };
        let points = points.iter().enumerate().map(point).collect();
        Front { title: "t".into(), x: "x".into(), y: "y".into(), higher, points }
    }

    #[test]
    fn what_nothing_beats_stands() {
        let points = [(10.0, 0.9), (5.0, 0.9), (5.0, 0.8), (1.0, 0.5), (2.0, 0.4)];
        let standing = |higher| {
            let front = front(&points, higher);
            front.points.iter().map(|p| front.stands(p)).collect::<Vec<bool>>()
        };
        assert_eq!(standing(true), [false, true, false, true, false]);
        assert_eq!(standing(false), [false, false, false, true, true]);
    }

    #[test]
    fn axes_have_a_few_numbers_of_few_digits() {
        let axis = Axis::new(&[100.0, 100_000.0], true);
        assert!(axis.logarithmic && axis.part(100.0) > 0.0 && axis.part(100_000.0) < 1.0);
        assert_eq!(axis.ticks(), [100.0, 1000.0, 10_000.0, 100_000.0]);
        assert_eq!(Axis::new(&[0.9, 0.98], true).ticks().len(), 5);
        assert_eq!([0.9, 2000.0, 1.5e6, 0.30000000000000004].map(short), ["0.9", "2k", "1.5M", "0.3"]);
    }

    #[test]
    fn plots_of_anything_have_numbers() {
        for points in [&[][..], &[(0.0, 0.0)], &[(3.0, 1.0), (3.0, 1.0)], &[(1.0, -1.0), (1e9, 1e9)]] {
            for higher in [true, false] {
                let text = svg(&front(points, higher));
                assert!(!text.contains("NaN") && !text.contains("inf"), "{text}");
                assert_eq!(text.matches("<circle").count(), points.len());
            }
        }
    }
}
