//! What the names of a graph stand for.
//!
//! A subgraph sees the names of the graphs around it and hides equal ones; a function's body sees only its parameters.

use std::collections::BTreeMap;

use crate::ir::ValueId;

/// What a name stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Binding {
    /// A value of the core graph.
    Value(ValueId),
    /// A value that could not be made; the reason has been reported.
    Failed,
    /// A result that the translation of its operator does not give; who uses it reports it.
    Unset,
    /// An operand or result that a function's caller left out.
    Absent,
}

/// Names, innermost graph last.
#[derive(Default)]
pub(super) struct Scope {
    /// Each with the number of core graphs around the one that its values belong to.
    frames: Vec<(usize, BTreeMap<String, Binding>)>,
}

impl Scope {
    /// Opens a frame of names of values that lie so many core graphs deep.
    pub(super) fn push(&mut self, level: usize) {
        self.frames.push((level, BTreeMap::new()));
    }

    pub(super) fn pop(&mut self) {
        self.frames.pop();
    }

    /// Names a value in the innermost graph; gives `false` where the name is taken there.
    pub(super) fn bind(&mut self, name: &str, binding: Binding) -> bool {
        let (_, frame) = self.frames.last_mut().expect("a graph is being read");
        frame.insert(name.to_string(), binding).is_none()
    }

    /// What a name stands for, and how deep the core graph is that a value of it belongs to.
    pub(super) fn get(&self, name: &str) -> Option<(Binding, usize)> {
        self.frames.iter().rev().find_map(|(level, f)| f.get(name).map(|b| (*b, *level)))
    }

    /// Hides all frames, for the body of a function; [`Scope::restore`] brings them back.
    pub(super) fn isolate(&mut self) -> Scope {
        std::mem::take(self)
    }

    pub(super) fn restore(&mut self, outer: Scope) {
        *self = outer;
    }
}
