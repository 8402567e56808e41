//! Decision trees as the operands of `Op::Trees`: what they say, and whether they are sound.

use super::{DType, Tensor, Type};

/// How a node compares a feature with its threshold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Comparison {
    /// `x <= t`.
    Le,
    /// `x < t`.
    Lt,
    /// `x >= t`.
    Ge,
    /// `x > t`.
    Gt,
    /// `x == t`.
    Eq,
    /// `x != t`, of NaN too.
    Ne,
}

/// A node's test.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Test {
    /// The comparison.
    pub comparison: Comparison,
    /// Whether NaN passes it anyway.
    pub passes_nan: bool,
}

impl Test {
    const ALL: [Comparison; 6] =
        [Comparison::Le, Comparison::Lt, Comparison::Ge, Comparison::Gt, Comparison::Eq, Comparison::Ne];

    /// The number that stands for it: that of the comparison in the order of their declaration, plus 8 where NaN passes.
    pub fn code(self) -> i32 {
        let comparison = Test::ALL.iter().position(|&c| c == self.comparison).unwrap_or(0);
        comparison as i32 + if self.passes_nan { 8 } else { 0 }
    }

    /// The test of a number.
    pub fn of_code(code: i32) -> Option<Test> {
        let comparison = *Test::ALL.get(usize::try_from(code & !8).ok()?)?;
        Some(Test { comparison, passes_nan: code & 8 != 0 })
    }

    /// Whether a value passes.
    pub fn holds(self, x: f64, t: f64) -> bool {
        let compared = match self.comparison {
            Comparison::Le => x <= t,
            Comparison::Lt => x < t,
            Comparison::Ge => x >= t,
            Comparison::Gt => x > t,
            Comparison::Eq => x == t,
            Comparison::Ne => x != t,
        };
        compared || self.passes_nan && x.is_nan()
    }
}

/// Where a walk goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Place {
    /// At the node of this position.
    Node(usize),
    /// It ends at a leaf.
    Leaf(usize),
}

impl Place {
    /// The number that stands for it.
    pub fn code(self) -> i32 {
        match self {
            Place::Node(n) => n as i32,
            Place::Leaf(l) => -1 - l as i32,
        }
    }

    /// The node that it is.
    pub fn node(self) -> Option<usize> {
        if let Place::Node(n) = self { Some(n) } else { None }
    }

    fn of_code(code: i32, [nodes, leaves]: [usize; 2]) -> Result<Place, String> {
        let place = if code < 0 { Place::Leaf(!code as usize) } else { Place::Node(code as usize) };
        let inside = match place {
            Place::Node(n) => n < nodes,
            Place::Leaf(l) => l < leaves,
        };
        if inside { Ok(place) } else { Err(format!("{place:?} is beyond {nodes} nodes and {leaves} leaves")) }
    }
}

/// A test and where it leads.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct TreeNode {
    /// Position in a row.
    pub feature: usize,
    /// The test.
    pub test: Test,
    /// What the feature is compared with.
    pub threshold: f64,
    /// Where the test holds.
    pub yes: Place,
    /// Where it does not.
    pub no: Place,
}

/// The constants of `Op::Trees`. Numbers are f64, which holds f32 exactly.
#[derive(Clone, Debug, PartialEq)]
pub struct Forest {
    /// All nodes; the places that follow one lead to no circle.
    pub nodes: Vec<TreeNode>,
    /// Where each tree begins.
    pub roots: Vec<Place>,
    /// Targets and weights of each leaf.
    pub leaves: Vec<Vec<(usize, f64)>>,
}

impl Forest {
    /// Reads operands 1 to 6 of `Op::Trees`, of which types are inferred already.
    ///
    /// # Errors
    /// What is unsound in them.
    pub fn read(operands: &[&Tensor], features: usize, targets: usize) -> Result<Forest, String> {
        let &[nodes, thresholds, roots, leaves, of, weights] = operands else { return Err("needs six tables".into()) };
        let ints = |t: &Tensor| t.to_vec::<i32>().ok_or_else(|| format!("{} should be of i32", t.ty()));
        let (nodes, roots, leaves, of) = (ints(nodes)?, ints(roots)?, ints(leaves)?, ints(of)?);
        let entries: Vec<(usize, f64)> =
            of.iter().zip(weights.scalars()).map(|(&t, w)| (t as usize, w.to_f64())).collect();
        if let Some(t) = of.iter().find(|&&t| usize::try_from(t).is_ok_and(|t| t < targets).eq(&false)) {
            return Err(format!("there is no target {t}"));
        }
        let mut start = 0;
        let mut parts = Vec::with_capacity(leaves.len());
        for &end in &leaves {
            let part = usize::try_from(end).ok().and_then(|end| entries.get(start..end));
            parts.push(part.ok_or_else(|| format!("a leaf ends at entry {end}"))?.to_vec());
            start = end as usize;
        }
        let counts = [nodes.len() / 4, parts.len()];
        let read = |(n, threshold): (&[i32; 4], f64)| {
            let [feature, test, yes, no] = *n;
            let feature = usize::try_from(feature).ok().filter(|&f| f < features);
            Ok::<TreeNode, String>(TreeNode {
                feature: feature.ok_or_else(|| format!("a node tests feature {} of {features}", n[0]))?,
                test: Test::of_code(test).ok_or_else(|| format!("there is no test {test}"))?,
                threshold,
                yes: Place::of_code(yes, counts)?,
                no: Place::of_code(no, counts)?,
            })
        };
        let numbers = thresholds.scalars().map(|t| t.to_f64());
        let nodes: Result<Vec<TreeNode>, String> = nodes.as_chunks::<4>().0.iter().zip(numbers).map(read).collect();
        let roots: Result<Vec<Place>, String> = roots.iter().map(|&r| Place::of_code(r, counts)).collect();
        let forest = Forest { nodes: nodes?, roots: roots?, leaves: parts };
        forest.heights().map(|_| forest)
    }

    /// The number of tests from each node to its farthest leaf.
    ///
    /// # Errors
    /// Nodes that lead to themselves.
    pub fn heights(&self) -> Result<Vec<usize>, String> {
        heights(self.nodes.len(), |n| [self.nodes[n].yes, self.nodes[n].no].map(Place::node))
    }

    /// The leaf that a row comes to.
    pub fn leaf(&self, root: Place, row: &[f64]) -> usize {
        let mut place = root;
        loop {
            match place {
                Place::Leaf(leaf) => return leaf,
                Place::Node(n) => {
                    let node = &self.nodes[n];
                    place = if node.test.holds(row[node.feature], node.threshold) { node.yes } else { node.no };
                }
            }
        }
    }
}

/// The number of nodes on the longest path from each of `n` nodes, itself included.
///
/// # Errors
/// Nodes that lead to themselves.
pub fn heights(n: usize, successors: impl Fn(usize) -> [Option<usize>; 2]) -> Result<Vec<usize>, String> {
    // 0 of nodes on the path to the one that is looked at.
    let mut heights: Vec<Option<usize>> = vec![None; n];
    let mut path = Vec::new();
    for start in 0..n {
        path.push(start);
        while let Some(&n) = path.last() {
            if heights[n].is_some_and(|h| h > 0) {
                path.pop();
                continue;
            }
            heights[n] = Some(0);
            let known = path.len();
            let mut height = 1;
            for next in successors(n).into_iter().flatten() {
                match heights[next] {
                    None => path.push(next),
                    Some(0) => return Err(format!("node {next} leads to itself")),
                    Some(h) => height = height.max(h + 1),
                }
            }
            if path.len() == known {
                heights[n] = Some(height);
                path.pop();
            }
        }
    }
    Ok(heights.into_iter().map(|h| h.unwrap_or(1)).collect())
}

/// The type of the result of `Op::Trees`.
pub(super) fn infer(targets: usize, inputs: &[&Type]) -> Result<Type, String> {
    let x = inputs[0];
    let &[rows, _] = x.shape.as_slice() else { return Err(format!("{x} has no rows and features")) };
    if !matches!(x.dtype, DType::F32 | DType::F64) {
        return Err(format!("trees on {x}"));
    }
    let n = inputs[2].elements();
    let e = inputs[6].elements();
    let expected = [
        Type::new(DType::I32, [n, 4]),
        Type::new(x.dtype, [n]),
        Type::new(DType::I32, [inputs[3].elements()]),
        Type::new(DType::I32, [inputs[4].elements()]),
        Type::new(DType::I32, [e]),
        Type::new(x.dtype, [e]),
    ];
    for (k, (t, wanted)) in inputs[1..].iter().zip(&expected).enumerate() {
        if *t != wanted {
            return Err(format!("operand {} is {t}, should be {wanted}", k + 1));
        }
    }
    Ok(Type::new(x.dtype, [rows, targets]))
}
