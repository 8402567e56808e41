//! Bar charts as SVG inside a page, coloured by the page's own style.
//!
//! Invariants: bars begin at zero and are as long as the axis says; each has its value beside it and as a tooltip, parts of a whole as tooltips
//! and their sum beside them. A chart is drawn twice, for a desktop and for a phone, of which the page's style shows one.

use std::fmt::Write;

use super::html::escape;
use super::text::number;
use super::{Bars, Group};

/// Height of a bar, and the space between groups.
const BAR: f64 = 13.0;
const GAP: f64 = 9.0;
/// Of what stands to the right of the longest bar, the width.
const RIGHT: f64 = 90.0;
/// Height of a name above its bars.
const LINE: f64 = 16.0;
/// Above the bars: the axis.
const TOP: f64 = 24.0;
/// Characters of a name that are shown.
const NAME: usize = 42;
/// Of a name that is too long, characters of its beginning: a step's number and operator.
const HEAD: usize = 18;

/// How a chart lies on a screen.
struct Shape {
    /// Its class in the page.
    class: &'static str,
    /// Width of the names beside the bars; names stand above them where it is none.
    names: f64,
    /// Width of the longest bar.
    longest: f64,
}

const SHAPES: [Shape; 2] =
    [Shape { class: "wide", names: 270.0, longest: 740.0 }, Shape { class: "narrow", names: 0.0, longest: 235.0 }];

/// How long bars are: from zero.
struct Axis {
    high: f64,
    longest: f64,
}

impl Axis {
    fn new(bars: &Bars, shape: &Shape) -> Axis {
        let values = |g: &Group| -> Vec<f64> { g.bars.iter().flatten().map(|(v, _)| *v).collect() };
        let most = |g: &Group| match bars.total {
            Some(_) => values(g).iter().sum(),
            None => values(g).into_iter().fold(0.0, f64::max),
        };
        let most = bars.groups.iter().map(most).fold(0.0, f64::max);
        Axis { high: if most > 0.0 { most } else { 1.0 }, longest: shape.longest }
    }

    fn length(&self, v: f64) -> f64 {
        self.longest * (v / self.high).clamp(0.0, 1.0)
    }

    fn ticks(&self) -> Vec<f64> {
        let rough = 10f64.powf((self.high / 4.0).log10().floor());
        let step = [1.0, 2.0, 5.0, 10.0].map(|f| f * rough).into_iter().find(|s| self.high / s <= 5.0);
        let step = step.unwrap_or(self.high);
        (0..6).map(|i| step * f64::from(i)).take_while(|t| *t <= self.high).collect()
    }
}

/// Draws a chart.
pub(super) fn svg(bars: &Bars) -> String {
    let mut text = format!("<figure><figcaption>{}<span class=\"key\">", escape(&bars.title));
    for (i, series) in bars.series.iter().enumerate() {
        _ = write!(text, "<i class=\"k{i}\"></i>{}", escape(series));
    }
    text += "</span></figcaption>";
    for shape in &SHAPES {
        draw(&mut text, bars, shape);
    }
    text + "</figure>\n"
}

fn draw(text: &mut String, bars: &Bars, shape: &Shape) {
    let axis = Axis::new(bars, shape);
    let (names, rows) = (shape.names, if bars.total.is_some() { 1 } else { bars.series.len() });
    let group = BAR * rows as f64 + GAP + if names > 0.0 { 0.0 } else { LINE };
    let (width, height) = (names + shape.longest + RIGHT, TOP + group * bars.groups.len() as f64 + 4.0);
    _ = write!(
        text,
        "<div class=\"scroll {}\" tabindex=\"0\"><svg viewBox=\"0 0 {width} {height:.0}\" width=\"{width}\" height=\"{height:.0}\" \
         role=\"img\" aria-label=\"{}\">",
        shape.class,
        escape(&bars.title)
    );
    for tick in axis.ticks() {
        let x = names + axis.length(tick);
        _ = write!(text, "<path class=\"grid\" d=\"M{x:.1} {:.0}V{height:.0}\"/>", TOP - 6.0);
        let anchor = if x > 0.0 { "" } else { " style=\"text-anchor:start\"" };
        _ = write!(text, "<text class=\"tick\" x=\"{x:.1}\" y=\"12\"{anchor}>{}</text>", grid(tick));
    }
    for (i, g) in bars.groups.iter().enumerate() {
        draw_group(text, (&axis, names), TOP + group * i as f64, (g, bars));
    }
    *text += "</svg></div>";
}

fn draw_group(text: &mut String, (axis, names): (&Axis, f64), top: f64, (group, bars): (&Group, &Bars)) {
    let (name, values) = (&group.name, &group.bars);
    let (title, name) = (escape(name), escape(&short(name)));
    let rows = if bars.total.is_some() { 1 } else { values.len() };
    let (x, y, anchor) = match names > 0.0 {
        true => (names - 8.0, top + BAR * rows as f64 / 2.0 + 4.0, ""),
        false => (0.0, top + LINE - 5.0, " style=\"text-anchor:start\""),
    };
    let top = if names > 0.0 { top } else { top + LINE };
    _ = write!(text, "<text class=\"name\" x=\"{x}\" y=\"{y:.1}\"{anchor}><title>{title}</title>{name}</text>");
    let mut place = |i: usize, (x, y): (f64, f64), v: f64, label: &str| {
        let (length, height) = (axis.length(v).max(1.0), BAR - 2.0);
        _ = write!(
            text,
            "<rect class=\"k{i}\" x=\"{x:.1}\" y=\"{y:.1}\" width=\"{length:.1}\" height=\"{height}\" rx=\"2\"><title>{title}: \
             {}</title></rect>",
            escape(label)
        );
        x + length
    };
    let mut labels = Vec::new();
    if let Some(total) = bars.total {
        let mut x = names;
        for (i, (value, series)) in values.iter().zip(&bars.series).enumerate() {
            if let Some((v, label)) = value {
                x = place(i, (x, top), *v, &format!("{series} {label}"));
            }
        }
        labels.push((x, top, total(values.iter().flatten().map(|(v, _)| *v).sum())));
    } else {
        for (i, value) in values.iter().enumerate() {
            let Some((v, label)) = value else { continue };
            let y = top + BAR * i as f64;
            labels.push((place(i, (names, y), *v, label), y, label.clone()));
        }
    }
    for (x, y, label) in labels {
        _ = write!(text, "<text x=\"{:.1}\" y=\"{:.1}\">{}</text>", x + 5.0, y + 10.0, escape(&label));
    }
}

/// A number on the axis, which has one digit and zeros.
fn grid(tick: f64) -> String {
    if tick < 1000.0 { format!("{}", (tick * 1e9).round() / 1e9) } else { number(tick) }
}

/// Of a name that is too long, its beginning and its end.
fn short(name: &str) -> String {
    let count = name.chars().count();
    if count <= NAME {
        return name.to_string();
    }
    let head: String = name.chars().take(HEAD).collect();
    let tail: String = name.chars().skip(count - (NAME - HEAD - 2)).collect();
    format!("{head}..{tail}")
}

#[cfg(test)]
mod tests {
    use super::super::{Bars, Group};
    use super::{Axis, SHAPES, short, svg};

    fn bars(values: &[f64]) -> Bars {
        let groups =
            values.iter().map(|v| Group { name: "m".into(), bars: vec![Some((*v, v.to_string())), None] }).collect();
        Bars { title: "time".into(), series: vec!["fast".into(), "small".into()], groups, total: None }
    }

    #[test]
    fn bars_are_as_long_as_the_axis_says() {
        for shape in &SHAPES {
            let longest = shape.longest;
            let axis = Axis::new(&bars(&[1.0, 4.0]), shape);
            assert_eq!([0.0, 1.0, 4.0].map(|v| axis.length(v)), [0.0, longest / 4.0, longest]);
            assert_eq!(axis.ticks(), [0.0, 1.0, 2.0, 3.0, 4.0]);
            let axis = Axis::new(&bars(&[2.0, 1000.0]), shape);
            assert_eq!([0.0, 2.0, 500.0].map(|v| axis.length(v)), [0.0, longest * (2.0 / 1000.0), longest / 2.0]);
            assert_eq!(axis.length(0.0), 0.0);
        }
    }

    #[test]
    fn parts_stand_end_to_end_and_their_sum_beside_them() {
        let group = Group { name: "m".into(), bars: vec![Some((3.0, "3 B".into())), Some((1.0, "1 B".into()))] };
        let total = Some((|v| format!("{v} in all")) as fn(f64) -> String);
        let parts =
            Bars { title: "flash".into(), series: vec!["weights".into(), "code".into()], groups: vec![group], total };
        let text = svg(&parts);
        assert!(text.contains("m: weights 3 B") && text.contains("m: code 1 B") && text.contains("4 in all"), "{text}");
        assert!(text.contains("x=\"270.0\"") && text.contains("x=\"825.0\""), "{text}");
    }

    #[test]
    fn the_axis_has_no_more_digits_than_it_needs() {
        assert_eq!([0.0, 0.1, 0.30000000000000004, 20.0, 5000.0].map(super::grid), ["0", "0.1", "0.3", "20", "5,000"]);
    }

    #[test]
    fn nothing_to_draw_is_drawn() {
        for values in [&[][..], &[0.0]] {
            let text = svg(&bars(values));
            assert!(!text.contains("NaN") && !text.contains("inf"), "{text}");
        }
        assert_eq!(short(&"n".repeat(100)).chars().count(), super::NAME);
        assert!(
            short("12 depthwise_conv2d /features/features.1/conv/conv.0/Conv_output_0")
                .starts_with("12 depthwise_conv2")
        );
    }
}
