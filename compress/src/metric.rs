//! What is measured of a model's answers.

use serde::{Deserialize, Serialize};

use crate::data::{Data, Labels};
use crate::{Outcome, bad, bad_but};

/// A measure of answers against what is expected.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Metric {
    /// The share of examples whose class has the largest score. One score is that of class 1, from 0.5 on.
    Top1,
    /// The share of examples whose class is among the five largest scores.
    Top5,
    /// The mean of the squared differences of all numbers.
    Mse,
    /// The mean of the absolute differences of all numbers.
    Mae,
    /// The mean over the classes that occur of `2 tp / (2 tp + fp + fn)`.
    F1,
    /// The area under the receiver's curve: the share of pairs of one example of a class and one of another in which the first has the
    /// larger score of the class; equal scores count half. The mean over the classes where there are more than two.
    Auc,
}

/// All metrics by the names that people write.
const METRICS: [(&str, Metric); 6] = [
    ("top1", Metric::Top1),
    ("top5", Metric::Top5),
    ("mse", Metric::Mse),
    ("mae", Metric::Mae),
    ("f1", Metric::F1),
    ("auc", Metric::Auc),
];

/// A measured value.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Score {
    /// The value: shares from 0 to 1, differences in the outputs' unit.
    pub value: f64,
    /// Of shares of examples: how many are right.
    pub right: Option<usize>,
    /// Examples with a number that is not finite among their answers; they are wrong.
    pub not_finite: usize,
}

impl Metric {
    /// The name.
    pub fn name(self) -> &'static str {
        METRICS.iter().find(|(_, metric)| *metric == self).map_or("", |(name, _)| name)
    }

    /// The names of all.
    pub fn names() -> impl Iterator<Item = &'static str> {
        METRICS.iter().map(|(name, _)| *name)
    }

    /// The metric of a name.
    pub fn named(name: &str) -> Option<Metric> {
        METRICS.iter().find(|(known, _)| *known == name).map(|(_, metric)| *metric)
    }

    /// Whether it is a share, of which more is better; else it is a difference, of which less is.
    pub fn is_share(self) -> bool {
        match self {
            Metric::Top1 | Metric::Top5 | Metric::F1 | Metric::Auc => true,
            Metric::Mse | Metric::Mae => false,
        }
    }

    /// Whether the numbers of right examples, added up, are all that it needs.
    pub(crate) fn counts(self) -> bool {
        match self {
            Metric::Top1 | Metric::Top5 => true,
            Metric::F1 | Metric::Auc | Metric::Mse | Metric::Mae => false,
        }
    }

    /// What is usual for such labels.
    pub fn usual(labels: &Labels) -> Metric {
        match labels {
            Labels::Classes(_) => Metric::Top1,
            Labels::Numbers(_) | Labels::Nothing => Metric::Mse,
        }
    }

    /// Refuses labels that the metric makes nothing of, for so many numbers in an answer.
    pub(crate) fn check(self, data: &Data, numbers: usize, input: usize) -> Outcome<()> {
        match (self, data.labels()) {
            (Metric::Mse | Metric::Mae, Labels::Nothing) if input == numbers => Ok(()),
            (_, Labels::Nothing) => Err(bad_but(
                "the data have no labels",
                "`--labels FILE` gives them; mse and mae of a model that reproduces its input need none",
            )),
            // A regression with whole numbers.
            (Metric::Mse | Metric::Mae, Labels::Classes(_)) if numbers == 1 => Ok(()),
            (Metric::Mse | Metric::Mae, Labels::Classes(_)) => {
                Err(bad(format!("the labels are classes, and {} compares numbers", self.name())))
            }
            (_, Labels::Numbers(labels)) => match labels.iter().position(|l| l.len() != numbers) {
                Some(at) => {
                    Err(bad(format!("label {at} has {} numbers, and the model gives {numbers}", labels[at].len())))
                }
                None => Ok(()),
            },
            (_, Labels::Classes(classes)) => {
                let count = classes_of(numbers);
                match classes.iter().position(|class| *class >= count) {
                    Some(at) => {
                        Err(bad(format!("label {at} is class {}, and the model has {count} classes", classes[at])))
                    }
                    None => Ok(()),
                }
            }
        }
    }

    /// The score of all answers; `expected` has as many numbers, or a class, for each.
    pub(crate) fn of(self, answers: &[Vec<f32>], expected: &[Expected]) -> Score {
        let is_finite = |answer: &&Vec<f32>| answer.iter().all(|v| v.is_finite());
        let not_finite = answers.len() - answers.iter().filter(is_finite).count();
        let pairs = || answers.iter().zip(expected);
        let shared =
            |right: usize| Score { value: right as f64 / answers.len() as f64, right: Some(right), not_finite };
        let plain = |value: f64| Score { value, right: None, not_finite };
        match self {
            Metric::Top1 => shared(pairs().filter(|(a, e)| is_finite(a) && class_of(a) == e.class()).count()),
            Metric::Top5 => shared(pairs().filter(|(a, e)| is_finite(a) && rank(a, e.class()) < 5).count()),
            Metric::Mse => plain(mean(pairs(), |d| d * d)),
            Metric::Mae => plain(mean(pairs(), f64::abs)),
            Metric::F1 => plain(f1(pairs())),
            Metric::Auc => plain(auc(answers, expected)),
        }
    }
}

/// What is expected of one example.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Expected {
    Class(usize),
    Numbers(Vec<f32>),
}

impl Expected {
    fn class(&self) -> usize {
        match self {
            Expected::Class(class) => *class,
            Expected::Numbers(numbers) => class_of(numbers),
        }
    }

    fn number(&self, at: usize) -> f64 {
        match self {
            Expected::Class(class) => *class as f64,
            Expected::Numbers(numbers) => f64::from(numbers[at]),
        }
    }
}

/// Classes that so many scores tell apart.
fn classes_of(scores: usize) -> usize {
    scores.max(2)
}

/// The class with the largest score, the first of equal ones.
fn class_of(scores: &[f32]) -> usize {
    match scores {
        [one] => usize::from(*one >= 0.5),
        _ => (0..scores.len()).fold(0, |best, at| if scores[at] > scores[best] { at } else { best }),
    }
}

/// How many classes come before one.
fn rank(scores: &[f32], class: usize) -> usize {
    let Some(own) = scores.get(class) else { return usize::from(class_of(scores) != class) };
    scores.iter().enumerate().filter(|(at, v)| *v > own || (*v == own && *at < class)).count()
}

fn mean<'a>(pairs: impl Iterator<Item = (&'a Vec<f32>, &'a Expected)>, of: impl Fn(f64) -> f64) -> f64 {
    let (mut sum, mut count) = (0.0, 0usize);
    for (answer, expected) in pairs {
        for (at, v) in answer.iter().enumerate() {
            sum += of(f64::from(*v) - expected.number(at));
            count += 1;
        }
    }
    sum / count as f64
}

fn f1<'a>(pairs: impl Iterator<Item = (&'a Vec<f32>, &'a Expected)>) -> f64 {
    // Per class: found and true, found, true.
    let mut counts: Vec<[usize; 3]> = Vec::new();
    for (answer, expected) in pairs {
        let (found, class) = (class_of(answer), expected.class());
        counts.resize(counts.len().max(found + 1).max(class + 1), [0; 3]);
        counts[found][0] += usize::from(found == class);
        counts[found][1] += 1;
        counts[class][2] += 1;
    }
    let of_class = |[both, found, real]: &[usize; 3]| 2.0 * *both as f64 / (found + real) as f64;
    let there: Vec<f64> = counts.iter().filter(|[_, found, real]| found + real > 0).map(of_class).collect();
    there.iter().sum::<f64>() / there.len() as f64
}

fn auc(answers: &[Vec<f32>], expected: &[Expected]) -> f64 {
    let scores = answers.first().map_or(0, Vec::len);
    // Two classes have one curve, by the score of the second.
    let classes = if scores <= 2 { scores.saturating_sub(1)..scores } else { 0..scores };
    let of_class = |at: usize| {
        let class = if scores == 1 { 1 } else { at };
        let mut ranked: Vec<(f32, bool)> =
            answers.iter().zip(expected).map(|(a, e)| (a[at], e.class() == class)).collect();
        ranked.sort_by(|a, b| a.0.total_cmp(&b.0));
        let inside = ranked.iter().filter(|(_, is)| *is).count();
        let outside = ranked.len() - inside;
        if inside == 0 || outside == 0 {
            return None;
        }
        let (mut below, mut wins) = (0.0, 0.0);
        for equal in ranked.chunk_by(|a, b| a.0 == b.0) {
            let of_it = equal.iter().filter(|(_, is)| *is).count() as f64;
            let others = equal.len() as f64 - of_it;
            wins += of_it * (below + others / 2.0);
            below += others;
        }
        Some(wins / (inside as f64 * outside as f64))
    };
    let there: Vec<f64> = classes.filter_map(of_class).collect();
    there.iter().sum::<f64>() / there.len() as f64
}

#[cfg(test)]
mod tests {
    use super::{Expected, Metric};

    fn classes(of: &[usize]) -> Vec<Expected> {
        of.iter().map(|c| Expected::Class(*c)).collect()
    }

    #[test]
    fn values_are_those_that_a_hand_computes() {
        let answers = [vec![0.1, 0.7, 0.2], vec![0.5, 0.3, 0.2], vec![0.2, 0.2, 0.6], vec![0.3, 0.4, 0.3]];
        let expected = classes(&[1, 0, 2, 0]);
        let top1 = Metric::Top1.of(&answers, &expected);
        assert_eq!((top1.value, top1.right), (0.75, Some(3)));
        // Class 0: one of one found, one of two true: 2/3. Class 1: 2/3. Class 2: 1.
        assert!((Metric::F1.of(&answers, &expected).value - 7.0 / 9.0).abs() < 1e-12);
        // Class 0: 0.5 and 0.3 against 0.1 and 0.2: all four. Class 1: 0.7 is the largest. Class 2: 0.6 too.
        assert_eq!(Metric::Auc.of(&answers, &expected).value, 1.0);
        let numbers: Vec<Expected> = [1.0, 4.0].iter().map(|v| Expected::Numbers(vec![*v])).collect();
        assert_eq!(Metric::Mse.of(&[vec![2.0], vec![1.0]], &numbers).value, 5.0);
        assert_eq!(Metric::Mae.of(&[vec![2.0], vec![1.0]], &numbers).value, 2.0);
    }

    #[test]
    fn one_score_is_of_the_second_class_and_equal_ones_count_half() {
        let answers = [vec![0.2], vec![0.6], vec![0.6], vec![0.9]];
        let expected = classes(&[0, 0, 1, 1]);
        assert_eq!(Metric::Top1.of(&answers, &expected).right, Some(3));
        // Pairs: 0.6 over 0.2, 0.6 and 0.6, 0.9 over both.
        assert_eq!(Metric::Auc.of(&answers, &expected).value, 3.5 / 4.0);
    }

    #[test]
    fn five_of_many_and_answers_that_are_none() {
        let answers = [(0..8).map(|v| v as f32).collect::<Vec<f32>>(), vec![f32::NAN; 8]];
        assert_eq!(Metric::Top5.of(&answers, &classes(&[3, 0])).right, Some(1));
        assert_eq!(Metric::Top5.of(&answers, &classes(&[2, 0])).right, Some(0));
        assert_eq!(Metric::Top1.of(&answers, &classes(&[7, 0])).not_finite, 1);
    }
}
