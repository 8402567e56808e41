//! The dictionary in a `.npy` header: a Python literal of which exactly three entries are taken.

/// What the header says.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Header {
    /// Element type, as NumPy writes it (`<f4`).
    pub(super) descr: String,
    /// Whether the first index runs fastest.
    pub(super) fortran_order: bool,
    /// Extents.
    pub(super) shape: Vec<usize>,
}

impl Header {
    /// Reads `{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }`, the entries in any order and each once.
    pub(super) fn parse(text: &str) -> Result<Header, String> {
        let mut cursor = Cursor { rest: text };
        let (mut descr, mut order, mut shape) = (None, None, None);
        cursor.expect("{")?;
        while !cursor.eat("}") {
            let key = cursor.string()?;
            cursor.expect(":")?;
            let repeated = match key {
                "descr" => descr.replace(cursor.string()?.to_owned()).is_some(),
                "fortran_order" => order.replace(cursor.boolean()?).is_some(),
                "shape" => shape.replace(cursor.shape()?).is_some(),
                other => return Err(format!("its header has an unknown entry {other:?}")),
            };
            if repeated {
                return Err(format!("its header gives {key:?} twice"));
            }
            if !cursor.eat(",") {
                cursor.expect("}")?;
                break;
            }
        }
        if !cursor.rest.trim_ascii().is_empty() {
            return Err("its header goes on behind the dictionary".to_owned());
        }
        match (descr, order, shape) {
            (Some(descr), Some(fortran_order), Some(shape)) => Ok(Header { descr, fortran_order, shape }),
            _ => Err("its header lacks descr, fortran_order or shape".to_owned()),
        }
    }
}

struct Cursor<'a> {
    rest: &'a str,
}

impl<'a> Cursor<'a> {
    fn eat(&mut self, token: &str) -> bool {
        self.rest = self.rest.trim_ascii_start();
        match self.rest.strip_prefix(token) {
            Some(rest) => {
                self.rest = rest;
                true
            }
            None => false,
        }
    }

    fn expect(&mut self, token: &str) -> Result<(), String> {
        if self.eat(token) { Ok(()) } else { Err(format!("its header has no {token:?} where one belongs")) }
    }

    /// A string in either quotes; escapes do not occur in what is read here.
    fn string(&mut self) -> Result<&'a str, String> {
        let quote = if self.eat("'") {
            '\''
        } else if self.eat("\"") {
            '"'
        } else {
            return Err("its header has no string where one belongs (structured types are not supported)".to_owned());
        };
        let (text, rest) = self.rest.split_once(quote).ok_or_else(|| "its header has an open string".to_owned())?;
        self.rest = rest;
        Ok(text)
    }

    fn boolean(&mut self) -> Result<bool, String> {
        if self.eat("True") {
            return Ok(true);
        }
        self.expect("False").map(|()| false)
    }

    fn shape(&mut self) -> Result<Vec<usize>, String> {
        let mut dims = Vec::new();
        self.expect("(")?;
        while !self.eat(")") {
            dims.push(self.number()?);
            if !self.eat(",") {
                self.expect(")")?;
                break;
            }
        }
        Ok(dims)
    }

    fn number(&mut self) -> Result<usize, String> {
        self.rest = self.rest.trim_ascii_start();
        let end = self.rest.find(|digit: char| !digit.is_ascii_digit()).unwrap_or(self.rest.len());
        let (digits, rest) = self.rest.split_at(end);
        self.rest = rest;
        digits.parse().map_err(|_| "its header has an extent that is no number".to_owned())
    }
}
