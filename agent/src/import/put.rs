//! What is put into one field: an input through a filter, a word of a table, a secret, or a place for a person.

use domain::script::{check::attests, parse::TO_DO};

use super::ask::Ask;
use super::draft::{Builder, Table};
use super::fold::Seen;
use super::secret::Alias;
use super::values::{Place, Source, Use, Values};
use super::yaml::{Matched, scalar, snake};

/// The verb of a field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verb {
    Fill,
    Choose,
    Attest,
    Attach,
}

impl Verb {
    pub(super) fn word(self) -> &'static str {
        match self {
            Self::Fill => "fill",
            Self::Choose => "choose",
            Self::Attest => "attest",
            Self::Attach => "attach",
        }
    }
}

/// One field of a step.
#[derive(Clone)]
pub(super) struct Field {
    pub(super) verb: Verb,
    pub(super) element: usize,
    pub(super) put: Put,
    pub(super) asks: Vec<Ask>,
}

/// What is put into it.
#[derive(Clone)]
pub(super) enum Put {
    Source(Source),
    /// Through a table of words.
    Words(Source, String),
    Secret(Alias),
    /// As YAML.
    Yaml(String),
    ToDo,
    /// Typed, then picked: what contains the typed text, or a person says.
    Suggest {
        typed: Source,
        same: bool,
    },
}

impl Field {
    /// The item of a list it belongs to.
    pub(super) fn place(&self, values: &Values) -> Option<Place> {
        match &self.put {
            Put::Source(source) | Put::Words(source, _) | Put::Suggest { typed: source, .. } => {
                values.place(source)
            }
            Put::Secret(_) | Put::Yaml(_) | Put::ToDo => None,
        }
    }

    /// Its value as YAML; `variable` inside a loop over its list.
    pub(super) fn written(&self, values: &Values, variable: Option<&str>) -> String {
        let template = |source: &Source| values.template(source, variable);
        match &self.put {
            Put::Source(source) => template(source).map(|text| scalar(&text)),
            Put::Words(source, table) => template(source).map(|text| {
                let inner = text.trim_end_matches('}');
                scalar(&format!("{inner} | words({table})}}"))
            }),
            Put::Secret(alias) if alias.is_code() => Some(format!("{{otp: {}}}", alias.name())),
            Put::Secret(alias) => Some(format!("{{secret: {}}}", alias.name())),
            Put::Yaml(text) => Some(text.clone()),
            Put::ToDo => None,
            Put::Suggest { typed, same } => template(typed).map(|text| {
                let text = scalar(&text);
                let pick = if *same { format!("{{contains: {text}}}") } else { TO_DO.to_owned() };
                format!("{{type: {text}, pick: {pick}}}")
            }),
        }
        .unwrap_or_else(|| TO_DO.to_owned())
    }
}

impl Builder<'_> {
    fn field_of(&mut self, verb: Verb, on: &Seen, put: Put, asks: Vec<Ask>) -> Field {
        let typed_into = on.control != super::selector::Control::Check
            && on.control != super::selector::Control::Radio;
        let element = self.elements.add(on, typed_into, &mut self.values);
        Field { verb, element, put, asks }
    }

    pub(super) fn secret(&mut self, on: &Seen, alias: Alias) -> Field {
        if !self.secrets.contains(&alias) {
            self.secrets.push(alias);
        }
        self.field_of(Verb::Fill, on, Put::Secret(alias), Vec::new())
    }

    pub(super) fn filled(&mut self, on: &Seen, text: &str) -> Field {
        let path = format!("{}.value", on.path);
        let (put, asks) = match self.explained(on, text) {
            Some((source, asks)) => (Put::Source(source), asks),
            None => (Put::ToDo, vec![Ask::new(path, self.unknown("is typed into", on))]),
        };
        self.field_of(Verb::Fill, on, put, asks)
    }

    /// Which input gives a typed text, with a question where several do.
    fn explained(&mut self, on: &Seen, text: &str) -> Option<(Source, Vec<Ask>)> {
        let found = self.values.explain(text, &on.words)?;
        self.values.mark(&found.source, Use::Plain);
        let mut asks = Vec::new();
        if !found.rivals.is_empty() {
            let text =
                format!("The same stands in {}: which one is meant?", found.rivals.join(", "));
            asks.push(Ask::new(format!("{}.value", on.path), text));
        }
        Some((found.source, asks))
    }

    /// A question about a literal nobody explains; the literal itself is never shown.
    fn unknown(&mut self, what: &str, on: &Seen) -> String {
        let name = self.called(on);
        if self.with_values {
            format!("No input explains what {what} {name} (••••): which one is it?")
        } else {
            format!("Which input {what} {name} (••••)?")
        }
    }

    /// An element's caption for a question.
    fn called(&mut self, on: &Seen) -> String {
        let name = on.name().map(str::to_owned).unwrap_or_default();
        match self.elements.caption(&name, &mut self.values) {
            Some(Matched::Equals(text)) if !text.contains("${") => format!("“{text}”"),
            _ => "this field".to_owned(),
        }
    }

    pub(super) fn chosen(&mut self, on: &Seen, text: &str) -> Field {
        let path = format!("{}.value", on.path);
        if let Some(leaf) = self.values.explain_option(text, &on.words) {
            let put = self.through_words(leaf, None, &path);
            return self.field_of(Verb::Choose, on, put, Vec::new());
        }
        let name = self.called(on);
        let text = format!(
            "Which label is chosen in {name}? The recording holds the option's value only (••••)."
        );
        self.field_of(Verb::Choose, on, Put::ToDo, vec![Ask::new(path, text)])
    }

    /// An enumeration with the portal's words; one of them may be known.
    fn through_words(&mut self, leaf: usize, label: Option<&str>, path: &str) -> Put {
        let source = Source::Leaf { leaf, filter: String::new() };
        self.values.mark(&source, Use::Words);
        let (wish, ours) = self.values.enumeration(leaf);
        let wish = snake(&wish);
        let own = self.values.text(leaf).to_owned();
        let known = self.words.iter().position(|table| {
            self.values.path(table.leaf) == self.values.path(leaf)
                && table.rows.iter().all(|(word, theirs)| {
                    *word != own
                        || label.is_none()
                        || theirs.is_none()
                        || theirs.as_deref() == label
                })
        });
        let at = known.unwrap_or_else(|| {
            let name = self.tables.give(&wish, "words");
            let rows = ours.into_iter().map(|word| (word, None)).collect();
            self.words.push(Table { name, leaf, rows, path: path.to_owned() });
            self.words.len() - 1
        });
        let table = &mut self.words[at];
        for (word, theirs) in &mut table.rows {
            if *word == own && label.is_some() {
                *theirs = label.map(str::to_owned);
            }
        }
        Put::Words(source, table.name.clone())
    }

    pub(super) fn radio(&mut self, on: &Seen) -> Field {
        let path = format!("{}.selectors", on.path);
        let shown = on.name().map(str::to_owned).unwrap_or_default();
        let label = match self.elements.caption(&shown, &mut self.values) {
            Some(Matched::Equals(text)) if !text.contains("${") => Some(text),
            _ => None,
        };
        let (put, asks) = match (&label, self.values.explain_option(&shown, &on.words)) {
            (Some(label), Some(leaf)) => (self.through_words(leaf, Some(label), &path), Vec::new()),
            (Some(label), None) => {
                let text = "Is it always this one? If an input decides, name it.";
                (Put::Yaml(scalar(label)), vec![Ask::new(path, text)])
            }
            (None, _) => {
                (Put::ToDo, vec![Ask::new(path, "Which of these is chosen, by its label?")])
            }
        };
        self.field_of(Verb::Choose, on, put, asks)
    }

    pub(super) fn ticked(&mut self, on: &Seen) -> Field {
        let name = on.name().map(str::to_owned).unwrap_or_default();
        let path = on.path.clone();
        if attests(&name)
            && let Some(matched) = self.elements.caption(&name, &mut self.values)
        {
            let text = "This states something for a person: is this the whole statement? Its words must be the page's.";
            let put = Put::Yaml(format!("{{says: {}}}", matched.written()));
            return self.field_of(Verb::Attest, on, put, vec![Ask::new(path, text)]);
        }
        let text = "A click on a box: is it ticked or unticked afterwards? Write true or false; if it states something \
                    for a person, write `attest`.";
        self.field_of(Verb::Choose, on, Put::ToDo, vec![Ask::new(path, text)])
    }

    /// Something named without text: a radio if an input explains it, else a person says what it is.
    pub(super) fn boxlike(&mut self, on: &Seen) -> Field {
        let name = on.name().map(str::to_owned).unwrap_or_default();
        if self.values.explain_option(&name, &on.words).is_some() {
            return self.radio(on);
        }
        if attests(&name) {
            return self.ticked(on);
        }
        let text = "Something without text was clicked. A box: write true or false. A radio: write its label. Anything \
                    else: make it a `click`.";
        let asks = vec![Ask::new(on.path.clone(), text)];
        self.field_of(Verb::Choose, on, Put::ToDo, asks)
    }

    pub(super) fn attached(&mut self, on: &Seen, text: &str) -> Field {
        let path = format!("{}.value", on.path);
        let (put, asks) = match self.values.explain_file(text) {
            Some(leaf) => {
                let source = Source::Leaf { leaf, filter: String::new() };
                self.values.mark(&source, Use::File);
                let text = "Which kinds and sizes of files does the portal take? See `needs`.";
                // a list of one file stands for the whole list
                let alone = self.values.place(&source).is_some_and(|place| place.count == 1);
                let whole = scalar(&format!("${{{}}}", self.values.path(leaf)));
                let put = if alone { Put::Yaml(whole) } else { Put::Source(source) };
                (put, vec![Ask::new(path, text)])
            }
            None => {
                let text = "Which input is attached here? Write a file of `needs`, such as \"${documents}\".";
                (Put::Yaml(format!("\"${{{TO_DO}}}\"")), vec![Ask::new(path, text)])
            }
        };
        self.field_of(Verb::Attach, on, put, asks)
    }

    pub(super) fn suggested(&mut self, on: &Seen, text: &str, pick: Option<&Seen>) -> Field {
        let path = format!("{}.value", on.path);
        let shown = pick.and_then(Seen::name).unwrap_or_default();
        // often only the beginning is typed
        let begun = self.values.begun(text, shown).map(|source| {
            self.values.mark(&source, Use::Plain);
            (source, Vec::new())
        });
        let Some((typed, mut asks)) = begun.or_else(|| self.explained(on, text)) else {
            let what = self.unknown("is typed into", on);
            let ask =
                format!("{what} It is a field that suggests: {{type: …, pick: {{contains: …}}}}.");
            return self.field_of(Verb::Choose, on, Put::ToDo, vec![Ask::new(path, ask)]);
        };
        let same = shown.to_lowercase().contains(&text.to_lowercase());
        if !same {
            asks.push(Ask::new(
                path,
                "Which of the suggestions is picked? Say it by an input or a text.",
            ));
        }
        self.field_of(Verb::Choose, on, Put::Suggest { typed, same }, asks)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn templates_end_with_the_table() {
        let values = Values::new(serde_json::json!({"plan": "gold"}));
        let leaf = values.explain_option("Gold", "").unwrap();
        let source = Source::Leaf { leaf, filter: String::new() };
        let field = Field {
            verb: Verb::Choose,
            element: 0,
            put: Put::Words(source, "plan".into()),
            asks: Vec::new(),
        };
        assert_eq!(field.written(&values, None), "\"${plan | words(plan)}\"");
    }
}
