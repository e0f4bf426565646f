//! One screen per page of the recording: by its address and by what was used there first.

use super::ask::Ask;
use super::draft::{Built, Screen, word};
use super::element::Elements;
use super::yaml::{Matched, Names};

/// The screens, and which page shows which.
pub(super) struct Screens {
    pub(super) list: Vec<Screen>,
    pub(super) of_page: Vec<usize>,
}

/// Declares a screen for every page; pages that look alike share one.
pub(super) fn declare(pages: &[Built], elements: &Elements<'_>) -> Screens {
    let mut names = Names::with('_');
    let mut found = Screens { list: Vec::new(), of_page: Vec::new() };
    let mut signs: Vec<(Option<String>, Vec<usize>, Option<Matched>)> = Vec::new();
    for (number, page) in pages.iter().enumerate() {
        let url = page.address.as_ref().and_then(|address| {
            // behind a `#` all pages have the same path
            address.route.is_none().then(|| address.glob.clone())
        });
        let sign = (url, page.see.clone(), page.title.clone());
        if let Some(at) = signs.iter().position(|known| *known == sign) {
            found.of_page.push(at);
            continue;
        }
        let mut wish = word(page);
        let by_element = page.see.first().map(|at| format!("{}_page", elements.list[*at].name));
        if wish.is_empty() || wish == "rows" {
            wish = by_element.unwrap_or_default();
        }
        let name = names.give(&wish, &format!("page_{}", number + 1));
        let (url, see, _) = sign.clone();
        let screen = Screen { name, see, url, title: None, open: false, asks: Vec::new() };
        signs.push(sign);
        found.of_page.push(found.list.len());
        found.list.push(screen);
    }
    tell_apart(&mut found, &signs, pages);
    found
}

type Sign = (Option<String>, Vec<usize>, Option<Matched>);

/// A screen that holds wherever another one shows needs its title, or a person's word.
fn tell_apart(screens: &mut Screens, signs: &[Sign], pages: &[Built]) {
    for at in 0..screens.list.len() {
        let (url, see, title) = &signs[at];
        let nothing = url.is_none() && see.is_empty();
        let hidden = signs.iter().enumerate().find(|(other, (theirs, seen, _))| {
            *other != at
                && (url.is_none() || url == theirs)
                && see.iter().all(|one| seen.contains(one))
        });
        if !nothing && hidden.is_none() {
            continue;
        }
        let other_title = hidden.and_then(|(_, (_, _, title))| title.as_ref());
        let page = screens.of_page.iter().position(|shown| *shown == at);
        let path = page.map(|page| pages[page].path.clone()).unwrap_or_default();
        let other = hidden.map(|(other, _)| screens.list[other].name.clone());
        let screen = &mut screens.list[at];
        if title.is_some() && title.as_ref() != other_title {
            screen.title = title.clone();
            continue;
        }
        screen.open = true;
        let text = match other {
            Some(other) => {
                format!("What tells this page from `{other}`? Write a text that only shows here.")
            }
            None => {
                "What tells this page from others? Write a text that only shows here.".to_owned()
            }
        };
        screen.asks.push(Ask::new(path, text));
    }
}
