//! Properties of whole plans, on random problems and on graphs shaped like models.

mod cases;
mod naive;
mod random;
mod shapes;
mod simulate;

use super::liveness::Liveness;
use super::order::{order, order_within};
use super::place;
use super::problem::{PlanError, Problem, StepIx};
use super::rng::Rng;
use super::svg::draw;
use super::verify::verify;
use super::{Placement, plan};
use random::Shape;
use shapes::Net;

fn shape(steps: usize, reach: usize) -> Shape {
    Shape { steps, reach, mandatory: 0, sizes: 264 }
}

/// Plans, and checks all that must hold of every plan.
fn checked_plan(problem: &Problem) -> Placement {
    let placement = plan(problem).expect("a plan");
    assert_eq!(verify(problem, &placement), Vec::<String>::new());
    assert!(placement.lower_bound_bytes <= placement.peak_bytes());
    assert!(placement.peak_bytes() <= placement.arena_bytes);
    let gap = placement.gap.as_ref().map_or(0, |gap| gap.bytes);
    assert_eq!(placement.arena_bytes, placement.lower_bound_bytes + gap);
    simulate::simulate(problem, &placement);
    placement
}

#[test]
fn random_plans_are_correct() {
    let mut rng = Rng::new(1);
    let (mut planned, mut at_bound) = (0, 0);
    for case in 0..400 {
        let problem = random::problem(&mut rng, Shape { mandatory: case % 3, ..shape(1 + case % 40, 1 + case % 9) });
        if order_within(&problem, 100_000).is_ok() {
            let placement = checked_plan(&problem);
            planned += 1;
            at_bound += usize::from(placement.gap.is_none());
        }
    }
    assert!(planned > 300, "{planned} planned");
    assert!(at_bound * 10 > planned * 9, "{at_bound} of {planned} at the bound");
}

#[test]
fn orders_of_tiny_problems_are_as_good_as_brute_force() {
    let mut rng = Rng::new(2);
    let (mut impossible, mut improved) = (0, 0);
    for case in 0..400 {
        let problem = random::problem(&mut rng, Shape { mandatory: 15, ..shape(1 + case % 6, 1 + case % 5) });
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
    assert!(impossible > 20 && improved > 20, "{impossible} impossible, {improved} improved");
}

#[test]
fn searches_agree_whatever_the_budget() {
    let mut rng = Rng::new(3);
    let (mut larger, mut worse) = (0, 0);
    for case in 0..60 {
        let problem = random::problem(&mut rng, shape(12 + case % 9, 8));
        let best = order(&problem).expect("an order");
        // Without a budget the answer comes from the table over all sets of steps.
        let table = order_within(&problem, 0).expect("an order");
        assert!(best.is_optimal() && table.is_optimal());
        assert_eq!(best.peak_bytes, table.peak_bytes, "case {case}");
        // Beyond its steps a small budget leaves the beam and its improvement.
        let problem = random::problem(&mut rng, shape(24, 8));
        let best = order(&problem).expect("an order");
        let beam = order_within(&problem, 20_000).expect("an order");
        assert!(best.lower_bound_bytes >= beam.lower_bound_bytes && best.peak_bytes <= beam.peak_bytes);
        assert_eq!(Liveness::new(&problem, &beam.order).peak_bytes(), beam.peak_bytes);
        larger += usize::from(best.is_optimal());
        worse += usize::from(beam.peak_bytes > best.peak_bytes);
    }
    assert!(larger > 50, "{larger} of 60 larger ones proved");
    assert!(worse < 30, "the beam is worse in {worse} of 60");
}

#[test]
fn placements_that_are_proved_are_the_least() {
    let mut rng = Rng::new(4);
    let (mut proved, mut gaps) = (0, 0);
    for case in 0..3000 {
        let problem = random::problem(&mut rng, Shape { sizes: 6, ..shape(5 + case % 4, 6) });
        let given: Vec<StepIx> = (0..problem.steps.len()).map(StepIx).collect();
        let liveness = Liveness::new(&problem, &given);
        let places = place::place(&problem, &given, &liveness, place::BUDGET);
        if places.proved && (places.arena_bytes > liveness.peak_bytes() || case % 50 == 0) {
            proved += 1;
            gaps += usize::from(places.arena_bytes > liveness.peak_bytes());
            let least = naive::least_arena(&problem, &liveness, &given);
            assert_eq!(places.arena_bytes, least, "case {case}: {problem:?}");
        }
    }
    assert!(proved > 40 && gaps > 0, "{proved} proved, {gaps} above the bound");
}

#[test]
fn plans_depend_on_the_problem_alone() {
    let mut rng = Rng::new(6);
    for case in 0..20 {
        let problem = random::problem(&mut rng, shape(10 + 2 * case, 6));
        assert_eq!(plan(&problem), plan(&problem));
    }
}

#[test]
fn model_shapes_reach_the_least_arena_of_all_orders() {
    let nets: [(&str, Net); 8] = [
        ("mobilenet v2", shapes::mobilenet_v2()),
        ("resnet8", shapes::resnet8()),
        ("inception 2", shapes::inception(2)),
        ("inception 9", shapes::inception(9)),
        ("unet", shapes::unet(4)),
        ("detector", shapes::detector()),
        ("transformer", shapes::transformer(4, 4)),
        ("wide transformer", shapes::transformer(6, 12)),
    ];
    for (name, net) in nets {
        let placement = checked_plan(&net.problem);
        assert!(placement.optimal_order, "{name}");
        assert_eq!(placement.gap, None, "{name}");
        let picture = draw(&net.problem, &placement, &net.names);
        assert!(picture.matches("<rect").count() > net.problem.buffers.len(), "{name}");
    }
    // Two maps of 64 KiB, the most that any step needs.
    assert_eq!(plan(&shapes::resnet8().problem).expect("a plan").arena_bytes, 2 * 65536);
}

#[test]
fn a_better_order_than_the_given_one_is_found() {
    let net = shapes::inception(2);
    let given: Vec<StepIx> = (0..net.problem.steps.len()).map(StepIx).collect();
    let peak = Liveness::new(&net.problem, &given).peak_bytes();
    assert!(checked_plan(&net.problem).arena_bytes < peak);
}

#[test]
fn large_problems_take_bounded_work() {
    let mut rng = Rng::new(8);
    for (steps, reach) in [(400, 5), (400, 60), (1000, 3)] {
        let problem = random::problem(&mut rng, shape(steps, reach));
        let placement = plan(&problem).expect("a plan");
        assert_eq!(verify(&problem, &placement), Vec::<String>::new());
    }
    for problem in [cases::chain(20_000), cases::parallel(1500, 0), cases::parallel(1500, 64)] {
        let placement = plan(&problem).expect("a plan");
        assert_eq!(verify(&problem, &placement), Vec::<String>::new());
        assert_eq!(placement.gap, None);
    }
}
