//! PlanBridge without faults.

use serde_json::{Value, json};
use tests::portal::Act;

use super::planbridge_client::{EARLIER, OAK, OAK_FOUND, PINE, UM, User, WWW, bridge};

const FIRST: &str = "PB00030130";

#[tokio::test]
async fn a_request_gets_two_numbers_and_the_pended_one_becomes_the_authorization() {
    let bridge = bridge().await;
    let mut user = bridge.at_work("auto01").await;
    user.fill("70551", "1").await;
    let attached = user.attach("/documents", b"%PDF-1.4 a note").await;
    assert!(attached.says("note.pdf") && attached.says("F20000001"), "{}", attached.text);
    let result = user.submit().await;
    assert!(result.says("title=\"Transaction\">T260302000002"), "{}", result.text);
    assert!(
        result.says(&format!("title=\"Reference\">{FIRST}"))
            && result.says("title=\"Status\">Pended")
    );
    assert_eq!(user.numbers().await, [FIRST]);
    bridge.control().advance("PT26H").await.unwrap();
    let mut user = bridge.at_work("auto01").await;
    let detail = user.get(UM, &format!("/detail/{FIRST}")).await;
    assert!(
        detail.says("title=\"Status\">Certified<") && detail.says("title=\"Office Note\">CASE-1")
    );
    let case =
        bridge.truth().cases().await.unwrap().into_iter().find(|case| case.id == FIRST).unwrap();
    assert_eq!((case.number("pend"), case.number("authorization")), (Some(FIRST), Some(FIRST)));

    let truth = bridge.truth();
    let received = truth.of_kind("submit_received").await.unwrap();
    assert_eq!((received.len(), bridge.count("submit_committed").await), (1, 1));
    assert_eq!(received[0]["route"], "POST um submit");
    assert_eq!(received[0]["fields"]["servicingNpi"], "1000000020");
    assert_eq!(received[0]["fields"]["providerReference"], "CASE-1");
}

#[tokio::test]
async fn the_last_member_is_chosen_beforehand() {
    let bridge = bridge().await;
    let mut user = bridge.at_work("auto01").await;
    assert!(user.get(UM, "/member").await.says("No recent members."));
    for member in [OAK, PINE] {
        user.post(UM, "/member", &[("memberId", member)]).await;
    }
    let page = user.get(UM, "/member").await;
    assert!(page.says(&format!("value=\"{PINE}\" checked")), "{}", page.text);
    assert!(page.says(&format!("value=\"{OAK}\"> OAK, TESTM")));
    let find = async |user: &mut User, born: &str| {
        user.post(UM, "/member/find", &[("searchId", OAK), ("searchDob", born)]).await
    };
    assert!(find(&mut user, "08/21/1990").await.says("No member found."));
    let found = find(&mut user, "08/20/1990").await;
    assert!(found.says("OAK, TESTM") && found.says("Active"));
}

#[tokio::test]
async fn what_is_missing_is_told_only_at_the_submit() {
    let bridge = bridge().await;
    let mut user = bridge.at_work("auto01").await;
    assert!(user.submit().await.says("Create an episode first."));
    user.post(UM, "/member", &[("memberId", OAK)]).await;
    let refused =
        user.post(UM, "/episode", &[("kind", "Outpatient"), ("diagnoses", "Q99.9")]).await;
    assert!(refused.says("Enter a valid diagnosis code."));
    user.post(UM, "/episode", &[("kind", "Inpatient"), ("diagnoses", "M54.50")]).await;
    assert!(user.submit().await.says("Attach a requesting provider."));
    user.post(UM, "/attach", &[("role", "Requesting"), ("npi", "1234567893")]).await;
    assert!(user.submit().await.says("Attach a servicing provider."));
    user.post(UM, "/attach", &[("role", "Servicing"), ("npi", "1000000020")]).await;
    assert!(user.submit().await.says("Attach a facility."));
    user.post(UM, "/attach", &[("role", "Facility"), ("npi", "1000000020")]).await;
    assert!(user.submit().await.says("Complete code, units and dates of every service."));
    let row = user.post(UM, "/services/add", &[]).await;
    assert!(row.says("aria-label=\"Units\"") && row.says("data-cell=\"to\""));
    assert_eq!(user.cell("1", "code", "00000").await["message"], "Service code not found.");
    assert_eq!(user.cell("1", "units", "0").await["message"], "Units must be 1 to 999.");
    assert_eq!(user.cell("1", "from", "soon").await["message"], "Enter dates as MM/DD/YYYY.");
    assert!(user.submit().await.says("Complete code"));
    for (cell, value) in
        [("code", "70551"), ("units", "1"), ("from", "3/9/2026"), ("to", "03/09/2026")]
    {
        assert_eq!(user.cell("1", cell, value).await["message"], Value::Null);
    }
    assert!(user.get(UM, "/services").await.says("class=\"kept\">03/09/2026"));
    user.line("97110", "4", "03/09/2026", "03/09/2026").await;
    user.post(UM, "/services/remove", &[("row", "2")]).await;
    assert!(!user.get(UM, "/services").await.says("97110"));
    let refused = user.attach("/documents", b"PK no pdf").await;
    assert!(refused.says("Only PDF and TIF files are accepted."));
    assert!(user.submit().await.says("Episode Result"));
    let codes: Vec<Value> = bridge
        .truth()
        .of_kind("submit_refused")
        .await
        .unwrap()
        .iter()
        .map(|one| one["code"].clone())
        .collect();
    assert_eq!(codes, ["episode", "requesting", "servicing", "facility", "services", "services"]);
}

#[tokio::test]
async fn a_possible_duplicate_is_pended_under_a_new_number() {
    let bridge = bridge().await;
    let mut user = bridge.at_work("auto01").await;
    user.fill("E0601", "1").await;
    assert!(user.submit().await.says("title=\"Status\">Certified<"));
    // Units do not make it another request.
    user.fill("E0601", "2").await;
    let second = user.submit().await;
    assert!(
        second.says("title=\"Status\">Pended")
            && second.says(&format!("Possible duplicate of {FIRST}"))
    );
    assert!(second.says("PB00030137"));
    bridge.control().advance("P5D").await.unwrap();
    let mut user = bridge.at_work("auto01").await;
    assert_eq!(user.numbers().await, [FIRST, "PB00030137"]);
    assert!(user.get(UM, "/detail/PB00030137").await.says("title=\"Status\">Pended"));
    assert_eq!(bridge.truth().of_kind("duplicate").await.unwrap()[0]["how"], "pends");
    assert_eq!(bridge.count("submit_committed").await, 2);
}

#[tokio::test]
async fn reduced_units_are_in_the_lines_alone_and_the_reason_in_the_letter() {
    let bridge = bridge().await;
    let mut user = bridge.at_work("auto01").await;
    user.fill("97110", "16").await;
    user.submit().await;
    assert!(
        user.part(WWW, "/correspondence/rows?member=XPB300000012").await.says("No correspondence.")
    );
    bridge.control().advance("PT6H").await.unwrap();
    let mut user = bridge.at_work("auto01").await;
    let found = user.post(UM, "/search", &OAK_FOUND).await;
    assert!(found.says("<td>Certified - see details</td>"), "{}", found.text);
    let detail = user.get(UM, &format!("/detail/{FIRST}")).await;
    assert!(!detail.says("Units") && !detail.says("Reduced"), "{}", detail.text);
    let lines = user.part(UM, &format!("/detail/{FIRST}/lines")).await;
    assert!(lines.says("<td>16</td><td>12</td>") && lines.says("Certified - Reduced"));
    let rows =
        user.part(WWW, &format!("/correspondence/rows?member={OAK}&reference={FIRST}")).await;
    assert!(rows.says("Certified with fewer units"), "{}", rows.text);
    let letter = rows.text.split("href=\"").nth(1).unwrap().split('"').next().unwrap().to_owned();
    let text = user.paper(&letter).await;
    assert!(
        text.contains("Determination: Certified with fewer units")
            && text.contains("Reason: U12 Twelve units")
    );
    assert!(
        user.part(WWW, &format!("/correspondence/rows?reference={EARLIER}")).await.says(EARLIER)
    );
    assert_eq!(bridge.count("letter").await, 1);
}

#[tokio::test]
async fn the_log_is_as_old_as_it_says_until_a_row_is_refreshed() {
    let bridge = bridge().await;
    let mut user = bridge.at_work("auto01").await;
    assert!(user.part(WWW, "/log/rows").await.says(EARLIER));
    user.fill("97110", "4").await;
    user.submit().await;
    assert!(!user.part(WWW, "/log/rows").await.says(FIRST), "too new for the log");
    bridge.control().knob("office_timeout_min", 600).await.unwrap();
    bridge.control().advance("PT1H").await.unwrap();
    bridge.control().knob("cached_status_h", 1).await.unwrap();
    let rows = user.part(WWW, "/log/rows").await;
    assert!(
        rows.says("class=\"status\">Pended") && rows.says("03/02/2026 09:00 AM"),
        "{}",
        rows.text
    );
    bridge.control().knob("cached_status_h", 4).await.unwrap();
    bridge.control().advance("PT2H").await.unwrap();
    assert!(user.part(WWW, "/log/rows?member=XPB300000012").await.says("class=\"status\">Pended"));
    assert!(user.get(WWW, &format!("/log/{FIRST}")).await.says("title=\"Status\">Pended"));
    let fresh = user.post(WWW, "/log/refresh", &[("reference", FIRST)]).await;
    assert!(fresh.says("\"status\":\"Certified\"") && fresh.says("11:00 AM"), "{}", fresh.text);
    assert!(
        user.part(WWW, "/log/rows?member=XPB300000012").await.says("class=\"status\">Certified")
    );
    assert_eq!(bridge.count("status_refresh").await, 1);
}

#[tokio::test]
async fn renewal_and_extension_exist_only_near_the_end() {
    let bridge = bridge().await;
    let mut user = bridge.at_work("auto01").await;
    let detail = user.get(UM, &format!("/detail/{EARLIER}")).await;
    assert!(detail.says(">Renew</a>") && detail.says(">Extend</a>"), "{}", detail.text);
    bridge.control().knob("renew_window_d", 10).await.unwrap();
    assert!(!user.get(UM, &format!("/detail/{EARLIER}")).await.says(">Renew</a>"));
    assert_eq!(user.get(UM, &format!("/detail/{EARLIER}/renew")).await.location, "");
    bridge.control().knob("renew_window_d", 30).await.unwrap();

    assert_eq!(user.get(UM, &format!("/detail/{EARLIER}/renew")).await.location, "/services");
    assert!(user.submit().await.says("Complete code, units and dates"), "dates are to be set anew");
    user.cell("1", "from", "03/23/2026").await;
    user.cell("1", "to", "06/20/2026").await;
    let result = user.submit().await;
    assert!(result.says("title=\"Status\">Certified<"), "{}", result.text);
    let received = bridge.truth().of_kind("submit_received").await.unwrap();
    assert_eq!(received[1]["fields"]["renews"], EARLIER);

    let extend = async |user: &mut User, end: &str| {
        user.post(UM, &format!("/detail/{EARLIER}/extend"), &[("end", end)]).await
    };
    assert!(extend(&mut user, "03/01/2026").await.says("The new end date is not possible."));
    assert!(extend(&mut user, "04/30/2026").await.says("title=\"Valid To\">04/30/2026"));
    assert!(!user.get(UM, &format!("/detail/{EARLIER}")).await.says(">Renew</a>"));
    let counts = (bridge.count("edit_received").await, bridge.count("edit_committed").await);
    assert_eq!(counts, (2, 1));
}

#[tokio::test]
async fn information_is_asked_by_fax_and_two_members_can_share_one() {
    let bridge = bridge().await;
    let mut user = bridge.at_work("auto01").await;
    user.fill("27447", "1").await;
    user.submit().await;
    assert!(user.get(WWW, "/fax").await.says("No faxes."));
    bridge.control().advance("PT4H").await.unwrap();
    let mut user = bridge.at_work("auto01").await;
    let folder = user.get(WWW, "/fax").await;
    assert!(folder.says("F70000101") && folder.says("<td>1</td>"), "{}", folder.text);
    assert!(user.paper("/fax/F70000101").await.contains("Office note"));
    bridge.control().knob("fax_two_in_one", true).await.unwrap();
    let both = user.paper("/fax/F70000101").await;
    assert!(both.contains("/Count 2") && both.contains(PINE) && both.contains(OAK));

    let detail = user.get(UM, &format!("/detail/{FIRST}")).await;
    assert!(detail.says("Information requested: Office note; Imaging report"));
    let path = format!("/detail/{FIRST}/document");
    assert!(user.attach(&path, b"no").await.says("Only PDF and TIF files"));
    assert!(
        user.attach(&path, b"%PDF-1.4 note").await.says("Information requested: Imaging report")
    );
    assert!(!user.attach(&path, b"%PDF-1.4 report").await.says("Information requested"));
    bridge.control().advance("PT20H").await.unwrap();
    let mut user = bridge.at_work("auto01").await;
    assert!(user.get(UM, &format!("/detail/{FIRST}")).await.says("title=\"Status\">Certified<"));
    let counts = (bridge.count("attach_received").await, bridge.count("attach_committed").await);
    assert_eq!(counts, (3, 2));
}

#[tokio::test]
async fn the_reviewer_s_words_are_the_hub_s() {
    let bridge = bridge().await;
    let mut user = bridge.at_work("auto01").await;
    user.fill("97112", "2").await;
    user.submit().await;
    let status = async |user: &mut User| {
        let page = user.get(UM, &format!("/detail/{FIRST}")).await;
        page.text.split("title=\"Status\">").nth(1).unwrap().split('<').next().unwrap().to_owned()
    };
    for (act, words) in [
        (Act::Modify { units: 1 }, "Certified - see details"),
        (Act::Deny { reason: "Not shown.".to_owned() }, "Not Certified"),
        (Act::Cancel, "Cancelled"),
        (Act::Approve, "Certified"),
    ] {
        bridge.control().act(FIRST, &act).await.unwrap();
        assert_eq!(status(&mut user).await, words);
    }
}

#[tokio::test]
async fn coverage_and_claims_are_read_by_member() {
    let bridge = bridge().await;
    let mut user = bridge.signed_in("auto01").await;
    let ask = async |user: &mut User, born: &str, on: &str| {
        let fields = [("memberId", OAK), ("dob", born), ("asOf", on), ("service", "97110")];
        user.post(WWW, "/eligibility", &fields).await
    };
    let active = ask(&mut user, "08/20/1990", "03/09/2026").await;
    assert!(active.says("title=\"Coverage Status\">Active") && active.says("$25.00"));
    assert!(
        ask(&mut user, "08/20/1990", "12/31/2019").await.says("title=\"Coverage Status\">Inactive")
    );
    assert!(ask(&mut user, "08/21/1990", "03/09/2026").await.says("No member found."));
    assert!(ask(&mut user, "08/20/1990", "soon").await.says("Enter dates as"));

    let claims = async |user: &mut User, member: &str, day: &str| {
        user.post(WWW, "/claims", &[("memberId", member), ("serviceDate", day)]).await
    };
    assert!(claims(&mut user, OAK, "02/14/2026").await.says("Pended - Records Requested"));
    assert!(claims(&mut user, OAK, "02/15/2026").await.says("No claims found."));
    assert!(claims(&mut user, "nobody", "").await.says("No member found."));
    let paid = user.get(WWW, "/claims/26PB0A7K0088").await;
    assert!(paid.says("title=\"Claim Status\">Paid") && paid.says("$280.00"));
    bridge.control().advance("P26D").await.unwrap();
    let mut user = bridge.signed_in("auto01").await;
    let denied = user.get(WWW, "/claims/26PB0A7K0071").await;
    assert!(denied.says("title=\"Claim Status\">Denied") && denied.says("CO 226"));
}

#[tokio::test]
async fn knobs_change_what_they_say() {
    let bridge = bridge().await;
    let mut user = bridge.at_work("auto01").await;
    assert!(user.get(WWW, "/home").await.says("data-um=\"window\""));
    bridge.control().knob("um", "tab").await.unwrap();
    assert!(user.get(WWW, "/home").await.says("data-um=\"tab\""));
    assert!(user.get(UM, "/member").await.says("https://www.planbridge.test/home"));
    bridge.control().knob("number_format", "b").await.unwrap();
    user.fill("70551", "1").await;
    assert!(user.submit().await.says("pb-000030130"));
    bridge.control().knob("status_down", true).await.unwrap();
    assert!(user.post(UM, "/search", &OAK_FOUND).await.says("temporarily unavailable"));
    assert!(user.part(WWW, "/log/rows").await.says("temporarily unavailable"));
    bridge.control().knob("announcement", true).await.unwrap();
    let mut user = bridge.signed_in("auto01").await;
    assert!(user.get(WWW, "/home").await.says("Plan notice"));
    assert!(!user.get(WWW, "/home").await.says("Plan notice"), "shown once");
}

#[tokio::test]
async fn a_restart_keeps_cases_terms_and_the_log() {
    let first = bridge().await;
    let mut user = first.at_work("auto01").await;
    user.fill("97110", "4").await;
    user.submit().await;
    let before = first.truth().entries(&Default::default()).await.unwrap();
    drop(user);
    let bridge = first.restarted().await;
    assert_eq!(bridge.truth().entries(&Default::default()).await.unwrap(), before);
    assert_eq!(bridge.truth().cases().await.unwrap().len(), 2, "and the earlier one only once");
    bridge.control().knob("login_second", "question").await.unwrap();
    let mut user = bridge.stranger();
    assert_eq!(user.sign_in("auto01").await.location, "/home", "terms stay accepted");
    user.open_um().await;
    assert_eq!(user.numbers().await, [FIRST]);
}

#[tokio::test]
async fn pages_load_nothing_from_elsewhere_and_carry_no_hooks() {
    let bridge = bridge().await;
    let mut user = bridge.at_work("auto01").await;
    user.fill("70551", "1").await;
    let hub = [
        "/home",
        "/log",
        "/log/rows",
        "/correspondence",
        "/fax",
        "/eligibility",
        "/claims",
        "/settings",
        "/bridge.css",
        "/bridge.js",
    ];
    let um = [
        "/member",
        "/episode",
        "/attach",
        "/services",
        "/documents",
        "/submit",
        "/search",
        "/um.js",
    ];
    let all = hub.iter().map(|path| (WWW, path)).chain(um.iter().map(|path| (UM, path)));
    for (host, path) in all {
        let answer = user.get(host, path).await;
        assert_eq!(answer.status, 200, "{path}");
        let text = answer.text.to_lowercase().replace("default", "");
        for hidden in ["data-test", "ledger", "skin", "fault", "knob", "http://", "elsewhere"] {
            assert!(!text.contains(hidden), "{path} contains {hidden}");
        }
    }
    let click = json!({"clicks": [{"clientX": 5, "clientY": 6, "target": "input Submit"}], "closed": ["Survey"]});
    user.pulse(UM, &click).await;
    assert_eq!(bridge.truth().of_kind("pointer").await.unwrap()[0]["clientX"], 5);
    assert_eq!(bridge.truth().of_kind("announcement").await.unwrap()[0]["closed"], "Survey");
}
