//! The one door for secrets: a secret's *name* becomes keystrokes in one field of one allowed place. The value stays
//! in this file, is overwritten when it has been typed, and reaches no log, picture or document.

pub(crate) mod sent;

use domain::script::ast::SecretKind;
use url::{Origin, Url};
use zeroize::Zeroizing;

use crate::{
    browser::{Deadline, Error, Found, NotDone, Page, Query, Tries, Unobserved, Why},
    channel::Secret,
};

/// Why the door stays shut. Never carries a value.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Shut {
    /// The page, a frame around the field or a form's target is not an origin where this secret may be typed.
    #[error("{0}")]
    Origin(String),
    /// The field is not one this secret belongs into.
    #[error("{0}")]
    Field(String),
    /// It did not reach the field whole.
    #[error("{0}")]
    NotTyped(String),
    /// The browser failed.
    #[error(transparent)]
    Browser(#[from] Error),
}

/// Where secrets may be typed: the payer's profile and the script must both list it.
pub(crate) struct Allowed<'a> {
    /// Origins of the payer's profile, kept by an administrator.
    pub(crate) origins: &'a [String],
    /// Whether the script marks the host of an address `login`.
    pub(crate) is_login_host: &'a (dyn Fn(&str) -> bool + Sync),
}

impl Allowed<'_> {
    fn check(&self, address: &str, what: &str) -> Result<(), Shut> {
        let refuse = |why: &str| Err(Shut::Origin(format!("{what} {why}")));
        let Ok(url) = Url::parse(address) else { return refuse("has no proper address") };
        if url.scheme() != "https" || !url.username().is_empty() || url.password().is_some() {
            return refuse("is not plain https");
        }
        if url.host_str().is_none_or(|host| host.ends_with('.')) {
            return refuse("has an unusual host name");
        }
        let origin = url.origin();
        let listed = self.origins.iter().any(|one| same_origin(one, &origin));
        if !listed {
            return refuse("is not an origin where this payer's secrets may be typed");
        }
        if !(self.is_login_host)(address) {
            return refuse("is not marked `login` in the script");
        }
        Ok(())
    }
}

fn same_origin(listed: &str, origin: &Origin) -> bool {
    matches!(origin, Origin::Tuple(..))
        && Url::parse(listed).is_ok_and(|url| url.origin() == *origin)
}

/// What a secret goes into.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Entry {
    /// A field of the page, for a secret of this kind.
    Field(SecretKind),
    /// A pad of keys.
    Keypad,
}

/// Every condition before a secret is asked for. Gives the origin of the page, which the keeper of the secret checks
/// against its own list.
pub(crate) async fn check(
    page: &Page,
    found: &Found,
    into: Entry,
    allowed: &Allowed<'_>,
) -> Result<String, Shut> {
    match into {
        Entry::Field(kind) => field_fits(found, kind)?,
        Entry::Keypad if found.visible => {}
        Entry::Keypad => return Err(Shut::Field("the keypad is not visible".to_owned())),
    }
    let frames = page.frames().await?;
    let mut at = frames.iter().find(|frame| frame.id == found.node.frame);
    if at.is_none() {
        return Err(Shut::Field("the field's frame is gone".to_owned()));
    }
    while let Some(frame) = at {
        allowed.check(&frame.url, if frame.parent.is_none() { "the page" } else { "a frame" })?;
        at = frame
            .parent
            .as_ref()
            .and_then(|parent| frames.iter().find(|candidate| candidate.id == *parent));
    }
    // The browser never ignores certificate errors; a page that came over a bad one is not there. Its own words on
    // the last navigation are asked nevertheless.
    if page.last_navigation_error().is_some() {
        return Err(Shut::Origin("the last navigation of this page failed".to_owned()));
    }
    for (address, html) in page.html().await? {
        // Which form a pad belongs to cannot be seen: all of them are looked at.
        form_targets(&address, &html, into == Entry::Keypad)?.iter().try_for_each(|target| {
            allowed.check(target, "a form of the page sends to a place that")
        })?;
    }
    let url =
        Url::parse(&page.url()).map_err(|_| Shut::Origin("the page has no address".into()))?;
    Ok(url.origin().ascii_serialization())
}

/// Types it and forgets it: one `insertText`, a look at the length only, and the place checked once more.
pub(crate) async fn type_into(
    page: &Page,
    found: &Found,
    secret: Secret,
    allowed: &Allowed<'_>,
    deadline: Deadline,
) -> Result<(), Shut> {
    let wanted = secret.value().chars().count();
    let mut tries = Tries::until(deadline);
    let typed = loop {
        let tried = page.type_text_unlogged(&found.node, secret.value()).await;
        match tries.next(tried).await {
            Ok(Some(length)) if length == wanted => break Ok(()),
            Ok(Some(_)) => {
                if tries.wait(Why::NotShown).await.is_err() {
                    break Err(Shut::NotTyped("the field holds another length than typed".into()));
                }
            }
            Ok(None) => {}
            Err(NotDone::OutOfTime { why, .. }) => break Err(Shut::NotTyped(why.to_string())),
            Err(NotDone::Stopped(stop)) => break Err(Shut::NotTyped(stop.to_string())),
        }
    };
    drop(secret);
    still_there(page, found, allowed).await?;
    typed
}

/// After a secret was typed: where the page is comes first, since typing that failed may have failed because the page left.
async fn still_there(page: &Page, found: &Found, allowed: &Allowed<'_>) -> Result<(), Shut> {
    let frames = page.frames().await?;
    let still = frames.iter().find(|frame| frame.id == found.node.frame);
    let moved = match still {
        Some(frame) => {
            frame.loader != found.node.loader || allowed.check(&frame.url, "a frame").is_err()
        }
        None => true,
    };
    if moved || allowed.check(&page.url(), "the page").is_err() {
        // It may have been typed somewhere else: that page must not live on.
        page.close().await?;
        return Err(Shut::Origin("the page moved while a secret was typed".to_owned()));
    }
    Ok(())
}

/// A pad whose keys are pressed.
pub(crate) struct Keypad<'a> {
    /// The pad.
    pub(crate) pad: &'a Found,
    /// How its keys are found.
    pub(crate) keys: Vec<Query>,
    /// How the places that are asked for are found.
    pub(crate) places: Option<Vec<Query>>,
    /// What is pressed first.
    pub(crate) clear: Option<Vec<Query>>,
}

/// Presses the keys for the characters that are asked for, and forgets the secret. A key is pressed once or not at all: a pad
/// cannot be read back.
pub(crate) async fn press(
    page: &Page,
    keypad: &Keypad<'_>,
    secret: Secret,
    allowed: &Allowed<'_>,
    deadline: Deadline,
) -> Result<(), Shut> {
    let pressed = press_all(page, keypad, &secret, deadline).await;
    drop(secret);
    still_there(page, keypad.pad, allowed).await?;
    pressed
}

async fn press_all(
    page: &Page,
    keypad: &Keypad<'_>,
    secret: &Secret,
    deadline: Deadline,
) -> Result<(), Shut> {
    let characters = Zeroizing::new(secret.value().chars().collect::<Vec<char>>());
    let wanted = match &keypad.places {
        None => characters.clone(),
        Some(ways) => {
            let shown = visible(page, ways, None).await?;
            let texts = shown.iter().map(|one| one.facts.text.as_str());
            Zeroizing::new(asked_for(texts, &characters)?)
        }
    };
    if wanted.is_empty() {
        return Err(Shut::Field("the page asks for no place of the secret".to_owned()));
    }
    if let Some(ways) = &keypad.clear {
        let found = visible(page, ways, None).await?;
        let [clear] = found.as_slice() else {
            return Err(Shut::Field("there is not exactly one key that clears".to_owned()));
        };
        press_key(page, clear, deadline).await?;
    }
    for character in wanted.iter() {
        // Keys may lie elsewhere after each press.
        let keys = visible(page, &keypad.keys, Some(keypad.pad)).await?;
        let mut fitting = keys.iter().filter(|key| is_key_of(&key.facts.text, *character));
        // Which one is missing is not said: it would tell the secret.
        let (Some(key), None) = (fitting.next(), fitting.next()) else {
            return Err(Shut::Field("a key that is needed is not there exactly once".to_owned()));
        };
        press_key(page, key, deadline).await?;
    }
    Ok(())
}

/// The visible matches of the first way that has any, in the order of the page.
async fn visible(page: &Page, ways: &[Query], inside: Option<&Found>) -> Result<Vec<Found>, Shut> {
    for way in ways {
        let way = match inside {
            Some(pad) => way.clone().within(pad.node.clone()),
            None => way.clone(),
        };
        let found: Vec<Found> =
            page.seek(&way).await?.into_iter().filter(|one| one.visible).collect();
        if !found.is_empty() {
            return Ok(found);
        }
    }
    Ok(Vec::new())
}

async fn press_key(page: &Page, key: &Found, deadline: Deadline) -> Result<(), Shut> {
    let mut tries = Tries::until(deadline);
    loop {
        let count = tries.count();
        // Nothing is told of it: where the pointer was would tell what was pressed.
        let tried = page.click_once_at(&key.stands_for, count, &mut Unobserved).await;
        match tries.next(tried).await {
            Ok(Some(clicked)) if clicked.lost => {
                return Err(Shut::NotTyped("a key was pressed and it is not known how".into()));
            }
            Ok(Some(_)) => return Ok(()),
            Ok(None) => {}
            Err(NotDone::OutOfTime { .. }) => {
                return Err(Shut::NotTyped("a key could not be pressed in time".into()));
            }
            Err(NotDone::Stopped(_)) => {
                return Err(Shut::NotTyped("a key could not be pressed".into()));
            }
        }
    }
}

fn is_key_of(text: &str, character: char) -> bool {
    let mut shown = text.trim().chars();
    shown.next() == Some(character) && shown.next().is_none()
}

/// The characters at the places that the page names, in its order.
fn asked_for<'t>(
    texts: impl Iterator<Item = &'t str>,
    characters: &[char],
) -> Result<Vec<char>, Shut> {
    let none = || Shut::Field("a place the page asks for cannot be read".to_owned());
    texts
        .map(|text| {
            let place = place_of(text).ok_or_else(none)?;
            let at = place.checked_sub(1).ok_or_else(none)?;
            characters
                .get(at)
                .copied()
                .ok_or_else(|| Shut::Field("the page asks for a place the secret has not".into()))
        })
        .collect()
}

/// `2nd digit`, `Digit 2`, `second character`: 2. Anything with no number, or with two, is not read.
fn place_of(text: &str) -> Option<usize> {
    const WORDS: [&str; 12] = [
        "first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth", "ninth",
        "tenth", "eleventh", "twelfth",
    ];
    let lower = text.to_lowercase();
    let words = lower.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty());
    let mut places = words.filter_map(|word| {
        let digits = word.trim_end_matches(|c: char| c.is_alphabetic());
        let ending = &word[digits.len()..];
        if ["", "st", "nd", "rd", "th"].contains(&ending) && !digits.is_empty() {
            return digits.parse().ok();
        }
        WORDS.iter().position(|known| *known == word).map(|at| at + 1)
    });
    let place = places.next()?;
    places.next().is_none().then_some(place)
}

fn field_fits(found: &Found, kind: SecretKind) -> Result<(), Shut> {
    let facts = &found.facts;
    let refuse = |why: &str| Err(Shut::Field(why.to_owned()));
    if facts.tag != "input" {
        return refuse("the field is not an input");
    }
    if !found.visible || !facts.enabled || !facts.editable {
        return refuse("the field is not visible or cannot be edited");
    }
    let types: &[&str] = match kind {
        SecretKind::Password => &["password"],
        SecretKind::Pin => &["password", "tel", "number", "text", ""],
        SecretKind::Username => &["text", "email", "tel", ""],
        SecretKind::Answer => &["text", "password", ""],
        SecretKind::Totp | SecretKind::MailCode | SecretKind::PersonCode => {
            &["text", "tel", "number", "password", ""]
        }
    };
    if !types.contains(&facts.input_type.as_str()) {
        return refuse("the field is of another type than this secret needs");
    }
    Ok(())
}

/// Where the forms of a document that take a password, or all of them, would send to, as absolute addresses.
fn form_targets(address: &str, html: &str, every: bool) -> Result<Vec<String>, Shut> {
    let document = scraper::Html::parse_document(html);
    let selector = |css: &str| {
        scraper::Selector::parse(css)
            .map_err(|_| Shut::Field("the page's forms cannot be read".into()))
    };
    let (forms, passwords, senders) =
        (selector("form")?, selector("input[type=password]")?, selector("[formaction]")?);
    let base = Url::parse(address).map_err(|_| Shut::Origin("a frame has no address".into()))?;
    let resolve = |target: &str| {
        base.join(target.trim())
            .map(String::from)
            .map_err(|_| Shut::Origin("a form has a target that is no address".into()))
    };
    let mut targets = Vec::new();
    for form in document.select(&forms) {
        if !every && form.select(&passwords).next().is_none() {
            continue;
        }
        if let Some(action) = form.value().attr("action").filter(|action| !action.trim().is_empty())
        {
            targets.push(resolve(action)?);
        }
        for sender in form.select(&senders) {
            if let Some(action) = sender.value().attr("formaction") {
                targets.push(resolve(action)?);
            }
        }
    }
    Ok(targets)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn allowed<'a>(origins: &'a [String], all: &'a (dyn Fn(&str) -> bool + Sync)) -> Allowed<'a> {
        Allowed { origins, is_login_host: all }
    }

    #[test]
    fn only_the_very_origin_opens_the_door() {
        let origins = vec!["https://sso.payer.example".to_owned()];
        let all = |_: &str| true;
        let door = allowed(&origins, &all);
        assert!(door.check("https://sso.payer.example/login", "it").is_ok());
        assert!(door.check("https://sso.payer.example:443/x", "it").is_ok());
        for bad in [
            "http://sso.payer.example/login",
            "https://sso.payer.example:8443/login",
            "https://sso.payer.example.evil.example/login",
            "https://sso.payer.example./login",
            "https://evil@sso.payer.example/login",
            "https://SSO.payer.example.co/login",
            "data:text/html,x",
            "about:blank",
            "about:srcdoc",
        ] {
            assert!(door.check(bad, "it").is_err(), "{bad}");
        }
        let none = |_: &str| false;
        assert!(allowed(&origins, &none).check("https://sso.payer.example/login", "it").is_err());
    }

    #[test]
    fn forms_with_a_password_tell_where_they_send() {
        let html = r#"<form action="/a"><input type=password></form>
            <form action="https://evil.example/b"><input type=password><button formaction="//x.example/c"></button></form>
            <form action="https://search.example/"><input type=text></form>"#;
        let targets = form_targets("https://sso.payer.example/login", html, false).expect("reads");
        assert_eq!(
            targets,
            ["https://sso.payer.example/a", "https://evil.example/b", "https://x.example/c"]
        );
        let all = form_targets("https://sso.payer.example/login", html, true).expect("reads");
        assert!(
            all.contains(&"https://search.example/".to_owned()),
            "a pad may belong to any form"
        );
    }

    #[test]
    fn places_are_read_as_portals_write_them() {
        for (text, place) in [
            ("2nd digit", Some(2)),
            ("•\n2nd digit", Some(2)),
            ("Digit 11", Some(11)),
            ("the Third character", Some(3)),
            ("digit", None),
            ("2nd or 3rd", None),
            ("2x", None),
        ] {
            assert_eq!(place_of(text), place, "{text}");
        }
        let pin: Vec<char> = "4071".chars().collect();
        let asked = |texts: &[&str]| asked_for(texts.iter().copied(), &pin).ok();
        assert_eq!(asked(&["1st digit", "4th digit"]), Some(vec!['4', '1']));
        assert_eq!(asked(&["5th digit"]), None);
        assert_eq!(asked(&["0 digit"]), None);
        assert!(is_key_of(" 7 ", '7') && !is_key_of("77", '7') && !is_key_of("", '7'));
    }
}
