//! One case from import to comparison, with panics caught.

use std::cell::RefCell;
use std::panic::{self, AssertUnwindSafe};

use zantc::diag::{Diagnostic, codes};
use zantc::import::{Import, Options, from_raw, import};
use zantc::ir::Tensor;

use super::compare::difference;
use super::{Case, Constants, Outcome, Runner};

thread_local! {
    /// Where and why the last panic happened, while one is expected.
    static PANIC: RefCell<Option<String>> = const { RefCell::new(None) };
}

/// Runs a case. A panic within becomes its outcome.
pub(super) fn attempt(case: &Case, runner: &Runner<'_>) -> Outcome {
    let hook = panic::take_hook();
    panic::set_hook(Box::new(|info| {
        let place = info.location().map(|l| format!("{}:{}", l.file(), l.line())).unwrap_or_default();
        let payload = info.payload();
        let text = payload.downcast_ref::<&str>().map(ToString::to_string);
        let what = text.or_else(|| payload.downcast_ref::<String>().cloned()).unwrap_or_default();
        PANIC.with(|p| *p.borrow_mut() = Some(format!("{what} ({place})")));
    }));
    let outcome = panic::catch_unwind(AssertUnwindSafe(|| in_turn(case, runner)));
    panic::set_hook(hook);
    outcome.unwrap_or_else(|_| Outcome::Panic(PANIC.with(RefCell::take).unwrap_or_default()))
}

/// Tries with ever more inputs as constants, as long as the import says that it must know more.
fn in_turn(case: &Case, runner: &Runner<'_>) -> Outcome {
    let mut tried: Option<Vec<bool>> = None;
    let mut first_refusal = None;
    for constants in Constants::ALL {
        let taken: Vec<bool> = (0..case.inputs.len()).map(|i| is_taken(case, constants, i)).collect();
        if tried.as_ref() == Some(&taken) {
            continue;
        }
        let outcome = with_constants(case, constants, &taken, runner);
        let needs_more = matches!(outcome, Outcome::Refused { code: codes::NOT_CONSTANT, .. });
        if !needs_more {
            return outcome;
        }
        first_refusal.get_or_insert(outcome);
        tried = Some(taken);
    }
    first_refusal.unwrap_or_else(|| Outcome::Error("nothing was tried".to_string()))
}

fn is_taken(case: &Case, constants: Constants, input: usize) -> bool {
    let (_, t) = &case.inputs[input];
    match constants {
        Constants::None => false,
        Constants::SmallIntegers => t.dims.len() <= 1 && from_raw(t).is_ok_and(|t| t.dtype().is_int()),
        Constants::AllButFirst => input > 0,
        Constants::All => true,
    }
}

fn with_constants(case: &Case, constants: Constants, taken: &[bool], runner: &Runner<'_>) -> Outcome {
    let mut options = Options::default();
    let mut values = Vec::new();
    for ((name, raw), &taken) in case.inputs.iter().zip(taken) {
        // What has no type here is refused by the import itself, with a better message.
        let Ok(value) = from_raw(raw) else { continue };
        if taken {
            options.constants.insert(name.clone(), value);
        } else {
            values.push(value);
        }
    }
    let imported = match import(&case.model.proto, &options) {
        Ok(imported) => imported,
        Err(diagnostics) => return refusal(&diagnostics),
    };
    match run(case, &imported, &values, runner) {
        Ok(None) => Outcome::Pass(constants),
        Ok(Some(difference)) => Outcome::Differ(difference),
        Err(why) => Outcome::Error(why),
    }
}

/// The first difference of the outputs, or why there are none.
fn run(case: &Case, imported: &Import, values: &[Tensor], runner: &Runner<'_>) -> Result<Option<String>, String> {
    let results = runner(&imported.graph, values)?;
    if results.len() != case.outputs.len() {
        return Err(format!("{} outputs, should be {}", results.len(), case.outputs.len()));
    }
    for (got, (raw, info)) in results.iter().zip(case.outputs.iter().zip(&case.model.proto.graph.output)) {
        let expected = from_raw(raw).map_err(|fault| fault.message)?;
        if let Some(difference) = difference(got, &expected) {
            return Ok(Some(format!("output `{}` {difference}", info.name)));
        }
    }
    Ok(None)
}

/// The finding that says most: what no constant would mend, before what one may.
fn refusal(diagnostics: &[Diagnostic]) -> Outcome {
    let first = diagnostics.iter().find(|d| d.code != codes::NOT_CONSTANT).or(diagnostics.first());
    first.map_or_else(
        || Outcome::Error("refused without a diagnostic".to_string()),
        |d| {
            // The message about an unknown operator names it.
            let named = d.node.as_ref().filter(|_| d.code != codes::UNSUPPORTED_OPERATOR);
            let operator = named.map(|n| format!("{}: ", n.op_type)).unwrap_or_default();
            Outcome::Refused { code: d.code, message: format!("{operator}{}", d.message) }
        },
    )
}
