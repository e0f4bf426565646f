//! Which fault applies to which payer: the simulators are asked, by walking through them, what they can carry out, and
//! through their control planes, what they take. A fault is served, or refused with the reason why it does not apply.

use serde_json::{Value, json};
use tests::portal::{Control, Fault, faults::BOOK};

use super::{
    client, harbor_client, larkfield_client, planbridge_client, rxbright_client, verity_client,
};

/// Faults no call can match: carried out the moment they are armed.
const AT_ONCE: [&str; 2] = ["F34", "F38"];

/// Every fault of the book at one payer, after somebody has walked through it.
async fn judged(payer: &str, control: &Control) -> Vec<String> {
    let asked = control.faults_asked().await.unwrap();
    let mut wrong = Vec::new();
    for (id, forms) in BOOK {
        let name = |form: &str| form.split('(').next().unwrap_or_default().to_owned();
        let served = forms.iter().any(|form| asked.contains_key(&name(form)));
        let armed = control.fault(&Fault::new(id)).await;
        match armed {
            Ok(()) if served || AT_ONCE.contains(&id) => {}
            Ok(()) => wrong.push(format!("{payer} takes {id} and never looks for it")),
            Err(error) if !error.to_string().contains("does not apply here: ") => {
                wrong.push(format!("{payer} {id}: {error}"));
            }
            Err(_) if served => wrong.push(format!("{payer} refuses {id} and looks for it")),
            Err(_) => {}
        }
    }
    wrong
}

async fn crestline() -> Vec<String> {
    let world = client::crestline().await;
    let mut user = world.signed_in("auto01").await;
    let patient = "/api/patients?plan=CLM&memberId=W100000001&dob=02/14/1980";
    let mut paths: Vec<String> =
        ["w1", "w2", "w3", "review"].map(|step| format!("/api/steps/{step}")).into();
    paths.extend(
        [patient, "/api/codes?kind=procedure&q=70551", "/api/dashboard", "/app"].map(str::to_owned),
    );
    for path in paths {
        user.get(client::APPS, &path).await.unwrap();
    }
    user.get(client::HUB, "/api/home").await.unwrap();
    user.upload("/api/uploads?name=n.pdf", vec![b'x'; 4000]).await.unwrap();
    user.submit(&client::request("70551", 1)).await.unwrap();
    let number = user.found().await.remove(0);
    user.get(client::APPS, &format!("/api/service-reviews/{number}")).await.unwrap();
    judged("crestline", &world.control()).await
}

async fn verity() -> Vec<String> {
    let verity = verity_client::verity().await;
    let mut user = verity.logged_in("auto01").await;
    user.get("home.aspx").await;
    user.reach_summary("72148").await;
    user.submit().await.unwrap();
    let number = user.numbers().await.remove(0);
    user.get(&format!("case.aspx?number={number}")).await;
    judged("verity", &verity.control()).await
}

async fn larkfield() -> Vec<String> {
    let larkfield = larkfield_client::larkfield().await;
    let mut user = larkfield.signed_in("auto01").await;
    user.api("views/home").await;
    let number = user.file("70551", 1).await;
    user.numbers().await;
    user.status(&number).await;
    judged("larkfield", &larkfield.control()).await
}

async fn harbor() -> Vec<String> {
    let harbor = harbor_client::harbor().await;
    let user = harbor.signed_on("auto01").await;
    for page in ["banner", "login", "main"] {
        user.get(page).await;
    }
    let whom = [("searchId", harbor_client::LARCH), ("searchDob", "01/01/1949")];
    user.post("memberSearch", &whom).await;
    user.fill("70551", "1").await;
    user.attach(b"%PDF-1.4 note").await;
    user.submit().await.unwrap();
    let number = user.numbers().await.remove(0);
    user.get("paInquiry?tab=1").await;
    user.get(&format!("paDetail?pan={number}")).await;
    judged("harbor", &harbor.control()).await
}

async fn planbridge() -> Vec<String> {
    use planbridge_client::{OAK, UM, WWW};
    let bridge = planbridge_client::bridge().await;
    let mut user = bridge.at_work("auto01").await;
    user.get(WWW, "/home").await;
    user.post(UM, "/member/find", &[("searchId", OAK), ("searchDob", "08/20/1990")]).await;
    user.part(UM, "/attach/find?who=1234567893&role=Requesting").await;
    user.fill("70551", "1").await;
    user.get(UM, "/episode").await;
    user.attach("/documents", b"%PDF-1.4 x").await;
    user.submit().await;
    let number = user.numbers().await.remove(0);
    user.get(UM, &format!("/detail/{number}")).await;
    judged("planbridge", &bridge.control()).await
}

async fn rxbright() -> Vec<String> {
    let rx = rxbright_client::rx().await;
    let user = rx.signed_in("auto01").await;
    for path in [
        "/dashboard",
        "/api/me",
        "/api/requests",
        "/api/drugs?q=J17",
        "/api/patients?q=R400000014",
        "/api/prescribers",
    ] {
        user.get(path).await;
    }
    let key = user.filled("J1745", true).await;
    user.attach(&key, "n.pdf", b"%PDF-1.4 /Type /Page x").await;
    user.send(&key).await.unwrap();
    user.on_file().await;
    user.detail(&key).await;
    judged("rxbright", &rx.control()).await
}

#[tokio::test]
async fn every_fault_is_served_by_every_payer_or_refused_with_a_reason() {
    let (one, two, three) = tokio::join!(crestline(), verity(), larkfield());
    let (four, five, six) = tokio::join!(harbor(), planbridge(), rxbright());
    let wrong = [one, two, three, four, five, six].concat();
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[tokio::test]
async fn the_payers_day_ends_where_the_payer_is() {
    let world = client::crestline().await;
    world.control().fault(&Fault::new("F34")).await.unwrap();
    let now = |clock: Value| clock["now"].as_str().unwrap_or_default().to_owned();
    assert_eq!(now(world.control().clock().await.unwrap()), "2026-03-03T05:59:30Z");
    assert_eq!(world.running.sim.today().to_string(), "2026-03-02");
    world.control().advance("PT1M").await.unwrap();
    assert_eq!(world.running.sim.today().to_string(), "2026-03-03");
    let harbor = harbor_client::harbor().await;
    harbor.control().fault(&Fault::new("F34")).await.unwrap();
    assert_eq!(now(harbor.control().clock().await.unwrap()), "2026-03-03T04:59:30Z");
    let fired = harbor.truth().of_kind("fault_fired").await.unwrap();
    assert_eq!(fired[0]["fault"], json!("F34"));
}
