//! The frame around every page: bar, search, person, notice, and the pages that say "no" (error, not permitted, sign-in).

use domain::time::Timestamp;
use maud::{DOCTYPE, Markup, html};

use super::{icons::Icon, parts};

/// The pages in the bar.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Section {
    /// `/`
    Work,
    /// `/inbox`
    Inbox,
    /// `/fleet`
    Fleet,
    /// `/scripts`
    Scripts,
    /// `/drift`
    Drift,
    /// `/audit`
    Audit,
}

impl Section {
    const ALL: [(Self, &'static str, &'static str); 6] = [
        (Self::Work, "Work", "/"),
        (Self::Inbox, "Inbox", "/inbox"),
        (Self::Fleet, "Fleet", "/fleet"),
        (Self::Scripts, "Scripts", "/scripts"),
        (Self::Drift, "Drift", "/drift"),
        (Self::Audit, "Audit", "/audit"),
    ];
}

/// What every page knows of its reader.
#[derive(Debug, Clone)]
pub struct Frame {
    /// The coordinator's clock when the page was made.
    pub now: Timestamp,
    /// Who reads.
    pub person: String,
    /// The person's role, as a word.
    pub role: String,
    /// Whether the person may act (otherwise every action is shown refused).
    pub may_act: bool,
    /// Whether the person may settle a doubt (role reviewer).
    pub may_settle: bool,
    /// The token of every form.
    pub csrf: String,
    /// Exceptions that wait for a person.
    pub inbox: u64,
    /// The bar's current page; none on pages that belong to no section.
    pub section: Option<Section>,
    /// Said once after an action, from the query string's closed list.
    pub notice: Option<&'static str>,
}

/// Addresses of style and script; they carry the hash of their content.
#[derive(Debug, Clone, Copy)]
pub struct Assets {
    /// The style sheet's address.
    pub css: &'static str,
    /// The script's address, when it was built in.
    pub js: Option<&'static str>,
}

fn head(title: &str, assets: Assets) -> Markup {
    html! {
        head {
            meta charset="utf-8";
            meta name="viewport" content="width=device-width, initial-scale=1";
            meta name="color-scheme" content="light dark";
            meta name="referrer" content="no-referrer";
            title { (title) " · Agent fleet" }
            link rel="stylesheet" href=(assets.css);
            link rel="icon" href="/assets/icon.svg" type="image/svg+xml";
            @if let Some(js) = assets.js { script src=(js) defer {} }
        }
    }
}

/// A whole page.
#[must_use]
pub fn page(frame: &Frame, assets: Assets, title: &str, body: &Markup) -> Markup {
    html! {
        (DOCTYPE)
        html lang="en" {
            (head(title, assets))
            body {
                a.skip href="#main" { "Skip to the content" }
                (bar(frame))
                main #main tabindex="-1" {
                    @if let Some(notice) = frame.notice { p.notice role="status" { (Icon::Check.svg()) (notice) } }
                    (body)
                }
                footer.foot {
                    span { "Times are relative; hold the pointer over one for the exact time (UTC)." }
                    span data-stale="" hidden {}
                }
            }
        }
    }
}

fn bar(frame: &Frame) -> Markup {
    html! {
        header.bar {
            a.brand href="/" title="Work" { (brand()) span { "Agent fleet" } }
            a.bar-inbox href="/inbox" { (Icon::Person.svg()) (frame.inbox) span.hidden { " in the inbox" } }
            button.menu-button popovertarget="menu" { (Icon::Menu.svg()) "Menu" }
            div #menu popover {
                nav aria-label="Pages" {
                    @for (section, name, href) in Section::ALL {
                        a href=(href) aria-current=[(frame.section == Some(section)).then_some("page")] {
                            (name)
                            @if section == Section::Inbox && frame.inbox > 0 {
                                span.count { (frame.inbox) span.hidden { " waiting" } }
                            }
                        }
                    }
                }
                form.search role="search" action="/" {
                    (Icon::Search.svg())
                    input type="search" name="q" maxlength="80" aria-label="Find a case, reference or member number"
                        placeholder="Case, reference, member" data-key="/";
                }
                div.who {
                    a href="/me" title=(frame.role) { (Icon::Person.svg()) (frame.person) }
                    form method="post" action="/sign-out" { (parts::csrf(&frame.csrf)) button.quiet { "Sign out" } }
                }
            }
        }
    }
}

fn brand() -> Markup {
    html! {
        svg.mark viewBox="0 0 20 20" aria-hidden="true" focusable="false" {
            rect x="1" y="1" width="18" height="18" rx="4" {}
            path d="M5.5 6.5h9M5.5 10h6M5.5 13.5h3" {}
            path.tick d="M11 13.2l1.8 1.8 3.2-4" {}
        }
    }
}

/// A page for somebody who is not signed in, or for whom there is nothing to show.
#[must_use]
pub fn plain(assets: Assets, title: &str, body: &Markup) -> Markup {
    html! {
        (DOCTYPE)
        html lang="en" {
            (head(title, assets))
            body.plain {
                a.skip href="#main" { "Skip to the content" }
                main #main tabindex="-1" { p.brand { (brand()) span { "Agent fleet" } } (body) }
            }
        }
    }
}

/// The sign-in form. `refused` is the sentence after a failed try.
#[must_use]
pub fn sign_in(assets: Assets, refused: Option<&str>, next: &str, name: &str) -> Markup {
    let body = html! {
        h1 { "Sign in" }
        @if let Some(sentence) = refused { p.problem role="alert" { (Icon::Cross.svg()) (sentence) } }
        form.stack method="post" action="/sign-in" {
            input type="hidden" name="next" value=(next);
            label.field for="name" { span { "Name" }
                input #name name="name" value=(name) required autocomplete="username" autocapitalize="none" spellcheck="false" maxlength="100" autofocus;
            }
            label.field for="password" { span { "Password" }
                input #password name="password" type="password" required autocomplete="current-password" maxlength="256";
            }
            button.primary { "Sign in" }
        }
        p.muted { "Sign-ins are recorded in the audit. Ask an administrator for a new password." }
    };
    plain(assets, "Sign in", &body)
}

/// What went wrong, and what to do next.
#[must_use]
pub fn problem(assets: Assets, title: &str, detail: &str) -> Markup {
    let body = html! {
        h1 { (title) }
        p { (detail) }
        p { a.button href="/" { "Go to Work" } }
    };
    plain(assets, title, &body)
}
