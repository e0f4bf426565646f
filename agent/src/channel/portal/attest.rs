//! Statements that only a person can make: repeated at the portal when, and only when, a person has made this very one.

use domain::script::{
    ast::{Attest, Target},
    text::{TextKind, normalise},
};
use serde_json::Value as Json;

use super::{Halt, Portal, act::Deed};
use crate::browser::{Attempted, By, Deadline, Page, Query, Text};

/// A stored statement of the request.
struct Statement {
    text: String,
    person: String,
}

impl Portal<'_> {
    /// Ticks or signs a statement. The text on the page must be, normalised, equal to one a person has made for this
    /// request; a changed wording stops the attempt.
    pub(crate) async fn attest(&mut self, attest: &Attest, within: Deadline) -> Result<(), Halt> {
        let target = Target::Named(attest.element.clone());
        let says = self.eval(|scope| scope.wanted(&attest.says))?;
        let (page, found) = self.find(&target, within).await?;
        let made: Vec<Statement> = statements(&self.errand.inputs)
            .into_iter()
            .filter(|statement| says.matches(&statement.text, TextKind::Plain))
            .collect();
        let own = [&found.facts.label, &found.name, &found.facts.text];
        let mut match_found = None;
        for statement in made {
            let equal = own.iter().any(|shown| normalise(shown) == normalise(&statement.text));
            if equal || shown_on(&page, &statement.text).await {
                match_found = Some(statement);
                break;
            }
        }
        let Some(statement) = match_found else {
            return Err(self.raise(
                "attestation_needed",
                "nobody has made the statement this page asks for, in these very words",
            ));
        };
        let ticked = matches!(found.facts.input_type.as_str(), "checkbox" | "radio")
            || matches!(found.role.as_str(), "checkbox" | "switch" | "radio");
        let deed = if ticked { Deed::Tick(true) } else { Deed::Fill(statement.person) };
        self.deed(&target, &deed, within).await?;
        self.observe.act("attest", Some(attest.element.text.clone()));
        self.observe.log(&format!("{} attested as stored", attest.element));
        self.payload.push(format!("{}=attested", attest.element));
        Ok(())
    }
}

/// Whether some element of the page shows exactly this statement.
async fn shown_on(page: &Page, statement: &str) -> bool {
    let query = Query::by(By::Text(Text::equals(statement)));
    if let Ok(found) = page.find(&query).await
        && found.iter().any(|one| one.visible)
    {
        return true;
    }
    // Long statements may carry inner markup; then a paragraph's whole text is compared.
    let Ok(found) = page.find(&Query::css("p, label, legend, blockquote, div, td, li")).await
    else {
        return false;
    };
    for one in found.into_iter().filter(|one| one.visible).take(400) {
        let begins: String = normalise(&one.facts.text).chars().take(40).collect();
        if !begins.is_empty()
            && normalise(statement).starts_with(&begins)
            && let Attempted::Done(text) = page.text_of(&one.node).await
            && normalise(&text) == normalise(statement)
        {
            return true;
        }
    }
    false
}

fn statements(inputs: &Json) -> Vec<Statement> {
    let text = |one: &Json, key: &str| one.get(key).and_then(Json::as_str).map(str::to_owned);
    inputs
        .get("attestations")
        .and_then(Json::as_array)
        .map(|list| {
            list.iter()
                .filter_map(|one| {
                    Some(Statement { text: text(one, "text")?, person: text(one, "person")? })
                })
                .collect()
        })
        .unwrap_or_default()
}
