//! Who calls whom below a root.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use super::body::{Body, Call};
use super::image::Image;
use super::{Kind, Violation};

/// The functions that a root reaches, by their index in the image.
pub(super) struct Graph<'a> {
    image: &'a Image<'a>,
    root: usize,
    bodies: BTreeMap<usize, Body>,
    /// Who called a function first: the shortest way from the root.
    callers: BTreeMap<usize, usize>,
}

/// Parts of names of functions that panic, or that a panic calls.
const PANICS: [&str; 9] = [
    "panic",
    "rust_begin_unwind",
    "unwrap_failed",
    "expect_failed",
    "index_fail",
    "index_len_fail",
    "index_order_fail",
    "len_mismatch_fail",
    // The end of the harness, into which the compiler may fold its panic handler.
    "zant_exit",
];

/// Parts of names of functions that a heap has.
const ALLOCATIONS: [&str; 8] =
    ["__rust_alloc", "__rust_realloc", "__rust_dealloc", "__rg_", "__rdl_", "alloc_error", "malloc", "raw_vec"];

/// What a function's name says about it.
fn kind(name: &str) -> Option<Kind> {
    let has = |parts: &[&str]| parts.iter().any(|p| name.contains(p));
    if has(&PANICS) {
        Some(Kind::Panic)
    } else if has(&ALLOCATIONS) {
        Some(Kind::Allocation)
    } else if is_soft_float(name) {
        Some(Kind::SoftFloat)
    } else {
        None
    }
}

/// Whether a name is one of the run-time ABI's functions on floats (Arm IHI 0043, tables 2 to 8), or of the compiler's own.
fn is_soft_float(name: &str) -> bool {
    let last = name.rsplit("::").next().unwrap_or(name);
    if let Some(op) = last.strip_prefix("__aeabi_") {
        let integers = ["f2", "d2"].iter().any(|p| op.starts_with(p));
        let converted = ["2f", "2d", "2h"].iter().any(|s| op.ends_with(s));
        let arithmetic = ["add", "sub", "rsub", "mul", "div", "neg", "cmp", "rcmp"];
        let plain = |op: &str| arithmetic.iter().any(|a| op.starts_with(a));
        return integers
            || converted
            || op.starts_with("cfcmp")
            || op.starts_with("cfrcmp")
            || op.starts_with("cdcmp")
            || op.starts_with("cdrcmp")
            || op.strip_prefix('f').is_some_and(plain)
            || op.strip_prefix('d').is_some_and(plain);
    }
    let libm = ["fma", "fmaf", "sqrt", "sqrtf", "floor", "floorf", "fmod", "fmodf", "fmin", "fminf", "fmax", "fmaxf"];
    let gcc = last.starts_with("__")
        && ["sf2", "df2", "sf3", "df3", "sfsi", "dfsi", "sfdi", "dfdi", "sisf", "sidf", "disf", "didf"]
            .iter()
            .any(|s| last.ends_with(s));
    libm.contains(&last) || gcc || name.contains("compiler_builtins::float") || name.contains("compiler_builtins::math")
}

impl<'a> Graph<'a> {
    pub(super) fn new(image: &'a Image<'a>, root: usize) -> Graph<'a> {
        let mut graph = Graph { image, root, bodies: BTreeMap::new(), callers: BTreeMap::new() };
        // What registers hold may come from callers, and leads to further functions: until nothing is new.
        loop {
            graph.reach();
            let found = graph.through_registers();
            let new: Vec<(usize, Call)> =
                found.into_iter().filter(|(f, call)| !graph.bodies[f].calls.contains(call)).collect();
            if new.is_empty() {
                break;
            }
            for (f, call) in new {
                graph.bodies.get_mut(&f).into_iter().for_each(|b| b.calls.push(call));
            }
        }
        for (f, at) in graph.unresolved() {
            graph.bodies.get_mut(&f).into_iter().for_each(|b| b.indirect.push(at));
        }
        graph
    }

    /// Reads all that is called, in the order of the distance from the root.
    fn reach(&mut self) {
        let mut open = VecDeque::from([self.root]);
        let mut seen = BTreeSet::from([self.root]);
        while let Some(f) = open.pop_front() {
            let (image, function) = (self.image, &self.image.functions[f]);
            self.bodies.entry(f).or_insert_with(|| Body::read(image, function));
            for callee in self.callees(f) {
                if seen.insert(callee) {
                    self.callers.entry(callee).or_insert(f);
                    open.push_back(callee);
                }
            }
        }
    }

    /// What a register may hold at an instruction of a function, as far as that and its callers tell.
    fn register(&self, f: usize, at: u32, register: u32) -> Option<BTreeSet<u32>> {
        let values = self.bodies[&f].way.values(self.image, at, register)?;
        let mut all = values.constants;
        for &register in &values.entry {
            // Nobody knows who calls the root.
            if f == self.root {
                return None;
            }
            for (caller, body) in &self.bodies {
                for call in body.calls.iter().filter(|c| self.image.function_at(c.to) == Some(f)) {
                    let there = self.bodies[caller].way.values(self.image, call.at, register)?;
                    if !there.entry.is_empty() {
                        return None;
                    }
                    all.extend(there.constants);
                }
            }
        }
        // The lowest bit says that the function is of Thumb instructions.
        all.iter().all(|to| to & 1 == 1).then_some(all)
    }

    /// Calls by registers whose values are known.
    fn through_registers(&self) -> Vec<(usize, Call)> {
        let mut found = Vec::new();
        for (&f, body) in &self.bodies {
            for r in &body.registers {
                let values = self.register(f, r.at, r.register).unwrap_or_default();
                found.extend(values.into_iter().map(|to| (f, Call { at: r.at, to: to & !1, depth: r.depth })));
            }
        }
        found
    }

    /// Calls by registers whose values are not known.
    fn unresolved(&self) -> Vec<(usize, u32)> {
        let each = self.bodies.iter().flat_map(|(&f, body)| body.registers.iter().map(move |r| (f, r)));
        let unknown = each.filter(|(f, r)| self.register(*f, r.at, r.register).is_none_or(|v| v.is_empty()));
        unknown.map(|(f, r)| (f, r.at)).collect()
    }

    /// The functions in the order of addresses.
    pub(super) fn reached(&self) -> impl Iterator<Item = (usize, &Body)> {
        self.bodies.iter().map(|(&f, body)| (f, body))
    }

    /// The calls from the root to a function.
    fn path(&self, function: usize) -> Vec<String> {
        let mut path = vec![function];
        while let Some(&caller) = path.last().and_then(|f| self.callers.get(f)) {
            if path.contains(&caller) {
                break;
            }
            path.push(caller);
        }
        path.iter().rev().map(|&f| self.image.functions[f].name.clone()).collect()
    }

    /// All promises that are broken.
    pub(super) fn violations(&self) -> Vec<Violation> {
        let mut found = Vec::new();
        for (&f, body) in &self.bodies {
            let name = &self.image.functions[f].name;
            let violation = |kind, address| Violation { kind, symbol: name.clone(), path: self.path(f), address };
            let panics = |f: &usize| kind(&self.image.functions[*f].name) == Some(Kind::Panic);
            // What a panic does and calls besides is no news.
            if panics(&f) && self.callers.get(&f).is_some_and(panics) {
                continue;
            }
            found.extend(kind(name).map(|k| violation(k, None)));
            if panics(&f) {
                continue;
            }
            found.extend(body.indirect.iter().map(|&at| violation(Kind::Indirect, Some(at))));
            found.extend(body.unknown_stack.iter().map(|&at| violation(Kind::Stack, Some(at))));
            let unknown = body.calls.iter().filter(|c| self.image.function_at(c.to).is_none());
            found.extend(unknown.map(|c| violation(Kind::Unknown, Some(c.to))));
            if !self.calls_panic(body) {
                found.extend(body.endless.iter().map(|&at| violation(Kind::Endless, Some(at))));
            }
        }
        found.extend(self.recursions());
        found.sort_by(|a, b| (a.kind, &a.path, a.address).cmp(&(b.kind, &b.path, b.address)));
        found
    }

    /// Whether a function calls what panics: then that is what it does not come back from.
    fn calls_panic(&self, body: &Body) -> bool {
        let callees = body.calls.iter().filter_map(|c| self.image.function_at(c.to));
        callees.into_iter().any(|f| kind(&self.image.functions[f].name) == Some(Kind::Panic))
    }

    fn callees(&self, f: usize) -> BTreeSet<usize> {
        let calls = self.bodies.get(&f).map_or(&[][..], |b| &b.calls);
        calls.iter().filter_map(|c| self.image.function_at(c.to)).collect()
    }

    /// Functions that can come to call themselves.
    fn recursions(&self) -> Vec<Violation> {
        let recursive = self.bodies.keys().filter(|&&f| {
            let mut seen = BTreeSet::new();
            let mut open: Vec<usize> = self.callees(f).into_iter().collect();
            while let Some(g) = open.pop() {
                if seen.insert(g) {
                    open.extend(self.callees(g));
                }
            }
            seen.contains(&f)
        });
        let violation = |&f: &usize| Violation {
            kind: Kind::Recursion,
            symbol: self.image.functions[f].name.clone(),
            path: self.path(f),
            address: None,
        };
        recursive.map(violation).collect()
    }

    /// The stack of each function with all it calls; `None` where there is no bound.
    pub(super) fn stacks(&self) -> BTreeMap<usize, Option<u32>> {
        let mut stacks: BTreeMap<usize, Option<u32>> = BTreeMap::new();
        // A function is computed after those that it calls; one that is open when it is met again has no bound.
        let mut open = vec![(self.root, false)];
        let mut entered = BTreeSet::new();
        while let Some((f, done)) = open.pop() {
            if !done {
                if entered.insert(f) {
                    open.push((f, true));
                    open.extend(self.callees(f).into_iter().map(|g| (g, false)));
                }
                continue;
            }
            let Some(body) = self.bodies.get(&f) else { continue };
            let below = body.calls.iter().map(|c| {
                let callee = stacks.get(&self.image.function_at(c.to)?).copied().flatten()?;
                c.depth.checked_add(callee)
            });
            let mut below = below;
            let total = below.try_fold(body.frame, |most, next| Some(most.max(next?)));
            stacks.insert(f, total.filter(|_| body.unknown_stack.is_empty()));
        }
        stacks
    }
}

#[cfg(test)]
mod tests {
    use super::{Kind, kind};

    #[test]
    fn names_say_what_functions_are() {
        for (name, expected) in [
            ("core::panicking::panic_bounds_check", Some(Kind::Panic)),
            ("core::slice::index::slice_index_fail", Some(Kind::Panic)),
            ("core::option::unwrap_failed", Some(Kind::Panic)),
            ("__rustc::__rust_alloc", Some(Kind::Allocation)),
            ("__aeabi_dmul", Some(Kind::SoftFloat)),
            ("__aeabi_fadd", Some(Kind::SoftFloat)),
            ("__aeabi_ui2d", Some(Kind::SoftFloat)),
            ("__aeabi_f2iz", Some(Kind::SoftFloat)),
            ("__aeabi_l2f", Some(Kind::SoftFloat)),
            ("__muldf3", Some(Kind::SoftFloat)),
            ("compiler_builtins::float::add::__adddf3", Some(Kind::SoftFloat)),
            ("fmaf", Some(Kind::SoftFloat)),
            ("__aeabi_memcpy4", None),
            ("__aeabi_uldivmod", None),
            ("__aeabi_idiv", None),
            ("model::rt::math::fma::fma_soft", None),
            ("memcpy", None),
        ] {
            assert_eq!(kind(name), expected, "{name}");
        }
    }
}
