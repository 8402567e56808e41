//! Features chosen, joined and encoded; labels exchanged; scores as a matrix instead of maps.

use std::collections::BTreeMap;

use crate::import::node::{Fault, Imported, NodeCx};
use crate::import::registry::{OpEntry, classical};
use crate::ir::formula::{Term, constant, select, x};
use crate::ir::{DType, Labels, Op, Scalar, Tensor, UnaryOp, ValueId};

use super::super::pieces::{concat, pick};
use super::scores::Classes;

/// The family's operators.
pub(in crate::import) const OPS: &[OpEntry] = &[
    classical("ArrayFeatureExtractor", extract, ""),
    classical(
        "CategoryMapper",
        category_mapper,
        "strings are the labels of a classifier, or come out as places in a list",
    ),
    classical("FeatureVectorizer", feature_vectorizer, ""),
    classical("LabelEncoder", label_encoder, "strings are the labels of a classifier, or come out as places in a list"),
    classical("OneHotEncoder", one_hot, "numbers"),
    classical("ZipMap", zip_map, "the scores as a matrix, whose columns' labels are a constant"),
];

/// Columns by their positions.
fn extract(cx: &mut NodeCx<'_>) -> Imported {
    let (v, at) = (cx.input(0)?, cx.input(1)?);
    let v = match *cx.shape(v) {
        [n] => cx.reshape(v, [1, n])?,
        [] => return Err(Fault::shape("a scalar has no columns")),
        _ => v,
    };
    let axis = cx.rank(v) - 1;
    let n = cx.ty(at).elements();
    if let Some(known) = cx.b.graph.data(at).and_then(Tensor::to_i64s) {
        let columns = cx.shape(v)[axis];
        let places: Option<Vec<usize>> =
            known.iter().map(|&i| usize::try_from(i).ok().filter(|&i| i < columns)).collect();
        let places = places.ok_or_else(|| Fault::shape(format!("columns {known:?} of {columns}")))?;
        return pick(cx, v, axis, &places);
    }
    let at = cx.reshape(at, [n])?;
    cx.emit(Op::Gather { axis }, &[v, at])
}

/// All features of all operands side by side, as f32.
fn feature_vectorizer(cx: &mut NodeCx<'_>) -> Imported {
    let dims = cx.ints_opt("inputdimensions")?.unwrap_or_default();
    let mut parts = Vec::new();
    for (i, v) in cx.variadic()?.into_iter().enumerate() {
        let v = match *cx.shape(v) {
            [n] => cx.reshape(v, [n, 1])?,
            [_, _] => v,
            _ => return Err(Fault::shape(format!("{} has no rows of features", cx.ty(v)))),
        };
        let columns = cx.shape(v)[1];
        if dims.get(i).is_some_and(|&d| usize::try_from(d) != Ok(columns)) {
            return Err(Fault::attribute("inputdimensions", format!("says {} for {}", dims[i], cx.ty(v))));
        }
        parts.push(cx.cast(v, DType::F32)?);
    }
    concat(cx, 1, &parts)
}

/// One where a number is a category's, in a dimension of its own. Without `zeros` other numbers are refused by ONNX; here they are zeros.
fn one_hot(cx: &mut NodeCx<'_>) -> Imported {
    if cx.strings_opt("cats_strings")?.is_some_and(|c| !c.is_empty()) {
        return Err(Fault::form("categories that are strings")
            .help("encode them as integers (OrdinalEncoder) outside the model"));
    }
    let v = cx.input(0)?;
    let categories =
        cx.ints_opt("cats_int64s")?.filter(|c| !c.is_empty()).ok_or_else(|| Fault::missing("cats_int64s"))?;
    if !cx.flag("zeros", true)? {
        return Err(Fault::form("a OneHotEncoder that fails where a number is no category")
            .help("train it with `handle_unknown='ignore'`"));
    }
    let v = cx.cast(v, DType::I64)?;
    let shape: Vec<usize> = cx.shape(v).into_iter().chain([1]).collect();
    let v = cx.reshape(v, shape)?;
    cx.b.reserve(categories.len().saturating_mul(8), "the categories")?;
    let categories = cx.add_constant(Tensor::from_elements([categories.len()], &categories));
    cx.map(x(0).eq(x(1)).cast(DType::F32).expr(DType::I64), &[v, categories])
}

/// The scores as they are.
fn zip_map(cx: &mut NodeCx<'_>) -> Imported {
    let v = cx.input(0)?;
    let classes = Classes::needed(cx, "classlabels_strings", "classlabels_int64s")?;
    let columns = cx.shape(v).last().copied();
    if columns != Some(classes.len()) {
        return Err(Fault::shape(format!("{} labels for {}", classes.len(), cx.ty(v))));
    }
    let labels = match classes {
        Classes::Names(names) => Labels::ColumnNames(names),
        Classes::Numbers(numbers) => Labels::ColumnNumbers(numbers),
    };
    cx.mark_labels(v, labels);
    Ok(v)
}

/// Labels or numbers of one kind.
enum List {
    Names(Vec<String>),
    Numbers(Vec<Scalar>),
}

impl List {
    fn len(&self) -> usize {
        match self {
            List::Names(n) => n.len(),
            List::Numbers(n) => n.len(),
        }
    }
}

/// The list of an attribute that has one name for each type.
fn list(cx: &NodeCx<'_>, what: &str) -> Imported<List> {
    if let Some(names) = cx.strings_opt(&format!("{what}_strings"))? {
        return Ok(List::Names(names));
    }
    if let Some(numbers) = cx.ints_opt(&format!("{what}_int64s"))? {
        return Ok(List::Numbers(numbers.iter().map(|&n| Scalar::from_i64(n, DType::I64)).collect()));
    }
    if let Some(numbers) = cx.floats_opt(&format!("{what}_floats"))? {
        return Ok(List::Numbers(numbers.iter().map(|&n| Scalar::from_f64(f64::from(n), DType::F32)).collect()));
    }
    match cx.tensor_opt(&format!("{what}_tensor"))? {
        Some(t) => Ok(List::Numbers(t.scalars().collect())),
        None => Err(Fault::missing(&format!("{what}_int64s"))),
    }
}

fn label_encoder(cx: &mut NodeCx<'_>) -> Imported {
    if cx.opset < 2 {
        let names = cx.strings_opt("classes_strings")?.ok_or_else(|| Fault::missing("classes_strings"))?;
        return between_names_and_places(cx, names);
    }
    let (keys, values) = (list(cx, "keys")?, list(cx, "values")?);
    if keys.len() != values.len() {
        return Err(Fault::form(format!("{} keys for {} values", keys.len(), values.len())));
    }
    let default = match &values {
        List::Names(_) => None,
        List::Numbers(numbers) => Some(default_number(cx, numbers.first().map_or(DType::I64, |n| n.dtype()))?),
    };
    let default_name = cx.string("default_string", "_Unused")?;
    exchange(cx, keys, values, (default, default_name))
}

/// The number for what is no key.
fn default_number(cx: &NodeCx<'_>, dtype: DType) -> Imported<Scalar> {
    if let Some(t) = cx.tensor_opt("default_tensor")?
        && t.len() == 1
        && t.dtype() == dtype
    {
        return Ok(t.get(0));
    }
    Ok(match dtype {
        DType::F32 => Scalar::from_f64(f64::from(cx.float("default_float", 0.0)?), dtype),
        other if other.is_float() => Scalar::zero(other),
        other => Scalar::from_i64(cx.int("default_int64", -1)?, other),
    })
}

/// Version 1: names become places, or places names.
fn between_names_and_places(cx: &mut NodeCx<'_>, names: Vec<String>) -> Imported {
    let places = List::Numbers((0..names.len() as i64).map(|n| Scalar::from_i64(n, DType::I64)).collect());
    mapped_both_ways(cx, names, places)
}

fn category_mapper(cx: &mut NodeCx<'_>) -> Imported {
    let names = cx.strings_opt("cats_strings")?.ok_or_else(|| Fault::missing("cats_strings"))?;
    let numbers = cx.ints_opt("cats_int64s")?.ok_or_else(|| Fault::missing("cats_int64s"))?;
    let numbers = List::Numbers(numbers.iter().map(|&n| Scalar::from_i64(n, DType::I64)).collect());
    mapped_both_ways(cx, names, numbers)
}

/// Strings become numbers; numbers become strings.
fn mapped_both_ways(cx: &mut NodeCx<'_>, names: Vec<String>, numbers: List) -> Imported {
    if names.len() != numbers.len() {
        return Err(Fault::form(format!("{} names for {} numbers", names.len(), numbers.len())));
    }
    let default = Scalar::from_i64(cx.int("default_int64", -1)?, DType::I64);
    let name = cx.string("default_string", "_Unused")?;
    let has_labels = cx.b.labels.contains_key(&cx.input(0)?);
    let (keys, values) = if has_labels { (List::Names(names), numbers) } else { (numbers, List::Names(names)) };
    exchange(cx, keys, values, (Some(default), name))
}

/// For each element the value that belongs to its key, the first of equal keys.
fn exchange(cx: &mut NodeCx<'_>, keys: List, values: List, default: (Option<Scalar>, String)) -> Imported {
    let v = cx.input(0)?;
    let table = 64usize.saturating_mul(keys.len());
    cx.b.reserve(table, "the table of labels")?;
    // Names that come out are places in a list, each name once.
    let mut names: Vec<String> = Vec::new();
    let values: Vec<Scalar> = match values {
        List::Numbers(numbers) => numbers,
        List::Names(given) => {
            let mut places = BTreeMap::new();
            let mut place = |name: String| {
                let next = names.len() as i64;
                *places.entry(name.clone()).or_insert_with(|| {
                    names.push(name);
                    next
                })
            };
            let mut all: Vec<Scalar> = given.into_iter().map(|n| Scalar::from_i64(place(n), DType::I64)).collect();
            all.push(Scalar::from_i64(place(default.1), DType::I64));
            all
        }
    };
    let (values, default) = match (names.is_empty(), values.split_last()) {
        (false, Some((last, rest))) => (rest.to_vec(), *last),
        _ => (values, default.0.ok_or_else(|| Fault::form("there is no value for what is no key"))?),
    };
    let dtype = default.dtype();
    let of_names = |labels: &[String], keys: &[String]| -> Vec<(usize, usize)> {
        let place = |name: &String| keys.iter().position(|k| k == name);
        labels.iter().enumerate().filter_map(|(i, name)| Some((i, place(name)?))).collect()
    };
    let pairs: Vec<(Scalar, Scalar)> = match (&keys, cx.b.labels.get(&v)) {
        (List::Numbers(keys), None) => keys.iter().copied().zip(values).collect(),
        (List::Names(keys), Some(Labels::Names(labels))) => of_names(labels, keys)
            .into_iter()
            .map(|(i, k)| (Scalar::from_i64(i as i64, DType::I64), values[k]))
            .collect(),
        _ => {
            return Err(Fault::form("strings that are no labels of a classifier are numbered")
                .help("encode them as integers outside the model"));
        }
    };
    let chosen = look_up_keys(cx, v, &pairs, default)?;
    if !names.is_empty() {
        cx.mark_labels(chosen, Labels::Names(names));
    }
    debug_assert_eq!(cx.dtype(chosen), dtype);
    Ok(chosen)
}

/// The longest list of keys that is compared one after the other.
const MAX_COMPARED: usize = 1024;

/// For each element the value of the first key that it equals; NaN is a key like others.
fn look_up_keys(cx: &mut NodeCx<'_>, v: ValueId, pairs: &[(Scalar, Scalar)], default: Scalar) -> Imported {
    if pairs.len() > MAX_COMPARED {
        return Err(Fault::form(format!("a table of {} labels, more than {MAX_COMPARED}", pairs.len())));
    }
    let key = cx.dtype(v);
    if let Some((k, _)) = pairs.iter().find(|(k, _)| k.dtype() != key) {
        return Err(Fault::ty(format!("keys of {} for {}", k.dtype(), cx.ty(v))));
    }
    let is = |k: Scalar| -> Term {
        let is_nan = k.dtype().is_float() && k.to_f64().is_nan();
        if is_nan { x(0).then(UnaryOp::IsNan) } else { x(0).eq(constant(k)) }
    };
    // A few at a time, so that expressions stay shallow.
    let mut y = None;
    for few in pairs.rchunks(16) {
        let other = if y.is_some() { x(1) } else { constant(default) };
        let chosen = few.iter().rev().fold(other, |other, &(k, value)| select(is(k), constant(value), other));
        let operands: Vec<ValueId> = [v].into_iter().chain(y).collect();
        y = Some(cx.map(chosen.expr(default.dtype()), &operands)?);
    }
    match y {
        Some(y) => Ok(y),
        None => cx.map(constant(default).expr(default.dtype()), &[v]),
    }
}
