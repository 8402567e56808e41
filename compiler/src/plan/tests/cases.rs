//! Small problems with known answers.

use crate::plan::problem::{
    BufferIx, BufferSpec, Conflict, InPlace, MAX_TOTAL_BYTES, PlanError, Problem, StepIx, StepSpec,
};
use crate::plan::svg::{Names, draw};
use crate::plan::verify::verify;
use crate::plan::{Placement, plan};

fn buffer(bytes: usize) -> BufferSpec {
    BufferSpec { bytes, ..BufferSpec::default() }
}

fn output(bytes: usize) -> BufferSpec {
    BufferSpec { bytes, live_to_end: true, ..BufferSpec::default() }
}

fn state(bytes: usize) -> BufferSpec {
    BufferSpec { bytes, live_from_start: true, live_to_end: true }
}

fn step(reads: &[usize], writes: &[usize]) -> StepSpec {
    let ids = |list: &[usize]| list.iter().copied().map(BufferIx).collect();
    StepSpec { reads: ids(reads), writes: ids(writes), ..StepSpec::default() }
}

/// The step with the first read under the first write.
fn in_place(mut step: StepSpec, mandatory: bool) -> StepSpec {
    step.in_place.push(InPlace { read: step.reads[0], write: step.writes[0], mandatory });
    step
}

fn problem(buffers: Vec<BufferSpec>, steps: Vec<StepSpec>) -> Problem {
    Problem { align: 4, buffers, steps }
}

fn planned(problem: &Problem) -> Placement {
    super::checked_plan(problem)
}

/// `steps` steps, each of which reads what the one before wrote.
pub(super) fn chain(steps: usize) -> Problem {
    let buffers = (0..steps).map(|i| if i + 1 == steps { output(8) } else { buffer(8 + 4 * (i % 7)) }).collect();
    let steps = (0..steps).map(|i| if i == 0 { step(&[], &[0]) } else { step(&[i - 1], &[i]) }).collect();
    problem(buffers, steps)
}

/// `steps` steps that do not know each other, each with an output and as much scratch as given.
pub(super) fn parallel(steps: usize, scratch: usize) -> Problem {
    let buffers = (0..steps).map(|i| output(4 + 4 * (i % 5))).collect();
    let with_scratch = |i| StepSpec { scratch: vec![scratch], ..step(&[], &[i]) };
    problem(buffers, (0..steps).map(with_scratch).collect())
}

#[test]
fn a_chain_needs_two_neighbours() {
    let placement = planned(&chain(10));
    let pairs = (1..10).map(|i| 16 + 4 * ((i - 1) % 7 + if i == 9 { 0 } else { i % 7 }));
    assert_eq!(Some(placement.arena_bytes), pairs.max());
    assert_eq!(placement.order, (0..10).map(StepIx).collect::<Vec<_>>());
}

#[test]
fn in_place_counts_the_larger_and_keeps_the_start() {
    // Pooling: 64 bytes become 16 at the same address; then something of 48 fits behind them.
    let steps = vec![step(&[], &[0]), in_place(step(&[0], &[1]), false), step(&[1], &[2])];
    let placement = planned(&problem(vec![buffer(64), buffer(16), output(48)], steps));
    assert_eq!(placement.arena_bytes, 64);
    assert_eq!(placement.live_bytes, [64, 64, 64]);
    assert_eq!(placement.offsets, [0, 0, 16]);
    assert_eq!(placement.sharing.len(), 1);
}

#[test]
fn an_operand_needed_later_is_not_written_over() {
    let steps = vec![step(&[], &[0]), in_place(step(&[0], &[1]), false), step(&[0, 1], &[2])];
    let placement = planned(&problem(vec![buffer(8), buffer(8), output(4)], steps));
    assert_eq!(placement.sharing, []);
    assert_eq!(placement.arena_bytes, 20);
}

#[test]
fn a_pair_is_split_where_it_would_cost_room() {
    // Sharing at step 1 would hold the small buffer at an end of the arena only if it lay there.
    let buffers = vec![buffer(8), buffer(8), buffer(24), output(8)];
    let steps =
        vec![step(&[], &[0]), in_place(step(&[0], &[1]), false), step(&[1], &[2]), in_place(step(&[2], &[3]), false)];
    let placement = planned(&problem(buffers, steps));
    assert_eq!((placement.arena_bytes, placement.gap), (32, None));
}

#[test]
fn a_mandatory_pair_decides_the_order() {
    // Step 1 accumulates into buffer 0, which step 2 reads: step 2 must run before.
    let buffers = vec![buffer(8), output(8), output(8)];
    let steps = vec![step(&[], &[0]), in_place(step(&[0], &[1]), true), step(&[0], &[2])];
    let placement = planned(&problem(buffers, steps));
    assert_eq!(placement.order, [0, 2, 1].map(StepIx));
    assert_eq!(placement.offsets[0], placement.offsets[1]);
}

#[test]
fn an_impossible_mandatory_pair_is_named() {
    // Step 2 reads the operand and what accumulated over it.
    let buffers = vec![buffer(8), buffer(8), output(8)];
    let steps = vec![step(&[], &[0]), in_place(step(&[0], &[1]), true), step(&[0, 1], &[2])];
    let pair = steps[1].in_place[0];
    let conflict = Conflict::Step(StepIx(2));
    let error = plan(&problem(buffers, steps)).expect_err("impossible");
    assert_eq!(error, PlanError::MandatoryInPlace { step: StepIx(1), pair, conflict });
    let text = error.to_string();
    assert_eq!(
        text,
        "step 1 must write buffer 1 over buffer 0, but step 2 needs one of the two in every order of the steps"
    );

    // Two steps want to accumulate into one operand.
    let buffers = vec![buffer(8), output(8), output(8)];
    let steps = vec![step(&[], &[0]), in_place(step(&[0], &[1]), true), in_place(step(&[0], &[2]), true)];
    let error = plan(&problem(buffers, steps)).expect_err("impossible");
    assert!(matches!(error, PlanError::MandatoryInPlace { step: StepIx(2), conflict: Conflict::Step(StepIx(1)), .. }));
}

#[test]
fn mandatory_pairs_over_what_lives_on_are_refused() {
    let with = |buffers, conflict| {
        let steps = vec![step(&[], &[0]), in_place(step(&[0], &[1]), true)];
        let pair = steps[1].in_place[0];
        let error = plan(&problem(buffers, steps)).expect_err("impossible");
        assert_eq!(error, PlanError::MandatoryInPlace { step: StepIx(1), pair, conflict });
    };
    with(vec![output(8), output(8)], Conflict::ReadLivesToEnd);
    with(vec![buffer(8), state(8)], Conflict::WriteLivesFromStart);
    let buffers = vec![buffer(8), output(8), output(8)];
    let mut both = in_place(step(&[0], &[1, 2]), true);
    both.in_place.push(InPlace { write: BufferIx(2), ..both.in_place[0] });
    let error = plan(&problem(buffers, vec![step(&[], &[0]), both])).expect_err("impossible");
    assert!(matches!(error, PlanError::MandatoryInPlace { conflict: Conflict::AnotherPair, .. }));
}

#[test]
fn pieces_live_from_the_first_write() {
    // Two branches write the halves of buffer 2; the big intermediates should not meet.
    let buffers = vec![buffer(40), buffer(40), output(8)];
    let steps = vec![step(&[], &[0]), step(&[], &[1]), step(&[0], &[2]), step(&[1], &[2])];
    let placement = planned(&problem(buffers, steps));
    assert_eq!(placement.arena_bytes, 48);
    assert_eq!(placement.order, [0, 2, 1, 3].map(StepIx));
}

#[test]
fn state_is_the_beginning_of_the_arena() {
    let buffers = vec![buffer(12), state(8), output(8), state(20), state(4)];
    let steps = vec![step(&[1], &[0]), step(&[0, 3], &[3]), step(&[0, 4], &[2])];
    let placement = planned(&problem(buffers, steps));
    assert_eq!([1, 3, 4].map(|b| placement.offsets[b]), [0, 8, 28]);
    assert!(placement.offsets[0] >= 32 && placement.offsets[2] >= 32);
    assert_eq!(placement.gap, None);
}

#[test]
fn updates_keep_their_order() {
    // Read the old state, update it, read the new one: nothing may move, however much it would save.
    let buffers = vec![state(8), output(100), output(4)];
    let steps = vec![step(&[0], &[1]), step(&[0], &[0]), step(&[0], &[2])];
    let placement = planned(&problem(buffers, steps));
    assert_eq!(placement.order, [0, 1, 2].map(StepIx));
}

#[test]
fn nothing_to_do_is_a_plan() {
    let empty = planned(&problem(vec![], vec![]));
    assert_eq!((empty.arena_bytes, empty.peak_step, empty.gap), (0, None, None));
    let held = planned(&problem(vec![state(5), buffer(7)], vec![]));
    assert_eq!((held.arena_bytes, held.offsets), (8, vec![0, 0]));
    let zero = planned(&problem(vec![buffer(0), output(0)], vec![step(&[], &[0]), in_place(step(&[0], &[1]), true)]));
    assert_eq!(zero.arena_bytes, 0);
}

#[test]
fn malformed_problems_are_refused() {
    let refused = |problem: Problem| plan(&problem).expect_err("malformed");
    let align = Problem { align: 3, ..problem(vec![], vec![]) };
    assert_eq!(refused(align), PlanError::Align { align: 3 });
    assert_eq!(refused(Problem { align: 0, ..problem(vec![], vec![]) }), PlanError::Align { align: 0 });
    let unknown = PlanError::UnknownBuffer { step: StepIx(0), buffer: BufferIx(1) };
    assert_eq!(refused(problem(vec![state(1)], vec![step(&[0], &[1])])), unknown);
    let unwritten = PlanError::NeverWritten { buffer: BufferIx(0), step: Some(StepIx(0)) };
    assert_eq!(refused(problem(vec![buffer(1)], vec![step(&[0], &[]), step(&[], &[0])])), unwritten);
    let missing = PlanError::NeverWritten { buffer: BufferIx(0), step: None };
    assert_eq!(refused(problem(vec![output(1)], vec![])), missing);
    let after = StepSpec { after: vec![StepIx(0)], ..StepSpec::default() };
    assert_eq!(refused(problem(vec![], vec![after])), PlanError::After { step: StepIx(0), after: StepIx(0) });
    for bytes in [usize::MAX, MAX_TOTAL_BYTES, MAX_TOTAL_BYTES / 2 + 8] {
        let scratch = StepSpec { scratch: vec![bytes], ..StepSpec::default() };
        assert_eq!(refused(problem(vec![state(bytes)], vec![scratch])), PlanError::TooLarge);
    }
    let mut unrelated = step(&[0], &[0]);
    let pair = InPlace { read: BufferIx(0), write: BufferIx(0), mandatory: false };
    unrelated.in_place.push(pair);
    let error = PlanError::InPlaceUnrelated { step: StepIx(0), pair };
    assert_eq!(refused(problem(vec![state(1)], vec![unrelated])), error);
    // Two steps write pieces of each of many buffers, and two read all of them.
    let many = 3000;
    let steps = (0..many).map(|_| step(&[], &[0])).chain((0..many).map(|_| step(&[0], &[])));
    assert!(matches!(refused(problem(vec![buffer(4)], steps.collect())), PlanError::TooManyDependencies { .. }));
}

#[test]
fn verification_finds_what_is_wrong() {
    let buffers = vec![buffer(8), buffer(8), output(4), state(4)];
    let scratch = StepSpec { scratch: vec![8], ..step(&[0, 3], &[1]) };
    let problem = problem(buffers, vec![step(&[], &[0]), scratch, in_place(step(&[1], &[2]), true)]);
    let good = planned(&problem);
    let wrong = |change: &dyn Fn(&mut Placement), word: &str| {
        let mut placement = good.clone();
        change(&mut placement);
        let found = verify(&problem, &placement).join("; ");
        assert!(found.contains(word), "{word:?} is not in {found:?}");
    };
    wrong(&|p| p.order.swap(0, 1), "sees another value");
    wrong(&|p| p.order[0] = StepIx(1), "runs twice");
    wrong(&|p| p.order.truncate(2), "never runs");
    wrong(&|p| p.offsets[0] += 2, "not aligned");
    wrong(&|p| p.offsets[0] = usize::MAX - 3, "leaves the arena");
    wrong(&|p| p.arena_bytes -= 4, "leaves the arena");
    wrong(&|p| p.offsets[3] = p.offsets[0], "overlap");
    wrong(&|p| p.offsets[1] = p.offsets[0], "overlap");
    wrong(&|p| p.scratch[1][0] = p.offsets[0], "overlap");
    wrong(&|p| p.offsets[2] = p.offsets[3], "does not write");
    wrong(&|p| p.sharing.clear(), "overlap");
    wrong(&|p| p.sharing.push(p.sharing[0]), "shared twice");
    wrong(&|p| p.sharing[0].step = StepIx(1), "does not declare");
    wrong(&|p| p.offsets.truncate(1), "not every buffer");
    wrong(&|p| p.scratch[1].clear(), "not every scratch");
}

#[test]
fn hostile_names_stay_text() {
    let name = "</text></svg><script>alert('x')</script>&\n\u{202e}\"".to_owned();
    let problem = problem(vec![output(64)], vec![StepSpec { scratch: vec![8], ..step(&[], &[0]) }]);
    let names = Names { buffers: vec![name.clone()], steps: vec![name.repeat(1000)] };
    let picture = draw(&problem, &planned(&problem), &names);
    assert!(!picture.contains("<script") && !picture.contains('\u{202e}') && picture.len() < 20_000);
    let tags = ["svg", "style", "defs", "pattern", "rect", "path", "text", "title"];
    for tag in picture.split('<').skip(1) {
        let word = tag.trim_start_matches('/').split([' ', '>', '/']).next();
        assert!(word.is_some_and(|word| tags.contains(&word)), "<{tag}");
    }
    assert_eq!(picture.matches("<text").count(), picture.matches("</text>").count());
}
