//! Larkfield National without faults.

use serde_json::json;
use tests::portal::Act;

use super::larkfield_client::{FIR, LOGIN, PROVIDER, account, larkfield};

#[tokio::test]
async fn a_request_is_filed_and_its_letter_comes_before_the_portal_tells() {
    let larkfield = larkfield().await;
    let mut user = larkfield.signed_in("auto01").await;
    let mut body = user.request("70551", 1).await;
    let upload = user.upload("uploads?name=note.pdf", b"%PDF-1.4 a note").await.json();
    body["uploads"] = json!([upload["id"]]);
    let number = user.post("requests", &body).await.json()["number"].as_str().unwrap().to_owned();
    assert!(number.starts_with("LN") && number.len() == 10, "{number}");
    let result = user.api(&format!("requests/{number}?result=1")).await.json();
    assert_eq!((&result["status"], &result["authorization"]), (&json!("Pended"), &json!(null)));
    assert_eq!(result["pend"].as_str().unwrap().len(), 10);
    assert_eq!((&result["memberId"], &result["reference"]), (&json!(FIR), &json!("CASE-1")));
    assert_eq!(result["documents"], json!(["note.pdf"]));

    larkfield.control().advance("PT2H").await.unwrap();
    let mut user = larkfield.signed_in("auto01").await;
    assert_eq!(user.status(&number).await, "In review");
    // Approved after 26 hours; the letter four hours later, the portal twelve.
    larkfield.control().advance("PT25H").await.unwrap();
    let mut user = larkfield.signed_in("auto01").await;
    let letters = user.api(&format!("letters?q={number}")).await.json();
    assert_eq!(letters["message"], "No letters found.");
    larkfield.control().advance("PT4H").await.unwrap();
    let mut user = larkfield.signed_in("auto01").await;
    let letters = user.api("letters?q=fir,%20testf").await.json();
    let letter = letters["rows"][0]["letter"].as_str().unwrap();
    let paper = String::from_utf8(user.bytes(&format!("/documents/{letter}.pdf")).await).unwrap();
    assert!(paper.contains("Decision: Approved") && paper.contains("Authorization number: A"));
    assert_eq!(user.status(&number).await, "In review", "the portal is behind its own letter");
    larkfield.control().advance("PT8H").await.unwrap();
    let mut user = larkfield.signed_in("auto01").await;
    let detail = user.api(&format!("requests/{number}")).await.json();
    assert_eq!(
        (&detail["status"], &detail["validFrom"]),
        (&json!("Approved"), &json!("03/09/2026"))
    );
    assert!(detail["authorization"].as_str().unwrap().starts_with('A'));

    let truth = larkfield.truth();
    let received = truth.of_kind("submit_received").await.unwrap();
    assert_eq!(received[0]["route"], "POST provider api/requests");
    assert_eq!(
        (&received[0]["fields"]["tin"], &received[0]["fields"]["requestingNpi"]),
        (&json!("14-1234567"), &json!("1234567893"))
    );
    let recorded = truth.of_kind("submit_committed").await.unwrap();
    assert_eq!(recorded[0]["numbers"][0]["value"], number.as_str());
    let sim = &larkfield.running.sim;
    let mail = sim.mail.messages(&sim.kept, &account("auto01").email, sim.now());
    assert!(mail.iter().any(|one| one.subject == "A new letter is in your Document Library"));
}

#[tokio::test]
async fn the_way_in_leads_over_the_login_host_and_checks_what_comes_back() {
    let larkfield = larkfield().await;
    let mut user = larkfield.stranger();
    let away = user.get(PROVIDER, "/app").await;
    assert!(away.location.starts_with("https://login.larkfield.test/authorize?"));
    for part in ["state=", "nonce=", "code_challenge_method=S256", "response_type=code"] {
        assert!(away.location.contains(part), "{part}");
    }
    assert_eq!(user.get(LOGIN, "/authorize?client_id=x").await.status, 400);
    let shell = user.sign_in(&larkfield, "auto01", &[]).await;
    assert!(shell.says("<lf-shell") && shell.at.starts_with(PROVIDER), "{}", shell.text);
    for kind in ["terms_shown", "terms_committed", "announcement", "login"] {
        assert!(larkfield.count(kind).await >= 1, "{kind}");
    }
    // The second time nothing is asked but password and code.
    larkfield.control().advance("PT1M").await.unwrap();
    larkfield.signed_in("auto01").await;
    assert_eq!(larkfield.count("terms_shown").await, 1);
    assert!(user.api("me").await.says("Willowmere Clinic"), "both sign-ins live");

    // A foreign state, and an answer nobody asked for.
    assert_eq!(larkfield.stranger().get(PROVIDER, "/callback?code=x&state=y").await.status, 400);
    let discovery = user.get(LOGIN, "/.well-known/openid-configuration").await.json();
    assert_eq!(discovery["code_challenge_methods_supported"], json!(["S256"]));
    assert_eq!(user.get(LOGIN, "/jwks").await.json()["keys"][0]["crv"], "P-256");
    user.get(PROVIDER, "/sign-out").await;
    assert_eq!(user.api("me").await.status, 401);
}

#[tokio::test]
async fn a_code_that_comes_twice_revokes_what_was_given_for_it() {
    let larkfield = larkfield().await;
    larkfield.signed_in("auto01").await;
    larkfield.control().advance("PT30S").await.unwrap();
    let mut user = larkfield.stranger();
    user.open(PROVIDER, "/app").await;
    user.form("/username", &[("username", "auto01")]).await;
    user.form("/password", &[("password", &account("auto01").password)]).await;
    let back = user.form_once(LOGIN, "/otp", &[("code", &larkfield.code("auto01"))]).await;
    let path = back.location.strip_prefix("https://provider.larkfield.test").unwrap().to_owned();
    user.open(PROVIDER, &path).await;
    assert_eq!(user.api("me").await.status, 200);
    assert_eq!(user.get(PROVIDER, &path).await.status, 400);
    assert_eq!(user.api("me").await.status, 401, "the tokens are revoked");
    let code = path.split("code=").nth(1).unwrap().split('&').next().unwrap().to_owned();
    let fields = [
        ("client_id", "provider-workspace"),
        ("grant_type", "authorization_code"),
        ("redirect_uri", "https://provider.larkfield.test/callback"),
        ("code", code.as_str()),
        ("code_verifier", "guessed"),
    ];
    let answer = user.form_once(LOGIN, "/token", &fields).await;
    assert_eq!((answer.status.as_u16(), answer.says("invalid_grant")), (400, true));
}

#[tokio::test]
async fn tokens_are_renewed_silently_until_eight_hours_are_over() {
    let larkfield = larkfield().await;
    let mut user = larkfield.signed_in("auto01").await;
    for _ in 0..9 {
        larkfield.control().advance("PT50M").await.unwrap();
        assert_eq!(user.api("me").await.status, 200);
    }
    larkfield.control().advance("PT50M").await.unwrap();
    assert_eq!(user.api("me").await.status, 401);
    let mut idle = larkfield.signed_in("auto02").await;
    larkfield.control().advance("PT60M").await.unwrap();
    assert_eq!(idle.api("me").await.status, 401);
    let ended = larkfield.truth().of_kind("portal_session_end").await.unwrap();
    let why: Vec<_> = ended.iter().map(|entry| entry["why"].as_str().unwrap()).collect();
    assert_eq!(why, ["tokens ended", "idle"]);
}

#[tokio::test]
async fn five_wrong_passwords_lock_the_login_host_only() {
    let larkfield = larkfield().await;
    let mut inside = larkfield.signed_in("auto02").await;
    let mut user = larkfield.stranger();
    user.open(PROVIDER, "/app").await;
    user.form("/username", &[("username", "auto02")]).await;
    for _ in 0..4 {
        let page = user.form("/password", &[("password", "no")]).await;
        assert!(page.says("That username and password don&#39;t match."), "{}", page.text);
    }
    assert!(user.form("/password", &[("password", "no")]).await.says("This account is locked"));
    let right = account("auto02").password.clone();
    assert!(user.form("/password", &[("password", &right)]).await.says("locked"));
    assert_eq!(inside.api("me").await.status, 200, "who is in stays in");
    larkfield.control().advance("PT31M").await.unwrap();
    assert!(user.form("/password", &[("password", &right)]).await.says("One-time code"));
    for wrong in ["000000", "111111"] {
        assert!(user.form("/otp", &[("code", wrong)]).await.says("That code isn&#39;t right."));
    }
    assert!(user.form("/otp", &[("code", "222222")]).await.says("Too many wrong codes"));
}

#[tokio::test]
async fn a_remembered_device_offers_accounts_and_asks_no_code() {
    let larkfield = larkfield().await;
    larkfield.control().advance("PT1M").await.unwrap();
    let mut user = larkfield.stranger();
    user.sign_in(&larkfield, "auto01", &[("remember", "yes")]).await;
    user.get(PROVIDER, "/sign-out").await;
    let page = user.open(PROVIDER, "/app").await;
    assert!(page.says("Continue as auto01@willowmere.test") && page.says("Use another account"));
    user.form("/select", &[("account", "auto01")]).await;
    let shell = user.form("/password", &[("password", &account("auto01").password)]).await;
    assert!(shell.says("<lf-shell"), "no code on a remembered device: {}", shell.text);
    larkfield.control().advance("P31D").await.unwrap();
    let page = user.open(PROVIDER, "/app").await;
    assert!(page.at.contains("/signed-out"), "{}", page.at);
    assert!(user.open(PROVIDER, "/app").await.says("action=\"/username\""), "forgotten");

    larkfield.control().knob("remember_days", 0).await.unwrap();
    larkfield.control().knob("push_mfa", true).await.unwrap();
    let mut user = larkfield.stranger();
    user.open(PROVIDER, "/app").await;
    user.form("/username", &[("username", "auto01")]).await;
    let page = user.form("/password", &[("password", &account("auto01").password)]).await;
    assert!(page.says("Approve the request on your phone."));
}

#[tokio::test]
async fn who_one_acts_for_is_what_the_account_used_last_anywhere() {
    let larkfield = larkfield().await;
    let mut first = larkfield.signed_in("auto01").await;
    let mut second = larkfield.signed_in("auto01").await;
    let refused = larkfield.signed_in("auto02").await;
    let mut refused = refused;
    let tin = json!({"tin": "14-7654321"});
    assert!(refused.post("context", &tin).await.says("You don't have access to this TIN."));
    assert_eq!(second.post("context", &tin).await.json()["npi"], "1000000012");
    // Nothing is said to the other portal session, until its shell is loaded again.
    assert_eq!(first.api("me").await.json()["acting"]["tin"], "14-1234567");
    first.get(PROVIDER, "/app").await;
    assert_eq!(first.api("me").await.json()["acting"]["tin"], "14-7654321");
    let number = first.file("70551", 1).await;
    let received = larkfield.truth().of_kind("submit_received").await.unwrap();
    assert_eq!(received[0]["fields"]["tin"], "14-7654321", "the wrong TIN succeeds");
    first.post("context", &json!({"tin": "14-1234567"})).await;
    assert!(first.numbers().await.is_empty(), "hidden under the other TIN");
    let hidden = first.api(&format!("requests/{number}")).await;
    assert!(hidden.says("You don't have access to this TIN."));
}

#[tokio::test]
async fn members_are_found_exactly_and_a_child_under_its_subscriber() {
    let larkfield = larkfield().await;
    let mut user = larkfield.signed_in("auto01").await;
    let found = user.api("members?id=L200000008").await.json();
    assert_eq!(found["rows"][0]["name"], "JUNIPER, TESTI");
    assert_eq!(found["rows"][0]["dependents"][0]["name"], "JUNIPER, TESTH");
    assert!(!found.to_string().contains("L200000008"), "identifiers are masked");
    user.choose("L200000008").await;
    let by_name = async |user: &mut super::larkfield_client::User, last: &str| {
        let last: String = url::form_urlencoded::byte_serialize(last.as_bytes()).collect();
        let path = format!("members?last={last}&first=TESTG&dob=12/24/1959");
        user.api(&path).await.json()["rows"].as_array().unwrap().len()
    };
    assert_eq!(by_name(&mut user, "O'Hazel-Åsp").await, 1);
    assert_eq!(by_name(&mut user, "OHAZEL-ASP").await, 0);
    assert!(user.api("members?last=FIR").await.says("Enter a member ID"));
    assert!(user.api("members?id=L299999999").await.says("No member found."));

    let reference = user.choose(FIR).await;
    let dates = async |user: &mut super::larkfield_client::User, from: &str, to: &str| {
        user.post("dates", &json!({"ref": reference, "from": from, "to": to})).await.text
    };
    assert_eq!(dates(&mut user, "2026-03-09", "2026-03-10").await, "{}");
    for (from, to) in [("2026-03-01", "2026-03-09"), ("2026-03-09", "2026-03-08"), ("", "")] {
        assert!(dates(&mut user, from, to).await.contains("Choose"), "{from}");
    }
}

#[tokio::test]
async fn a_decision_id_holds_for_what_was_checked_and_nothing_else() {
    let larkfield = larkfield().await;
    let mut user = larkfield.signed_in("auto01").await;
    let ask = |reference: &str, codes: &[&str]| {
        json!({"ref": reference, "diagnoses": ["G43.909"], "codes": codes, "from": "2026-03-09",
            "place": "Outpatient"})
    };
    let fir = user.choose(FIR).await;
    for (code, words) in [
        ("70551", "Prior authorization required"),
        ("99213", "Prior authorization not required"),
        ("A9282", "Not a covered service"),
    ] {
        let answer = user.post("precheck", &ask(&fir, &[code])).await.json();
        assert_eq!(answer["result"], words);
    }
    let delegated = user.choose("L200000007").await;
    let answer = user.post("precheck", &ask(&delegated, &["72148"])).await.json();
    assert_eq!(answer["result"], "Managed by Verity Review");
    let mut body = user.request("72148", 1).await;
    body["ref"] = json!(delegated);
    assert!(user.post("requests", &body).await.says("Managed by Verity Review"));

    let answer = user.post("precheck", &ask(&fir, &["70551"])).await.json();
    let id = answer["decision"].as_str().unwrap();
    assert!(id.starts_with('D') && id.len() == 10, "{id}");
    let mut body = user.request("70553", 1).await;
    body["decision"] = json!(id);
    assert!(user.post("services", &body).await.says("Decision no longer matches"));
    larkfield.control().knob("precheck_required", true).await.unwrap();
    body["decision"] = json!("");
    assert!(
        user.post("requests", &body).await.says("A Decision ID from the pre-check is required")
    );
    body["lines"][0]["code"] = json!("70551");
    body["decision"] = json!(id);
    assert_eq!(user.post("requests", &body).await.status, 201);
    assert_eq!(larkfield.count("precheck").await, 5);
}

#[tokio::test]
async fn an_open_request_just_like_it_is_answered_with_its_number() {
    let larkfield = larkfield().await;
    let mut user = larkfield.signed_in("auto01").await;
    let number = user.file("70551", 1).await;
    let body = user.request("70551", 1).await;
    let again = user.post("requests", &body).await;
    assert_eq!(again.status, 409);
    assert_eq!(again.json()["message"], format!("Already on file: {number}"));
    assert_eq!(larkfield.truth().of_kind("duplicate").await.unwrap()[0]["how"], "existing number");
    // Other units make another request, and so does a decision on the first.
    user.file("70551", 2).await;
    larkfield.control().advance("PT1M").await.unwrap();
    larkfield.control().act(&number, &Act::Cancel).await.unwrap();
    assert_eq!(user.post("requests", &body).await.status, 409, "the portal does not know yet");
    larkfield.control().advance("PT12H").await.unwrap();
    let mut user = larkfield.signed_in("auto01").await;
    assert_eq!(user.status(&number).await, "Cancelled");
    user.file("70551", 1).await;
    let counts =
        (larkfield.count("submit_received").await, larkfield.count("submit_committed").await);
    assert_eq!(counts, (5, 3));
}

#[tokio::test]
async fn what_is_wrong_with_a_request_is_told_and_nothing_recorded() {
    let larkfield = larkfield().await;
    let mut user = larkfield.signed_in("auto01").await;
    let good = user.request("70551", 1).await;
    for (field, value, words) in [
        ("place", json!("Moon"), "Choose a place"),
        ("servicingNpi", json!("1000000053"), "Provider not found in directory."),
        ("diagnoses", json!(["Q99.9"]), "diagnoses"),
        ("lines", json!([{"code": "70551", "units": 0}]), "units"),
        ("urgency", json!("urgent"), "Tell us why"),
        ("from", json!("2026-03-01"), "Choose dates"),
        ("uploads", json!(["x"]), "not ready"),
        ("yourReference", json!("x".repeat(31)), "at most 30"),
    ] {
        let mut body = good.clone();
        body[field] = value;
        let answer = user.post("requests", &body).await;
        assert_eq!((answer.status.as_u16(), answer.says(words)), (422, true), "{}", answer.text);
    }
    for (name, bytes) in [
        ("a.exe", b"MZ".to_vec()),
        ("a.pdf", Vec::new()),
        ("a.pdf", b"PK".to_vec()),
        ("a.jpg", vec![0xff; 20 * 1024 * 1024 + 1]),
    ] {
        let answer = user.upload(&format!("uploads?name={name}"), &bytes).await;
        assert_eq!(answer.json()["message"], "Upload failed.");
    }
    for _ in 0..6 {
        assert_eq!(user.upload("uploads?name=a.tif", b"II*\0 x").await.status, 200);
    }
    assert_eq!(user.upload("uploads?name=a.tif", b"II*\0 x").await.status, 422);
    assert!(user.api("codes?kind=procedure&code=00000").await.says("Code not found."));
    assert_eq!(larkfield.count("submit_refused").await, 8);
    assert_eq!(larkfield.count("submit_committed").await, 0);
}

#[tokio::test]
async fn a_refusal_has_its_reason_in_the_letter_and_a_talk_until_the_fifth_working_day() {
    let larkfield = larkfield().await;
    let mut user = larkfield.signed_in("auto01").await;
    let number = user.file("K0005", 1).await;
    let talk = json!({"physician": "Dr. Vane", "phone": "555-0100", "slot": "Tomorrow"});
    assert_eq!(user.post(&format!("p2p/{number}"), &talk).await.status, 409);
    // Refused after 30 hours (Tuesday evening), in the portal twelve hours later.
    larkfield.control().advance("PT43H").await.unwrap();
    let mut user = larkfield.signed_in("auto01").await;
    let detail = user.api(&format!("requests/{number}")).await;
    assert_eq!(detail.json()["peerToPeer"], "03/10/2026 05:00 PM CT", "{}", detail.text);
    assert!(!detail.says("medically necessary"), "the portal gives no reason");
    let letters = user.api(&format!("letters?q={number}")).await.json();
    let path = format!("/documents/{}.pdf", letters["rows"][0]["letter"].as_str().unwrap());
    let paper = String::from_utf8(user.bytes(&path).await).unwrap();
    for words in
        ["Decision: Denied", "Reason M01: Not medically necessary", "until: 03/10/2026", "PO Box"]
    {
        assert!(paper.contains(words), "{words}");
    }
    let booked = user.post(&format!("p2p/{number}"), &talk).await;
    assert_eq!(booked.json()["message"], "Booked for Tomorrow.");
    let empty = json!({"physician": "", "phone": "", "slot": ""});
    assert_eq!(user.post(&format!("p2p/{number}"), &empty).await.status, 422);
    assert_eq!(larkfield.count("p2p_committed").await, 1);
    larkfield.control().knob("letter_scan", true).await.unwrap();
    let scan = user.bytes(&path).await;
    assert!(scan.starts_with(b"%PDF") && !String::from_utf8_lossy(&scan).contains("Denied"));
}

#[tokio::test]
async fn a_request_is_changed_while_it_is_pended_and_takes_documents_asked_for() {
    let larkfield = larkfield().await;
    let mut user = larkfield.signed_in("auto01").await;
    let number = user.file("27447", 1).await;
    let edit = json!({"units": [2], "reference": "CASE-2"});
    let path = format!("requests/{number}/edit");
    assert!(user.post(&path, &edit).await.says("Your changes were sent."));
    assert!(user.post(&path, &json!({"units": [0]})).await.says("Units are between"));
    let documents = format!("requests/{number}/documents?name=n.pdf");
    assert!(user.upload(&documents, b"%PDF-1").await.says("Call us to change this request."));
    larkfield.control().advance("PT4H").await.unwrap();
    let mut user = larkfield.signed_in("auto01").await;
    let detail = user.api(&format!("requests/{number}")).await.json();
    assert_eq!((&detail["status"], &detail["lines"][0]["units"]), (&json!("Pended"), &json!(2)));
    assert_eq!(detail["wanted"], json!(["Office note", "Imaging report"]));
    for _ in 0..2 {
        let receipt = user.upload(&documents, b"%PDF-1").await.json();
        assert_eq!(receipt["receipt"].as_str().unwrap().len(), 9, "{receipt}");
    }
    larkfield.control().advance("PT40H").await.unwrap();
    let mut user = larkfield.signed_in("auto01").await;
    assert_eq!(user.status(&number).await, "Approved");
    assert!(user.post(&path, &edit).await.says("Call us to change this request."));
    let of = |kind: &'static str| larkfield.count(kind);
    assert_eq!((of("edit_committed").await, of("edit_refused").await), (1, 2));
    assert_eq!((of("attach_committed").await, of("attach_refused").await), (2, 1));
}

#[tokio::test]
async fn benefits_miss_figures_and_a_claim_goes_to_the_deductible() {
    let larkfield = larkfield().await;
    let mut user = larkfield.signed_in("auto01").await;
    let path = format!("eligibility?id={FIR}&dob=04/04/1983&date=03/02/2026&service=70551");
    let answer = user.api(&path).await;
    assert_eq!(answer.json()["status"], "Active");
    assert!(answer.says("Not returned") && !answer.says("Coinsurance"), "{}", answer.text);
    let juniper = user.api("eligibility?id=L200000008&dob=07/07/2015&date=03/02/2026").await;
    assert!(juniper.says("Coinsurance") && juniper.says("JUNIPER, TESTI"));
    assert!(user.api(&path.replace("1983", "1984")).await.says("No member found."));
    let claims = user.api("claims?id=L200000009&date=02/02/2026").await.json();
    let row = &claims["rows"][0];
    assert_eq!(row["status"], "Finalized - applied to deductible");
    assert_eq!((&row["paid"], &row["patient"]), (&json!("0.00"), &json!("260.00")));
    assert_eq!(row["claim"].as_str().unwrap().len(), 15);
    assert!(user.api("claims?claim=NOSUCHCLAIM0000").await.says("No claims found."));
    assert!(user.api("claims?id=L200000009").await.says("Enter a claim number"));
}

#[tokio::test]
async fn knobs_and_a_restart() {
    let larkfield = larkfield().await;
    larkfield.control().knob("number_format", "b").await.unwrap();
    larkfield.control().knob("portal_lag_h", 0).await.unwrap();
    larkfield.control().knob("letter_delay_h", 0).await.unwrap();
    let mut user = larkfield.signed_in("auto01").await;
    let number = user.file("97110", 4).await;
    assert!(number.starts_with("ln-") && number.len() == 12, "{number}");
    larkfield.control().knob("status_down", true).await.unwrap();
    assert!(user.api("requests").await.says("requests can still be sent"));
    assert_eq!(user.api(&format!("requests/{number}")).await.status, 503);
    user.file("97112", 4).await;
    let larkfield = larkfield.restarted().await;
    larkfield.control().knob("portal_lag_h", 0).await.unwrap();
    larkfield.control().knob("letter_delay_h", 0).await.unwrap();
    larkfield.control().advance("PT2H").await.unwrap();
    let mut user = larkfield.signed_in("auto01").await;
    assert_eq!(user.status(&number).await, "Approved");
    let letters = user.api(&format!("letters?q={number}")).await.json();
    assert_eq!(letters["rows"].as_array().unwrap().len(), 1);
    assert_eq!(larkfield.count("submit_committed").await, 2);
}
