//! The alternatives by which the Recorder knows an element, and what they tell about its kind.

use std::sync::LazyLock;

use domain::script::text::spaced;
use regex::Regex;

/// One way to find an element. Lists lead through shadow hosts, the element last.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Alternative {
    Aria(Vec<Named>),
    Text(String),
    Css(Vec<String>),
    Xpath(Vec<String>),
}

/// An accessible name with its role, where the Recorder needed the role to tell it from others.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Named {
    pub(super) name: String,
    pub(super) role: Option<String>,
}

/// What an element is, as far as its selectors tell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Control {
    Field,
    Select,
    Check,
    Radio,
    File,
    Option,
    Button,
    Link,
    /// A picture whose parts mean something: where it is clicked matters.
    Picture,
    Unknown,
}

static ATTRIBUTES: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r#"\[(name|role)="((?:[^"\\]|\\.)*)"\]"#).expect("a fixed pattern")
});

/// Reads one alternative of a step.
pub(super) fn alternative(parts: &[String]) -> Option<Alternative> {
    let first = parts.first()?;
    let cut = |prefix: &str| -> Vec<String> {
        parts.iter().map(|part| part.strip_prefix(prefix).unwrap_or(part).to_owned()).collect()
    };
    Some(if first.starts_with("aria/") {
        Alternative::Aria(cut("aria/").iter().map(|part| named(part)).collect())
    } else if first.starts_with("text/") {
        Alternative::Text(spaced(cut("text/").last()?))
    } else if first.starts_with("xpath/") {
        Alternative::Xpath(cut("xpath/"))
    } else if first.starts_with("pierce/") {
        Alternative::Css(cut("pierce/"))
    } else {
        Alternative::Css(parts.to_vec())
    })
}

/// `NAME[role="ROLE"]`, `[name="NAME"][role="ROLE"]`.
fn named(part: &str) -> Named {
    let mut name = ATTRIBUTES.replace_all(part, "").into_owned();
    let mut role = None;
    for found in ATTRIBUTES.captures_iter(part) {
        let value = found[2].replace("\\\"", "\"");
        if &found[1] == "role" {
            role = Some(value).filter(|role| !role.is_empty());
        } else {
            name = value;
        }
    }
    Named { name: spaced(&name), role }
}

/// Roles that say nothing: the thing meant is the one around it.
pub(super) fn says_nothing(role: &str) -> bool {
    matches!(
        role,
        "generic"
            | "none"
            | "presentation"
            | "img"
            | "image"
            | "StaticText"
            | "paragraph"
            | "graphics-symbol"
            | "LabelText"
            | "strong"
            | "emphasis"
    )
}

/// The name of the element in an accessible path, what it is within, and its role: parts that say nothing stand for
/// the named thing around them.
pub(super) fn spoken(path: &[Named]) -> Option<(&Named, Option<&Named>)> {
    let at = path.iter().rposition(|part| !part.name.is_empty())?;
    let trailing = &path[at + 1..];
    if trailing.iter().any(|part| part.role.as_deref().is_some_and(|role| !says_nothing(role))) {
        return None;
    }
    let within = path[..at].iter().rev().find(|part| !part.name.is_empty() && part.role.is_some());
    Some((&path[at], within))
}

/// Tags of what can be acted on.
const CONTROLS: [&str; 10] =
    ["button", "a", "select", "option", "input", "textarea", "canvas", "area", "map", "summary"];

/// The tags along a CSS selector, the last one first.
fn css_tags(css: &str) -> Vec<String> {
    let mut depth = 0usize;
    let mut parts = vec![String::new()];
    for c in css.chars() {
        match c {
            '[' | '(' => depth += 1,
            ']' | ')' => depth = depth.saturating_sub(1),
            ' ' | '>' | '+' | '~' if depth == 0 => {
                parts.push(String::new());
                continue;
            }
            _ => {}
        }
        if let Some(part) = parts.last_mut() {
            part.push(c);
        }
    }
    parts.iter().rev().filter(|part| !part.is_empty()).map(|part| leading_tag(part)).collect()
}

/// The tags along an XPath, the last one first.
fn xpath_tags(path: &str) -> Vec<String> {
    path.rsplit('/').filter(|part| !part.is_empty()).map(leading_tag).collect()
}

fn leading_tag(part: &str) -> String {
    let end = part.find(|c: char| !c.is_ascii_alphanumeric() && c != '-').unwrap_or(part.len());
    part[..end].to_ascii_lowercase()
}

/// The tag of an element, or of the control around it: a click often meets the text within a button.
pub(super) fn tag(alternatives: &[Alternative]) -> Option<String> {
    alternatives.iter().find_map(|alternative| {
        let tags = match alternative {
            Alternative::Css(parts) => css_tags(parts.last()?),
            Alternative::Xpath(parts) => xpath_tags(parts.last()?),
            Alternative::Aria(_) | Alternative::Text(_) => return None,
        };
        let inner = |tag: &String| {
            matches!(
                tag.as_str(),
                "span" | "i" | "b" | "em" | "strong" | "small" | "svg" | "path" | "img" | "div"
            )
        };
        let control = tags.iter().find(|tag| !inner(tag))?;
        CONTROLS.contains(&control.as_str()).then(|| control.clone())
    })
}

/// The role of an element, where the recording holds it.
pub(super) fn role(alternatives: &[Alternative]) -> Option<&str> {
    alternatives.iter().find_map(|alternative| match alternative {
        Alternative::Aria(path) => {
            let last = path.iter().rev().find(|part| {
                part.role.as_deref().is_some_and(|role| !says_nothing(role))
                    || !part.name.is_empty()
            })?;
            last.role.as_deref()
        }
        _ => None,
    })
}

static WORD_ENDS: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r"([a-z])([A-Z])").expect("a fixed pattern"));

/// All words of a step's alternatives in small letters: `#txtUserPIN` gives `txt user pin`.
pub(super) fn words(texts: impl IntoIterator<Item = impl AsRef<str>>) -> String {
    let mut all = String::new();
    for text in texts {
        let apart = WORD_ENDS.replace_all(text.as_ref(), "$1 $2");
        let plain = apart.chars().map(|c| if c.is_alphanumeric() { c } else { ' ' });
        all.extend(plain.flat_map(char::to_lowercase));
        all.push_str(" | ");
    }
    spaced(&all)
}

/// What an element is.
pub(super) fn control(alternatives: &[Alternative], words: &str) -> Control {
    let tag = tag(alternatives);
    let tag = tag.as_deref().unwrap_or_default();
    let typed = |kind: &str| words.contains(&format!("type {kind}"));
    if typed("file") {
        return Control::File;
    }
    match role(alternatives).unwrap_or_default() {
        "checkbox" | "switch" | "menuitemcheckbox" => return Control::Check,
        "radio" | "menuitemradio" => return Control::Radio,
        "option" | "menuitem" | "treeitem" => return Control::Option,
        "textbox" | "searchbox" | "spinbutton" => return Control::Field,
        "combobox" if matches!(tag, "input" | "textarea") => return Control::Field,
        "combobox" | "listbox" => return Control::Select,
        "button" | "tab" => return Control::Button,
        "link" => return Control::Link,
        _ => {}
    }
    match tag {
        "select" => return Control::Select,
        "option" => return Control::Option,
        "textarea" => return Control::Field,
        "button" => return Control::Button,
        "a" => return Control::Link,
        "canvas" | "area" | "map" => return Control::Picture,
        _ => {}
    }
    if typed("checkbox") {
        Control::Check
    } else if typed("radio") {
        Control::Radio
    } else if typed("submit") || typed("button") {
        Control::Button
    } else if tag == "input" {
        Control::Field
    } else {
        Control::Unknown
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(parts: &[&str]) -> Alternative {
        let parts: Vec<String> = parts.iter().map(|part| (*part).to_owned()).collect();
        alternative(&parts).unwrap()
    }

    #[test]
    fn names_carry_their_roles() {
        let Alternative::Aria(path) = read(&["aria/Find member[role=\"button\"]"]) else {
            panic!("an accessible name")
        };
        assert_eq!(path[0], Named { name: "Find member".into(), role: Some("button".into()) });
        let Alternative::Aria(path) = read(&["aria/Log In", "aria/[role=\"generic\"]"]) else {
            panic!("an accessible name")
        };
        assert_eq!(spoken(&path).map(|(named, _)| named.name.as_str()), Some("Log In"));
        let Alternative::Aria(path) = read(&["aria/Menu", "aria/[role=\"menuitem\"]"]) else {
            panic!("an accessible name")
        };
        assert_eq!(spoken(&path), None, "a nameless part that means something is not its parent");
    }

    #[test]
    fn tags_are_those_of_the_control_around() {
        let told = |text: &str| tag(&[read(&[text])]);
        let cases = [
            ("#find", None),
            ("form.search > button:nth-of-type(2)", Some("button")),
            ("#menu > a > span", Some("a")),
            ("div input[name='a b > c']", Some("input")),
            ("select#urgency", Some("select")),
            ("xpath///*[@id=\"find\"]", None),
            ("xpath//html/body/form/button/span", Some("button")),
            ("xpath//html/body/a[2]", Some("a")),
            ("form > li > span", None),
        ];
        for (text, wanted) in cases {
            assert_eq!(told(text).as_deref(), wanted, "{text}");
        }
    }

    #[test]
    fn kinds_follow_from_role_tag_and_type() {
        let kind = |parts: &[&[&str]]| {
            let all: Vec<Alternative> = parts.iter().map(|parts| read(parts)).collect();
            control(&all, &words(parts.concat()))
        };
        assert_eq!(kind(&[&["aria/Urgent[role=\"checkbox\"]"], &["#urgent"]]), Control::Check);
        assert_eq!(kind(&[&["aria/State[role=\"combobox\"]"], &["#state"]]), Control::Select);
        let suggests: &[&[&str]] = &[&["aria/Code[role=\"combobox\"]"], &["input.code"]];
        assert_eq!(kind(suggests), Control::Field);
        assert_eq!(kind(&[&["input[type='file']"]]), Control::File);
        assert_eq!(kind(&[&["#find"]]), Control::Unknown);
    }

    #[test]
    fn words_are_cut_where_their_case_changes() {
        assert_eq!(words(["#txtUserPin", "aria/Your PIN"]), "txt user pin | aria your pin |");
    }
}
