//! The grammar of templates: `text ${path | filter('arg')} text`, into raw pieces with offsets.

/// Filters and how they are written.
pub(super) const FILTERS: [(&str, &str); 18] = [
    ("date", "date('MM/dd/yyyy')"),
    ("plus_days", "plus_days(3)"),
    ("digits", "digits"),
    ("alnum", "alnum"),
    ("upper", "upper"),
    ("lower", "lower"),
    ("trim", "trim"),
    ("start", "start(3)"),
    ("end", "end(4)"),
    ("number", "number(2)"),
    ("pad", "pad(10, '0')"),
    ("mask", "mask"),
    ("join", "join(', ')"),
    ("first", "first"),
    ("last", "last"),
    ("words", "words(table)"),
    ("yes_no", "yes_no('Y', 'N')"),
    ("or", "or('text')"),
];

/// One piece of a template.
pub(super) enum Piece {
    Text(String),
    Expr(Raw),
}

/// An expression before its filters are known; offsets are in characters of the text.
pub(super) struct Raw {
    pub(super) path: Vec<String>,
    pub(super) at: usize,
    pub(super) wide: usize,
    pub(super) filters: Vec<Call>,
}

/// A filter as written.
pub(super) struct Call {
    pub(super) name: String,
    pub(super) args: Vec<Arg>,
    pub(super) at: usize,
    pub(super) wide: usize,
}

/// An argument of a filter.
pub(super) enum Arg {
    Text(String),
    Number(i64),
    Word(String),
}

/// What is wrong with a template, and where.
pub(super) struct Error {
    pub(super) at: usize,
    pub(super) wide: usize,
    pub(super) message: String,
}

/// Splits a template into texts and expressions.
pub(super) fn split(text: &str) -> Result<Vec<Piece>, Error> {
    let mut cursor = Cursor { chars: text.chars().collect(), at: 0 };
    let mut pieces = Vec::new();
    let mut plain = String::new();
    while let Some(c) = cursor.peek() {
        if cursor.eat("$${") {
            plain.push_str("${");
        } else if cursor.eat("${") {
            if !plain.is_empty() {
                pieces.push(Piece::Text(std::mem::take(&mut plain)));
            }
            pieces.push(Piece::Expr(cursor.expression()?));
        } else {
            plain.push(c);
            cursor.at += 1;
        }
    }
    if !plain.is_empty() {
        pieces.push(Piece::Text(plain));
    }
    Ok(pieces)
}

/// Reads `name.name`.
pub(super) fn path(text: &str) -> Option<Vec<String>> {
    let mut cursor = Cursor { chars: text.chars().collect(), at: 0 };
    let names = cursor.path().ok()?;
    (cursor.at == cursor.chars.len()).then_some(names)
}

struct Cursor {
    chars: Vec<char>,
    at: usize,
}

impl Cursor {
    fn peek(&self) -> Option<char> {
        self.chars.get(self.at).copied()
    }

    fn eat(&mut self, text: &str) -> bool {
        let here = self.chars[self.at..].iter().copied().take(text.len());
        let found = here.eq(text.chars());
        if found {
            self.at += text.len();
        }
        found
    }

    fn space(&mut self) {
        while self.peek() == Some(' ') {
            self.at += 1;
        }
    }

    fn fail<T>(&self, message: impl Into<String>) -> Result<T, Error> {
        Err(Error { at: self.at, wide: 1, message: message.into() })
    }

    fn expression(&mut self) -> Result<Raw, Error> {
        self.space();
        let at = self.at;
        let path = self.path()?;
        let wide = self.at - at;
        let mut filters = Vec::new();
        loop {
            self.space();
            if self.eat("}") {
                return Ok(Raw { path, at, wide, filters });
            }
            if !self.eat("|") {
                return self.fail("here a `|` and a filter, or the closing `}`, is missing");
            }
            self.space();
            filters.push(self.call()?);
        }
    }

    fn path(&mut self) -> Result<Vec<String>, Error> {
        let mut names = vec![self.name()?];
        while self.eat(".") {
            names.push(self.name()?);
        }
        Ok(names)
    }

    fn name(&mut self) -> Result<String, Error> {
        let start = self.at;
        while self.peek().is_some_and(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_')
        {
            self.at += 1;
        }
        let name: String = self.chars[start..self.at].iter().collect();
        if name.starts_with(|c: char| c.is_ascii_lowercase()) {
            return Ok(name);
        }
        self.at = start;
        self.fail("here a name in small letters is missing")
    }

    fn call(&mut self) -> Result<Call, Error> {
        let at = self.at;
        let name = self.name()?;
        let mut args = Vec::new();
        if self.eat("(") {
            loop {
                self.space();
                args.push(self.arg()?);
                self.space();
                if self.eat(")") {
                    break;
                }
                if !self.eat(",") {
                    return self.fail("here a `,` or `)` is missing");
                }
            }
        }
        Ok(Call { name, args, at, wide: self.at - at })
    }

    fn arg(&mut self) -> Result<Arg, Error> {
        let Some(c) = self.peek() else { return self.fail("here an argument is missing") };
        if c == '\'' {
            return self.quoted().map(Arg::Text);
        }
        if c == '-' || c.is_ascii_digit() {
            let start = self.at;
            self.at += 1;
            while self.peek().is_some_and(|c| c.is_ascii_digit()) {
                self.at += 1;
            }
            let text: String = self.chars[start..self.at].iter().collect();
            return match text.parse() {
                Ok(number) => Ok(Arg::Number(number)),
                Err(_) => self.fail(format!("`{text}` is not a whole number")),
            };
        }
        self.path().map(|names| Arg::Word(names.join(".")))
    }

    /// A text in single quotes; two of them stand for one.
    fn quoted(&mut self) -> Result<String, Error> {
        let mut text = String::new();
        self.at += 1;
        loop {
            if self.eat("''") {
                text.push('\'');
            } else if self.eat("'") {
                return Ok(text);
            } else if let Some(c) = self.peek() {
                text.push(c);
                self.at += 1;
            } else {
                return self.fail("the closing `'` is missing");
            }
        }
    }
}
