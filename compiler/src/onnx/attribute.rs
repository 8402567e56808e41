//! An attribute's value as one enum, whatever field of the message holds it.

use bytes::Bytes;

use super::proto::{AttributeProto, GraphProto, SparseTensorProto, TensorProto, TypeProto};

/// The value of an attribute.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum AttributeValue<'a> {
    /// One float.
    Float(f32),
    /// One integer; booleans are integers too.
    Int(i64),
    /// A string, by agreement UTF-8.
    Str(&'a Bytes),
    /// A tensor.
    Tensor(&'a TensorProto),
    /// A graph.
    Graph(&'a GraphProto),
    /// A sparse tensor.
    SparseTensor(&'a SparseTensorProto),
    /// A type.
    Type(&'a TypeProto),
    /// Floats, possibly none.
    Floats(&'a [f32]),
    /// Integers, possibly none.
    Ints(&'a [i64]),
    /// Strings, possibly none.
    Strs(&'a [Bytes]),
    /// Tensors, possibly none.
    Tensors(&'a [TensorProto]),
    /// Graphs, possibly none.
    Graphs(&'a [GraphProto]),
    /// Sparse tensors, possibly none.
    SparseTensors(&'a [SparseTensorProto]),
    /// Types, possibly none.
    Types(&'a [TypeProto]),
    /// In a function's body: the value of this attribute of the function.
    Reference(&'a str),
}

macro_rules! kinds {
    ($($name:ident = $number:literal),+) => {
        /// Numbers of `kind`.
        impl AttributeProto {
            $(#[doc = concat!("The kind ", stringify!($name), ".")]
            pub const $name: i32 = $number;)+
        }
    };
}

kinds!(
    FLOAT = 1,
    INT = 2,
    STRING = 3,
    TENSOR = 4,
    GRAPH = 5,
    FLOATS = 6,
    INTS = 7,
    STRINGS = 8,
    TENSORS = 9,
    GRAPHS = 10,
    SPARSE_TENSOR = 11,
    SPARSE_TENSORS = 12,
    TYPE_PROTO = 13,
    TYPE_PROTOS = 14
);

impl AttributeProto {
    /// The value, or `None` where the attribute has no value of its kind or an unknown kind.
    ///
    /// Files of the first IR version give no kind: there the one field that is filled decides, and several filled
    /// fields are no value. An absent `f`, `i` or `s` of a given kind is its default (0, 0, empty), as writers that
    /// leave defaults out mean it.
    pub fn value(&self) -> Option<AttributeValue<'_>> {
        static EMPTY: Bytes = Bytes::new();
        if !self.ref_attr_name.is_empty() {
            return Some(AttributeValue::Reference(&self.ref_attr_name));
        }
        match self.kind {
            0 => self.untyped_value(),
            Self::FLOAT => Some(AttributeValue::Float(self.f.unwrap_or_default())),
            Self::INT => Some(AttributeValue::Int(self.i.unwrap_or_default())),
            Self::STRING => Some(AttributeValue::Str(self.s.as_ref().unwrap_or(&EMPTY))),
            Self::TENSOR => self.t.as_deref().map(AttributeValue::Tensor),
            Self::GRAPH => self.g.as_deref().map(AttributeValue::Graph),
            Self::SPARSE_TENSOR => self.sparse_tensor.as_deref().map(AttributeValue::SparseTensor),
            Self::TYPE_PROTO => self.tp.as_deref().map(AttributeValue::Type),
            Self::FLOATS => Some(AttributeValue::Floats(&self.floats)),
            Self::INTS => Some(AttributeValue::Ints(&self.ints)),
            Self::STRINGS => Some(AttributeValue::Strs(&self.strings)),
            Self::TENSORS => Some(AttributeValue::Tensors(&self.tensors)),
            Self::GRAPHS => Some(AttributeValue::Graphs(&self.graphs)),
            Self::SPARSE_TENSORS => Some(AttributeValue::SparseTensors(&self.sparse_tensors)),
            Self::TYPE_PROTOS => Some(AttributeValue::Types(&self.type_protos)),
            _ => None,
        }
    }

    fn untyped_value(&self) -> Option<AttributeValue<'_>> {
        let mut filled = [
            self.f.map(AttributeValue::Float),
            self.i.map(AttributeValue::Int),
            self.s.as_ref().map(AttributeValue::Str),
            self.t.as_deref().map(AttributeValue::Tensor),
            self.g.as_deref().map(AttributeValue::Graph),
            self.sparse_tensor.as_deref().map(AttributeValue::SparseTensor),
            self.tp.as_deref().map(AttributeValue::Type),
            (!self.floats.is_empty()).then_some(AttributeValue::Floats(&self.floats)),
            (!self.ints.is_empty()).then_some(AttributeValue::Ints(&self.ints)),
            (!self.strings.is_empty()).then_some(AttributeValue::Strs(&self.strings)),
            (!self.tensors.is_empty()).then_some(AttributeValue::Tensors(&self.tensors)),
            (!self.graphs.is_empty()).then_some(AttributeValue::Graphs(&self.graphs)),
            (!self.sparse_tensors.is_empty()).then_some(AttributeValue::SparseTensors(&self.sparse_tensors)),
            (!self.type_protos.is_empty()).then_some(AttributeValue::Types(&self.type_protos)),
        ]
        .into_iter()
        .flatten();
        let first = filled.next()?;
        filled.next().is_none().then_some(first)
    }
}

#[cfg(test)]
mod tests {
    use super::{AttributeProto, AttributeValue};

    #[test]
    fn kind_chooses_the_field() {
        let both = AttributeProto { kind: AttributeProto::INT, i: Some(3), f: Some(1.0), ..Default::default() };
        assert_eq!(both.value(), Some(AttributeValue::Int(3)));
        let empty = AttributeProto { kind: AttributeProto::INTS, ..Default::default() };
        assert_eq!(empty.value(), Some(AttributeValue::Ints(&[])));
        let missing = AttributeProto { kind: AttributeProto::TENSOR, i: Some(1), ..Default::default() };
        assert_eq!(missing.value(), None);
        let unknown = AttributeProto { kind: 15, i: Some(1), ..Default::default() };
        assert_eq!(unknown.value(), None);
    }

    #[test]
    fn without_a_kind_the_only_filled_field_is_the_value() {
        let ints = AttributeProto { ints: vec![1, 2], ..Default::default() };
        assert_eq!(ints.value(), Some(AttributeValue::Ints(&[1, 2])));
        let both = AttributeProto { i: Some(1), f: Some(1.0), ..Default::default() };
        assert_eq!(both.value(), None);
        assert_eq!(AttributeProto::default().value(), None);
    }

    #[test]
    fn a_reference_comes_before_any_value() {
        let reference =
            AttributeProto { kind: AttributeProto::INT, ref_attr_name: "axis".into(), ..Default::default() };
        assert_eq!(reference.value(), Some(AttributeValue::Reference("axis")));
    }
}
