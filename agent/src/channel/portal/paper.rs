//! A page that was fetched and never rendered, read as a document: texts, cells, tables. Nothing is laid out, so roles,
//! positions, frames and shadow roots do not exist here; a strategy that needs one of them abstains.
//!
//! `data` makes a document of data, so that elements, screens and `classify` are written the same way for both · `table`
//! tables with their spans · `words` what a reader would see.

mod data;
mod table;
mod words;

use domain::id::EvidenceId;
use scraper::{ElementRef, Html, Selector};
use serde_json::Value;

use crate::browser::{By, Query, Text, text};
pub(crate) use words::value;
use words::{is_hidden, shown};

/// A fetched document.
pub(crate) struct Paper {
    /// Where it came from.
    pub(crate) url: String,
    /// The masked answer as it was kept.
    pub(crate) evidence: EvidenceId,
    /// The data, when the answer was data.
    pub(crate) data: Option<Value>,
    html: Html,
}

/// What one strategy gives.
pub(crate) enum Vote<'p> {
    /// Exactly one element.
    One(ElementRef<'p>),
    /// None, or several.
    Not(usize),
    /// It cannot be followed here.
    Abstains,
}

impl Paper {
    pub(crate) fn page(url: &str, evidence: EvidenceId, body: &str) -> Self {
        Self { url: url.to_owned(), evidence, data: None, html: Html::parse_document(body) }
    }

    pub(crate) fn data(url: &str, evidence: EvidenceId, data: Value, names: &data::Names) -> Self {
        let html = Html::parse_document(&data::document_of(&data, names));
        Self { url: url.to_owned(), evidence, data: Some(data), html }
    }

    /// The `<title>`.
    pub(crate) fn title(&self) -> String {
        let found = select(self.html.root_element(), "title").into_iter().next();
        found.map(|title| text::spaces(&title.text().collect::<String>())).unwrap_or_default()
    }

    /// The text a reader would see, spaces normalised.
    pub(crate) fn text(&self) -> String {
        let body = select(self.html.root_element(), "body").into_iter().next();
        shown(body.unwrap_or_else(|| self.html.root_element()))
    }

    /// One element by its strategies, as everywhere: the first with a unique match wins, a vote for another one is an error.
    pub(crate) fn element(
        &self,
        strategies: &[Vec<Query>],
    ) -> Result<Option<ElementRef<'_>>, String> {
        let mut winner: Option<ElementRef<'_>> = None;
        let mut several = 0;
        for ways in strategies {
            for way in ways {
                match self.vote(way) {
                    Vote::One(found) => match winner {
                        None => winner = Some(found),
                        Some(won) if same(won, found) => {}
                        Some(_) => {
                            return Err("two strategies point at different places".to_owned());
                        }
                    },
                    Vote::Not(count) => several = several.max(count),
                    Vote::Abstains => {}
                }
            }
        }
        match (winner, several) {
            (None, 2..) => Err(format!("{several} places fit")),
            (winner, _) => Ok(winner),
        }
    }

    /// Whether any strategy finds anything at all.
    pub(crate) fn any(&self, strategies: &[Vec<Query>]) -> bool {
        strategies
            .iter()
            .flatten()
            .any(|way| !matches!(self.vote(way), Vote::Not(0) | Vote::Abstains))
    }

    fn vote(&self, query: &Query) -> Vote<'_> {
        if query.beside.is_some() || query.inside.is_some() || query.frame.is_some() {
            return Vote::Abstains;
        }
        let Some(mut found) = self.all(&query.by) else { return Vote::Abstains };
        found.retain(|one| !is_hidden(*one));
        if let Some(nth) = query.nth {
            return found.get(nth - 1).map_or(Vote::Not(0), |one| Vote::One(*one));
        }
        match found.as_slice() {
            [one] => Vote::One(*one),
            many => Vote::Not(many.len()),
        }
    }

    fn all(&self, by: &By) -> Option<Vec<ElementRef<'_>>> {
        let root = self.html.root_element();
        let with = |attribute: &str, wanted: &Text| {
            let every = select(root, &format!("[{attribute}]"));
            let fits = |one: &ElementRef<'_>| {
                one.attr(attribute).is_some_and(|shown| wanted.accepts_name(shown))
            };
            every.into_iter().filter(fits).collect()
        };
        Some(match by {
            By::Css(css) => select(root, css),
            By::Title(wanted) => with("title", wanted),
            By::Alt(wanted) => with("alt", wanted),
            By::Placeholder(wanted) => with("placeholder", wanted),
            By::TestId(id) => {
                select(root, "[data-testid],[data-test],[data-test-id],[data-qa],[data-cy]")
                    .into_iter()
                    .filter(|one| {
                        let names =
                            ["data-testid", "data-test", "data-test-id", "data-qa", "data-cy"];
                        names.iter().any(|name| one.attr(name) == Some(id))
                    })
                    .collect()
            }
            By::Text(wanted) => self.smallest(wanted),
            By::Label(wanted) => select(root, "th,dt,label,td")
                .into_iter()
                .filter(|label| wanted.accepts_name(&shown(*label)))
                .filter_map(|label| beside(root, label))
                .collect(),
            By::Table(wanted) => select(root, "table")
                .into_iter()
                .filter(|table| wanted.accepts_name(&name_of(root, *table)))
                .collect(),
            By::Role(..) | By::Xpath(_) | By::Dialog(_) | By::Region(_) | By::Control => {
                return None;
            }
        })
    }

    /// The deepest elements whose text fits.
    fn smallest(&self, wanted: &Text) -> Vec<ElementRef<'_>> {
        let fits = |one: &ElementRef<'_>| wanted.accepts(&shown(*one));
        let all: Vec<ElementRef<'_>> = select(self.html.root_element(), "body, body *")
            .into_iter()
            .filter(|one| !is_hidden(*one))
            .filter(fits)
            .collect();
        let deeper = |one: &ElementRef<'_>| {
            all.iter().any(|other| other.id() != one.id() && is_inside(*other, *one))
        };
        all.iter().filter(|one| !deeper(one)).copied().collect()
    }
}

fn select<'p>(root: ElementRef<'p>, css: &str) -> Vec<ElementRef<'p>> {
    // A selector only a browser understands finds nothing here, so that the strategy abstains.
    Selector::parse(css).map(|selector| root.select(&selector).collect()).unwrap_or_default()
}

fn is_inside(inner: ElementRef<'_>, outer: ElementRef<'_>) -> bool {
    inner.ancestors().any(|ancestor| ancestor.id() == outer.id())
}

/// The same element, or one inside the other with the very same text.
fn same(a: ElementRef<'_>, b: ElementRef<'_>) -> bool {
    a.id() == b.id() || ((is_inside(a, b) || is_inside(b, a)) && shown(a) == shown(b))
}

/// What a label, term or header cell stands for.
fn beside<'p>(root: ElementRef<'p>, label: ElementRef<'p>) -> Option<ElementRef<'p>> {
    match label.value().name() {
        "label" => match label.attr("for") {
            Some(id) => select(root, "input,select,textarea,output")
                .into_iter()
                .find(|one| one.attr("id") == Some(id)),
            None => select(label, "input,select,textarea,output").into_iter().next(),
        },
        "dt" => label
            .next_siblings()
            .filter_map(ElementRef::wrap)
            .find(|one| one.value().name() == "dd"),
        _ => label
            .next_siblings()
            .filter_map(ElementRef::wrap)
            .find(|one| one.value().name() == "td"),
    }
}

/// Caption, `aria-label`, or the last heading before it.
fn name_of(root: ElementRef<'_>, table: ElementRef<'_>) -> String {
    if let Some(caption) = select(table, "caption").into_iter().next() {
        return shown(caption);
    }
    if let Some(label) = table.attr("aria-label") {
        return label.to_owned();
    }
    let mut heading = String::new();
    for one in select(root, "h1,h2,h3,h4,h5,h6,table") {
        if one.id() == table.id() {
            break;
        }
        if one.value().name() != "table" {
            heading = shown(one);
        }
    }
    heading
}

#[cfg(test)]
mod tests {
    use domain::time::Timestamp;

    use super::*;

    pub(super) fn id() -> EvidenceId {
        EvidenceId::new(Timestamp::from_ms(0), 1)
    }

    pub(super) fn paper(body: &str) -> Paper {
        Paper::page("https://a.test/x", id(), body)
    }

    pub(super) fn read(paper: &Paper, by: By) -> Option<String> {
        paper.element(&[vec![Query::by(by)]]).ok().flatten().map(value)
    }

    #[test]
    fn texts_labels_and_attributes_are_found_and_hidden_things_are_not() {
        let paper = paper(
            "<title>Claim  detail</title><body><script>Status: PAID</script><h1>Claim</h1>\
             <p hidden>Status: DENIED</p><div style='display: none'>VOID</div>\
             <table><tr><th>Claim Status:</th><td title='Claim Status'>IN <b>PROCESS</b></td></tr></table>\
             <dl><dt>Billed</dt><dd>$ 12.50</dd></dl><label for=n>ICN *</label><input id=n value=2026061>\
             <select><option>a<option selected>b</select></body>",
        );
        assert_eq!(paper.title(), "Claim detail");
        assert_eq!(paper.text(), "Claim Claim Status: IN PROCESS Billed $ 12.50 ICN * a b");
        let equals = |text: &str| Text::equals(text);
        assert_eq!(read(&paper, By::Label(equals("Claim Status"))).as_deref(), Some("IN PROCESS"));
        assert_eq!(read(&paper, By::Label(equals("billed"))).as_deref(), Some("$ 12.50"));
        assert_eq!(read(&paper, By::Label(equals("ICN"))).as_deref(), Some("2026061"));
        assert_eq!(read(&paper, By::Title(equals("Claim Status"))).as_deref(), Some("IN PROCESS"));
        assert_eq!(read(&paper, By::Css("select".into())).as_deref(), Some("b"));
        assert_eq!(read(&paper, By::Text(equals("VOID"))), None);
        assert_eq!(read(&paper, By::Role("cell".into(), None)), None, "there are no roles here");
    }

    #[test]
    fn strategies_vote_and_a_disagreement_is_an_error() {
        let paper = paper("<p class=a>One</p><p class=b>Two</p><p class=c>Two</p>");
        let css = |css: &str| vec![Query::by(By::Css(css.into()))];
        assert!(paper.element(&[css(".a"), css(".b")]).is_err());
        assert!(paper.element(&[css(".a"), css("p.a")]).is_ok_and(|found| found.is_some()));
        assert!(paper.element(&[css("p")]).is_err(), "three fit");
        assert!(paper.element(&[css(".x")]).is_ok_and(|found| found.is_none()));
    }
}
