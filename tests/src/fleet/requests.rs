//! Invented requests for the simulated payers. Family names are trees; nobody here exists.

use jiff::{ToSpan as _, civil::Date};
use serde_json::{Value, json};

use crate::portal::{
    clock::real_now,
    world::{self, Member, PayerClaim},
};

/// The member with this key of the world.
///
/// # Panics
/// There is no such member.
pub fn member(key: &str) -> &'static Member {
    world::world().members.iter().find(|m| m.key == key).expect("the world has this member")
}

/// The payer claim with this key of the world.
///
/// # Panics
/// There is no such payer claim.
pub fn payer_claim(key: &str) -> &'static PayerClaim {
    world::world()
        .payer_claims
        .iter()
        .find(|c| c.key == key)
        .expect("the world has this payer claim")
}

fn person(m: &Member) -> Value {
    json!({"id": m.member_id, "last_name": m.family, "first_name": m.given, "dob": m.dob})
}

/// Today where the payers are.
pub fn today() -> Date {
    real_now().to_zoned(jiff::tz::TimeZone::UTC).date()
}

/// The statement Harbor asks a person to make, as the simulated portal shows it.
pub const HARBOR_STATEMENT: &str = crate::portal::harbor::CERTIFICATION;

/// A request for one service line `days` days from today; `document` as the coordinator described it.
pub fn prior_auth(
    member_key: &str,
    code: &str,
    units: u32,
    days: i64,
    document: Option<&Value>,
) -> Value {
    let m = member(member_key);
    let from = today().checked_add(days.days()).unwrap_or(today());
    let mut request = json!({
        "kind": "prior_auth",
        "member": person(m),
        "requesting": {"npi": "1234567893", "name": "Willowmere Clinic", "taxonomy": "261QM1300X"},
        "servicing": {"npi": "1999999984", "taxonomy": "261QR0200X"},
        "urgency": "standard",
        "setting": "outpatient",
        "diagnoses": ["M54.50"],
        "lines": [{"code": code, "units": units, "from": from, "to": from}],
        "documents": document.map_or_else(Vec::new, |d| vec![d.clone()]),
    });
    match m.payer.as_str() {
        "crestline" => request["plan"] = json!(m.plan),
        "harbor" => attest(&mut request, &[HARBOR_STATEMENT]),
        "rxbright" => {
            request["plan"] = json!(m.plan);
            attest(&mut request, &[crate::portal::rxbright::SIGNATURE]);
        }
        _ => {}
    }
    request
}

/// The same request as Verity wants it, which reviews for Crestline: with the clinical statements of its radiology questions.
pub fn review(
    member_key: &str,
    code: &str,
    units: u32,
    days: i64,
    document: Option<&Value>,
) -> Value {
    let mut request = prior_auth(member_key, code, units, days, document);
    attest(&mut request, &VERITY_STATEMENTS);
    request
}

/// What a person states so that Verity's radiology questions can be answered.
pub const VERITY_STATEMENTS: [&str; 2] = [
    "The member has completed at least six weeks of provider-directed treatment in the last six months.",
    "A physical examination within the last sixty days is on record.",
];

/// A person has made these statements for a request.
fn attest(request: &mut Value, statements: &[&str]) {
    let made = |text: &&str| json!({"text": text, "person": "Riva Stonefield", "at": real_now().to_string()});
    request["attestations"] = statements.iter().map(made).collect();
}

/// An inquiry about a member's coverage today.
pub fn eligibility(member_key: &str) -> Value {
    let m = member(member_key);
    with_plan(m, json!({"kind": "eligibility", "member": person(m), "from": today()}))
}

/// An inquiry whether a service a week from today needs an authorization.
pub fn precheck(member_key: &str, code: &str) -> Value {
    let m = member(member_key);
    let from = today().checked_add(7.days()).unwrap_or(today());
    with_plan(
        m,
        json!({
            "kind": "precheck",
            "member": person(m),
            "requesting": {"npi": "1234567893", "name": "Willowmere Clinic"},
            "setting": "outpatient",
            "diagnoses": ["M54.50"],
            "lines": [{"code": code, "units": 1, "from": from, "to": from}],
        }),
    )
}

/// The request that renews an authorization.
pub fn renewal(request: &Value, number: &str) -> Value {
    let mut request = request.clone();
    request["renews"] = json!(number);
    request
}

/// An inquiry for the letter of a decision.
pub fn letter(member_key: &str, number: &str) -> Value {
    let m = member(member_key);
    with_plan(m, json!({"kind": "letter", "member": person(m), "number": number}))
}

fn with_plan(m: &Member, mut request: Value) -> Value {
    if ["crestline", "rxbright"].contains(&m.payer.as_str()) {
        request["plan"] = json!(m.plan);
    }
    request
}

/// An inquiry about a payer claim of the world.
pub fn claim_status(claim_key: &str) -> Value {
    let claim = payer_claim(claim_key);
    let m = member(&claim.member);
    let from = today().checked_add(claim.from_day.days()).unwrap_or(today());
    with_plan(
        m,
        json!({"kind": "claim_status", "member": person(m), "number": claim.claim, "from": from}),
    )
}

/// An inquiry about an authorization by its number.
pub fn auth_status(member_key: &str, number: &str) -> Value {
    let m = member(member_key);
    with_plan(m, json!({"kind": "auth_status", "member": person(m), "number": number}))
}

/// A small PDF of two pages of invented text, larger than the portals' minimum of 3 KiB.
pub fn note_pdf(title: &str) -> Vec<u8> {
    let mut objects: Vec<String> = vec![
        "<< /Type /Catalog /Pages 2 0 R >>".into(),
        "<< /Type /Pages /Kids [3 0 R] /Count 1 >>".into(),
        "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 612 792] /Contents 4 0 R /Resources << /Font << /F1 5 0 R >> >> >>".into(),
    ];
    let mut text = format!("BT /F1 14 Tf 72 720 Td ({title}) Tj /F1 10 Tf\n");
    for line in 0..60 {
        text.push_str(&format!("0 -11 Td (Invented clinical note, line {line}: conservative therapy, six weeks, no improvement.) Tj\n"));
    }
    text.push_str("ET");
    objects.push(format!("<< /Length {} >>\nstream\n{text}\nendstream", text.len()));
    objects.push("<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>".into());
    let mut pdf = String::from("%PDF-1.4\n");
    let mut offsets = Vec::new();
    for (i, object) in objects.iter().enumerate() {
        offsets.push(pdf.len());
        pdf.push_str(&format!("{} 0 obj\n{object}\nendobj\n", i + 1));
    }
    let start = pdf.len();
    pdf.push_str(&format!("xref\n0 {}\n0000000000 65535 f \n", objects.len() + 1));
    for offset in offsets {
        pdf.push_str(&format!("{offset:010} 00000 n \n"));
    }
    pdf.push_str(&format!(
        "trailer << /Size {} /Root 1 0 R >>\nstartxref\n{start}\n%%EOF\n",
        objects.len() + 1
    ));
    pdf.into_bytes()
}
