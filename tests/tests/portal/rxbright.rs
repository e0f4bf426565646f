//! RxBright ePA without faults: the way in, drafts and pushed questions, sending, changes.

use std::time::Duration;

use serde_json::{Value, json};
use tests::portal::Act;

use super::rxbright_client::{first_answers, rx};

#[tokio::test]
async fn a_request_is_answered_in_sets_signed_sent_asked_again_and_approved() {
    let rx = rx().await;
    let user = rx.signed_in("auto01").await;
    let key = user.begun(&json!({})).await;
    assert_eq!(key.len(), 8);
    let mut socket = user.socket(&key, None).await.ok().unwrap();
    let first = socket.next().await;
    assert_eq!((&first["type"], &first["data"]["set"]), (&json!("question_set"), &json!(1)));
    assert_eq!(socket.next().await["data"]["status"], "Follow Up");
    let saved = user.save(&key, &first_answers()).await;
    assert_eq!(saved.message(), "Your answers were saved.");
    assert_eq!((&saved.body["left"], &saved.body["waiting"]), (&json!(0), &json!(false)));
    assert_eq!(socket.next().await["data"]["set"], 2);
    user.save(&key, &json!({"step": "true"})).await;
    assert_eq!(rx.count("submit_received").await, 0, "saved is not sent");
    assert!(user.on_file().await.is_empty());
    assert_eq!(user.sign(&key).await.status, 200);
    let answer = user.send(&key).await.unwrap();
    assert_eq!((&answer.body["status"], &answer.body["key"]), (&json!("Submitted"), &json!(key)));
    assert_eq!(socket.next().await["data"]["status"], "Submitted");
    assert_eq!(user.on_file().await, std::slice::from_ref(&key));

    rx.control().advance("PT20M").await.unwrap();
    assert_eq!(socket.next().await["data"]["status"], "Follow Up", "the status goes back");
    let set = socket.next().await;
    assert_eq!(
        (&set["data"]["set"], &set["data"]["questions"][0]["id"]),
        (&json!(3), &json!("trial"))
    );
    assert_eq!(socket.next().await["data"]["text"], "The plan needs more information.");
    assert_eq!(
        user.on_file().await,
        std::slice::from_ref(&key),
        "it is with the plan all the same"
    );
    user.save(&key, &json!({"trial": "true"})).await;
    assert!(user.send(&key).await.unwrap().says("must be signed"), "each round is signed");
    user.sign(&key).await;
    assert_eq!(user.send(&key).await.unwrap().status, 200);
    assert_eq!(user.status(&key).await, "Submitted");

    rx.control().advance("PT2H").await.unwrap();
    let user = rx.signed_in("auto01").await;
    let detail = user.detail(&key).await;
    assert_eq!(
        (&detail["status"], &detail["decision"]["authorization"]),
        (&json!("Approved"), &json!("RX-4100002"))
    );
    assert_eq!(detail["decision"]["to"], "06/07/2026");
    assert!(user.get("/api/notices").await.says("Approved. Authorization RX-4100002"));

    let truth = rx.truth();
    let received = truth.of_kind("submit_received").await.unwrap();
    assert_eq!(received[0]["route"], format!("POST rx api/requests/{key}/send"));
    assert_eq!(
        (&received[0]["fields"]["memberId"], &received[0]["fields"]["signed"]),
        (&json!("R400000014"), &json!(true))
    );
    assert_eq!(truth.of_kind("submit_committed").await.unwrap()[0]["case"], key.as_str());
    assert_eq!((rx.count("answer_received").await, rx.count("answer_committed").await), (2, 1));
    assert_eq!(rx.count("answer_refused").await, 1);
}

#[tokio::test]
async fn a_link_works_once_for_a_while_and_in_one_browser() {
    let rx = rx().await;
    let mut user = rx.stranger();
    assert_eq!(user.get("/api/me").await.status, 401);
    let unknown = user.ask("nobody@willowmere.test").await;
    let known = user.ask("auto01@willowmere.test").await;
    assert_eq!(unknown.text, known.text, "nobody learns who has an account");
    let link = rx.link("auto01");
    let mut other = rx.stranger();
    assert_eq!(other.open_link(&link).await.message(), "This link was opened in another browser.");
    let number = link.rsplit('/').next().unwrap().to_owned();
    assert_eq!(user.open_link(&number).await.status, 200, "its number does as well");
    assert_eq!(user.open_link(&link).await.message(), "This link has expired.");
    let me = user.get("/api/me").await;
    assert_eq!(
        (&me.body["user"], &me.body["overlay"]["kind"]),
        (&json!("auto01@willowmere.test"), &json!("passkey"))
    );
    user.call("POST", "/api/closed", &json!({"kind": "passkey"})).await;
    assert_eq!(user.get("/api/me").await.body["overlay"], Value::Null);

    user.ask("auto01@willowmere.test").await;
    rx.control().advance("PT15M").await.unwrap();
    assert_eq!(user.open_link(&rx.link("auto01")).await.message(), "This link has expired.");
    rx.control().knob("magic_link_min", 60).await.unwrap();
    user.ask("auto01@willowmere.test").await;
    rx.control().advance("PT29M").await.unwrap();
    assert_eq!(user.open_link(&rx.link("auto01")).await.status, 200);
    assert_eq!(rx.count("login").await, 3);
}

#[tokio::test]
async fn a_fourth_link_in_a_quarter_of_an_hour_locks_and_two_sign_ins_live_side_by_side() {
    let rx = rx().await;
    let first = rx.signed_in("auto01").await;
    let mut user = rx.stranger();
    for _ in 0..2 {
        assert_eq!(user.ask("auto01@willowmere.test").await.status, 200);
    }
    let old = rx.link("auto01");
    let refused = user.ask("auto01@willowmere.test").await;
    assert!(refused.status == 429 && refused.says("Too many links"));
    assert_eq!(user.open_link(&old).await.status, 200, "the last link still works");
    assert_eq!(first.get("/api/me").await.status, 200);
    rx.control().advance("PT15M").await.unwrap();
    assert_eq!(user.ask("auto01@willowmere.test").await.status, 200);
    rx.control().advance("PT30M").await.unwrap();
    assert!(first.get("/api/me").await.says("You have been signed out."));
    let user = rx.signed_in("auto02").await;
    user.call("POST", "/api/logout", &json!({})).await;
    assert_eq!(user.get("/api/me").await.status, 401);
    let ends = rx.truth().of_kind("portal_session_end").await.unwrap();
    let why: Vec<&str> = ends.iter().filter_map(|end| end["why"].as_str()).collect();
    assert_eq!(why, ["idle", "idle", "log off"]);
}

#[tokio::test]
async fn a_key_opens_one_request_and_nothing_else() {
    let rx = rx().await;
    let clerk = rx.signed_in("clerk01").await;
    let key = clerk.sent("J1750", false).await;
    let other = clerk.filled("J1745", true).await;
    let mut user = rx.stranger();
    for (key, last, dob) in [
        ("AAAAAAAA", "Rowan", "05/05/1988"),
        (key.as_str(), "Willow", "05/05/1988"),
        (key.as_str(), "Rowan", "05/06/1988"),
    ] {
        assert_eq!(
            user.enter(key, last, dob).await.message(),
            "Could not find a matching patient."
        );
    }
    assert_eq!(user.enter(&key, "ROWAN", "1988-05-05").await.status, 200);
    assert_eq!(user.status(&key).await, "Submitted");
    assert_eq!(user.get("/api/me").await.body["only"], key.as_str());
    assert_eq!(user.get(&format!("/api/requests/{other}")).await.status, 404);
    for path in
        ["/api/requests", "/api/search?lastName=Rowan&dob=05/05/1988", "/api/patients?q=R400000014"]
    {
        assert_eq!(user.get(path).await.status, 403, "{path}");
    }
    assert_eq!(user.start(&json!({})).await.status, 403);
    assert_eq!(user.socket(&other, None).await.err(), Some(404));
    assert_eq!(rx.stranger().socket(&key, None).await.err(), Some(401));
    assert!(user.get(&format!("/api/requests/{key}/history")).await.says("Received"));
    let received = rx.truth().of_kind("submit_received").await.unwrap();
    assert_eq!(received[0]["origin"], "person");
}

#[tokio::test]
async fn everything_about_the_patient_must_fit_and_lists_count_only_what_is_picked() {
    let rx = rx().await;
    let user = rx.signed_in("auto01").await;
    let no_match = "Could not find a matching patient.";
    for change in [
        json!({"zip": "00000"}),
        json!({"sex": "Male"}),
        json!({"firstName": "Other"}),
        json!({"dob": "05/06/1988"}),
        json!({"lastName": "Willow", "firstName": "Testp", "sex": "Male", "zip": "62711"}),
    ] {
        assert_eq!(user.start(&change).await.message(), no_match, "{change}");
    }
    let willow = json!({"lastName": "Willow", "firstName": "Testp", "sex": "Male", "zip": "62791"});
    assert_eq!(user.start(&willow).await.status, 201, "the ZIP the plan has");
    assert!(user.start(&json!({"drug": "inflix"})).await.says("Select a drug from the list."));
    assert!(user.start(&json!({"group": "WMC401"})).await.says("No plan has these three"));
    assert!(user.start(&json!({"npi": "1"})).await.says("Select a prescriber"));
    let drugs = user.get("/api/drugs?q=inflix").await;
    assert_eq!(drugs.body["drugs"].as_array().unwrap().len(), 3);
    assert!(user.get("/api/drugs?q=in").await.body["drugs"].as_array().unwrap().is_empty());
    assert_eq!(
        user.get("/api/plans?bin=610477&pcn=rxv&group=WMC500").await.body["name"],
        "RxBright Value"
    );
    let chart = user.get("/api/patients?q=R400000015").await;
    assert_eq!(chart.body["patients"][0]["zip"], "62711", "the chart is out of date");
    assert!(user.get("/api/prescribers").await.says("Willowmere Clinic (NPI 1234567893)"));
    assert_eq!(rx.count("submit_received").await, 0);
}

#[tokio::test]
async fn answers_insert_and_remove_questions_and_open_ones_bar_the_way() {
    let rx = rx().await;
    rx.control().knob("question_delay_s", 5).await.unwrap();
    let user = rx.signed_in("auto01").await;
    let key = user.begun(&json!({"drug": "J1750"})).await;
    assert_eq!(user.status(&key).await, "Initiated");
    let mut socket = user.socket(&key, None).await.ok().unwrap();
    assert!(socket.burst().await.is_empty());
    rx.control().advance("PT5S").await.unwrap();
    assert_eq!(socket.next().await["data"]["set"], 1);
    assert_eq!(socket.next().await["data"]["status"], "Follow Up");
    let saved = user.save(&key, &first_answers()).await;
    assert_eq!(saved.body["waiting"], true);
    user.sign(&key).await;
    assert!(user.send(&key).await.unwrap().says("The plan has more questions."));
    rx.control().advance("PT5S").await.unwrap();
    let ids = |set: &Value| -> Vec<String> {
        let questions = set["data"]["questions"].as_array().unwrap();
        questions.iter().map(|one| one["id"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(ids(&socket.next().await), ["callback"]);
    let saved = user.save(&key, &json!({"urgent": "Yes"})).await;
    assert_eq!(saved.body["left"], 1);
    assert_eq!(ids(&socket.next().await), ["urgent_statement"]);
    assert!(user.send(&key).await.unwrap().says("Answer every question."));
    user.save(&key, &json!({"urgent_statement": "true", "end": "03/01/2026"})).await;
    assert!(user.send(&key).await.unwrap().says("end date is before the start date"));
    assert_eq!(user.save(&key, &json!({"diagnosis": "Q99.9"})).await.body["left"], 1);
    assert_eq!(rx.count("submit_refused").await, 3);
    assert_eq!(rx.count("submit_committed").await, 0);
    socket
        .say(&json!({"type": "pointer", "data": {"clientX": 7, "clientY": 9, "target": "Sign"}}))
        .await;
    let wait = Duration::from_secs(60);
    let pointer = rx.truth().wait_for("pointer", wait, |_| true).await.unwrap();
    assert_eq!((&pointer["clientX"], &pointer["target"]), (&json!(7), &json!("Sign")));
}

#[tokio::test]
async fn the_socket_can_lose_double_or_swap_and_the_numbers_tell() {
    for (how, expected) in [
        ("none", vec![1, 2, 3]),
        ("drop", vec![2, 3]),
        ("reorder", vec![3, 2, 1]),
        ("duplicate", vec![1, 1, 2, 2, 3, 3]),
    ] {
        let rx = rx().await;
        let user = rx.signed_in("auto01").await;
        let key = user.begun(&json!({})).await;
        user.save(&key, &first_answers()).await;
        rx.control().knob("ws_drop", how).await.unwrap();
        let seqs = |messages: Vec<Value>| -> Vec<u64> {
            messages.iter().filter_map(|message| message["seq"].as_u64()).collect()
        };
        let mut socket = user.socket(&key, None).await.ok().unwrap();
        assert_eq!(seqs(socket.burst().await), expected, "{how}");
        let mut again = user.socket(&key, Some(1)).await.ok().unwrap();
        assert_eq!(seqs(again.burst().await), [2, 3], "{how}: asked again from where it stood");
    }
}

#[tokio::test]
async fn an_existing_request_pops_up_and_a_draft_can_be_discarded() {
    let rx = rx().await;
    let user = rx.signed_in("auto01").await;
    let key = user.begun(&json!({})).await;
    let popped = user.start(&json!({})).await;
    assert_eq!((popped.status, &popped.body["exists"]), (409, &json!(key)));
    assert_eq!(popped.message(), format!("A request exists: {key}."));
    assert!(popped.says("Started by you") && popped.says("not sent."));
    let clerk = rx.signed_in("clerk01").await;
    assert!(clerk.start(&json!({})).await.says("Started by somebody else"));
    let path = format!("/api/requests/{key}");
    assert_eq!(user.call("DELETE", &path, &json!({})).await.status, 200);
    assert_eq!(user.get(&path).await.status, 404);
    let sent = user.sent("J1745", true).await;
    assert!(user.start(&json!({})).await.says("Sent to the plan 03/02/2026"));
    let path = format!("/api/requests/{sent}");
    assert_eq!(user.call("DELETE", &path, &json!({})).await.status, 409);
    // Nothing but the pop-up keeps somebody from sending the same again.
    user.sent("J1745", true).await;
    assert_eq!((user.on_file().await.len(), rx.count("submit_committed").await), (2, 2));
    assert_eq!(rx.count("duplicate").await, 3);
}

#[tokio::test]
async fn attachments_become_one_pdf_in_order_and_wrong_files_are_refused() {
    let rx = rx().await;
    let user = rx.signed_in("auto01").await;
    let key = user.begun(&json!({})).await;
    let two = b"%PDF-1.4 << /Type /Pages >> << /Type /Page >> << /Type /Page >>";
    assert_eq!(user.attach(&key, "two.pdf", two).await.body["pages"], 2);
    let both = user.attach(&key, "scan.png", b"\x89PNG\r\n").await;
    assert_eq!(both.body["pages"], 3);
    assert_eq!(
        (&both.body["files"][0]["name"], &both.body["files"][1]["name"]),
        (&json!("two.pdf"), &json!("scan.png"))
    );
    assert!(user.attach(&key, "x.pdf", b"").await.says("The file is empty."));
    assert!(user.attach(&key, "x.doc", b"PK\x03\x04").await.says("Only PDF, PNG and JPEG"));
    let mut large = b"%PDF-".to_vec();
    large.resize(10 * 1024 * 1024 + 1, b' ');
    assert!(user.attach(&key, "x.pdf", &large).await.says("larger than 10 MB"));
    let path = format!("/api/requests/{key}/files/0");
    assert_eq!(user.call("DELETE", &path, &json!({})).await.body["pages"], 1);
    assert_eq!(rx.count("upload").await, 5);
}

#[tokio::test]
async fn save_on_a_request_that_was_sent_is_an_effect() {
    let rx = rx().await;
    let user = rx.signed_in("auto01").await;
    let key = user.sent("J1750", false).await;
    assert_eq!(user.save(&key, &json!({"quantity": "30"})).await.status, 422, "no draft any more");
    let path = format!("/api/requests/{key}/changes");
    let empty = user.call("POST", &path, &json!({"answers": {"quantity": ""}})).await;
    assert_eq!(empty.message(), "Answer every question.");
    let changed = user.call("POST", &path, &json!({"answers": {"quantity": "30"}})).await;
    assert_eq!(changed.message(), "Your changes were sent.");
    assert_eq!(rx.truth().cases().await.unwrap()[0].lines[0].units, 30);
    let committed = rx.truth().of_kind("edit_committed").await.unwrap();
    assert_eq!((&committed[0]["effect"], &committed[0]["case"]), (&json!(true), &json!(key)));
    rx.control().act(&key, &Act::Approve).await.unwrap();
    let late = user.call("POST", &path, &json!({"answers": {"quantity": "20"}})).await;
    assert!(late.says("can no longer be changed"));
    assert_eq!((rx.count("edit_received").await, rx.count("edit_refused").await), (3, 2));
}
