//! Lost elements: healed or suggested where one candidate stands out, and nobody where two could be meant or none is left.

use std::{collections::BTreeMap, sync::Arc};

use agent::channel::portal::{
    Finished,
    heal::{Drift, DriftKind, Prints},
};
use domain::{lease::Purpose, script::Bundle, wire::End};

use crate::{
    book::{Book, Wanted, alone, attempt_with, failure, inputs, portal_is, received, session},
    site::Redesign,
};

/// The script of the small portal, with this word for the procedure code.
fn bundle(heal: &str) -> Arc<Bundle> {
    changed(heal, &[])
}

/// The same with further changes of its text and its fragment's.
fn changed(heal: &str, changes: &[(&str, &str)]) -> Arc<Bundle> {
    let script = include_str!("field/submit.yaml")
        .replace("{label: Procedure code}", &format!("{{label: Procedure code, heal: {heal}}}"))
        .replace("within: 8s", "within: 4s");
    let change =
        |text: String| changes.iter().fold(text, |text, (from, to)| text.replace(from, to));
    let (script, shell) = (change(script), change(include_str!("field/shell.yaml").to_owned()));
    let files: BTreeMap<String, String> =
        [("field/submit.yaml", script), ("field/fragments/shell.yaml", shell)]
            .into_iter()
            .map(|(path, text)| (path.to_owned(), text))
            .collect();
    Arc::new(Bundle::load(&files, "field/submit").unwrap_or_else(|findings| {
        panic!("{}", findings.iter().map(domain::script::Finding::render).collect::<String>())
    }))
}

async fn submit(bundle: &Arc<Bundle>, prints: Prints) -> Finished {
    let mut session = session().await;
    let wanted = Wanted { prints, remembers: true, ..Wanted::of(Arc::clone(bundle)) };
    let book = Arc::new(Book::default());
    let finished = attempt_with(&book, &mut session, Purpose::Work, inputs(), wanted).await;
    session.close().await;
    finished
}

/// What was told of lost elements.
fn healings(finished: &Finished) -> Vec<&Drift> {
    let healing = |drift: &&Drift| matches!(drift.kind, DriftKind::Healed | DriftKind::Suggested);
    finished.drift.iter().filter(healing).collect()
}

/// What was told of whole screens.
fn beyond(finished: &Finished) -> Vec<(DriftKind, &str)> {
    let beyond = finished.drift.iter().filter(|drift| drift.kind.level() > 2);
    beyond.map(|drift| (drift.kind, drift.detail.as_str())).collect()
}

/// What the elements look like before the redesign.
async fn remembered(bundle: &Arc<Bundle>) -> Prints {
    let finished = submit(bundle, Prints::new()).await;
    assert!(matches!(finished.end, Some(End::Outcome { .. })), "{:?}", finished.end);
    let text = serde_json::to_string(&finished.prints).unwrap();
    assert!(!text.contains("W100000001") && !text.contains("tangerine"), "{text}");
    portal_is(|portal| portal.submitted.clear()).await;
    finished.prints
}

#[test]
fn a_renamed_field_is_healed_where_the_script_allows_it_and_told() {
    alone(async {
        let auto = bundle("auto");
        let prints = remembered(&auto).await;
        portal_is(|portal| portal.redesign = Redesign::Renamed).await;
        let finished = submit(&auto, prints.clone()).await;
        assert!(matches!(finished.end, Some(End::Outcome { .. })), "{:?}", finished.end);
        assert_eq!(received().await, 1);
        let all = healings(&finished);
        let [drift] = all.as_slice() else { panic!("{all:?}") };
        assert_eq!((drift.element.as_str(), drift.kind), ("code", DriftKind::Healed));
        assert!(drift.now_picture.is_some(), "people can look at it");
        let (before, now) = (drift.before.as_ref().unwrap(), drift.now.as_ref().unwrap());
        assert_eq!(
            (before.name.as_str(), now.name.as_str()),
            ("Procedure code", "Procedure codes:")
        );
        assert_eq!(drift.proposal, "{role: textbox, name: 'Procedure codes'}");
        let form = "new: text `Procedure codes`; gone: text `Procedure code`";
        assert_eq!(beyond(&finished), [(DriftKind::FormChanged, form)], "the form is compared");

        portal_is(|portal| portal.submitted.clear()).await;
        let finished = submit(&bundle("suggest"), prints).await;
        assert_eq!(failure(&finished).name, "element_missing");
        assert_eq!(healings(&finished)[0].kind, DriftKind::Suggested);
        assert_eq!(received().await, 0, "a suggestion is not used");
    });
}

#[test]
fn twins_and_removed_fields_are_nobody() {
    alone(async {
        let auto = bundle("auto");
        let prints = remembered(&auto).await;
        for redesign in [Redesign::Twins, Redesign::Removed] {
            portal_is(|portal| portal.redesign = redesign).await;
            let finished = submit(&auto, prints.clone()).await;
            assert_eq!(failure(&finished).name, "element_missing", "{redesign:?}");
            assert!(healings(&finished).is_empty(), "{redesign:?}: {:?}", finished.drift);
        }
        assert_eq!(received().await, 0);
    });
}

#[test]
fn nothing_is_healed_without_memory_or_where_it_is_forbidden() {
    alone(async {
        let prints = remembered(&bundle("auto")).await;
        portal_is(|portal| portal.redesign = Redesign::Renamed).await;
        for (script, known) in [(bundle("auto"), Prints::new()), (bundle("never"), prints)] {
            let finished = submit(&script, known).await;
            assert_eq!(failure(&finished).name, "element_missing");
            assert!(healings(&finished).is_empty());
        }
    });
}

const FORM: &str = "form:   {see: [member_id, next]}";

#[test]
fn a_screen_that_names_a_lost_element_holds_with_the_one_that_stands_for_it() {
    alone(async {
        let short = ("within: 4s", "within: 3s");
        let form = [short, (FORM, "form:   {see: [member_id, next, code]}")];
        let auto = changed("auto", &form);
        let prints = remembered(&auto).await;
        portal_is(|portal| portal.redesign = Redesign::Renamed).await;
        let finished = submit(&auto, prints.clone()).await;
        assert!(matches!(finished.end, Some(End::Outcome { .. })), "{:?}", finished.end);
        assert_eq!(received().await, 1);
        let all = healings(&finished);
        let [drift] = all.as_slice() else { panic!("{all:?}") };
        assert_eq!((drift.element.as_str(), drift.kind), ("code", DriftKind::Healed));
        assert_eq!(drift.detail, "screen `form` goes by it");

        portal_is(|portal| portal.submitted.clear()).await;
        let finished = submit(&changed("suggest", &form), prints.clone()).await;
        assert_eq!(failure(&finished).name, "no_known_screen");
        assert_eq!(healings(&finished)[0].kind, DriftKind::Suggested);

        for redesign in [Redesign::Twins, Redesign::Removed] {
            portal_is(|portal| portal.redesign = redesign).await;
            let finished = submit(&auto, prints.clone()).await;
            assert_eq!(failure(&finished).name, "no_known_screen", "{redesign:?}");
            assert!(healings(&finished).is_empty(), "{redesign:?}: {:?}", finished.drift);
        }
        // Nothing else says that it is this page.
        portal_is(|portal| portal.redesign = Redesign::Renamed).await;
        let bare = changed("auto", &[short, (FORM, "form:   {see: [code]}")]);
        assert_eq!(failure(&submit(&bare, prints).await).name, "no_known_screen");
        assert_eq!(received().await, 0);
    });
}

#[test]
fn screens_of_a_commit_and_of_a_secret_hold_as_written_only() {
    let guard = [
        ("{role: button, name: Sign in}", "{css: button}"),
        ("within: 4s", "within: 3s"),
        (
            "code:      {label",
            "change: {role: link, name: Change request, heal: auto}\n  code:      {label",
        ),
        ("review: {see: [submit]}", "review: {see: [submit, change]}"),
    ];
    let login = [
        ("within: 4s", "within: 3s"),
        ("{role: button, name: Sign in}", "{role: button, name: Sign in, heal: auto}"),
        (
            "      open: https://portal.field.test/login\n      fill",
            "      open: https://portal.field.test/login\n      until: login\n    - step: type\n      effect: read\n      fill",
        ),
    ];
    alone(async move {
        for (script, step) in
            [(changed("auto", &guard), "fill-form"), (changed("auto", &login), "credentials")]
        {
            portal_is(|portal| portal.redesign = Redesign::None).await;
            let prints = remembered(&script).await;
            portal_is(|portal| portal.redesign = Redesign::Worded).await;
            let finished = submit(&script, prints).await;
            let told = beyond(&finished);
            let unknown = told.iter().filter(|(kind, _)| *kind == DriftKind::ScreenUnknown);
            assert_eq!(unknown.count(), 1, "{told:?}");
            let failure = failure(&finished);
            assert_eq!(
                (failure.name.as_str(), failure.step.as_deref()),
                ("no_known_screen", Some(step))
            );
            assert!(healings(&finished).is_empty(), "{:?}", finished.drift);
        }
        assert_eq!(received().await, 0);
    });
}
