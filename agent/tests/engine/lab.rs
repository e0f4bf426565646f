//! A script and pages of a test's own.

use std::{collections::BTreeMap, sync::Arc};

use agent::channel::portal::Finished;
use domain::{lease::Purpose, script::Bundle};
use serde_json::Value;

use crate::book::{Book, Wanted, attempt_with, portal_is, session};

/// Where the pages of the lab are.
pub(crate) const LAB: &str = "https://portal.field.test/lab";

/// A script without its first lines; after `=== fragment`, what is below a fragment's first lines.
pub(crate) fn script(rest: &str) -> Arc<Bundle> {
    let head = "script: field/lab\nrevision: 1\nhosts: {portal.field.test: login}\n";
    let rest = rest.replace("LAB/", &format!("{LAB}/"));
    let (rest, part) = rest.split_once("=== fragment\n").unwrap_or((rest.as_str(), ""));
    let text = format!("{head}{rest}");
    let part = format!("fragment: field/fragments/part\nrevision: 1\n{part}");
    let files: BTreeMap<String, String> =
        [("field/lab.yaml".to_owned(), text), ("field/fragments/part.yaml".to_owned(), part)]
            .into_iter()
            .collect();
    match Bundle::load(&files, "field/lab") {
        Ok(bundle) => Arc::new(bundle),
        Err(findings) => {
            panic!("{}", findings.iter().map(domain::script::Finding::render).collect::<String>())
        }
    }
}

/// These pages are shown from now on.
pub(crate) async fn shown(pages: &[(&str, &str)]) {
    let pages: BTreeMap<String, String> =
        pages.iter().map(|(path, body)| ((*path).to_owned(), (*body).to_owned())).collect();
    portal_is(|portal| portal.lab = pages).await;
}

/// One attempt of a script of one's own in a fresh session.
pub(crate) async fn lab(book: Book, rest: &str, inputs: Value) -> (Arc<Book>, Finished) {
    let book = Arc::new(book);
    let mut session = session().await;
    let wanted = Wanted::of(script(rest));
    let finished = attempt_with(&book, &mut session, Purpose::Work, inputs, wanted).await;
    session.close().await;
    (book, finished)
}
