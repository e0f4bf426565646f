//! Harbor redesigned: other pages, the same record. Each form is sent with the names the page itself has.

use jiff::Timestamp;
use serde_json::{Value, json};
use tests::portal::{Act, harbor};

use super::harbor_client::{Answer, Harbor, LARCH, PROVIDERS, User, harbor as start, password};

async fn redesigned() -> Harbor {
    let harbor = start().await;
    harbor.control().skin(&json!({"skin": "v2"})).await.unwrap();
    harbor
}

/// Fields by their first names, sent by the names `page` has for them.
async fn send(user: &User, page: &Answer, to: &str, fields: &[(&str, &str)], new: bool) -> Answer {
    let named: Vec<(&str, &str)> = fields
        .iter()
        .map(|(name, value)| (if new { harbor::redesigned_name(name) } else { name }, *value))
        .collect();
    for (name, _) in &named {
        assert!(page.says(&format!("name=\"{name}\"")), "{to} has no field {name}");
    }
    user.post(to, &named).await
}

/// A whole day's work, in either rendering; what the record says of it, without what may differ.
async fn days_work(new: bool) -> Vec<Value> {
    let harbor = start().await;
    if new {
        harbor.control().skin(&json!({"skin": "v2"})).await.unwrap();
    }
    let mut user = harbor.stranger();
    let banner = user.get("banner").await;
    send(&user, &banner, "banner", &[("terms", "x")], new).await;
    let login = user.get("login").await;
    assert_eq!(login.says("name=\"so_user\""), new);
    user.sign_on("auto01", &password("auto01")).await;
    for page in ["index", "top", "menu", "main"] {
        assert_eq!(user.get(page).await.status, 200, "{page}");
    }
    file(&user, new).await;
    let page = user.get("paInquiry").await;
    let search = [("memberId", LARCH), ("memberDob", "01/01/1949"), ("paNumber", "")];
    let found = send(&user, &page, "paInquiry", &search, new).await;
    assert!(found.says("26061000123"));
    assert!(user.get("paDetail?pan=26061000123").await.says("RECEIVED"));
    let page = user.get("claimInquiry").await;
    let claims = send(&user, &page, "claimInquiry", &[("icn", "2026061000031")], new).await;
    assert!(claims.says("PAID IN PART"));
    assert!(user.get("claimDetail?icn=2026061000031").await.says("CO 197"));
    let page = user.get("eligInquiry").await;
    let asked = [("memberId", LARCH), ("memberDob", "01/01/1949"), ("serviceDate", "03/09/2026")];
    assert!(send(&user, &page, "eligInquiry", &asked, new).await.says(">ELIGIBLE<"));
    user.get("logoff").await;

    let mut entries = harbor.truth().entries(&Default::default()).await.unwrap();
    entries.retain(|entry| entry["kind"] != "knob");
    for entry in &mut entries {
        let skin = if new { "v2" } else { "v1" };
        assert!(entry["skin"] == skin || entry["skin"].is_null(), "{entry}");
        for different in ["seq", "received_seq", "real_at", "conn", "skin"] {
            entry[different] = json!(null);
        }
    }
    entries
}

/// The pages of a request, one line, its document, and the submit; then the same once more.
async fn file(user: &User, new: bool) {
    for again in [false, true] {
        let page = user.get("paEntry1").await;
        let (kind, priority) =
            if new { ("Outpatient Services", "Expedited") } else { ("Outpatient Services", "E") };
        let kind = [("requestType", kind), ("priority", priority)];
        let page = send(user, &page, "paEntry1", &kind, new).await;
        let asks = user.get("memberSearch").await;
        let whom = [("searchId", LARCH), ("searchDob", "01/01/1949")];
        assert!(send(user, &asks, "memberSearch", &whom, new).await.says("LARCH, TESTK"));
        let member =
            [("memberId", LARCH), ("memberName", "LARCH, TESTK"), ("memberDob", "01/01/1949")];
        let page = send(user, &page, "paEntry2", &member, new).await;
        let mut providers = PROVIDERS;
        if new {
            // A type-in list sends what it shows.
            providers[1].1 = "261QM1300X - Clinic";
            providers[3].1 = "261QR0200X - Imaging centre";
        }
        let page = send(user, &page, "paEntry3", &providers, new).await;
        assert!(!page.says("PA-0130"), "{}", page.text);
        let mut line = vec![("diagnoses", "G43.909"), ("procedure", "70551"), ("units", "1")];
        line.extend([("from", "03/09/2026"), ("to", "03/09/2026")]);
        line.push(if new { ("act", "add") } else { ("go", "Add Line") });
        let page = send(user, &page, "paEntry4", &line, new).await;
        assert!(page.says("03/09/2026</td>"));
        let page = send(user, &page, "paEntry4", &[("diagnoses", "G43.909")], new).await;
        let signed = [("certName", "Pat Reviewer"), ("certDate", "03/02/2026")];
        let page = send(user, &page, "paEntry5", &signed, new).await;
        assert!(page.says("Submit this request?") && page.says(LARCH));
        assert!(user.attach(b"%PDF-1.4 an office note").await.says("note.pdf"));
        let answer = user.submit().await.unwrap();
        assert_eq!(answer.says("PA-0412"), again);
        assert!(again || (answer.says("RECEIVED") && !answer.says("26061000123")));
    }
}

#[tokio::test]
async fn the_same_work_leaves_the_same_record_in_both_renderings() {
    let (first, second) = (days_work(false).await, days_work(true).await);
    assert_eq!(first.len(), second.len());
    for (one, other) in first.iter().zip(&second) {
        assert_eq!(one, other);
    }
    assert_eq!(first.iter().filter(|entry| entry["kind"] == "submit_committed").count(), 1);
}

#[tokio::test]
async fn a_share_of_portal_sessions_is_redesigned_after_the_sign_in() {
    let harbor = start().await;
    harbor.control().skin(&json!({"mixed": 1.0})).await.unwrap();
    let user = harbor.signed_on("auto01").await;
    assert!(user.get("menu").await.says("PA Requests"));
    assert!(harbor.stranger().get("login").await.says("name=\"userId\""));
    assert!(harbor.control().skin(&json!({"skin": "v3"})).await.is_err());
}

#[tokio::test]
async fn windows_become_dialogs_and_the_frameset_frames_in_a_page() {
    let harbor = redesigned().await;
    let user = harbor.signed_on("auto01").await;
    let index = user.get("index").await;
    assert!(!index.says("<frameset") && index.text.matches("<iframe").count() == 3);
    let kind = [("rq_kind", "Dental")];
    let page = user.post("paEntry1", &kind).await;
    assert!(page.says("role=\"dialog\"") && !page.says("window.open"), "{}", page.text);
    harbor.control().knob("popup", "blocked").await.unwrap();
    let page = user.post("paEntry1", &kind).await;
    assert!(!page.says("role=\"dialog\"") && page.says("return false"));
    // The first rendering can have both, too.
    harbor.control().skin(&json!({"skin": "v1"})).await.unwrap();
    harbor.control().knob("popup", "dialog").await.unwrap();
    harbor.control().knob("frames", "iframe").await.unwrap();
    user.get("logoff").await;
    let user = harbor.signed_on("auto01").await;
    assert!(user.post("paEntry1", &[("requestType", "Dental")]).await.says("role=\"dialog\""));
    assert!(user.get("index").await.says("<iframe name=\"main\""));
}

#[tokio::test]
async fn eligibility_tells_the_day_and_who_pays_first() {
    let harbor = start().await;
    let user = harbor.signed_on("auto01").await;
    let ask = async |id: &str, born: &str, day: &str| {
        let fields = [("memberId", id), ("memberDob", born), ("serviceDate", day)];
        user.post("eligInquiry", &fields).await
    };
    let page = ask(LARCH, "01/01/1949", "03/09/2026").await;
    assert!(page.says("title=\"Eligibility Status\">ELIGIBLE<"), "{}", page.text);
    assert!(page.says("BILL OTHER COVERAGE FIRST"));
    let page = ask("9000000011", "10/10/2001", "03/09/2026").await;
    assert!(page.says(">NOT ELIGIBLE<") && page.says("title=\"Coverage Begins\">04/01/2026"));
    assert!(ask("9000000011", "10/10/2001", "04/09/2026").await.says(">ELIGIBLE<"));
    assert!(ask(LARCH, "01/02/1949", "03/09/2026").await.says("PA-0101"));
    assert!(ask(LARCH, "01/01/1949", "2026-03-09").await.says("PA-0204"));
    assert_eq!(harbor.count("eligibility").await, 4);
}

#[tokio::test]
async fn an_unanswered_request_is_brought_to_mind_and_closed_after_fourteen_working_days() {
    let harbor = start().await;
    let filing = json!({"memberId": LARCH, "requestingNpi": "1234567893", "plan": "HSM",
        "lines": [{"code": "27447", "units": 1, "from": "2026-04-09", "to": "2026-04-09"}]});
    harbor.control().file(&serde_json::from_value(filing).unwrap()).await.unwrap();
    let number = "26061000123";
    let seen = async |until: &str| {
        let until: Timestamp = until.parse().unwrap();
        harbor.control().set_clock(&json!({"set": until.to_string()})).await.unwrap();
        let user = harbor.signed_on("auto01").await;
        let page = user.get(&format!("paDetail?pan={number}")).await;
        user.get("logoff").await;
        page
    };
    let page = seen("2026-03-02T18:30:00Z").await;
    assert!(page.says("DOCUMENTS REQUESTED") && page.says("LAST DAY</td><td>03/20/2026"));
    assert!(!page.says("<td>1</td><td>03/03/2026</td>"));
    let page = seen("2026-03-09T15:00:00Z").await;
    assert!(page.says("<td>1</td><td>03/03/2026</td>") && page.says("<td>2</td><td>03/09/2026"));
    assert!(seen("2026-03-20T12:00:00Z").await.says("PENDING - PROVIDER RESPONSE"));
    assert!(seen("2026-03-20T15:00:00Z").await.says("DENIED - INCOMPLETE"));
    let act = Act::Deny { reason: "x".to_owned() };
    assert!(harbor.control().act("1", &act).await.is_err());
}
