//! What back channels in X12 share: an interchange taken in once, the receipts for what is not taken, and the answers about coverage
//! and payer claims from the same world as the portal's.

use exchange::x12::{
    Decimal,
    check::{Answering, check},
    file::{File, Group, Gs, Interchange},
    parts::{Aaa, Bht, Dtp, Eb, Ref, Status, Stc, Svc},
    parts_review::Ta1,
    t270, t276,
    transaction::Transaction,
};
use jiff::civil::Date;
use serde_json::json;
use sha2::{Digest as _, Sha256};

use super::{
    sim::Sim,
    world::{ClaimStep, Member, PayerClaim, world},
};
use crate::ledger::hex;

/// A question that was taken in.
pub struct Asked {
    /// Its envelopes, without the sets.
    pub interchange: Interchange,
    /// The sets of its first group.
    pub sets: Vec<Transaction>,
}

/// Takes an interchange in; where it is not taken, the bytes of the receipt that says so.
///
/// # Errors
/// The receipt; nothing, where there is nobody to give it to.
pub fn take(sim: &Sim, bytes: &[u8]) -> Result<Asked, Option<Vec<u8>>> {
    let (date, time) = moment(sim);
    let checked = check(bytes).map_err(|_| None)?;
    let control = number(sim);
    let answering = Answering { date: &date, time: &time, control };
    if !checked.acceptable() {
        let receipt = checked.answer(&answering);
        return Err(receipt.write().ok().filter(|bytes| !bytes.is_empty()));
    }
    let (mut file, _) = File::read(bytes).map_err(|_| None)?;
    let mut interchange = file.interchanges.pop().ok_or(None)?;
    let note = sim.knobs.text("edi_reject");
    let key = format!("edi/isa/{}/{}", interchange.isa.sender, interchange.isa.control);
    let own = hex(&Sha256::digest(bytes));
    let before = sim.kept.get(&key).and_then(|kept| Some(kept.as_str()?.to_owned()));
    let twice = before.is_some_and(|before| before != own);
    sim.kept.put(&key, json!(own));
    // A control number that was seen with other bytes; or somebody wants to see what a rejection does.
    if twice || note == "ta1" {
        let mut receipt = turned(sim, &interchange, control);
        receipt.receipts = vec![Ta1 {
            control: interchange.isa.control.clone(),
            date: interchange.isa.date.clone(),
            time: interchange.isa.time.clone(),
            verdict: "R".to_owned(),
            note: if twice { "025" } else { "006" }.to_owned(),
            ..Ta1::default()
        }];
        return Err(receipt.write().ok());
    }
    if note == "999" {
        return Err(rejected(&interchange, &turned(sim, &interchange, control)));
    }
    let group = interchange.groups.first_mut().ok_or(None)?;
    let sets = std::mem::take(&mut group.sets);
    Ok(Asked { interchange, sets })
}

/// A 999 that takes nothing of the first group.
fn rejected(asked: &Interchange, envelope: &Interchange) -> Option<Vec<u8>> {
    let group = asked.groups.first()?;
    let set = match group.sets.first()? {
        Transaction::ClaimStatus(_) => "276",
        Transaction::Eligibility(_) => "270",
        _ => "278",
    };
    let head = envelope.write().ok()?;
    let head = String::from_utf8(head).ok()?;
    let (isa, _) = head.split_once("IEA")?;
    let (gs, control) = (&group.gs, &envelope.isa.control);
    let stamp = format!("20{}*{}", envelope.isa.date, envelope.isa.time);
    Some(
        format!(
            "{isa}GS*FA*{}*{}*{stamp}*1*X*005010X231A1~ST*999*0001*005010X231A1~AK1*{}*{}*{}~AK2*{set}*0001*{}~\
             IK5*R*5~AK9*R*1*1*0~SE*6*0001~GE*1*1~IEA*1*{control}~",
            gs.receiver, gs.sender, gs.functional, gs.control, gs.version, gs.version,
        )
        .into_bytes(),
    )
}

fn moment(sim: &Sim) -> (String, String) {
    let now = sim.local();
    (now.strftime("%Y%m%d").to_string(), now.strftime("%H%M").to_string())
}

fn number(sim: &Sim) -> u32 {
    u32::try_from(sim.kept.next("edi/control")).unwrap_or(1)
}

/// The envelope of what goes back.
fn turned(sim: &Sim, asked: &Interchange, control: u32) -> Interchange {
    let (date, time) = moment(sim);
    let mut isa = asked.isa.clone();
    std::mem::swap(&mut isa.sender_list, &mut isa.receiver_list);
    std::mem::swap(&mut isa.sender, &mut isa.receiver);
    isa.date = date[2..].to_owned();
    isa.time = time;
    isa.control = format!("{control:09}");
    Interchange { isa, ..Interchange::default() }
}

/// The receipt for what was taken: a 999 that accepts.
pub fn accepted(sim: &Sim, bytes: &[u8]) -> Option<Vec<u8>> {
    let (date, time) = moment(sim);
    let answering = Answering { date: &date, time: &time, control: number(sim) };
    check(bytes).ok()?.answer(&answering).write().ok()
}

/// The bytes of an answer.
pub fn answer(sim: &Sim, asked: &Asked, set: Transaction) -> Option<Vec<u8>> {
    let control = number(sim);
    let mut out = turned(sim, &asked.interchange, control);
    let before = &asked.interchange.groups.first()?.gs;
    let functional = match set {
        Transaction::Eligibility(_) => "HB",
        Transaction::ClaimStatus(_) => "HN",
        _ => "HI",
    };
    let (date, time) = moment(sim);
    let gs = Gs {
        functional: functional.to_owned(),
        sender: before.receiver.clone(),
        receiver: before.sender.clone(),
        date,
        time,
        control: control.to_string(),
        ..before.clone()
    };
    out.groups = vec![Group { gs, sets: vec![set] }];
    out.write().ok()
}

/// Turns the header of a question into that of an answer.
pub fn header(sim: &Sim, bht: &mut Bht, purpose: &str, kind: &str) {
    purpose.clone_into(&mut bht.purpose);
    kind.clone_into(&mut bht.kind);
    (bht.date, bht.time) = moment(sim);
}

/// CCYYMMDD.
pub fn day(text: &str) -> Option<Date> {
    Date::strptime("%Y%m%d", text.trim()).ok()
}

/// A refusal at the door.
pub fn refusal(reason: &str) -> Aaa {
    Aaa {
        valid: "N".to_owned(),
        reason: reason.to_owned(),
        follow_up: "C".to_owned(),
        ..Aaa::default()
    }
}

fn same(a: &str, b: &str) -> bool {
    a.trim().to_lowercase() == b.trim().to_lowercase()
}

/// Who is meant; or a code of list 901 that says why nobody is.
pub fn member(
    sim: &Sim,
    id: &str,
    family: &str,
    born: Option<Date>,
) -> Result<&'static Member, &'static str> {
    let found = world().member_by_id(sim.profile.slug, id).ok_or("75")?;
    match born {
        Some(born) if born != found.dob => Err("71"),
        _ if !same(&found.family, family) => Err("73"),
        _ => Ok(found),
    }
}

/// A 271 to a 270.
pub fn coverage(sim: &Sim, mut asked: t270::Eligibility) -> Option<t270::Eligibility> {
    "271".clone_into(&mut asked.st.set);
    header(sim, &mut asked.bht, "11", "");
    let receiver = asked.sources.first_mut()?.receivers.first_mut()?;
    let subscriber = receiver.subscribers.first_mut()?;
    subscriber.traces.iter_mut().for_each(|trace| "2".clone_into(&mut trace.kind));
    let shown = subscriber.member.as_mut()?;
    let questions = std::mem::take(&mut shown.questions);
    let born = shown.birth.as_ref().and_then(|birth| day(&birth.born));
    let on = shown.dates.iter().find(|dtp| dtp.of == "291").and_then(|dtp| day(&dtp.value));
    shown.dates.clear();
    let found = match member(sim, &shown.name.id, &shown.name.last, born) {
        Ok(found) => found,
        Err(code) => {
            shown.refusals.push(refusal(code));
            return Some(asked);
        }
    };
    let active = found.covered(on.unwrap_or_else(|| sim.today()), sim.start_date());
    shown.dates.push(Dtp {
        of: "346".to_owned(),
        format: "D8".to_owned(),
        value: "20200101".to_owned(),
        ..Dtp::default()
    });
    let mut types: Vec<String> =
        questions.iter().flat_map(|q| q.eq.service_types.iter().cloned()).collect();
    if types.is_empty() {
        types.push("30".to_owned());
    }
    let plain = |what: &str, period: &str, amount: Option<&str>| t270::Benefit {
        eb: Eb {
            what: what.to_owned(),
            coverage: "IND".to_owned(),
            service_types: types.clone(),
            plan: if amount.is_none() { found.plan.clone() } else { String::new() },
            period: period.to_owned(),
            amount: amount.and_then(|text| text.parse().ok()),
            in_network: if amount.is_some() { "Y" } else { "" }.to_owned(),
            ..Eb::default()
        },
        ..t270::Benefit::default()
    };
    shown.benefits.push(plain(if active { "1" } else { "6" }, "", None));
    if active {
        shown.benefits.push(plain("C", "23", Some("2000.00")));
        // As on the portal: of this member the plan does not say what is left.
        if found.key != "M06" {
            shown.benefits.push(plain("C", "29", Some("640.00")));
        }
    }
    Some(asked)
}

/// Category and status of a state of a payer claim.
fn stated(state: &str) -> Option<(&'static str, &'static str)> {
    Some(match state {
        "received" => ("A1", "19"),
        "accepted" => ("P0", "20"),
        "in_process" => ("P1", "46"),
        "records_requested" => ("P3", "297"),
        "paid" | "partial" => ("F1", "65"),
        "denied" => ("F2", "585"),
        "rejected" => ("A3", "21"),
        "adjusted" => ("F3", "101"),
        _ => return None,
    })
}

/// A 277 to a 276.
pub fn claim_status(sim: &Sim, mut asked: t276::ClaimStatus) -> Option<t276::ClaimStatus> {
    "277".clone_into(&mut asked.st.set);
    header(sim, &mut asked.bht, "08", "DG");
    let provider = asked.payers.first_mut()?.receivers.first_mut()?.providers.first_mut()?;
    let subscriber = provider.subscribers.first_mut()?;
    let born = subscriber.birth.take().and_then(|birth| day(&birth.born));
    let claim = subscriber.claims.first_mut()?;
    "2".clone_into(&mut claim.trace.kind);
    let today = sim.today().strftime("%Y%m%d").to_string();
    let status = |category: &str, status: &str| Stc {
        status: Status {
            category: category.to_owned(),
            status: status.to_owned(),
            ..Status::default()
        },
        date: today.clone(),
        ..Stc::default()
    };
    let who = match member(sim, &subscriber.name.id, &subscriber.name.last, born) {
        Ok(who) => who,
        Err(_) => {
            claim.statuses = vec![status("E0", "33")];
            return Some(asked);
        }
    };
    let number = claim.references.iter().find(|r| r.list == "1K").map(|r| r.number.clone());
    let on = claim.dates.iter().find(|dtp| dtp.of == "472").and_then(|dtp| day(&dtp.value));
    let found = world().payer_claims.iter().find(|known| {
        known.payer == sim.profile.slug
            && known.member == who.key
            && number.as_ref().is_none_or(|number| *number == known.claim)
            && on.is_none_or(|on| on == known.service_date(sim.start))
    });
    let step = found.and_then(|known| Some((known, known.at(sim.now(), sim.start)?)));
    let known = step.and_then(|(known, step)| Some((known, step, stated(&step.state)?)));
    let Some((known, step, (category, code))) = known else {
        claim.statuses = vec![status("A4", "35")];
        return Some(asked);
    };
    claim.statuses = vec![Stc {
        charged: known.billed.parse().ok(),
        paid: step.paid.as_ref().and_then(|paid| paid.parse().ok()),
        ..status(category, code)
    }];
    claim.references.retain(|r| r.list != "1K");
    claim
        .references
        .insert(0, Ref { list: "1K".to_owned(), number: known.claim.clone(), ..Ref::default() });
    claim.lines = lines(known, step, &status);
    Some(asked)
}

/// The lines of a claim of several, each as it stands.
fn lines(
    known: &PayerClaim,
    step: &ClaimStep,
    status: &dyn Fn(&str, &str) -> Stc,
) -> Vec<t276::Line> {
    let each = known.lines.iter().zip(&step.lines);
    let told = each.filter_map(|(line, state)| {
        let (category, code) = stated(state)?;
        let mut svc = Svc { charged: line.billed.parse().ok(), ..Svc::default() };
        "HC".clone_into(&mut svc.procedure.list);
        line.code.clone_into(&mut svc.procedure.code);
        svc.paid = Some(Decimal::cents(0));
        Some(t276::Line { svc, statuses: vec![status(category, code)], ..t276::Line::default() })
    });
    told.collect()
}
