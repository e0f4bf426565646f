//! Every page and form over the real router and a real database: what is shown is what is stored.

use axum::http::{StatusCode, header};
use coordinator::{
    access::{Role, people},
    flow::Actor,
    store::{self, audit},
};
use domain::{
    drift::{Drift, DriftKind, Fingerprint},
    evidence::{EvidenceKind, Moment},
    outcome::{Failure, FailureKind, ReferenceKind},
};

use crate::{
    bed::{Bed, Got, png},
    fixture::{HOSTILE, failure, look, outcome, reference, steps},
};

fn ok(name: &str, got: &Got) {
    assert_eq!(got.status, StatusCode::OK, "{name}: {}", got.text);
    assert!(!got.text.contains("<script>alert"), "{name}");
    let policy = got.header(header::CONTENT_SECURITY_POLICY);
    assert!(policy.starts_with("default-src 'self'") && policy.contains("frame-ancestors 'none'"));
    assert_eq!(got.header(header::CACHE_CONTROL), "no-store");
    look(name, &got.text);
}

/// A case that was submitted, with steps, pictures and the number read from one.
async fn submitted(
    bed: &Bed,
    member: &str,
    number: &str,
) -> (domain::id::CaseId, domain::id::AttemptId) {
    let taken = bed.take_in(member).await;
    let lease = bed.lease().await;
    let mut of = steps();
    let at_act = bed.put(&lease, 5, EvidenceKind::Screenshot, Moment::AtAct, png()).await;
    let read = bed.put(&lease, 6, EvidenceKind::Screenshot, Moment::After, png()).await;
    of[5].acts[0].picture = Some(at_act);
    of[6].values[0].picture = Some(read);
    for step in &mut of[..5] {
        step.acts.iter_mut().for_each(|a| a.picture = None);
    }
    bed.steps(&lease, of).await;
    let mut answer = outcome();
    answer.references = vec![reference(number, ReferenceKind::Tracking)];
    bed.submit(&lease, answer).await;
    (taken.case, lease.attempt)
}

#[tokio::test]
async fn nobody_reads_without_signing_in() {
    let bed = Bed::new().await;
    for at in [
        "/",
        "/inbox",
        "/fleet",
        "/scripts",
        "/drift",
        "/audit",
        "/cases.csv",
        "/evidence/ev_1",
        "/payers/crestline",
        "/register.csv",
    ] {
        let got = bed.get(at, "").await;
        assert_eq!(got.status, StatusCode::SEE_OTHER, "{at}");
        assert!(got.header(header::LOCATION).starts_with("/sign-in?next="), "{at}");
    }
    let wrong = bed.form("/sign-in", "", &[("name", "rosa"), ("password", "wrong")]).await;
    assert_eq!(wrong.status, StatusCode::UNAUTHORIZED);
    assert!(wrong.text.contains("role=\"alert\""));
    let fields =
        [("name", "rosa"), ("password", "right-Passw0rd"), ("next", "//elsewhere.example")];
    let away = bed.form("/sign-in", "", &fields).await;
    assert_eq!(away.header(header::LOCATION), "/", "never to another site");
}

#[tokio::test]
async fn a_case_is_on_the_list_of_what_comes_next() {
    let bed = Bed::new().await;
    let rosa = bed.person("rosa").await;
    let taken = bed.take_in("W100000001").await;
    let row = format!("/cases/{}", taken.case);
    assert!(rosa.get("/?tab=to_submit").await.text.contains(&row));
    let lease = bed.lease().await;
    bed.submit(&lease, outcome()).await;
    let got = rosa.get("/?tab=at_payer").await;
    ok("served_work", &got);
    assert!(got.text.contains(&row) && got.text.contains("CRA-2603-004417"));
    assert!(got.text.contains("T. A. ••••0001"), "the member is masked");
    assert!(!got.text.contains("ALDERSEED") && !got.text.contains("W100000001"));
    assert!(!rosa.get("/?tab=to_submit").await.text.contains(&row));
    for q in ["CRA-2603-004417", "W100000001", "cra 2603 004417", &taken.case.to_string()] {
        let query: String = url::form_urlencoded::byte_serialize(q.as_bytes()).collect();
        let found = rosa.get(&format!("/?q={query}")).await;
        assert_eq!(found.header(header::LOCATION), row, "search for {q}");
    }
    let filter = audit::Filter { act: "cases.searched".into(), ..Default::default() };
    let searched = audit::list(&bed.core.store, &filter, None, 20).await.unwrap().items;
    assert_eq!(searched.len(), 4);
    assert!(searched.iter().all(|e| e.detail["found"] == 1 && e.detail["member_hash"].is_string()));
    assert!(!format!("{searched:?}").contains("W100000001"), "the hash, not the value");
    assert!(rosa.get("/?q=nothing").await.text.contains("No case, reference or member number"));
    let csv = rosa.get("/cases.csv?tab=at_payer").await;
    assert_eq!(csv.text.lines().count(), 2);
    assert!(!csv.text.contains("ALDERSEED"));
}

#[tokio::test]
async fn the_case_and_its_attempt_are_told_whole() {
    let bed = Bed::new().await;
    let rosa = bed.person("rosa").await;
    let (case, attempt) = submitted(&bed, "W100000001", "CRA-2603-004417").await;
    let got = rosa.get(&format!("/cases/{case}")).await;
    ok("served_case", &got);
    for told in ["CRA-2603-004417", "Pended for review", "Attempt 1 succeeded", "Taken in", "70551"]
    {
        assert!(got.text.contains(told), "{told}");
    }
    assert!(!got.text.contains("ALDERSEED"), "masked until asked for");
    let shown = rosa.form(&format!("/cases/{case}/unmask"), &[]).await;
    ok("served_case_shown", &shown);
    assert!(shown.text.contains("ALDERSEED") && shown.text.contains("recorded in the audit"));
    let filter = audit::Filter { subject: case.to_string(), ..Default::default() };
    let entries = audit::list(&bed.core.store, &filter, None, 20).await.unwrap().items;
    assert!(entries.iter().any(|e| e.act == "data.seen"), "looking was written down");
    let got = rosa.get(&format!("/attempts/{attempt}?step=5")).await;
    ok("served_attempt", &got);
    assert!(got.text.contains("class=\"ring\"") && got.text.contains("left:50%;top:52.5%"));
    assert!(
        got.text.contains("Confirmed")
            && got.text.contains("proves that the request was taken in, once")
    );
    assert!(got.text.contains("# line 110"), "the script's line of step 6");
    let evidence =
        got.text.split("<img src=\"").nth(1).unwrap().split('"').next().unwrap().to_owned();
    let picture = rosa.get(&evidence).await;
    assert_eq!(picture.header(header::CONTENT_TYPE), "image/png");
    assert!(picture.header(header::CONTENT_SECURITY_POLICY).contains("sandbox"));
    let filter = audit::Filter { act: "evidence.viewed".into(), ..Default::default() };
    let viewed = audit::list(&bed.core.store, &filter, None, 20).await.unwrap().items;
    assert!(viewed.iter().any(|e| evidence.ends_with(&e.subject)), "a picture on a page, too");
    assert!(viewed.iter().all(|e| e.detail["case"] == case.to_string()));
    let vera = bed.person("vera").await;
    for page in
        [format!("/cases/{case}"), format!("/attempts/{attempt}?step=6"), "/?tab=at_payer".into()]
    {
        let text = vera.get(&page).await.text;
        assert!(text.contains("••••4417") && !text.contains("CRA-2603-004417"), "{page}");
    }
    assert_eq!(
        vera.get(&evidence).await.status,
        StatusCode::FORBIDDEN,
        "a viewer sees no evidence"
    );
    assert_eq!(rosa.get("/cases/nonsense").await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn a_doubt_is_settled_by_two_people() {
    let bed = Bed::new().await;
    let taken = bed.take_in("W100000001").await;
    let lease = bed.lease().await;
    bed.permit(&lease).await;
    bed.fail(&lease, Failure::new(FailureKind::Unsure, "no_proof", HOSTILE)).await;
    let rosa = bed.person("rosa").await;
    let listed = rosa.get("/?tab=in_doubt").await;
    assert!(listed.text.contains(&format!("/cases/{}", taken.case)));
    let got = rosa.get(&format!("/cases/{}", taken.case)).await;
    ok("served_doubt_case", &got);
    assert!(got.text.contains("This may have been submitted."));
    assert!(!got.text.contains("/cancel\""), "a doubt cannot be cancelled");
    ok("served_doubt_attempt", &rosa.get(&format!("/attempts/{}", lease.attempt)).await);
    // Three looks find nothing: the payer's rule then asks a person.
    let question = ask_after_looks(&bed, &taken).await;
    let (rosa, ben) = (bed.person("rosa").await, bed.person("ben").await);
    let page = format!("/inbox/{question}");
    let got = rosa.get(&page).await;
    ok("served_question", &got);
    let declare = |rev: &'static str, reason: &'static str| {
        [("choice", "declare_absent"), ("revision", rev), ("reason", reason)]
    };
    let at = format!("{page}/resolve");
    let early = rosa.form(&at, &declare("7", "Called the payer: nothing there")).await;
    assert_eq!(early.status, StatusCode::CONFLICT, "an answer to something older");
    assert!(early.text.contains("Called the payer: nothing there"), "what was typed is kept");
    let first = rosa.form(&at, &declare("0", "Called the payer: nothing there")).await;
    assert!(first.header(header::LOCATION).ends_with("?did=first"), "{}", first.text);
    let same = rosa.form(&at, &declare("1", "I am quite sure of it")).await;
    assert_eq!(same.status, StatusCode::CONFLICT, "never the same person twice");
    let second = ben.form(&at, &declare("1", "Looked at the portal myself")).await;
    assert!(second.header(header::LOCATION).ends_with("?did=answered"), "{}", second.text);
    let listed = rosa.get("/?tab=to_submit").await;
    assert!(listed.text.contains(&format!("/cases/{}", taken.case)), "it may be sent again");
    ok("served_resolved", &rosa.get("/inbox?tab=resolved").await);
}

/// Lets the read-only looks end without an answer until a person is asked; gives the question's id.
async fn ask_after_looks(bed: &Bed, taken: &coordinator::flow::intake::Taken) -> String {
    for _ in 0..8 {
        bed.clock.advance(30 * 60_000);
        let filter = coordinator::store::exceptions::Filter {
            job: taken.job.to_string(),
            ..Default::default()
        };
        let asked =
            coordinator::store::exceptions::list(&bed.core.store, &filter, "", 1).await.unwrap();
        if let Some(e) = asked.items.first() {
            return e.id.to_string();
        }
        let look = bed.lease().await;
        bed.fail(&look, Failure::new(FailureKind::PageChanged, "no_known_screen", "")).await;
    }
    panic!("nobody was asked");
}

#[tokio::test]
async fn a_question_is_claimed_and_answered_by_a_retry() {
    let bed = Bed::new().await;
    let rosa = bed.person("rosa").await;
    let empty = rosa.get("/inbox").await;
    ok("served_inbox_empty", &empty);
    assert!(empty.text.contains("Nothing needs a person. 0 slots are working."));
    let taken = bed.take_in("W100000001").await;
    let lease = bed.lease().await;
    bed.put(&lease, 4, EvidenceKind::Screenshot, Moment::After, png()).await;
    bed.fail(&lease, failure()).await;
    let got = rosa.get("/inbox").await;
    ok("served_inbox", &got);
    assert!(got.text.contains("The portal showed a page the script does not know."));
    let at = got.text.split("href=\"/inbox/exc_").nth(1).unwrap();
    let page = format!("/inbox/exc_{}", &at[..26]);
    let claimed = rosa.form(&format!("{page}/claim"), &[]).await;
    assert_eq!(claimed.header(header::LOCATION), format!("{page}?did=claimed"));
    assert!(rosa.get(&page).await.text.contains("Claimed by you"));
    let ben = bed.person("ben").await;
    assert!(ben.get(&page).await.text.contains("Rosa Lind is answering it."));
    let fields =
        [("choice", "retry"), ("revision", "1"), ("reason", "They closed the announcement")];
    let late = ben.form(&format!("{page}/resolve"), &fields).await;
    assert_eq!(late.status, StatusCode::CONFLICT);
    let done = rosa.form(&format!("{page}/resolve"), &fields).await;
    assert!(done.header(header::LOCATION).ends_with("?did=answered"), "{}", done.text);
    let case = rosa.get(&format!("/cases/{}", taken.case)).await;
    assert!(case.text.contains("Retry: They closed the announcement"));
    let cancel = format!("/jobs/{}/cancel", taken.job);
    let cancelled = rosa.form(&cancel, &[("reason", "Withdrawn by the practice")]).await;
    assert!(
        cancelled.header(header::LOCATION).ends_with("?did=job_cancelled"),
        "{}",
        cancelled.text
    );
    let again = rosa
        .form(
            &format!("/cases/{}/jobs", taken.case),
            &[("task", "submit"), ("reason", "They asked for it again")],
        )
        .await;
    assert!(again.header(header::LOCATION).ends_with("?did=job_added"), "{}", again.text);
}

#[tokio::test]
async fn a_pause_shows_as_the_reason_why_nothing_runs() {
    let bed = Bed::new().await;
    let rosa = bed.person("rosa").await;
    bed.take_in("W100000001").await;
    ok("served_fleet", &rosa.get("/fleet").await);
    let own = rosa.get("/payers/crestline").await;
    ok("served_payer", &own);
    for told in ["What is leased", "Breaker", "Lock-out budget", "Register of permissions"] {
        assert!(own.text.contains(told), "{told}");
    }
    assert_eq!(rosa.get("/payers/nowhere").await.status, StatusCode::NOT_FOUND);
    let csv = rosa.get("/register.csv?payer=crestline").await;
    assert_eq!(csv.text.lines().count(), 2, "{}", csv.text);
    let paused = rosa.form("/payers/crestline/pause", &[("reason", "Maintenance on Sunday")]).await;
    assert_eq!(paused.header(header::LOCATION), "/fleet?did=paused#payer-crestline");
    let got = rosa.get("/fleet?did=paused").await;
    ok("served_fleet_paused", &got);
    assert!(got.text.contains("the payer is paused: Maintenance on Sunday"));
    assert!(got.text.contains("Paused. “Resume” undoes it."));
    rosa.form("/payers/crestline/resume", &[("reason", "Their works are over")]).await;
    assert!(!rosa.get("/fleet").await.text.contains("Maintenance on Sunday"));
    rosa.form("/pools/default/pause", &[("reason", "Network works")]).await;
    assert!(rosa.get("/fleet").await.text.contains("the pool is paused: Network works"));
    bed.clock.advance(40_000);
    assert!(rosa.get("/fleet").await.text.contains("Late"), "silent for more than two periods");
}

#[tokio::test]
async fn a_person_changes_the_own_password_and_revokes_the_own_key() {
    let bed = Bed::new().await;
    let (vera, elsewhere) = (bed.person("vera").await, bed.person("vera").await);
    let login = store::people::user_by_login(&bed.core.store, "vera").await.unwrap().unwrap();
    let made = people::add_key(
        &bed.core,
        &Actor::Setup,
        login.id,
        ("laptop", Role::Viewer),
        bed.clock.now(),
    );
    let key = made.await.unwrap().id;
    let page = vera.get("/me").await;
    ok("served_me", &page);
    assert!(page.text.contains("laptop") && page.text.contains(&format!("/keys/{key}/revoke")));
    let change = |present: &'static str, new: &'static str, again: &'static str| {
        [("present", present), ("new", new), ("again", again)]
    };
    for (fields, told) in [
        (change("right-Passw0rd", "another-Passw0rd", "other"), "not the same in both"),
        (change("wrong-Passw0rd", "another-Passw0rd", "another-Passw0rd"), "present password"),
        (change("right-Passw0rd", "short", "short"), "12 to 256 characters"),
    ] {
        let refused = vera.form("/me/password", &fields).await;
        assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
        assert!(refused.text.contains(told) && refused.text.contains("role=\"alert\""), "{told}");
    }
    let fields = change("right-Passw0rd", "another-Passw0rd", "another-Passw0rd");
    let changed = vera.form("/me/password", &fields).await;
    assert_eq!(changed.header(header::LOCATION), "/me?did=password");
    let cookie = changed.header(header::SET_COOKIE).split(';').next().unwrap();
    assert_eq!(bed.get("/me", cookie).await.status, StatusCode::OK, "this browser goes on");
    assert_eq!(vera.get("/me").await.status, StatusCode::SEE_OTHER, "with a new sign-in");
    assert_eq!(elsewhere.get("/me").await.status, StatusCode::SEE_OTHER);
    let rosa = bed.person("rosa").await;
    let path = format!("/keys/{key}/revoke");
    let foreign = rosa.form(&path, &[("reason", "not mine")]).await;
    assert_eq!(foreign.status, StatusCode::NOT_FOUND);
    let page = bed.get("/me", cookie).await.text;
    let token = page.split("name=\"csrf\" value=\"").nth(1).unwrap().split('"').next().unwrap();
    let fields = [("csrf", token), ("reason", "The laptop was sold")];
    let revoked = bed.form(&path, cookie, &fields).await;
    assert_eq!(revoked.header(header::LOCATION), "/me?did=key_revoked");
    assert!(!bed.get("/me", cookie).await.text.contains(&path));
}

#[tokio::test]
async fn a_refused_account_is_shown_and_cleared_with_a_reason() {
    let bed = Bed::new().await;
    let rosa = bed.person("rosa").await;
    bed.take_in("W100000001").await;
    let lease = bed.lease().await;
    bed.fail(&lease, Failure::new(FailureKind::LoginRejected, "wrong_password", "")).await;
    let path = "/payers/crestline/clear_account";
    let page = rosa.get("/fleet").await;
    ok("served_fleet_refused", &page);
    assert!(page.text.contains("Refused by the portal") && page.text.contains(path));
    let account = page.text.split("name=\"account\" value=\"").nth(1).unwrap();
    let account = account.split('"').next().unwrap();
    let fields = [("account", account), ("reason", "Unlocked by their help desk")];
    let cleared = rosa.form(path, &fields).await;
    assert_eq!(cleared.header(header::LOCATION), "/fleet?did=cleared#payer-crestline");
    assert!(!rosa.get("/fleet").await.text.contains(path));
}

#[tokio::test]
async fn forms_need_their_token_and_a_role() {
    let bed = Bed::new().await;
    let rosa = bed.person("rosa").await;
    let forged = rosa.form_without_token("/payers/crestline/pause").await;
    assert_eq!(forged.status, StatusCode::FORBIDDEN);
    assert!(forged.text.contains("load it again"));
    let vera = bed.person("vera").await;
    let page = vera.get("/fleet").await;
    ok("served_fleet_viewer", &page);
    assert!(!page.text.contains("/payers/crestline/pause"), "no form for a role that may not");
    assert!(page.text.contains("Your role may look but not act."));
    let refused = vera.form("/payers/crestline/pause", &[("reason", "because")]).await;
    assert_eq!(refused.status, StatusCode::FORBIDDEN);
    let audit = vera.get("/audit").await;
    assert_eq!(audit.status, StatusCode::FORBIDDEN);
    assert!(audit.text.contains("needs the role admin"));
    ok("served_audit", &rosa.get("/audit").await);
    ok("served_scripts", &rosa.get("/scripts").await);
    let out = rosa.form("/sign-out", &[]).await;
    assert_eq!(out.header(header::LOCATION), "/sign-in");
    assert_eq!(rosa.get("/").await.status, StatusCode::SEE_OTHER);
}

#[tokio::test]
async fn drift_is_listed_and_decided_by_a_reviewer() {
    let bed = Bed::new().await;
    bed.take_in("W100000001").await;
    let lease = bed.lease().await;
    let picture = bed.put(&lease, 2, EvidenceKind::Crop, Moment::Before, png()).await;
    let print = |name: &str| Fingerprint {
        role: "button".into(),
        name: name.into(),
        ..Fingerprint::default()
    };
    let healed = Drift {
        score: Some(0.9),
        margin: Some(0.4),
        proposal: "{role: button, name: 'Find member'}".into(),
        before: Some(print("Search")),
        now: Some(print(HOSTILE)),
        now_picture: Some(picture),
        ..Drift::new(DriftKind::Healed, "search", "crestline/submit:7")
    };
    bed.fail_with(&lease, failure(), vec![healed]).await;

    let (ben, vera) = (bed.person("ben").await, bed.person("vera").await);
    let list = ben.get("/drift").await;
    ok("served_drift", &list);
    let at = list.text.split("href=\"/drift/drift_").nth(1).unwrap().split('"').next().unwrap();
    let at = format!("/drift/drift_{at}");
    let one = ben.get(&at).await;
    ok("served_drift_item", &one);
    assert!(one.text.contains(&format!("/evidence/{picture}")) && one.text.contains("90 %"));
    assert!(vera.get(&at).await.text.contains("needs the role reviewer"));
    let fields = [("revision", "0"), ("reason", "the same button")];
    let accept = format!("{at}/accept");
    assert_eq!(vera.form(&accept, &fields).await.status, StatusCode::FORBIDDEN);
    assert_eq!(ben.form_without_token(&accept).await.status, StatusCode::FORBIDDEN);
    let empty = ben.form(&accept, &[("revision", "0"), ("reason", "")]).await;
    assert_eq!(empty.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(empty.text.contains("role=\"alert\"") && empty.text.contains("Accept"));
    let done = ben.form(&accept, &fields).await;
    assert_eq!(done.status, StatusCode::SEE_OTHER, "{}", done.text);
    let after = ben.get(done.header(header::LOCATION)).await.text;
    assert!(after.contains("Accepted · Ben Hale") && after.contains("the same button"), "{after}");
    assert!(ben.get("/drift").await.text.contains("Nothing to look at"));
    assert!(ben.get("/drift?state=accepted").await.text.contains(&at));
}

#[tokio::test]
async fn a_script_is_held_and_let_go_on() {
    let bed = Bed::new().await;
    let (rosa, vera) = (bed.person("rosa").await, bed.person("vera").await);
    let list = rosa.get("/scripts").await.text;
    let at = list.split("href=\"/scripts/").nth(1).unwrap().split('"').next().unwrap();
    let at = format!("/scripts/{at}");
    let fields = [("reason", "the wrong button")];
    let hold = format!("{at}/hold");
    assert_eq!(vera.form(&hold, &fields).await.status, StatusCode::FORBIDDEN);
    assert_eq!(rosa.form(&hold, &fields).await.status, StatusCode::SEE_OTHER);
    let held = rosa.get(&at).await.text;
    assert!(held.contains("Held: its jobs wait.") && held.contains("the wrong button"));
    let go_on = format!("{at}/unhold");
    assert_eq!(rosa.form(&go_on, &fields).await.status, StatusCode::SEE_OTHER);
    assert!(!rosa.get(&at).await.text.contains("Held: its jobs wait."));
}
