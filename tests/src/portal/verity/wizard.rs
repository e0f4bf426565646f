//! The first pages of a case: program, member, codes, the warning that a case exists, the number. A page answers a post with
//! the next page, or shows itself again with a message.

use axum::{extract::Request, response::Response};

use super::{
    case_number,
    desk::{Desk, Posted, to},
    draft::{Draft, PROGRAMS, managed},
    sso::Assertion,
};
use crate::{
    ledger::Entry,
    portal::{
        accounts::PortalSession,
        html::{self, esc},
        sim::Sim,
        world::{Member, world},
    },
};

/// Begins a new case; one without a number is forgotten.
pub(super) fn begin(desk: &Desk) -> Response {
    let mut draft = Draft { account: desk.session.account.id.clone(), ..Draft::default() };
    desk.go(&mut draft, "program")
}

/// Begins the case another portal sent somebody for.
pub(super) fn begin_locked(sim: &Sim, session: &PortalSession) -> Response {
    let told = session.data.get("sso").cloned().unwrap_or_default();
    let Ok(told) = serde_json::from_value::<Assertion>(told) else { return to("home.aspx") };
    let fits =
        |program: &&&str| told.codes.iter().all(|code| managed(program).contains(&code.as_str()));
    let program = PROGRAMS.iter().find(fits).copied().unwrap_or_default();
    let return_to = session.data.get("return_to").and_then(|to| to.as_str()).unwrap_or_default();
    let draft = Draft {
        account: session.account.id.clone(),
        page: "program".to_owned(),
        program: program.to_owned(),
        member_id: told.member_id,
        requesting_npi: told.requesting_npi,
        codes: told.codes,
        locked: true,
        return_to: return_to.to_owned(),
        ..Draft::default()
    };
    sim.sessions.change(&session.token, |session| {
        session.data.insert("draft".to_owned(), serde_json::json!(draft));
    });
    to("program.aspx")
}

/// Who and what the case is about so far, above each page.
pub(super) fn banner(draft: &Draft) -> String {
    let Some(member) = draft.member() else { return String::new() };
    let number = if draft.number.is_empty() {
        String::new()
    } else {
        format!("Case {} &mdash; ", esc(&draft.number))
    };
    format!(
        "<p>{number}{} ({}), born {}</p>",
        esc(&member.name()),
        esc(&member.member_id),
        html::us_date(member.dob)
    )
}

/// The program.
pub(super) async fn program_page(desk: Desk) -> Response {
    match desk.at("program") {
        Ok(draft) => show_program(&desk, &draft, ""),
        Err(answer) => answer,
    }
}

fn show_program(desk: &Desk, draft: &Draft, message: &str) -> Response {
    let ids = desk.ids();
    let control = if desk.v2() {
        let blank = (String::new(), "Choose one".to_owned());
        let programs = PROGRAMS.iter().map(|name| ((*name).to_owned(), (*name).to_owned()));
        let options: Vec<_> = std::iter::once(blank).chain(programs).collect();
        ids.select("Program", "Program", &options, &draft.program)
    } else {
        ids.radios("Program", "Program", &PROGRAMS, &draft.program)
    };
    let body = ids.form(&control) + &ids.buttons(&ids.button("Continue", "Continue", ""));
    desk.page(&ids, "program", "Start a case - Program", message, body)
}

/// The program is chosen.
pub(super) async fn program(desk: Desk, request: Request) -> Response {
    let (mut draft, posted) = match desk.posted_to("program", request).await {
        Ok(both) => both,
        Err(answer) => return answer,
    };
    draft.program = posted.value("Program");
    if !PROGRAMS.contains(&draft.program.as_str()) {
        return show_program(&desk, &draft, "Choose a program.");
    }
    desk.note(Entry::new("context").with("program", draft.program.as_str()));
    desk.go(&mut draft, "member")
}

/// The member.
pub(super) async fn member_page(desk: Desk) -> Response {
    match desk.at("member") {
        Ok(draft) => show_member(&desk, &draft, &Posted::default(), "", ""),
        Err(answer) => answer,
    }
}

fn show_member(desk: &Desk, draft: &Draft, typed: &Posted, message: &str, found: &str) -> Response {
    let ids = desk.ids();
    let renamed = desk.call.fires("renamed-labels");
    let words = if renamed {
        ["Subscriber number", "Surname", "Birthday"]
    } else {
        ["Member ID", "Last name", "Date of birth"]
    };
    let mut fields = match draft.member().filter(|_| draft.locked) {
        Some(member) => vec![
            ids.fixed(words[0], "Member", &member.member_id),
            ids.fixed(words[1], "LastName", &member.family),
            ids.fixed(words[2], "Dob", &html::us_date(member.dob)),
        ],
        None => vec![
            ids.text(words[0], "Member", &typed.value("Member")),
            ids.text(words[1], "LastName", &typed.value("LastName")),
            ids.date(words[2], "Dob", &typed.date("Dob")),
        ],
    };
    if desk.v2() || desk.call.fires("reordered-fields") {
        fields.rotate_left(1);
    }
    let body = format!(
        "{}{}{found}",
        ids.form(&fields.concat()),
        ids.buttons(&ids.button("Find", desk.words("Find", "Search"), ""))
    );
    desk.page(&ids, "member", "Start a case - Member", message, body)
}

/// Somebody looks for the member: number, family name and date of birth must all fit.
pub(super) async fn member(desk: Desk, request: Request) -> Response {
    let (mut draft, posted) = match desk.posted_to("member", request).await {
        Ok(both) => both,
        Err(answer) => return answer,
    };
    if posted.used("UseMember") {
        posted.argument().clone_into(&mut draft.member_id);
        return member_is(&desk, &mut draft);
    }
    let known = world().member_by_id(super::PROFILE.slug, &posted.value("Member"));
    let fits = |member: &&Member| {
        member.family.eq_ignore_ascii_case(&posted.value("LastName"))
            && html::read_date(&posted.date("Dob")) == Some(member.dob)
    };
    let Some(member) = known.filter(fits) else {
        desk.note(Entry::new("list").with("search", "members").with("rows", 0));
        return show_member(&desk, &draft, &posted, "No member found.", "");
    };
    if draft.locked && member.member_id != draft.member_id {
        return show_member(&desk, &draft, &posted, "No member found.", "");
    }
    if desk.call.fires("two-matches") {
        let found = two_members(&desk, member);
        return show_member(&desk, &draft, &posted, "More than one member matches.", &found);
    }
    desk.note(Entry::new("list").with("search", "members").with("rows", 1));
    draft.member_id.clone_from(&member.member_id);
    member_is(&desk, &mut draft)
}

/// The same person under two coverages; none is chosen beforehand.
fn two_members(desk: &Desk, member: &Member) -> String {
    desk.note(Entry::new("list").with("search", "members").with("rows", 2));
    let ids = desk.ids();
    let row = |coverage: &str| {
        vec![
            esc(&member.member_id),
            esc(&member.name()),
            html::us_date(member.dob),
            coverage.to_owned(),
            ids.link("UseMember", &member.member_id, "Select"),
        ]
    };
    let headers = ["Member ID", "Name", "Date of birth", "Coverage", ""];
    ids.table("Members found", &headers, &[row("Individual"), row("Family")])
}

fn member_is(desk: &Desk, draft: &mut Draft) -> Response {
    desk.works_on(&draft.member_id);
    desk.go(draft, "provider")
}

/// Codes, date, diagnosis.
pub(super) async fn codes_page(desk: Desk) -> Response {
    match desk.at("codes") {
        Ok(draft) => show_codes(&desk, &draft, &Posted::default(), ""),
        Err(answer) => answer,
    }
}

fn show_codes(desk: &Desk, draft: &Draft, typed: &Posted, message: &str) -> Response {
    let ids = desk.ids();
    let caption = "Procedure codes (up to 10)";
    let mut fields = vec![
        if draft.locked {
            ids.fixed(caption, "Codes", &draft.codes.join(", "))
        } else {
            ids.text(caption, "Codes", &typed.value("Codes"))
        },
        ids.date("Date of service", "ServiceDate", &typed.date("ServiceDate")),
        ids.text("Diagnosis code", "Diagnosis", &typed.value("Diagnosis")),
    ];
    if desk.v2() {
        fields.push(ids.text("Office note (optional)", "Note", &typed.value("Note")));
    }
    if desk.call.fires("new-question") {
        desk.put("question", true.into());
    }
    if desk.get("question") == true {
        fields.push(ids.text("Place of service *", "Place", &typed.value("Place")));
    }
    let body = format!(
        "{}{}{}",
        banner(draft),
        ids.form(&fields.concat()),
        ids.buttons(&ids.button("Continue", "Continue", ""))
    );
    desk.page(&ids, "codes", "Start a case - Codes", message, body)
}

/// The codes are typed; the case gets its number unless one for the same member and code exists.
pub(super) async fn codes(desk: Desk, request: Request) -> Response {
    let (mut draft, posted) = match desk.posted_to("codes", request).await {
        Ok(both) => both,
        Err(answer) => return answer,
    };
    if let Some(message) = read_codes(&desk, &mut draft, &posted) {
        return show_codes(&desk, &draft, &posted, message);
    }
    if desk.sim.knobs.text("dup_mode") == "warn" && existing(&desk, &draft).is_some() {
        desk.note(Entry::new("duplicate").with("how", "warning"));
        return desk.go(&mut draft, "duplicate");
    }
    begin_numbered(&desk, &mut draft)
}

/// Takes what was typed; what is wrong with it.
fn read_codes(desk: &Desk, draft: &mut Draft, posted: &Posted) -> Option<&'static str> {
    if !draft.locked {
        let typed = posted.value("Codes");
        let codes = typed.split([',', ' ']).filter(|code| !code.is_empty());
        draft.codes = codes.map(str::to_uppercase).collect();
    }
    draft.diagnosis = posted.value("Diagnosis").to_uppercase();
    draft.service_date = html::read_date(&posted.date("ServiceDate"));
    let unknown = |code: &String| world().procedure(code).is_none();
    let elsewhere = |code: &String| !managed(&draft.program).contains(&code.as_str());
    if draft.codes.is_empty() {
        return Some("Enter at least one procedure code.");
    }
    if draft.codes.len() > 10 {
        return Some("No more than 10 procedure codes.");
    }
    if draft.codes.iter().any(unknown) || desk.call.fires("retired-code") {
        return Some("Procedure code not found.");
    }
    if draft.codes.iter().any(elsewhere) {
        return Some("Not managed by Verity.");
    }
    if world().diagnosis(&draft.diagnosis).is_none() {
        return Some("Diagnosis code not found.");
    }
    let Some(day) = draft.service_date else {
        return Some("Enter the date of service as MM/DD/YYYY.");
    };
    if day < desk.sim.today() {
        return Some("The date of service cannot be in the past.");
    }
    let covered = draft.member().is_some_and(|member| member.covered(day, desk.sim.start_date()));
    if !covered || desk.call.fires("not-active") {
        return Some("Member not eligible on this date.");
    }
    if desk.get("question") == true && posted.value("Place").is_empty() {
        return Some("Answer every question marked with *.");
    }
    None
}

/// A case of the member with one of the codes.
fn existing(desk: &Desk, draft: &Draft) -> Option<String> {
    let cases = desk.sim.store.search(&draft.member_id, None, None);
    let same = |case: &&crate::portal::store::Case| {
        case.lines.iter().any(|line| draft.codes.contains(&line.code))
    };
    cases.iter().find(same).map(|case| case.id.clone())
}

/// The warning that a case exists.
pub(super) async fn duplicate_page(desk: Desk) -> Response {
    let draft = match desk.at("duplicate") {
        Ok(draft) => draft,
        Err(answer) => return answer,
    };
    let ids = desk.ids();
    let number = existing(&desk, &draft).unwrap_or_default();
    let body = format!(
        "{}{}{}",
        banner(&draft),
        ids.note(&format!("A case exists: {number}.")),
        ids.buttons(&format!(
            "{}{}",
            ids.button("View", "View existing case", ""),
            ids.button("Anyway", "Continue anyway", "")
        ))
    );
    desk.page(&ids, "duplicate", "Start a case - Existing case", "", body)
}

/// Somebody looks at the existing case, or goes on in spite of it.
pub(super) async fn duplicate(desk: Desk, request: Request) -> Response {
    let (mut draft, posted) = match desk.posted_to("duplicate", request).await {
        Ok(both) => both,
        Err(answer) => return answer,
    };
    if posted.used("Anyway") {
        desk.note(Entry::new("duplicate").with("how", "continued"));
        return begin_numbered(&desk, &mut draft);
    }
    to(&format!("case.aspx?number={}", existing(&desk, &draft).unwrap_or_default()))
}

fn begin_numbered(desk: &Desk, draft: &mut Draft) -> Response {
    draft.number = case_number(&desk.sim, desk.call.fires("number-format")).value;
    draft.started_at = Some(desk.sim.now());
    desk.note(Entry::new("number_shown").with("number", draft.number.as_str()));
    desk.go(draft, "started")
}

/// The case has a number. That is no approval.
pub(super) async fn started_page(desk: Desk) -> Response {
    let draft = match desk.at("started") {
        Ok(draft) => draft,
        Err(answer) => return answer,
    };
    let ids = desk.ids();
    let hours = desk.sim.knobs.number("draft_hours");
    let body = format!(
        "{}<p id=\"{}\">Case {} has been started</p><p>Answer the questions that follow within {hours} hours; after \
         that the case is withdrawn.</p>{}",
        banner(&draft),
        ids.id("lbl", "Started"),
        esc(&draft.number),
        ids.buttons(&ids.button("Continue", "Continue", ""))
    );
    desk.page(&ids, "started", "Case started", "", body)
}

/// On to urgency.
pub(super) async fn started(desk: Desk, request: Request) -> Response {
    match desk.posted_to("started", request).await {
        Ok((mut draft, _)) => desk.go(&mut draft, "urgent"),
        Err(answer) => answer,
    }
}
