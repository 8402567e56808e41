//! The table of diagnostic codes: one line each, the single source of `zantc explain` and `docs/errors.md`.

/// What a code means.
pub struct Code {
    /// E.g. `ZA0204`.
    pub code: &'static str,
    /// A short title.
    pub title: &'static str,
    /// The explanation: when it happens and what to do.
    pub text: &'static str,
}

/// An operator, or this opset of it, is not supported.
pub const UNSUPPORTED_OPERATOR: &str = "ZA0201";
/// An element type has no kernel or no counterpart.
pub const UNSUPPORTED_TYPE: &str = "ZA0202";
/// An attribute or input of a supported operator has a form that is not supported.
pub const UNSUPPORTED_FORM: &str = "ZA0203";
/// Operands do not fit the operator.
pub const SHAPE_MISMATCH: &str = "ZA0204";
/// A symbolic dimension has no value.
pub const UNBOUND_DIMENSION: &str = "ZA0205";
/// A shape or another parameter must be known at compile time and is not.
pub const NOT_CONSTANT: &str = "ZA0206";
/// An attribute is missing or has another type than the operator's.
pub const BAD_ATTRIBUTE: &str = "ZA0207";
/// An input of a node is missing.
pub const MISSING_INPUT: &str = "ZA0208";
/// The graph's structure is broken.
pub const MALFORMED_GRAPH: &str = "ZA0209";
/// A tensor is larger than the limits allow.
pub const TOO_LARGE: &str = "ZA0210";
/// A budget of RAM or flash is exceeded.
pub const OVER_BUDGET: &str = "ZA0301";
