//! What a session is to reach: `tokens_per_s=500`.

use zant_measure::report::{Better, Metric, Report};

/// A quantity and the number that it is to reach.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Goal {
    metric: Metric,
    value: f64,
}

impl std::str::FromStr for Goal {
    type Err = String;

    fn from_str(text: &str) -> Result<Goal, String> {
        let (name, value) = text.split_once('=').ok_or("expected NAME=NUMBER")?;
        let able = |m: &Metric| m.definition().better != Better::Neither;
        let Some(metric) = Metric::named(name.trim()).filter(able) else {
            return Err(format!("no quantity is named {name:?}: tokens_per_s, first_token, time, cache, .."));
        };
        let value: f64 = value.trim().parse().map_err(|_| format!("{value:?} is no number"))?;
        if value.is_finite() { Ok(Goal { metric, value }) } else { Err(format!("{value} is no number to reach")) }
    }
}

/// For each model and goal what was reached, in words, and whether all goals are.
pub fn goals(report: &Report, goals: &[Goal]) -> (Vec<String>, bool) {
    let (mut words, mut all) = (Vec::new(), true);
    let rows = report.rows.iter().filter(|row| row.key.step.is_none() && row.key.target == "host");
    for (row, goal) in rows.flat_map(|row| goals.iter().map(move |goal| (row, goal))) {
        let definition = goal.metric.definition();
        let actual = row.number(goal.metric);
        let reached = actual.is_some_and(|actual| match definition.better {
            Better::Higher => actual >= goal.value,
            Better::Lower | Better::Neither => actual <= goal.value,
        });
        all &= reached;
        let relation = if definition.better == Better::Higher { ">=" } else { "<=" };
        let actual = actual.map_or("not measured".into(), |actual| format!("{actual:.1}"));
        let verdict = if reached { "reached" } else { "missed" };
        words
            .push(format!("{}: {} {relation} {} is {verdict}: {actual}", row.key.subject, definition.name, goal.value));
    }
    (words, all)
}

#[cfg(test)]
mod tests {
    use zant_measure::report::{Key, Kind, MachineInfo, Metric, Report, Row, Value};

    use super::{Goal, goals};

    #[test]
    fn goals_are_reached_or_missed() {
        let mut report = Report::new(Kind::Session, "0.1.0", MachineInfo::default());
        let values = [(Metric::TokensPerS, Value::Real(900.0)), (Metric::FirstToken, Value::Real(80.0))];
        let key = Key { subject: "gpt".into(), target: "host".into(), ..Key::default() };
        report.rows.push(Row::new(key, values.into()));
        let goal = |text: &str| text.parse::<Goal>().unwrap();
        let (words, all) = goals(&report, &[goal("tokens_per_s=800"), goal("first_token = 100")]);
        assert!(all && words[0] == "gpt: tokens_per_s >= 800 is reached: 900.0", "{words:?}");
        for missed in ["tokens_per_s=901", "first_token=79.5", "cache=5"] {
            assert!(!goals(&report, &[goal(missed)]).1, "{missed}");
        }
        for wrong in ["tokens_per_s", "tokens_per_s=fast", "speed=1", "macs=1", "first_token=NaN", ""] {
            assert!(wrong.parse::<Goal>().is_err(), "{wrong}");
        }
    }
}
