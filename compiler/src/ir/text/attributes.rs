//! What stands in the braces of a node: a name with values or a flag each, separated by commas.

use std::collections::BTreeMap;
use std::str::FromStr;

use super::line::{Line, number};
use crate::ir::{Activation, Affine, DType, Epilogue, Hw, Quant, QuantResidual, Target, Window};

/// Attributes by name, taken out as they are understood.
pub(super) struct Attributes<'a>(BTreeMap<&'a str, Vec<&'a str>>);

impl<'a> Attributes<'a> {
    /// Reads `{name value .., flag}`, or nothing.
    pub(super) fn read(line: &mut Line<'a>) -> Result<Attributes<'a>, String> {
        let mut all = BTreeMap::new();
        if !line.take_mark('{') {
            return Ok(Attributes(all));
        }
        loop {
            let name = line.word()?;
            let mut values = Vec::new();
            while !line.is_mark(',') && !line.is_mark('}') {
                values.push(line.word()?);
            }
            if all.insert(name, values).is_some() {
                return Err(format!("{name} is given twice"));
            }
            if !line.take_mark(',') {
                line.mark('}')?;
                return Ok(Attributes(all));
            }
        }
    }

    /// Whether a flag is set.
    pub(super) fn flag(&mut self, name: &str) -> bool {
        self.0.remove(name).is_some()
    }

    /// The words after a name, if it is there.
    pub(super) fn words(&mut self, name: &str) -> Option<Vec<&'a str>> {
        self.0.remove(name)
    }

    /// A list of numbers.
    pub(super) fn list<T: FromStr>(&mut self, name: &str) -> Result<Vec<T>, String> {
        let words = self.words(name).ok_or_else(|| format!("{name} is missing"))?;
        words.into_iter().map(number).collect()
    }

    /// One word.
    pub(super) fn word(&mut self, name: &str) -> Result<&'a str, String> {
        match self.words(name).as_deref() {
            Some(&[word]) => Ok(word),
            Some(_) => Err(format!("{name} has one value")),
            None => Err(format!("{name} is missing")),
        }
    }

    /// One number.
    pub(super) fn number<T: FromStr>(&mut self, name: &str) -> Result<T, String> {
        number(self.word(name)?)
    }

    /// Height and width, `3x5`.
    fn hw(&mut self, name: &str) -> Result<Hw, String> {
        let word = self.word(name)?;
        let (h, w) = word.split_once('x').ok_or_else(|| format!("{word:?} is not a height and a width"))?;
        Ok([number(h)?, number(w)?])
    }

    /// Height and width, 1 where they are not given.
    fn hw_or_one(&mut self, name: &str) -> Result<Hw, String> {
        if self.0.contains_key(name) { self.hw(name) } else { Ok([1, 1]) }
    }

    pub(super) fn window(&mut self) -> Result<Window, String> {
        let pad = if self.0.contains_key("pad") { self.list("pad")? } else { vec![0; 4] };
        let &[top, left, bottom, right] = pad.as_slice() else { return Err("pad has four values".into()) };
        Ok(Window {
            kernel: self.hw("kernel")?,
            stride: self.hw_or_one("stride")?,
            dilation: self.hw_or_one("dilation")?,
            pad_begin: [top, left],
            pad_end: [bottom, right],
        })
    }

    pub(super) fn groups(&mut self) -> Result<usize, String> {
        if self.0.contains_key("groups") { self.number("groups") } else { Ok(1) }
    }

    pub(super) fn epilogue(&mut self) -> Result<Epilogue, String> {
        let activation = if self.flag("relu") {
            Activation::Clamp { lo: 0.0, hi: f32::INFINITY }
        } else if self.0.contains_key("clamp") {
            let bounds = self.list("clamp")?;
            let &[lo, hi] = bounds.as_slice() else { return Err("clamp has two values".into()) };
            Activation::Clamp { lo, hi }
        } else if self.0.contains_key("leaky") {
            Activation::Leaky { alpha: self.number("leaky")? }
        } else {
            Activation::None
        };
        Ok(Epilogue { bias: self.flag("bias"), residual: self.flag("residual"), activation })
    }

    /// The element type, the zero point and the bounds after a name.
    pub(super) fn target(&mut self, name: &str) -> Result<Target, String> {
        let words = self.words(name).ok_or_else(|| format!("{name} is missing"))?;
        let &[dtype, zero, lo, hi] = words.as_slice() else { return Err(format!("{name} has four values")) };
        let dtype = DType::named(dtype).ok_or_else(|| format!("{dtype:?} is no type"))?;
        Ok(Target { dtype, zero: number(zero)?, lo: number(lo)?, hi: number(hi)? })
    }

    /// A zero point and a scale.
    pub(super) fn affine(&mut self, name: &str) -> Result<Affine, String> {
        let words = self.words(name).ok_or_else(|| format!("{name} is missing"))?;
        let &[zero, scale] = words.as_slice() else { return Err(format!("{name} has two values")) };
        Ok(Affine { zero: number(zero)?, scale: number(scale)? })
    }

    pub(super) fn quant(&mut self) -> Result<Quant, String> {
        let (zero, target) = (self.number("zero")?, self.target("target")?);
        let residual = match self.words("residual") {
            None => None,
            Some(words) => {
                let &[zero, scale, other_zero, other_scale, y] = words.as_slice() else {
                    return Err("residual has five values".into());
                };
                Some(QuantResidual {
                    sum: Affine { zero: number(zero)?, scale: number(scale)? },
                    other: Affine { zero: number(other_zero)?, scale: number(other_scale)? },
                    scale: number(y)?,
                    target: self.target("onto")?,
                })
            }
        };
        Ok(Quant { zero, target, residual })
    }

    /// Refuses what nobody has taken.
    pub(super) fn end(self) -> Result<(), String> {
        match self.0.keys().next() {
            Some(name) => Err(format!("the operator has no attribute {name:?}")),
            None => Ok(()),
        }
    }
}
