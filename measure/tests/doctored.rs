//! Reports that were doctored in every way that must not pass as "unchanged", and those that must.

use zant_measure::compare::{Asked, Comparison, Verdict};
use zant_measure::report::{Key, Metric, Report, Row, Run, Spread, Value};

const BENCH: &str = include_str!("data/bench.json");
const PROFILE: &str = include_str!("data/profile.json");

/// The quantities of which less is better and each difference counts, and which have means.
const MEANS: [Metric; 5] =
    [Metric::Instructions, Metric::PeakMemory, Metric::Arena, Metric::Executable, Metric::HeapTotal];

fn bench() -> Report {
    Report::from_json(BENCH).expect("a report")
}

/// What a doctored report is, and what its comparison with the sound one comes to.
struct Case {
    name: String,
    old: Report,
    new: Report,
    asked: Asked,
    verdict: Verdict,
}

/// All cases.
#[derive(Default)]
struct Cases(Vec<Case>);

impl Cases {
    /// The sound report against one that `doctor` has had its hands on.
    fn one(&mut self, name: impl Into<String>, verdict: Verdict, doctor: impl FnOnce(&mut Report)) {
        let (old, mut new) = (bench(), bench());
        doctor(&mut new);
        self.0.push(Case { name: name.into(), old, new, asked: Asked::default(), verdict });
    }

    /// Both are doctored alike first.
    fn both(&mut self, name: &str, verdict: Verdict, prepare: impl Fn(&mut Report), doctor: impl FnOnce(&mut Report)) {
        let mut old = bench();
        prepare(&mut old);
        let mut new = old.clone();
        doctor(&mut new);
        self.0.push(Case { name: name.into(), old, new, asked: Asked::default(), verdict });
    }
}

fn scale(value: &mut Value, factor: f64) {
    match value {
        Value::Count(n) => *n = (*n as f64 * factor).round() as u64,
        Value::Real(v) => *v *= factor,
        Value::Times(s) => *s = Spread { min: s.min * factor, median: s.median * factor, p95: s.p95 * factor, ..*s },
        Value::Missing(_) => {}
    }
}

fn scale_all(report: &mut Report, metric: Metric, factor: f64) {
    report.rows.iter_mut().filter_map(|row| row.values.get_mut(&metric)).for_each(|value| scale(value, factor));
}

/// Times that vary by a thousandth, so that spreads hide nothing.
fn tight(report: &mut Report) {
    for row in &mut report.rows {
        if let Some(Value::Times(s)) = row.values.get_mut(&Metric::Time) {
            *s = Spread { min: s.median * 0.999, p95: s.median * 1.001, runs: 30, ..*s };
        }
    }
}

fn vanished(cases: &mut Cases) {
    for subject in ["mnist-8", "gpt_small_decode", "gpt_medium_decode", "kws"] {
        cases.one(
            format!("{subject} is gone"),
            if has(subject) { Verdict::Incomplete } else { Verdict::Unchanged },
            |r| {
                r.rows.retain(|row| row.key.subject != subject);
            },
        );
    }
    for target in ["host", "cortex-m7"] {
        cases.one(format!("all of {target} is gone"), Verdict::Incomplete, |r| {
            r.rows.retain(|row| row.key.target != target);
        });
    }
    cases.one("all but one row are gone", Verdict::Incomplete, |r| r.rows.truncate(1));
    for i in [0, 7, 19] {
        cases.one(format!("row {i} is gone"), Verdict::Incomplete, |r| drop(r.rows.remove(i)));
        cases.one(format!("row {i} failed to build"), Verdict::Incomplete, |r| {
            let row = r.rows.remove(i);
            r.notes.push(format!("not measured: {}: error: linking failed", row.key));
        });
    }
    cases.one("a row is gone and one is better", Verdict::Incomplete, |r| {
        r.rows.pop();
        r.rows.iter_mut().take(1).filter_map(|row| row.values.get_mut(&Metric::Executable)).for_each(|v| scale(v, 0.5));
    });
    cases.one("a row is new", Verdict::Unchanged, |r| {
        let mut row = r.rows[0].clone();
        row.key.subject = "another".into();
        r.rows.push(row);
    });
}

fn has(subject: &str) -> bool {
    bench().rows.iter().any(|row| row.key.subject == subject)
}

fn missing(cases: &mut Cases) {
    let had = |metric: Metric| bench().rows.iter().any(|row| row.number(metric).is_some());
    let judged = [
        Metric::Instructions,
        Metric::ProcessInstructions,
        Metric::InstructionsPerMac,
        Metric::Time,
        Metric::Throughput,
        Metric::Allocations,
        Metric::HeapPeak,
        Metric::PeakMemory,
        Metric::Arena,
        Metric::Stack,
        Metric::Executable,
    ];
    for metric in judged.into_iter().filter(|m| had(*m)) {
        let name = metric.definition().name;
        cases.one(format!("all values of {name} are deleted"), Verdict::Incomplete, |r| {
            r.rows.iter_mut().for_each(|row| drop(row.values.remove(&metric)));
        });
        cases.one(format!("{name} of one row is missing"), Verdict::Incomplete, |r| {
            let row = r.rows.iter_mut().rfind(|row| row.number(metric).is_some()).expect("one has it");
            row.values.insert(metric, Value::Missing("needs valgrind".into()));
        });
    }
    cases.one("the times of another program are not measured", Verdict::Unchanged, |r| {
        r.rows.iter_mut().for_each(|row| drop(row.values.remove(&Metric::Onnxruntime)));
    });
}

fn means(cases: &mut Cases) {
    for metric in MEANS {
        let some = bench().rows.iter().filter(|row| row.number(metric).is_some_and(|n| n > 1e3)).count() > 1;
        let name = metric.definition().name;
        for (how, factor, verdict) in [("worse", 1.049, Verdict::Regressed), ("better", 1.0 / 1.049, Verdict::Improved)]
        {
            let verdict = if some { verdict } else { Verdict::Unchanged };
            cases.one(format!("{name} of each row is 4.9 % {how}"), verdict, |r| scale_all(r, metric, factor));
        }
        cases.one(format!("{name} of one row is 4.9 % worse"), Verdict::Unchanged, |r| {
            let row = r.rows.iter_mut().find(|row| row.number(metric).is_some());
            row.into_iter().filter_map(|row| row.values.get_mut(&metric)).for_each(|v| scale(v, 1.049));
        });
    }
    cases.both("the time of all rows is 4.9 % worse, and their code is other", Verdict::Regressed, tight, |r| {
        r.rows.iter_mut().filter_map(|row| row.values.get_mut(&Metric::Instructions)).for_each(|v| {
            if let Value::Count(n) = v {
                *n += 1;
            }
        });
        scale_all(r, Metric::Time, 1.049);
    });
}

fn times(cases: &mut Cases) {
    let avx512 = |r: &mut Report| {
        tight(r);
        r.machine.isa = "avx2 fma avx512f avx512vnni".into();
    };
    let slower = |r: &mut Report| scale_all(r, Metric::Time, 10.0);
    cases.both("ten times the time, equal counts of other code", Verdict::Regressed, avx512, slower);
    let one = |r: &mut Report| {
        let row = r.rows.iter_mut().find(|row| row.values.contains_key(&Metric::Time));
        row.into_iter().filter_map(|row| row.values.get_mut(&Metric::Time)).for_each(|v| scale(v, 10.0));
    };
    cases.both("one time ten times as long, equal counts of other code", Verdict::Regressed, avx512, one);
    let executed = |r: &mut Report| {
        avx512(r);
        r.rows.iter_mut().filter(|row| row.key.target == "host").for_each(|row| row.origin.isa = r.machine.isa.clone());
    };
    cases.both("ten times the time of code that is the same", Verdict::Unchanged, executed, slower);
    cases.both("one row of the same code hides no other", Verdict::Regressed, tight, |r| {
        let mut timed: Vec<&mut Row> = r.rows.iter_mut().filter(|row| row.values.contains_key(&Metric::Time)).collect();
        timed[0].values.get_mut(&Metric::Time).into_iter().for_each(|v| scale(v, 100.0));
        timed[1].values.get_mut(&Metric::Time).into_iter().for_each(|v| scale(v, 2.0));
        timed[1].values.get_mut(&Metric::Instructions).into_iter().for_each(|v| scale(v, 1.01));
    });
    cases.both("another processor", Verdict::Unchanged, tight, |r| {
        r.machine.cpu = "another".into();
        scale_all(r, Metric::Time, 10.0);
    });
    cases.one("counts of other instruction sets", Verdict::Unchanged, |r| {
        for row in r.rows.iter_mut().filter(|row| row.key.target == "host") {
            row.origin.isa = "avx2 fma avx512f".into();
            for metric in [Metric::Instructions, Metric::ProcessInstructions, Metric::InstructionsPerMac] {
                row.values.get_mut(&metric).into_iter().for_each(|v| scale(v, 0.5));
            }
        }
    });
}

fn models(cases: &mut Cases) {
    let fewer = |r: &mut Report| scale_all(r, Metric::Macs, 0.5);
    let named =
        |sha: &'static str| move |r: &mut Report| r.rows.iter_mut().for_each(|row| row.origin.model = sha.into());
    cases.one("other multiply-adds under the same names", Verdict::Incomplete, fewer);
    cases.both("fewer multiply-adds of the same files", Verdict::Unchanged, named("aa"), fewer);
    cases.both("other files with other multiply-adds", Verdict::Incomplete, named("aa"), |r| {
        named("bb")(r);
        fewer(r);
    });
    cases.both("other files with the same multiply-adds", Verdict::Unchanged, named("aa"), named("bb"));
    for (allowed, verdict) in [(true, Verdict::Unchanged), (false, Verdict::Incomplete)] {
        for (name, asked) in [
            ("vanished", Asked { allow_vanished: allowed, ..Asked::default() }),
            ("other model", Asked { allow_other_models: allowed, ..Asked::default() }),
        ] {
            let (old, mut new) = (bench(), bench());
            if name == "vanished" {
                drop(new.rows.pop())
            } else {
                fewer(&mut new)
            };
            cases.0.push(Case { name: format!("{name}, allowed: {allowed}"), old, new, asked, verdict });
        }
    }
}

fn steps(cases: &mut Cases) {
    let profile = || Report::from_json(PROFILE).expect("a report");
    let mut push = |name: &str, verdict, doctor: &dyn Fn(&mut Report)| {
        let (old, mut new) = (profile(), profile());
        doctor(&mut new);
        cases.0.push(Case { name: name.into(), old, new, asked: Asked::default(), verdict });
    };
    push("a step is gone with its work", Verdict::Incomplete, &|r| drop(r.rows.pop()));
    push("all steps but one are gone", Verdict::Incomplete, &|r| r.rows.truncate(2));
}

#[test]
fn each_doctored_report_is_judged_as_it_should_be() {
    let mut cases = Cases::default();
    cases.one("nothing was done", Verdict::Unchanged, |_| {});
    for make in [vanished, missing, means, times, models, steps] {
        make(&mut cases);
    }
    assert!(cases.0.len() >= 60, "{} cases", cases.0.len());
    let mut wrong = Vec::new();
    for Case { name, old, new, asked, verdict } in &cases.0 {
        let comparison = Comparison::of(old, new, *asked).expect("comparable");
        if comparison.verdict != *verdict {
            let said = (comparison.verdict, &comparison.faults, &comparison.summary.quantities);
            wrong.push(format!("{name}: {said:?}, not {verdict:?}"));
        }
        // What is written says it as well.
        assert!(comparison.to_markdown().contains(&comparison.verdict.word()), "{name}");
        if comparison.verdict == Verdict::Incomplete {
            assert!(comparison.to_html().contains("Missing"), "{name}");
        }
    }
    assert!(wrong.is_empty(), "{} of {} are wrong:\n{}", wrong.len(), cases.0.len(), wrong.join("\n"));
}

#[test]
fn a_failed_build_is_named_with_its_reason() {
    let (old, mut new) = (bench(), bench());
    let row = new.rows.remove(3);
    new.notes.push(format!("not measured: {}: error: linking failed", row.key));
    let comparison = Comparison::of(&old, &new, Asked::default()).unwrap();
    assert!(comparison.faults[0].to_string().contains("linking failed"), "{}", comparison.faults[0]);
}

#[test]
fn values_that_a_quantity_cannot_have_are_refused() {
    let mut refused = 0;
    for (metric, value) in bench().rows[0].values.clone() {
        let others =
            [Value::Count(1), Value::Real(0.5), Value::Times(Spread { min: 1.0, median: 1.0, p95: 1.0, runs: 5 })];
        for other in others.into_iter().filter(|o| std::mem::discriminant(o) != std::mem::discriminant(&value)) {
            let mut report = bench();
            report.rows[0].values.insert(metric, other.clone());
            refused += usize::from(Report::from_json(&report.to_json()).is_err());
        }
    }
    assert!(refused >= 20, "{refused} were refused");
    for (metric, zero) in [
        (Metric::Instructions, Value::Count(0)),
        (Metric::Executable, Value::Count(0)),
        (Metric::Time, Value::Times(Spread { min: 0.0, median: 1.0, p95: 1.0, runs: 5 })),
    ] {
        let mut report = bench();
        report.rows[0].values.insert(metric, zero);
        let why = Report::from_json(&report.to_json()).unwrap_err();
        assert!(why.0.contains("nothing ran"), "{why}");
    }
}

#[test]
fn verdicts_are_mirrored_when_reports_change_places() {
    for factor in [1.04, 1.0499, 1.0501, 1.06, 2.0] {
        let (old, mut new) = (bench(), bench());
        scale_all(&mut new, Metric::Executable, factor);
        let asked = Asked { threshold_percent: 5.0, ..Asked::default() };
        let there = Comparison::of(&old, &new, asked).unwrap();
        let back = Comparison::of(&new, &old, asked).unwrap();
        let counts = |c: &Comparison| (c.summary.quantities.regressed_beyond, c.summary.quantities.improved_beyond);
        let (worse, better) = (counts(&there), counts(&back));
        assert_eq!((worse.0, worse.1), (better.1, better.0), "{factor}");
    }
}

#[test]
fn several_reports_are_a_trend() {
    let mut reports = vec![bench(), bench(), bench()];
    scale_all(&mut reports[1], Metric::Executable, 1.5);
    scale_all(&mut reports[2], Metric::Executable, 1.2);
    reports[2].runs.push(Run {
        date: "2026-03-01T12:00:00Z".into(),
        commit: "abc123".into(),
        command: "zantc bench model.onnx".into(),
        load: Some([0.1, 1.1]),
    });
    let comparison = Comparison::of_many(&reports, Asked::default()).unwrap();
    assert_eq!(comparison.verdict, Verdict::Regressed);
    let key = |row: &Row| -> Key { row.key.clone() };
    let trend = comparison.trends.iter().find(|t| t.metric == Metric::Executable && t.key == key(&reports[0].rows[0]));
    let numbers: Vec<f64> = trend.expect("it differs").numbers.iter().flatten().copied().collect();
    assert!((numbers[1] / numbers[0] - 1.5).abs() < 0.01 && (numbers[2] / numbers[0] - 1.2).abs() < 0.01);
    let text = comparison.to_markdown();
    assert!(text.contains("## Trend") && text.contains("2026-03-01T12:00:00Z, commit abc123"), "{text}");
    assert!(Comparison::of_many(&reports[..1], Asked::default()).is_err());
}
