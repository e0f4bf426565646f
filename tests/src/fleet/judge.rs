//! Compares what the fleet says with what the payers' own records say. The fleet is never asked about itself here.

use anyhow::{Context as _, Result};
use jiff::civil::Date;

use super::requests::today;
use crate::portal::{
    Truth,
    decide::{Asked, LineStatus, decide},
    store::Case,
    world::world,
};

/// What the fleet says of one finished job.
#[derive(Clone, Debug)]
pub struct Said {
    /// Payer id.
    pub payer: String,
    /// Task.
    pub task: String,
    /// Member identifier of the request.
    pub member_id: String,
    /// First service code of the request, for a submission.
    pub code: Option<String>,
    /// Its first day of service: a renewal is another submission of the same service.
    pub from: Option<Date>,
    /// The number asked about, for a status task.
    pub asked: Option<String>,
    /// The outcome's answer.
    pub answer: String,
    /// The numbers it brought.
    pub references: Vec<String>,
}

/// The comparison of one job.
#[derive(Clone, Debug)]
pub struct Verdict {
    /// Whether both say the same.
    pub agrees: bool,
    /// What the payer's record says, in a few words.
    pub truth: String,
}

/// Judges one finished job by the payer's record.
///
/// # Errors
/// The truth plane does not answer.
pub async fn judge(said: &Said, truth: &Truth) -> Result<Verdict> {
    match said.task.as_str() {
        "submit" | "renewal" => submission(said, truth).await,
        "auth_status" => authorization(said, truth).await,
        "letter" => letter(said, truth).await,
        "eligibility" => Ok(coverage(said)),
        "precheck" => Ok(needs(said)),
        _ => payer_claim(said, truth).await,
    }
}

/// The decision is told as it stands, with the number of the letter that tells it.
async fn letter(said: &Said, truth: &Truth) -> Result<Verdict> {
    let asked = said.asked.as_deref().context("a letter is asked for by a number")?;
    let cases = truth.cases().await?;
    let case = cases.iter().find(|c| c.has_number(asked));
    let Some(letter) = case.and_then(|c| c.number("letter")) else {
        return Ok(Verdict { agrees: said.answer == "not_found", truth: "no letter".into() });
    };
    let words = case.map(answers).unwrap_or_default();
    let known = said.references.iter().any(|r| r == letter);
    Ok(Verdict {
        agrees: known && words.contains(&said.answer.as_str()),
        truth: format!("{} ({letter})", words.join("/")),
    })
}

/// Whether the member is covered today, as the world has it.
fn coverage(said: &Said) -> Verdict {
    let (world, today) = (world(), today());
    let member = world.members.iter().find(|m| m.member_id == said.member_id);
    let word = match member {
        Some(member) if member.covered(today, today) => "coverage_active",
        Some(_) => "coverage_inactive",
        None => "not_found",
    };
    Verdict { agrees: said.answer == word, truth: word.to_owned() }
}

/// Whether the service needs an authorization, by the payer's own rules.
fn needs(said: &Said) -> Verdict {
    let code = said.code.as_deref().unwrap_or_default();
    let asked = Asked { payer: &said.payer, lines: vec![(code, 1)], ..Asked::default() };
    let first = decide(&asked).first().and_then(|c| c.changes.first()).map(|c| c.status);
    let word = match first {
        Some(LineStatus::NotRequired) => "not_required",
        Some(LineStatus::Redirected) => "redirected",
        Some(LineStatus::Denied) => "denied",
        _ => "authorization_required",
    };
    Verdict { agrees: said.answer == word, truth: word.to_owned() }
}

async fn submission(said: &Said, truth: &Truth) -> Result<Verdict> {
    let code = said.code.as_deref().context("a submission names a service")?;
    let cases: Vec<Case> = truth
        .cases()
        .await?
        .into_iter()
        .filter(|c| c.recorded && c.filing.member_id == said.member_id && c.origin == "fleet")
        .filter(|c| c.filing.lines.iter().any(|l| l.code == code && Some(l.from) == said.from))
        .collect();
    let [case] = cases.as_slice() else {
        return Ok(Verdict {
            agrees: false,
            truth: format!("{} recorded submissions", cases.len()),
        });
    };
    let numbers: Vec<&str> = case.numbers.iter().map(|n| n.value.as_str()).collect();
    let known = !said.references.is_empty()
        && said.references.iter().any(|r| numbers.contains(&r.as_str()));
    // A portal may confirm receipt and decide a moment later, so both words are true of one submission.
    let fits = said.answer == "received" || answers(case).contains(&said.answer.as_str());
    Ok(Verdict {
        agrees: known && fits,
        truth: format!("{} ({})", answers(case).join("/"), numbers.join(", ")),
    })
}

async fn authorization(said: &Said, truth: &Truth) -> Result<Verdict> {
    let asked = said.asked.as_deref().context("a status task names a number")?;
    let cases = truth.cases().await?;
    let Some(case) = cases.iter().find(|c| c.numbers.iter().any(|n| n.value == asked)) else {
        return Ok(Verdict { agrees: said.answer == "not_found", truth: "not on record".into() });
    };
    let words = answers(case);
    Ok(Verdict { agrees: words.contains(&said.answer.as_str()), truth: words.join("/") })
}

async fn payer_claim(said: &Said, truth: &Truth) -> Result<Verdict> {
    let asked = said.asked.as_deref().context("a status task names a number")?;
    let claims = truth.payer_claims().await?;
    let state = claims
        .iter()
        .find(|c| c["claim"] == asked)
        .and_then(|c| c["state"].as_str())
        .unwrap_or("not_found");
    let nothing_paid = claims
        .iter()
        .find(|c| c["claim"] == asked)
        .is_some_and(|c| c["paid"].as_str() == Some("0.00"));
    let word = match state {
        "paid" if nothing_paid => "claim_zero_paid",
        "received" => "claim_received",
        "accepted" | "in_process" | "records_requested" => "claim_in_process",
        "paid" => "claim_paid",
        "partial" => "claim_partially_paid",
        "denied" => "claim_denied",
        "rejected" => "claim_rejected",
        "adjusted" => "claim_adjusted",
        other => other,
    };
    let near = word == "claim_received" && said.answer == "claim_in_process";
    Ok(Verdict { agrees: said.answer == word || near, truth: word.to_owned() })
}

/// The answers that are true of a payer's case now.
pub fn answers(case: &Case) -> Vec<&'static str> {
    let all = |wanted: LineStatus| case.lines.iter().all(|l| l.status == wanted);
    let any = |wanted: LineStatus| case.lines.iter().any(|l| l.status == wanted);
    if any(LineStatus::InfoRequested) {
        vec!["pended_info"]
    } else if any(LineStatus::Pended) {
        vec!["pended_review", "received"]
    } else if all(LineStatus::Approved) {
        vec!["approved"]
    } else if all(LineStatus::NotRequired) {
        vec!["not_required"]
    } else if all(LineStatus::Redirected) {
        vec!["redirected"]
    } else if all(LineStatus::Cancelled) {
        vec!["cancelled"]
    } else if any(LineStatus::ContactPayer) {
        vec!["contact_payer"]
    } else if case
        .lines
        .iter()
        .all(|l| matches!(l.status, LineStatus::Denied | LineStatus::DeniedIncomplete))
    {
        vec!["denied"]
    } else if case.lines.iter().all(|l| l.status.granted()) {
        vec!["modified"]
    } else {
        vec!["partially_approved"]
    }
}
