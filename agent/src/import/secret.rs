//! Passwords and one-time codes stand in recordings in the clear. They are found and dropped here, before anything
//! else looks at the recording.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use regex::Regex;
use zeroize::Zeroizing;

use super::ask::Note;
use super::format::{Kind, Landing, Recording, Step};
use super::privacy::Taint;
use super::selector::words;

/// Which secret was typed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Alias {
    User,
    Password,
    Pin,
    Answer,
    Totp,
    MailCode,
    PersonCode,
}

impl Alias {
    /// Its name in a script.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::User => "user",
            Self::Password => "password",
            Self::Pin => "pin",
            Self::Answer => "answer",
            Self::Totp | Self::MailCode | Self::PersonCode => "code",
        }
    }

    /// Its kind in `secrets`.
    pub(super) fn kind(self) -> &'static str {
        match self {
            Self::User => "username",
            Self::Password => "password",
            Self::Pin => "pin",
            Self::Answer => "answer",
            Self::Totp => "totp",
            Self::MailCode => "mail_code",
            Self::PersonCode => "person_code",
        }
    }

    /// Whether it is typed with `otp`.
    pub(super) fn is_code(self) -> bool {
        matches!(self, Self::Totp | Self::MailCode | Self::PersonCode)
    }
}

fn pattern(source: &str) -> Regex {
    Regex::new(source).expect("a fixed pattern")
}

static CODE: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"\bone time\b|\b(t?otp|mfa|2 ?fa|two factor|passcode|pass code)\b|\b(security|verification|verify|access|auth|authentication|authenticator|login|sign in) ?code\b|\bauthenticator\b|\bcode (we|was|that|you|from|sent)\b|\bdigit code\b",
    )
});
static PASSWORD: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"\bpass(word|wd|phrase)?[0-9]*\b|\b(pwd|passwort|pw|psw)[0-9]*\b|\b(secret|api ?key|token)\b",
    )
});
static PIN: LazyLock<Regex> = LazyLock::new(|| pattern(r"\bpin\b"));
static ANSWER: LazyLock<Regex> =
    LazyLock::new(|| pattern(r"\b(security|secret|challenge) (question|answer)\b"));
static USER: LazyLock<Regex> = LazyLock::new(|| {
    pattern(r"\buser ?(name|id)?\b|\b(login|logon|sign in|account) ?(name|id)\b|\busr\b")
});
static LIKE_USER: LazyLock<Regex> =
    LazyLock::new(|| pattern(r"\buser|login|logon|sign in|account|\be ?mail\b|\busr\b"));
static MAIL: LazyLock<Regex> = LazyLock::new(|| pattern(r"\be ?mail(ed)?\b"));
/// A page that asks for a code, by its address and title.
static ASKS_CODE: LazyLock<Regex> = LazyLock::new(|| pattern(r"\b(code|otp|mfa|verification)\b"));
/// Codes that are no secret.
static OTHER_CODE: LazyLock<Regex> = LazyLock::new(|| {
    pattern(r"\b(procedure|diagnosis|service|place|reason|zip|postal|cpt|hcpcs|icd|group|plan)\b")
});
static PHONE: LazyLock<Regex> = LazyLock::new(|| pattern(r"\b(sms|text(ed)?|phone|mobile)\b"));

/// The secret a field takes, by the words of its selectors.
fn secret_of(words: &str) -> Option<Alias> {
    if CODE.is_match(words) {
        return Some(code_of(words));
    }
    let kinds = [(&ANSWER, Alias::Answer), (&PASSWORD, Alias::Password), (&PIN, Alias::Pin)];
    kinds.into_iter().find(|(pattern, _)| pattern.is_match(words)).map(|(_, alias)| alias)
}

/// How the code of these words comes.
fn code_of(words: &str) -> Alias {
    if MAIL.is_match(words) {
        Alias::MailCode
    } else if PHONE.is_match(words) {
        Alias::PersonCode
    } else {
        Alias::Totp
    }
}

/// The code that is typed on the page right after a password, where the field itself says too little: the page asks for
/// a code, and what was typed looks like one.
fn code_after_password(page: Option<&String>, words: &str, typed: &str) -> Option<Alias> {
    let page = page.filter(|page| ASKS_CODE.is_match(page))?;
    let like_a_code = (4..=8).contains(&typed.len())
        && typed.chars().all(|c| c.is_ascii_alphanumeric())
        && typed.chars().any(|c| c.is_ascii_digit());
    let other = OTHER_CODE.is_match(words) || OTHER_CODE.is_match(page);
    (like_a_code && !other).then(|| code_of(page))
}

/// What was dropped.
pub(super) struct Dropped {
    /// Step → the secret that was typed there.
    pub(super) aliases: BTreeMap<usize, Alias>,
    pub(super) notes: Vec<Note>,
}

/// Drops every secret of a recording, and whatever else of it repeats one.
pub(super) fn drop_secrets(recording: &mut Recording) -> Dropped {
    let mut aliases = find(&recording.steps);
    let mut taint = Taint::strict();
    for (at, alias) in &aliases {
        // a user's name may be an ordinary word; it is dropped, not hunted
        if let Kind::Change { value } = &recording.steps[*at].kind
            && (*alias != Alias::User || value.chars().count() >= 5)
        {
            taint.add(value);
        }
    }
    let again: Vec<(usize, Alias)> = recording
        .steps
        .iter()
        .enumerate()
        .filter(|(at, _)| !aliases.contains_key(at))
        .filter(|(_, step)| matches!(&step.kind, Kind::Change { value } if taint.touches(value)))
        .map(|(at, _)| (at, Alias::Password))
        .collect();
    aliases.extend(again);
    let mut notes = Vec::new();
    for (at, step) in recording.steps.iter_mut().enumerate() {
        if let Some(alias) = aliases.get(&at) {
            step.kind = Kind::Change { value: Zeroizing::default() };
            let form = if alias.is_code() { "otp" } else { "secret" };
            let note =
                format!("a secret was typed here; it is dropped: {{{form}: {}}}", alias.name());
            notes.push(Note::new(format!("{}.value", step.path()), note));
        }
        clean(step, &taint, &mut notes);
    }
    Dropped { aliases, notes }
}

/// Step → secret, by the fields' words; the user's name is what is typed before a password.
fn find(steps: &[Step]) -> BTreeMap<usize, Alias> {
    let mut found = BTreeMap::new();
    let mut before: Vec<(usize, String)> = Vec::new();
    // the words of the page that followed a password
    let (mut password, mut asking) = (false, None);
    for (at, step) in steps.iter().enumerate() {
        if let Kind::Change { value } = &step.kind {
            let parts = step.selectors.iter().flatten().filter(|part| !part.starts_with("text/"));
            let words = words(parts);
            let code = || code_after_password(asking.as_ref(), &words, value);
            match secret_of(&words).or_else(code) {
                Some(alias) => {
                    found.insert(at, alias);
                    if alias == Alias::Password {
                        password = true;
                        let like = before.iter().rev().find(|(_, words)| LIKE_USER.is_match(words));
                        let user = like.or(before.last()).map(|(at, _)| *at);
                        found.extend(user.map(|at| (at, Alias::User)));
                        before.clear();
                    }
                }
                None if USER.is_match(&words) => {
                    found.insert(at, Alias::User);
                }
                None => before.push((at, words)),
            }
        }
        if step.landed.is_some() || matches!(step.kind, Kind::Navigate { .. }) {
            before.clear();
        }
        if let Some(Landing { url, title }) = &step.landed {
            let path = url.as_deref().and_then(|url| url.split(['?', '#']).next());
            let page = words(path.into_iter().chain(title.as_deref()));
            asking = std::mem::take(&mut password).then_some(page);
        }
    }
    found
}

fn clean(step: &mut Step, taint: &Taint, notes: &mut Vec<Note>) {
    let count = step.selectors.len();
    step.selectors.retain(|parts| {
        !parts.iter().any(|part| match part.strip_prefix("text/") {
            Some(text) => taint.touches_or_begins(text),
            None => taint.touches(part),
        })
    });
    let mut repeated = step.selectors.len() < count;
    if step.target.as_deref().is_some_and(|address| taint.touches(address)) {
        // that it was another window still counts
        step.target = Some(String::new());
        repeated = true;
    }
    if let Kind::Navigate { url } = &mut step.kind
        && taint.touches(url)
    {
        url.clear();
        repeated = true;
    }
    if let Kind::Key { key, .. } = &mut step.kind
        && taint.touches(key)
    {
        key.clear();
    }
    if let Some(Landing { url, title }) = &mut step.landed {
        if let Some(address) = url
            && taint.touches(address)
        {
            repeated = true;
            // often only the query holds it
            let front = address.split(['?', '#']).next().unwrap_or_default().to_owned();
            *url = Some(front).filter(|front| !taint.touches(front));
        }
        if title.as_deref().is_some_and(|title| taint.touches(title)) {
            *title = None;
            repeated = true;
        }
    }
    if repeated {
        let note = "a secret that was typed stands here again; what held it is dropped";
        notes.push(Note::new(step.path(), note));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_of_secrets_are_known_by_their_words() {
        let cases: &[(&[&str], Option<Alias>)] = &[
            (&["aria/Password", "#pw"], Some(Alias::Password)),
            (&["input[type=\"password\"]"], Some(Alias::Password)),
            (&["aria/One-time password"], Some(Alias::Totp)),
            (&["aria/Enter the code we e-mailed"], Some(Alias::MailCode)),
            (&["input[autocomplete='one-time-code']"], Some(Alias::Totp)),
            (&["aria/Security code sent by SMS"], Some(Alias::PersonCode)),
            (&["#txtUserPin"], Some(Alias::Pin)),
            (&["aria/Answer to your security question"], Some(Alias::Answer)),
            (&["aria/Procedure code"], None),
            (&["aria/Shipping address"], None),
            (&["aria/Member ID"], None),
            (&["aria/Bypass reason"], None),
        ];
        for (parts, wanted) in cases {
            assert_eq!(secret_of(&words(*parts)), *wanted, "{parts:?}");
        }
    }

    #[test]
    fn a_code_is_known_by_the_page_that_asks_for_it() {
        let page = words(["https://www.payer.test/code.aspx", "Enter your code"]);
        let mailed = words(["https://www.payer.test/verification", "We e-mailed you a code"]);
        let home = words(["https://www.payer.test/home.aspx", "Welcome"]);
        let told = |page: &String, field: &str, typed: &str| {
            code_after_password(Some(page), &words([field]), typed)
        };
        assert_eq!(told(&page, "#ctl00_m_txtCode", "623973"), Some(Alias::Totp));
        assert_eq!(told(&mailed, "#a", "A1B2C3"), Some(Alias::MailCode));
        assert_eq!(told(&page, "#txtProcedureCode", "97110"), None);
        assert_eq!(told(&page, "#txtName", "Maple"), None, "no digit");
        assert_eq!(told(&home, "#txtNumber", "623973"), None);
        assert_eq!(code_after_password(None, &words(["#txtCode"]), "623973"), None);
    }
}
