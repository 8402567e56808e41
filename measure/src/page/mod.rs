//! A page: headings, words, tables and charts, which is then printed as Markdown or as HTML.
//!
//! Invariants: what a page says, it says in both; all text is data until a printer escapes it; what comes from a model stands
//! only where it is marked as a name ([`Cell::name`]) or in words, never in a title of the project's own.

mod chart;
mod front;
mod html;
mod markdown;
mod text;

pub(crate) use front::{Front, Point};
pub(crate) use html::html;
pub(crate) use markdown::markdown;
use text::shown;
pub(crate) use text::{bytes, measured, number, percent, times, titled};

use crate::report::{Metric, Unit, Value};

/// A page.
pub(crate) struct Page {
    /// What stands above it.
    pub(crate) title: String,
    /// What follows.
    pub(crate) blocks: Vec<Block>,
}

/// A part of a page.
pub(crate) enum Block {
    /// A heading below that of the page.
    Heading(String),
    /// Words.
    Text(String),
    /// Words that one may quote.
    Quote(String),
    /// Points.
    List(Vec<String>),
    /// The few numbers that one looks for first.
    Figures(Vec<Figure>),
    /// A table.
    Table(Table),
    /// A heading and a table that is closed at first where a page can do that.
    Folded(String, Table),
    /// A heading and bar charts; pages in Markdown have none, for a table beside them says the same.
    Charts(String, Vec<Bars>),
    /// A heading and plots of two quantities; pages in Markdown have none, for a table beside them says the same.
    Fronts(String, Vec<Front>),
    /// A heading and drawings by this project's own code: what each shows, and SVG. Pages in Markdown have none.
    Pictures(String, Vec<(String, String)>),
}

impl Block {
    /// The heading that it begins with.
    fn heading(&self) -> Option<&str> {
        match self {
            Block::Heading(h)
            | Block::Folded(h, _)
            | Block::Charts(h, _)
            | Block::Fronts(h, _)
            | Block::Pictures(h, _) => Some(h),
            Block::Text(_) | Block::Quote(_) | Block::List(_) | Block::Figures(_) | Block::Table(_) => None,
        }
    }
}

/// A number that one looks for first.
pub(crate) struct Figure {
    /// What it is.
    pub(crate) label: String,
    /// The number with its unit.
    pub(crate) value: String,
    /// Whether it is good.
    pub(crate) tone: Tone,
}

/// Whether something is good, as far as colours say so.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Tone {
    /// Neither.
    #[default]
    Plain,
    /// Better than before.
    Good,
    /// Worse than before.
    Bad,
    /// Of less interest.
    Faint,
}

/// A table.
#[derive(Default)]
pub(crate) struct Table {
    /// Title of each column, and what it means.
    pub(crate) head: Vec<(String, &'static str)>,
    /// As many cells as there are columns.
    pub(crate) rows: Vec<Vec<Cell>>,
}

impl Table {
    /// A table whose columns need no words.
    pub(crate) fn new<const N: usize>(head: [&str; N], rows: impl IntoIterator<Item = Vec<Cell>>) -> Table {
        Table { head: head.map(|h| (h.to_string(), "")).to_vec(), rows: rows.into_iter().collect() }
    }
}

/// A cell of a table.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Cell {
    /// What it says.
    pub(crate) text: String,
    /// By what it is sorted, and why it is aligned as numbers are; cells without one are sorted by their text.
    pub(crate) sort: Option<f64>,
    /// Whether it is a name, from a model perhaps.
    pub(crate) name: bool,
    /// Whether it is good.
    pub(crate) tone: Tone,
    /// What more there is to say, where a page has room for it; or nothing.
    pub(crate) note: String,
}

impl Cell {
    /// Words.
    pub(crate) fn text(text: impl Into<String>) -> Cell {
        Cell { text: text.into(), ..Cell::default() }
    }

    /// A name.
    pub(crate) fn name(text: impl Into<String>) -> Cell {
        Cell { text: text.into(), name: true, ..Cell::default() }
    }

    /// A number as it is written, and what it is.
    pub(crate) fn number(text: impl Into<String>, sort: f64) -> Cell {
        Cell { text: text.into(), sort: Some(sort), ..Cell::default() }
    }

    /// A quantity; `-` where it was not measured.
    pub(crate) fn quantity(metric: Metric, value: Option<&Value>) -> Cell {
        Cell { sort: value.and_then(Value::number), ..Cell::text(shown(metric, value)) }
    }

    /// A number that may not be there, as it is written.
    pub(crate) fn maybe(v: Option<f64>, text: impl Fn(f64) -> String) -> Cell {
        v.map_or(Cell::text(""), |v| Cell::number(text(v), v))
    }

    /// With a note.
    pub(crate) fn note(self, note: String) -> Cell {
        Cell { note, ..self }
    }

    /// With a tone.
    pub(crate) fn tone(self, tone: Tone) -> Cell {
        Cell { tone, ..self }
    }
}

/// A bar chart: groups of bars, one for each series.
pub(crate) struct Bars {
    /// What it shows, with the unit.
    pub(crate) title: String,
    /// What the bars of a group are, in their order.
    pub(crate) series: Vec<String>,
    /// The groups, in their order.
    pub(crate) groups: Vec<Group>,
    /// How the sum of a group is written, where its bars are parts of a whole.
    pub(crate) total: Option<fn(f64) -> String>,
}

impl Group {
    /// Of a quantity, where one of the numbers is there.
    pub(crate) fn of(name: String, metric: Metric, numbers: impl Iterator<Item = Option<f64>>) -> Option<Group> {
        let written = |v: f64| if metric.definition().unit == Unit::Bytes { bytes(v) } else { measured(metric, v) };
        let bars: Vec<_> = numbers.map(|v| v.map(|v| (v, written(v)))).collect();
        bars.iter().any(Option::is_some).then_some(Group { name, bars })
    }
}

/// Bars that stand together.
pub(crate) struct Group {
    /// What they are of.
    pub(crate) name: String,
    /// One for each series: the value, and how it is written.
    pub(crate) bars: Vec<Option<(f64, String)>>,
}
