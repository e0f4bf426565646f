//! The payer's wording → our answer. Total: wording that is not known is raised, never guessed.

use domain::{
    outcome::{Answer, Outcome},
    script::{
        ast::{Classify, ClassifyEntry, ClassifySource, Take, Target, Words},
        text::{TextKind, Wanted, spaced},
    },
    step::Effect,
};

use super::{
    Halt, Portal,
    screen::holds_in,
    table::{SHOWN, column},
};
use crate::browser::Deadline;

/// At most this much of the payer's wording is kept.
const WORDS_MAX: usize = 400;

impl Portal<'_> {
    /// `classify`.
    pub(crate) async fn classify(&mut self, classify: &Classify) -> Result<(), Halt> {
        self.begin("classify", "classify", Effect::Read, &classify.span).await;
        let within = self.within(None);
        let (answer, raw) = match &classify.source {
            ClassifySource::Rows { from, column, take } => {
                self.classify_rows(classify, from, column, take, within).await?
            }
            ClassifySource::Page | ClassifySource::Element(_) | ClassifySource::Captured(_) => {
                self.classify_text(classify, within).await?
            }
        };
        self.observe.log(&format!("answer: {answer}"));
        self.outcome = Some(self.answer(answer, &raw));
        self.done(None).await;
        Ok(())
    }

    pub(crate) fn answer(&self, answer: Answer, raw: &str) -> Outcome {
        let raw: String = spaced(raw).chars().take(WORDS_MAX).collect();
        Outcome {
            answer,
            raw_words: self.observe.masker.text(&raw),
            references: Vec::new(),
            facts: Vec::new(),
            via: "agent".to_owned(),
        }
    }

    async fn classify_text(
        &mut self,
        classify: &Classify,
        within: Deadline,
    ) -> Result<(Answer, String), Halt> {
        let held = self.captured_words(&classify.source);
        let whole_page = held.is_none() && !matches!(classify.source, ClassifySource::Element(_));
        let text = if let Some(held) = held {
            held
        } else if let ClassifySource::Element(target) = &classify.source {
            let (page, found) = self.find(target, within).await?;
            self.shown_text(&page, &found).await.unwrap_or_default()
        } else {
            let page = self.page()?;
            page.visible_text().await.map_err(|error| self.broken(&error))?
        };
        let mut won: Option<(&ClassifyEntry, String)> = None;
        for entry in &classify.entries {
            let wanted = self.eval(|scope| scope.wanted(&entry.text))?;
            let hit = if whole_page {
                holds_in(&wanted, &text)
            } else {
                wanted.matches(&text, TextKind::Plain)
            };
            match (hit, &won) {
                (true, None) => won = Some((entry, words_of(&wanted, &text, whole_page))),
                (true, Some(_)) => {
                    self.observe.log(&format!("`{}` would match as well", entry.answer));
                }
                (false, _) => {}
            }
        }
        let Some((entry, raw)) = won else {
            return Err(self.unknown_wording(classify, &text, whole_page, within).await?);
        };
        let answer = entry.answer;
        self.captures(&entry.capture, within).await?;
        Ok((answer, raw))
    }

    /// The captured text a `classify` reads, when there is one.
    pub(crate) fn captured_words(&self, source: &ClassifySource) -> Option<String> {
        match source {
            ClassifySource::Captured(name) => self.captured.get(name.as_str())?.plain(),
            ClassifySource::Page | ClassifySource::Element(_) | ClassifySource::Rows { .. } => None,
        }
    }

    async fn unknown_wording(
        &mut self,
        classify: &Classify,
        text: &str,
        whole_page: bool,
        within: Deadline,
    ) -> Result<Halt, Halt> {
        self.tell_meaning("the wording of the answer is none of those the script knows");
        self.captures(&classify.otherwise_capture, within).await?;
        let shown: String = spaced(text).chars().take(WORDS_MAX).collect();
        let detail = if whole_page {
            "the page's wording is not one we know".to_owned()
        } else {
            format!("the portal says \"{shown}\"")
        };
        Ok(self.raise(classify.otherwise.as_str(), &detail))
    }

    async fn classify_rows(
        &mut self,
        classify: &Classify,
        from: &Target,
        decision: &Words,
        take: &[Take],
        within: Deadline,
    ) -> Result<(Answer, String), Halt> {
        let (_, table) = self.table(from, within).await?;
        let Some(at) = column(&table, decision.as_str()) else {
            let detail = format!("the table has no column `{}`", decision.as_str());
            return Err(self.raise("element_missing", &detail));
        };
        let mut answers = Vec::new();
        let mut raw = Vec::new();
        for row in &table.rows {
            let Some(shown) = row.cells.get(at).filter(|cell| !cell.trim().is_empty()) else {
                continue;
            };
            let mut answer = None;
            for entry in &classify.entries {
                let wanted = self.eval(|scope| scope.wanted(&entry.text))?;
                if answer.is_none() && wanted.matches(shown, TextKind::Plain) {
                    answer = Some(entry.answer);
                }
            }
            let Some(answer) = answer else {
                return Err(self.unknown_wording(classify, shown, false, within).await?);
            };
            answers.push(answer);
            self.take_cells(&table, row, &of_line(take, answers.len()), SHOWN)?;
            raw.push(spaced(shown));
        }
        let Some(answer) = roll_up(&answers) else {
            return Err(self.raise(classify.otherwise.as_str(), "the table shows no decision"));
        };
        Ok((answer, raw.join(" · ")))
    }

    /// The answer for a status word, by the script's own `classify`; for what a search result shows.
    pub(crate) fn answer_of(&self, words: &str) -> Option<Answer> {
        let nodes = &self.bundle.script.flow.nodes;
        let classify = nodes.iter().find_map(|node| match node {
            domain::script::ast::Node::Classify(classify) => Some(classify),
            _ => None,
        })?;
        classify.entries.iter().find_map(|entry| {
            let wanted = self.eval(|scope| scope.wanted(&entry.text)).ok()?;
            wanted.matches(words, TextKind::Plain).then_some(entry.answer)
        })
    }
}

/// What is taken of the n-th line with a decision: of the first under the names as written, of others with the number.
pub(crate) fn of_line(take: &[Take], line: usize) -> Vec<Take> {
    let numbered = |one: &Take| {
        let mut one = one.clone();
        if line > 1 {
            one.name.text = format!("{}_{line}", one.name.text);
        }
        one
    };
    take.iter().map(numbered).collect()
}

/// The part of a text that was recognised: all of it for an element, what the pattern found for a whole page.
pub(crate) fn words_of(wanted: &Wanted, text: &str, whole_page: bool) -> String {
    match wanted {
        _ if !whole_page => text.to_owned(),
        Wanted::Equals(part) | Wanted::Exact(part) | Wanted::Contains(part) => part.clone(),
        Wanted::Pattern(pattern) => pattern
            .regex
            .find(&spaced(text))
            .map(|found| found.as_str().to_owned())
            .unwrap_or_default(),
    }
}

/// The decision on a request from the decisions on its lines: a pending line keeps the whole pending; the rest is
/// approved, denied or mixed. None without lines.
#[must_use]
pub(crate) fn roll_up(lines: &[Answer]) -> Option<Answer> {
    let first = *lines.first()?;
    if lines.iter().all(|answer| *answer == first) {
        return Some(first);
    }
    let waiting = [
        Answer::PendedInfo,
        Answer::PendedReview,
        Answer::ContactPayer,
        Answer::PeerToPeer,
        Answer::Received,
    ];
    if let Some(answer) = waiting.into_iter().find(|answer| lines.contains(answer)) {
        return Some(answer);
    }
    let positive = |answer: &Answer| {
        matches!(
            answer,
            Answer::Approved | Answer::Modified | Answer::PartiallyApproved | Answer::NotRequired
        )
    };
    if lines.iter().all(positive) {
        return Some(Answer::Modified);
    }
    if lines.iter().any(positive) {
        return Some(Answer::PartiallyApproved);
    }
    // Denied and cancelled lines together: nothing may be done.
    Some(Answer::Denied)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lines_decide() {
        use Answer::{Approved, Cancelled, Denied, Modified, PartiallyApproved, PendedReview};
        assert_eq!(roll_up(&[]), None);
        assert_eq!(roll_up(&[Approved, Approved]), Some(Approved));
        assert_eq!(roll_up(&[Approved, Denied]), Some(PartiallyApproved));
        assert_eq!(roll_up(&[Approved, Modified]), Some(Modified));
        assert_eq!(roll_up(&[Approved, PendedReview, Denied]), Some(PendedReview));
        assert_eq!(roll_up(&[Denied, Cancelled]), Some(Denied));
    }
}
