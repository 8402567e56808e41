//! The child: runs cases and says on stdout what it begins (`@`), finds (`!`), how cases end (`+`), and what it counted (`=`).

use std::io::Write as _;
use std::path::Path;

use zant_tests::attack::{bombs, mutations, names};
use zant_tests::random::{Tally, caught, dumped, run_seed};

use super::Part;

fn say(kind: char, text: &str) {
    let mut out = std::io::stdout().lock();
    let text = text.replace('\\', "\\\\").replace('\n', "\\n");
    let _ = writeln!(out, "{kind}{text}");
    let _ = out.flush();
}

/// Runs cases from a number on.
pub(super) fn run(part: Part, from: u64, count: u64, dump: Option<&Path>, table: bool) -> Result<bool, String> {
    let mut tally = Tally::default();
    let sources = if part == Part::Mutations { mutations::sources() } else { vec![] };
    for case in from..from.saturating_add(count) {
        say('@', &case.to_string());
        let ended = match part {
            Part::Models => {
                run_seed(case, &mut tally).iter().for_each(|f| say('!', f));
                if let Some(folder) = dump {
                    dumped(case, &folder.join(case.to_string()))?;
                }
                continue;
            }
            Part::Mutations => caught(|| mutations::run(case, &sources)),
            Part::Names => caught(|| names::run(case, None)),
            Part::Bombs => caught(|| bombs::run(case as usize)),
            Part::Kills | Part::All => return Err("no cases".into()),
        };
        match ended.and_then(|e| e) {
            Ok(ended) => say('+', ended.word()),
            Err(why) => say('!', &why),
        }
    }
    if part == Part::Models {
        say('=', &tally.line());
        let rare = tally.rare(1);
        if !rare.is_empty() && count >= 2000 {
            say('!', &format!("operators that never ran: {rare:?}"));
        }
        if table {
            say('=', &tally.table());
        }
    }
    if part == Part::Bombs {
        let peak = zant_measure::process::peak_rss(std::process::id()).unwrap_or(0) >> 20;
        say('m', &peak.to_string());
    }
    say('.', "");
    Ok(true)
}
