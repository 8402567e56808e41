//! Who calls whom below a root.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use super::body::Body;
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
        let mut open = VecDeque::from([root]);
        while let Some(f) = open.pop_front() {
            if graph.bodies.contains_key(&f) {
                continue;
            }
            let body = Body::read(image, &image.functions[f]);
            for callee in body.calls.iter().filter_map(|(to, _)| image.function_at(*to)) {
                if callee != root {
                    graph.callers.entry(callee).or_insert(f);
                }
                open.push_back(callee);
            }
            graph.bodies.insert(f, body);
        }
        graph
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
            let unknown = body.calls.iter().filter(|(to, _)| self.image.function_at(*to).is_none());
            found.extend(unknown.map(|&(to, _)| violation(Kind::Unknown, Some(to))));
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
        let callees = body.calls.iter().filter_map(|(to, _)| self.image.function_at(*to));
        callees.into_iter().any(|f| kind(&self.image.functions[f].name) == Some(Kind::Panic))
    }

    fn callees(&self, f: usize) -> BTreeSet<usize> {
        let calls = self.bodies.get(&f).map_or(&[][..], |b| &b.calls);
        calls.iter().filter_map(|(to, _)| self.image.function_at(*to)).collect()
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
            let below = body.calls.iter().map(|&(to, depth)| {
                let callee = stacks.get(&self.image.function_at(to)?).copied().flatten()?;
                depth.checked_add(callee)
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
