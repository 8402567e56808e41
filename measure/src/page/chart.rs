//! Bar charts as SVG inside a page, coloured by the page's own style.
//!
//! Invariants: bars begin at zero and are as long as the axis says; each has its value beside it and as a tooltip.

use std::fmt::Write;

use super::html::escape;
use super::text::number;
use super::{Bars, Group};

/// Height of a bar, and the space between groups.
const BAR: f64 = 13.0;
const GAP: f64 = 9.0;
/// Width of the names, of the longest bar, and of what stands to the right of it.
const NAMES: f64 = 270.0;
const LONGEST: f64 = 740.0;
const RIGHT: f64 = 90.0;
/// Above the bars: the axis.
const TOP: f64 = 24.0;
/// Characters of a name that are shown.
const NAME: usize = 42;
/// Of a name that is too long, characters of its beginning: a step's number and operator.
const HEAD: usize = 18;

/// How long bars are: from zero.
struct Axis {
    high: f64,
}

impl Axis {
    fn new(bars: &Bars) -> Axis {
        let values = bars.groups.iter().flat_map(|g| g.bars.iter().flatten().map(|(v, _)| *v));
        let most = values.fold(0.0, f64::max);
        Axis { high: if most > 0.0 { most } else { 1.0 } }
    }

    fn length(&self, v: f64) -> f64 {
        LONGEST * (v / self.high).clamp(0.0, 1.0)
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
    let axis = Axis::new(bars);
    let group = BAR * bars.series.len() as f64 + GAP;
    let (width, height) = (NAMES + LONGEST + RIGHT, TOP + group * bars.groups.len() as f64 + 4.0);
    let mut text = format!("<figure><figcaption>{}<span class=\"key\">", escape(&bars.title));
    for (i, series) in bars.series.iter().enumerate() {
        _ = write!(text, "<i class=\"k{i}\"></i>{}", escape(series));
    }
    _ = write!(
        text,
        "</span></figcaption><div class=\"scroll\" tabindex=\"0\"><svg viewBox=\"0 0 {width} {height:.0}\" width=\"{width}\" \
         height=\"{height:.0}\" role=\"img\" aria-label=\"{}\">",
        escape(&bars.title)
    );
    for tick in axis.ticks() {
        let x = NAMES + axis.length(tick);
        _ = write!(text, "<path class=\"grid\" d=\"M{x:.1} {:.0}V{height:.0}\"/>", TOP - 6.0);
        _ = write!(text, "<text class=\"tick\" x=\"{x:.1}\" y=\"12\">{}</text>", grid(tick));
    }
    for (i, g) in bars.groups.iter().enumerate() {
        draw_group(&mut text, &axis, TOP + group * i as f64, g);
    }
    text + "</svg></div></figure>\n"
}

fn draw_group(text: &mut String, axis: &Axis, top: f64, group: &Group) {
    let (name, values) = (&group.name, &group.bars);
    let middle = top + BAR * values.len() as f64 / 2.0 + 4.0;
    let (title, name) = (escape(name), escape(&short(name)));
    _ = write!(
        text,
        "<text class=\"name\" x=\"{}\" y=\"{middle:.1}\"><title>{title}</title>{name}</text>",
        NAMES - 8.0
    );
    for (i, value) in values.iter().enumerate() {
        let Some((v, label)) = value else { continue };
        let (y, length, label) = (top + BAR * i as f64, axis.length(*v).max(1.0), escape(label));
        let height = BAR - 2.0;
        _ = write!(
            text,
            "<rect class=\"k{i}\" x=\"{NAMES}\" y=\"{y:.1}\" width=\"{length:.1}\" height=\"{height}\" rx=\"2\">"
        );
        _ = write!(text, "<title>{title}: {label}</title></rect>");
        _ = write!(text, "<text x=\"{:.1}\" y=\"{:.1}\">{label}</text>", NAMES + length + 5.0, y + 10.0);
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
    use super::{Axis, LONGEST, short, svg};

    fn bars(values: &[f64]) -> Bars {
        let groups =
            values.iter().map(|v| Group { name: "m".into(), bars: vec![Some((*v, v.to_string())), None] }).collect();
        Bars { title: "time".into(), series: vec!["fast".into(), "small".into()], groups }
    }

    #[test]
    fn bars_are_as_long_as_the_axis_says() {
        let axis = Axis::new(&bars(&[1.0, 4.0]));
        assert_eq!([0.0, 1.0, 4.0].map(|v| axis.length(v)), [0.0, LONGEST / 4.0, LONGEST]);
        assert_eq!(axis.ticks(), [0.0, 1.0, 2.0, 3.0, 4.0]);
        let axis = Axis::new(&bars(&[2.0, 1000.0]));
        assert_eq!([0.0, 2.0, 500.0].map(|v| axis.length(v)), [0.0, LONGEST / 500.0, LONGEST / 2.0]);
        assert_eq!(axis.length(0.0), 0.0);
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
