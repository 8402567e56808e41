//! Comparisons of whole reports: equal, doctored, foreign.

use zant_measure::compare::{Asked, Comparison, Incomparable, Presence, Status, Verdict};
use zant_measure::report::{Metric, Report, Row, Spread, Value};

const BENCH: &str = include_str!("data/bench.json");
const BENCH_AGAIN: &str = include_str!("data/bench_again.json");
const PROFILE: &str = include_str!("data/profile.json");

fn read(text: &str) -> Report {
    Report::from_json(text).expect("a report")
}

fn compare(old: &Report, new: &Report) -> Comparison {
    Comparison::of(old, new, Asked::default()).expect("comparable")
}

/// Makes instructions and time of some rows larger.
fn slow(report: &mut Report, factor: u64, which: impl Fn(&Row) -> bool) {
    for row in report.rows.iter_mut().filter(|row| which(row)) {
        for value in [Metric::Instructions, Metric::Time].map(|m| row.values.remove(&m).map(|v| (m, v))) {
            let Some((metric, value)) = value else { continue };
            let f = factor as f64;
            let slowed = match value {
                Value::Count(n) => Value::Count(n * factor),
                Value::Times(s) => Value::Times(Spread { min: s.min * f, median: s.median * f, p95: s.p95 * f, ..s }),
                Value::Real(_) | Value::Missing(_) => value,
            };
            row.values.insert(metric, slowed);
        }
    }
}

#[test]
fn a_second_run_of_the_same_build_is_unchanged() {
    let comparison = compare(&read(BENCH), &read(BENCH_AGAIN));
    assert_eq!(comparison.verdict, Verdict::Unchanged);
    let counts = &comparison.summary.quantities;
    assert_eq!((counts.improved, counts.regressed), (0, 0), "counts are equal and times within their spread");
    assert!(counts.changed > 0, "the memory of the process differs and judges nothing");
    assert_eq!((comparison.summary.compared, comparison.summary.new, comparison.summary.vanished), (20, 0, 0));
    let text = comparison.to_markdown();
    assert!(text.contains("Unchanged: nothing is better or worse beyond 5 %"), "{text}");
    assert_eq!(
        text.lines().filter(|line| !line.is_empty()).count(),
        2,
        "the verdict, in a title and a sentence: {text}"
    );
}

#[test]
fn recorded_runs_of_one_build_are_unchanged_though_the_machine_was_not() {
    let mut first = read(include_str!("data/recorded_profile.json"));
    let mut second = read(include_str!("data/recorded_profile_again.json"));
    // Their counts are of loops that a processor with AVX-512 does not run: they do not say that the code is the same.
    assert_eq!(compare(&first, &second).verdict, Verdict::Improved);
    for report in [&mut first, &mut second] {
        report.machine.isa = "avx2 fma".into();
    }
    let comparison = compare(&first, &second);
    assert_eq!(comparison.verdict, Verdict::Unchanged);
    assert!(comparison.rules.noise_percent > 5.0, "the first run was on a busy machine");
    assert!(comparison.to_markdown().contains("the machine did other things"));
}

#[test]
fn a_recorded_build_that_was_slowed_on_purpose_is_regressed_and_its_steps_are_named() {
    // `--numerics separate` rounds twice in the place of once, by an instruction more.
    let fused = read(include_str!("data/recorded_profile_again.json"));
    let slowed = read(include_str!("data/recorded_profile_slowed.json"));
    let comparison = compare(&fused, &slowed);
    assert_eq!(comparison.verdict, Verdict::Regressed);
    let worse = comparison.rows.iter().filter(|row| row.status == Verdict::Regressed);
    let steps: Vec<&str> = worse.filter_map(|row| row.key.step.as_deref()).collect();
    assert_eq!(steps, ["2 conv2d relu2", "4 matmul_packed linear"]);
}

#[test]
fn a_slowed_model_is_named_and_regressed() {
    let (old, mut new) = (read(BENCH), read(BENCH_AGAIN));
    slow(&mut new, 2, |row| row.key.subject == "mnist-8");
    let comparison = compare(&old, &new);
    assert_eq!(comparison.verdict, Verdict::Regressed);
    for row in &comparison.rows {
        let slowed = row.key.subject == "mnist-8";
        assert_eq!(row.status, if slowed { Verdict::Regressed } else { Verdict::Unchanged }, "{}", row.key);
    }
    let text = comparison.to_markdown();
    let top = text
        .split("## ")
        .find(|part| part.starts_with("Largest changes of instructions, in percent"))
        .expect("there are some");
    assert!(top.contains("`mnist-8`") && top.contains("+100 %") && !top.contains("gpt"), "{top}");
    // The other way round it is better.
    assert_eq!(compare(&new, &old).verdict, Verdict::Improved);
    // And with a threshold above the change nothing is decided.
    assert_eq!(
        Comparison::of(&old, &new, Asked { threshold_percent: 150.0, ..Asked::default() }).unwrap().verdict,
        Verdict::Unchanged
    );
}

#[test]
fn a_slowed_step_is_named() {
    let (old, mut new) = (read(PROFILE), read(PROFILE));
    slow(&mut new, 3, |row| row.key.step.as_deref() == Some("2 conv2d Convolution110"));
    let comparison = compare(&old, &new);
    assert_eq!(comparison.verdict, Verdict::Regressed);
    let worse: Vec<&str> = comparison
        .rows
        .iter()
        .filter(|row| row.status == Verdict::Regressed)
        .filter_map(|row| row.key.step.as_deref())
        .collect();
    assert_eq!(worse, ["2 conv2d Convolution110"]);
}

#[test]
fn better_and_worse_are_mixed_and_fail() {
    let (old, mut new) = (read(BENCH), read(BENCH_AGAIN));
    slow(&mut new, 2, |row| row.key.subject == "mnist-8");
    for row in new.rows.iter_mut().filter(|row| row.key.profile == "small") {
        row.values.insert(Metric::Executable, Value::Count(1));
    }
    let comparison = compare(&old, &new);
    assert_eq!(comparison.verdict, Verdict::Mixed);
    assert!(comparison.verdict.fails());
}

#[test]
fn allocations_from_none_are_a_regression_without_a_percentage() {
    let (old, mut new) = (read(BENCH), read(BENCH_AGAIN));
    new.rows[0].values.insert(Metric::Allocations, Value::Count(5));
    let comparison = compare(&old, &new);
    assert_eq!(comparison.verdict, Verdict::Regressed);
    let change = comparison.rows[0].change(Metric::Allocations).unwrap();
    assert_eq!((change.status, change.delta, change.percent), (Status::Regressed, Some(5.0), None));
    assert!(comparison.to_markdown().contains("from 0"));
}

#[test]
fn new_rows_are_listed_and_vanished_ones_fail() {
    let (old, mut new) = (read(BENCH), read(BENCH_AGAIN));
    let mut row = new.rows.remove(0);
    row.key.subject = "new <b>model</b>".into();
    new.rows.push(row);
    let comparison = compare(&old, &new);
    assert_eq!((comparison.verdict, comparison.summary.new, comparison.summary.vanished), (Verdict::Incomplete, 1, 1));
    let find = |presence| comparison.rows.iter().find(|r| r.presence == presence).map(|r| r.key.subject.as_str());
    assert_eq!(find(Presence::New), Some("new <b>model</b>"));
    assert_eq!(find(Presence::Vanished), Some("mnist-8"));
    let text = comparison.to_markdown();
    assert!(text.contains("## New rows") && text.contains("## Vanished rows"));
    assert!(!comparison.to_html().contains("<b>model</b>"));
}

#[test]
fn times_of_two_machines_are_shown_and_not_judged() {
    let (old, mut new) = (read(BENCH), read(BENCH_AGAIN));
    new.machine.cpu = "another".into();
    for row in &mut new.rows {
        if let Some(Value::Times(s)) = row.values.get_mut(&Metric::Time) {
            *s = Spread { min: s.min * 9.0, median: s.median * 9.0, p95: s.p95 * 9.0, ..*s };
        }
    }
    let comparison = compare(&old, &new);
    assert_eq!(comparison.verdict, Verdict::Unchanged);
    assert!(comparison.to_markdown().contains("different processors"));
}

#[test]
fn families_of_models_and_builds_have_ratios() {
    let comparison = compare(&read(BENCH), &read(BENCH_AGAIN));
    let ratio = |of: &str, by: &str, profile: &str, metric| {
        comparison.sizes.iter().find(|r| {
            r.metric == metric
                && r.of.subject == of
                && r.by.subject == by
                && r.of.profile == profile
                && r.of.alloc == "static"
        })
    };
    let family = ratio("gpt_medium_decode", "gpt_small_decode", "fast", Metric::Instructions).expect("one family");
    let (large, small) = (24_000_000.0 * 0.35 + 900.0, 3_000_000.0 * 0.35 + 900.0);
    assert!((family.old - large / small).abs() < 1e-12 && family.old == family.new);
    let builds = ratio("mnist-8", "mnist-8", "small", Metric::Executable).expect("two builds");
    assert!(builds.old < 1.0 && builds.by.profile == "fast");
    let mut slower = read(BENCH_AGAIN);
    slow(&mut slower, 2, |row| row.key.subject == "mnist-8");
    assert!(compare(&read(BENCH), &slower).to_markdown().contains("## Size comparison"));
}

#[test]
fn reports_that_have_nothing_in_common_are_refused() {
    let (bench, profile) = (read(BENCH), read(PROFILE));
    let why = Comparison::of(&bench, &profile, Asked::default()).unwrap_err();
    assert_eq!(why.to_string(), "the old report is of `zantc bench`, the new one of `zantc profile`");
    let mut other = bench.clone();
    other.rows.iter_mut().for_each(|row| row.key.target = "cortex-m33".into());
    assert_eq!(Comparison::of(&bench, &other, Asked::default()), Err(Incomparable::NothingInCommon));
}

#[test]
fn the_json_says_what_the_comparison_says() {
    let (old, mut new) = (read(BENCH), read(BENCH_AGAIN));
    slow(&mut new, 2, |row| row.key.subject == "mnist-8");
    let json: serde_json::Value = serde_json::from_str(&compare(&old, &new).to_json()).unwrap();
    assert_eq!(json["verdict"], "regressed");
    assert_eq!(json["rows"][0]["subject"], "mnist-8");
    let changes = json["rows"][0]["changes"].as_array().unwrap();
    let instructions = changes.iter().find(|c| c["metric"] == "instructions").unwrap();
    assert_eq!((&instructions["percent"], &instructions["status"]), (&100.0.into(), &"regressed".into()));
}
