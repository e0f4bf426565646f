//! Roles and accessible names: small pages of our own (`tests/names/cases.json`). On each the control with the id `t` is found by
//! its role and name and nothing else is; what its name could be mistaken for finds nothing.

use agent::browser::{By, Query, Text};
use serde::Deserialize;

use crate::shared::{run, show, slot};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    about: String,
    role: String,
    name: String,
    html: String,
    /// Roles and names that must find nothing.
    not: Vec<(String, String)>,
}

const CASES: &str = include_str!("../../../tests/names/cases.json");

#[test]
fn every_page_of_names_gives_its_one_control() {
    let cases: Vec<Case> = serde_json::from_str(CASES).unwrap();
    assert!(cases.len() >= 60, "{} pages", cases.len());
    run(async {
        let (_context, page) = slot().await;
        let mut wrong = Vec::new();
        for case in &cases {
            show(&page, &case.html).await;
            let found = async |role: &str, name: &str| {
                let by = By::Role(role.to_owned(), Some(Text::Exact(name.to_owned())));
                let found = page.find(&Query::by(by)).await.unwrap();
                found.into_iter().filter(|f| f.visible).map(|f| f.facts.id).collect::<Vec<_>>()
            };
            let ids = found(&case.role, &case.name).await;
            if ids != ["t"] {
                wrong.push(format!("{}: {} \"{}\" gave {ids:?}", case.about, case.role, case.name));
            }
            for (role, name) in &case.not {
                let ids = found(role, name).await;
                if !ids.is_empty() {
                    wrong.push(format!("{}: {role} \"{name}\" gave {ids:?}", case.about));
                }
            }
        }
        assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    });
}
