//! `docs/measuring.md` says of each quantity what its definition says.

use std::path::Path;

use zant_measure::report::{Metric, Unit};

fn unit(unit: Unit) -> &'static str {
    match unit {
        Unit::Count => "number",
        Unit::Bytes => "bytes",
        Unit::Microseconds => "us",
        Unit::Milliseconds => "ms",
        Unit::Part => "part",
        Unit::Times => "times",
        Unit::Giga => "10^9/s",
    }
}

#[test]
fn the_page_has_each_quantity_as_it_is_defined() {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/measuring.md");
    let page = std::fs::read_to_string(page).expect("it is part of the project");
    let rows = Metric::ALL.map(|metric| {
        let d = metric.definition();
        format!("| {} | `{}` | {} | {} |\n", d.title, d.name, unit(d.unit), d.text)
    });
    let table =
        format!("| column | in `report.json` | unit | what it is |\n| --- | --- | --- | --- |\n{}", rows.concat());
    assert!(page.contains(&table), "docs/measuring.md should have this table:\n{table}");
}
