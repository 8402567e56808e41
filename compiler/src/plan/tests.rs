//! Properties of whole plans, on random problems and on graphs shaped like models.

mod naive;
mod random;
mod simulate;

use super::order::order;
use super::problem::{PlanError, Problem};
use super::rng::Rng;
use super::verify::verify;
use super::{Placement, plan};
use random::Shape;

fn shape(steps: usize, reach: usize) -> Shape {
    Shape { steps, reach, mandatory: 0 }
}

/// Plans, and checks all that must hold of every plan.
fn checked_plan(problem: &Problem) -> Placement {
    let placement = plan(problem).expect("a plan");
    assert_eq!(verify(problem, &placement), Vec::<String>::new());
    assert!(placement.arena_bytes >= placement.lower_bound_bytes);
    assert_eq!(placement.gap.is_some(), placement.arena_bytes > placement.lower_bound_bytes);
    simulate::simulate(problem, &placement);
    placement
}

#[test]
fn random_plans_are_correct() {
    let mut rng = Rng::new(1);
    for case in 0..600 {
        let problem = random::problem(&mut rng, shape(1 + case % 40, 1 + case % 9));
        checked_plan(&problem);
    }
}

#[test]
fn orders_of_tiny_problems_are_as_good_as_brute_force() {
    let mut rng = Rng::new(2);
    let (mut impossible, mut improved) = (0, 0);
    for case in 0..500 {
        let shape = Shape { steps: 1 + case % 7, reach: 1 + case % 5, mandatory: 15 };
        let problem = random::problem(&mut rng, shape);
        match (order(&problem), naive::best_peak(&problem)) {
            (Ok(found), Some(best)) => {
                assert_eq!(found.peak_bytes, best, "case {case}: {problem:?}");
                assert!(found.is_optimal());
                let given: Vec<usize> = (0..problem.steps.len()).collect();
                if naive::peak(&problem, &given) == Some(best) {
                    assert!(found.order.iter().map(|s| s.0).eq(given), "case {case}: a tie keeps the order");
                } else {
                    improved += 1;
                }
                checked_plan(&problem);
            }
            (Err(PlanError::MandatoryInPlace { .. }), None) => impossible += 1,
            (found, best) => panic!("case {case}: {found:?}, brute force {best:?}: {problem:?}"),
        }
    }
    assert!(impossible > 20 && improved > 50, "{impossible} impossible, {improved} improved");
}
