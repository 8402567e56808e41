//! Numbers as people read them.
//!
//! Invariant: what is written is within half of its last digit of the number; what is not zero is never written as zero.

use crate::report::{Metric, Unit, Value};

/// A count with commas: `12,345`.
pub(crate) fn grouped(n: u64) -> String {
    let digits = n.to_string();
    let mut text = String::new();
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// A number with three digits at least, and no more than it needs: `0.0123`, `1.23`, `12.3`, `12,345`.
pub(crate) fn number(v: f64) -> String {
    let size = v.abs();
    if size >= 1000.0 && size < u64::MAX as f64 {
        let sign = if v < 0.0 { "-" } else { "" };
        return format!("{sign}{}", grouped(size.round() as u64));
    }
    if v == 0.0 || !v.is_finite() || size >= 1000.0 {
        return v.to_string();
    }
    // Digits after the point so that three count; a number this small is written as it is.
    let digits = 2 - size.log10().floor() as i32;
    if digits > 8 { format!("{v:.2e}") } else { format!("{v:.*}", digits.max(0) as usize) }
}

/// A change in percent, with its sign: `+3.2 %`.
pub(crate) fn percent(v: f64) -> String {
    let size = v.abs();
    let digits = match size {
        _ if v == 0.0 => 0,
        _ if size >= 99.95 => 0,
        _ if size >= 0.095 => 1,
        // The first digit that is not zero.
        _ => (-size.log10().floor() as i32).clamp(1, 9) as usize,
    };
    let text = format!("{v:+.digits$} %");
    if v == 0.0 { "0 %".into() } else { text }
}

/// How many times: `2.3x`.
pub(crate) fn times(ratio: f64) -> String {
    format!("{}x", number(ratio))
}

/// Bytes in the unit that fits: `37.2 KiB`.
pub(crate) fn bytes(v: f64) -> String {
    match v {
        _ if v >= 1024.0 * 1024.0 => format!("{} MiB", number(v / 1024.0 / 1024.0)),
        _ if v >= 1024.0 => format!("{} KiB", number(v / 1024.0)),
        _ => format!("{} B", number(v)),
    }
}

/// What the column of a quantity is measured in, where the numbers do not say so.
pub(crate) fn unit(metric: Metric) -> &'static str {
    match metric.definition().unit {
        Unit::Bytes => "bytes",
        Unit::Microseconds => "us",
        Unit::Milliseconds => "ms",
        Unit::Count | Unit::Part | Unit::Times | Unit::Giga => "",
    }
}

/// A number of a quantity, without its unit; parts of a whole in percent.
pub(crate) fn measured(metric: Metric, v: f64) -> String {
    match metric.definition().unit {
        Unit::Part if metric != Metric::InstructionsPerMac => format!("{} %", number(v * 100.0)),
        Unit::Times => times(v),
        Unit::Count | Unit::Bytes if v >= 0.0 && v.fract() == 0.0 && v < u64::MAX as f64 => grouped(v as u64),
        Unit::Count | Unit::Bytes | Unit::Microseconds | Unit::Milliseconds | Unit::Part | Unit::Giga => number(v),
    }
}

/// A quantity; `-` where it was not measured.
pub(crate) fn shown(metric: Metric, value: Option<&Value>) -> String {
    match value {
        Some(Value::Count(n)) if metric.definition().unit != Unit::Part => grouped(*n),
        Some(value) => value.number().map_or("-".into(), |v| measured(metric, v)),
        None => String::new(),
    }
}

/// The title of a quantity with its unit.
pub(crate) fn titled(metric: Metric) -> String {
    let (title, unit) = (metric.definition().title, unit(metric));
    if unit.is_empty() { title.into() } else { format!("{title}, {unit}") }
}

#[cfg(test)]
mod tests {
    use super::{bytes, grouped, measured, number, percent, times};
    use crate::report::Metric;

    #[test]
    fn numbers_are_written_for_people() {
        assert_eq!([0, 999, 1000, u64::MAX].map(grouped), ["0", "999", "1,000", "18,446,744,073,709,551,615"]);
        for (v, text) in [
            (0.0, "0"),
            (0.01234, "0.0123"),
            (0.9999, "1.000"),
            (1.0, "1.00"),
            (12.34, "12.3"),
            (999.6, "1000"),
            (1234.5, "1,235"),
            (-1234.5, "-1,235"),
            (1e-9, "1.00e-9"),
        ] {
            assert_eq!(number(v), text);
        }
        for (v, text) in [
            (0.0, "0 %"),
            (5.0, "+5.0 %"),
            (-12.34, "-12.3 %"),
            (99.99, "+100 %"),
            (1234.0, "+1234 %"),
            (0.0023, "+0.002 %"),
            (-0.096, "-0.1 %"),
        ] {
            assert_eq!(percent(v), text);
        }
        assert_eq!(times(2.345), "2.35x");
        assert_eq!([0.0, 1023.0, 1024.0, 3.5e6].map(bytes), ["0 B", "1,023 B", "1.00 KiB", "3.34 MiB"]);
        assert_eq!(measured(Metric::Share, 0.5), "50.0 %");
        assert_eq!(measured(Metric::InstructionsPerMac, 0.5), "0.500");
        assert_eq!(measured(Metric::Executable, 38_912.0), "38,912");
    }
}
