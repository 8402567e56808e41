//! A small writer of SVG elements; coordinates are in pixels, y downwards, rounded to a tenth.

use std::fmt::Write;

use super::text::escape;

/// A rectangle.
#[derive(Clone, Copy, Debug)]
pub(super) struct Rect {
    pub(super) x: f64,
    pub(super) y: f64,
    pub(super) width: f64,
    pub(super) height: f64,
}

/// Where a text lies relative to its point, and how it is turned (degrees, clockwise).
#[derive(Clone, Copy, Debug)]
pub(super) struct Anchor {
    pub(super) x: f64,
    pub(super) y: f64,
    /// `start`, `middle` or `end`.
    pub(super) at: &'static str,
    pub(super) turned: i32,
}

/// The elements drawn so far.
#[derive(Default)]
pub(super) struct Canvas {
    body: String,
}

impl Canvas {
    /// A rectangle of a CSS class, with a tooltip if `title` is not empty; `style` is trusted.
    pub(super) fn rect(&mut self, rect: Rect, class: &str, style: &str, title: &str) {
        let Rect { x, y, width, height } = rect;
        let style = if style.is_empty() { String::new() } else { format!(" style=\"{style}\"") };
        self.put(format_args!(
            "<rect class=\"{class}\" x=\"{x:.1}\" y=\"{y:.1}\" width=\"{width:.1}\" height=\"{height:.1}\"{style}"
        ));
        if title.is_empty() {
            self.put(format_args!("/>\n"));
        } else {
            self.put(format_args!("><title>{}</title></rect>\n", escape(title)));
        }
    }

    pub(super) fn line(&mut self, from: (f64, f64), to: (f64, f64), class: &str) {
        let ((x1, y1), (x2, y2)) = (from, to);
        self.put(format_args!("<path class=\"{class}\" d=\"M{x1:.1} {y1:.1}L{x2:.1} {y2:.1}\"/>\n"));
    }

    pub(super) fn triangle(&mut self, points: [(f64, f64); 3], class: &str) {
        let [(ax, ay), (bx, by), (cx, cy)] = points;
        self.put(format_args!("<path class=\"{class}\" d=\"M{ax:.1} {ay:.1}L{bx:.1} {by:.1}L{cx:.1} {cy:.1}Z\"/>\n"));
    }

    /// A text of a CSS class; `text` is escaped.
    pub(super) fn text(&mut self, anchor: Anchor, class: &str, text: &str) {
        let Anchor { x, y, at, turned } = anchor;
        let turn = if turned == 0 { String::new() } else { format!(" transform=\"rotate({turned} {x:.1} {y:.1})\"") };
        self.put(format_args!(
            "<text class=\"{class}\" x=\"{x:.1}\" y=\"{y:.1}\" text-anchor=\"{at}\"{turn}>{}</text>\n",
            escape(text)
        ));
    }

    /// The document: `style` is CSS, `defs` are elements to refer to; both are trusted.
    pub(super) fn finish(self, size: (f64, f64), style: &str, defs: &str) -> String {
        let (width, height) = size;
        format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width:.0}\" height=\"{height:.0}\" \
             viewBox=\"0 0 {width:.0} {height:.0}\">\n<style>\n{style}</style>\n<defs>{defs}</defs>\n\
             <rect width=\"100%\" height=\"100%\" fill=\"#ffffff\"/>\n{}</svg>\n",
            self.body
        )
    }

    fn put(&mut self, text: std::fmt::Arguments) {
        // Writing to a string does not fail.
        let _ = self.body.write_fmt(text);
    }
}
