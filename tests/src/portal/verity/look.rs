//! How pages look in both skins. v1: one table per form, captions in the left cell without a connection to their field.
//! v2: two columns, captions are labels, other words here and there. Only markup; what is shown is decided elsewhere.
//! In both every element id has a middle part that is new with every answer.

use std::fmt::Write as _;

use crate::portal::{Skin, html::esc};

const STYLE_V1: &str = "body{font-family:Verdana,Arial,sans-serif;font-size:12px;margin:0;background:#eef1f4;color:#222}\
    #head{background:#0d5c63;color:#fff;padding:10px 18px;font-size:18px}#head small{font-size:11px;margin-left:14px}\
    #menu{background:#d5e3e5;padding:6px 18px}#menu a{margin-right:18px;color:#0d4a50}\
    #main{background:#fff;margin:14px 18px;padding:14px 18px;border:1px solid #c3ced2;min-height:300px}\
    h1{font-size:16px;color:#0d5c63;margin:0 0 12px}h2{font-size:13px;color:#0d5c63;margin:16px 0 6px}\
    table.form td{padding:4px 8px;vertical-align:top}td.cap{width:190px;font-weight:bold}\
    table.grid{border-collapse:collapse}table.grid td,table.grid th{border:1px solid #b7c4c8;padding:4px 8px;text-align:left}\
    table.grid th{background:#e3ecee}.msg{color:#a30d0d;font-weight:bold;display:block;margin:0 0 10px}\
    .note{background:#fbf6df;border:1px solid #d9cf9c;padding:8px 10px;margin:0 0 10px}\
    input[type=submit]{padding:3px 14px;margin-right:8px}\
    .over{position:fixed;left:0;top:0;right:0;bottom:0;background:rgba(20,40,44,.55)}\
    .over div{background:#fff;max-width:420px;margin:90px auto;padding:18px}\
    @media(max-width:640px){#main{margin:8px;padding:10px;overflow-x:auto}td.cap{width:auto}#menu a{display:inline-block;margin:0 14px 4px 0}}";

const STYLE_V2: &str = "body{font-family:'Segoe UI',Arial,sans-serif;font-size:15px;margin:0;background:#f7f8fb;color:#1d2433}\
    .top{background:#1f3a68;color:#fff;padding:14px 28px;font-size:20px;display:flex;justify-content:space-between}\
    .top small{font-size:13px}nav{background:#fff;border-bottom:1px solid #d9dfeb;padding:10px 28px}\
    nav a{margin-right:26px;color:#1f3a68;text-decoration:none}.sheet{max-width:980px;margin:22px auto;background:#fff;\
    border-radius:8px;padding:22px 28px;box-shadow:0 1px 4px rgba(30,50,90,.15)}h1{font-size:21px;margin:0 0 16px}\
    h2{font-size:16px;margin:20px 0 8px}.cols{display:grid;grid-template-columns:1fr 1fr;gap:14px 26px}\
    .pair{display:flex;flex-direction:column;gap:4px}.pair label,.pair legend{font-size:13px;color:#4a556d}\
    .pair input[type=text],.pair input[type=password],.pair select{padding:7px;border:1px solid #b9c3d6;border-radius:4px}\
    fieldset{border:0;padding:0;margin:0}.pair input[type=checkbox]{align-self:flex-start;width:17px;height:17px}\
    .pair fieldset table,fieldset table{width:auto}fieldset td{border:0;padding:3px 6px}table{border-collapse:collapse;width:100%}\
    td,th{border-bottom:1px solid #e1e6f0;padding:7px 9px;text-align:left;font-size:14px}\
    .alert{background:#fdecec;color:#8c1313;border-radius:4px;padding:10px 14px;margin:0 0 14px}\
    .hint{background:#eef4ff;border-radius:4px;padding:10px 14px;margin:0 0 14px}.acts{margin-top:18px}\
    button{padding:8px 18px;border:1px solid #1f3a68;background:#1f3a68;color:#fff;border-radius:4px;margin-right:10px}\
    button.plain{background:#fff;color:#1f3a68}.cover{position:fixed;inset:0;background:rgba(20,30,60,.5)}\
    .cover div{background:#fff;width:440px;margin:110px auto;padding:22px;border-radius:8px}\
    dl{display:grid;grid-template-columns:220px 1fr;gap:6px 12px}dt{color:#4a556d}dd{margin:0}\
    @media(max-width:640px){.cols,dl{grid-template-columns:1fr}.sheet{margin:0;padding:16px}.top{padding:12px 16px;flex-wrap:wrap}\
    nav{padding:8px 16px}nav a{display:inline-block;margin:2px 16px 2px 0}.grid{display:block;overflow-x:auto}.cover div{width:auto;margin:60px 16px}}";

/// Names elements of one answer.
#[derive(Clone, Debug)]
pub(super) struct Ids {
    pub(super) skin: Skin,
    middle: String,
}

impl Ids {
    /// Ids with a middle part of their own.
    pub(super) fn new(skin: Skin) -> Ids {
        const LETTERS: &[u8] = b"abcdefghjkmnpqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ23456789";
        let letter = |byte: u8| char::from(LETTERS[usize::from(byte) % LETTERS.len()]);
        let middle = rand::random::<[u8; 5]>().into_iter().map(letter).collect();
        Ids { skin, middle }
    }

    fn v2(&self) -> bool {
        self.skin == Skin::V2
    }

    fn part(&self, prefix: &str, key: &str) -> String {
        let mut letters = key.chars();
        let first = letters.next().unwrap_or('x');
        let rest = letters.as_str();
        if self.v2() {
            format!("{}{rest}Fld", first.to_ascii_lowercase())
        } else {
            format!("{prefix}{}{rest}", first.to_ascii_uppercase())
        }
    }

    /// Id of an element: `ctl00_k7Qx2_txtMember`, redesigned `vr-k7Qx2-memberFld`.
    pub(super) fn id(&self, prefix: &str, key: &str) -> String {
        let part = self.part(prefix, key);
        if self.v2() {
            format!("vr-{}-{part}", self.middle)
        } else {
            format!("ctl00_{}_{part}", self.middle)
        }
    }

    /// Name of a field: `ctl00$k7Qx2$txtMember`.
    pub(super) fn name(&self, prefix: &str, key: &str) -> String {
        let part = self.part(prefix, key);
        if self.v2() {
            format!("vr${}${part}", self.middle)
        } else {
            format!("ctl00${}${part}", self.middle)
        }
    }

    fn field(&self, caption: &str, id: &str, control: &str) -> String {
        if self.v2() {
            format!(
                "<div class=\"pair\"><label for=\"{id}\">{}</label>{control}</div>",
                esc(caption)
            )
        } else {
            format!("<tr><td class=\"cap\">{}</td><td>{control}</td></tr>", esc(caption))
        }
    }

    /// A field for text.
    pub(super) fn text(&self, caption: &str, key: &str, value: &str) -> String {
        self.input(caption, key, value, "text")
    }

    /// A field for text that cannot be changed.
    pub(super) fn fixed(&self, caption: &str, key: &str, value: &str) -> String {
        self.input(caption, key, value, "text\" readonly=\"readonly")
    }

    /// A field of another kind.
    pub(super) fn input(&self, caption: &str, key: &str, value: &str, kind: &str) -> String {
        let (id, name) = (self.id("txt", key), self.name("txt", key));
        let value = esc(value);
        let control = format!(
            "<input type=\"{kind}\" id=\"{id}\" name=\"{name}\" value=\"{value}\" autocomplete=\"off\">"
        );
        self.field(caption, &id, &control)
    }

    /// A pick-list. Without a caption of its own it stands in a row with others.
    pub(super) fn select(
        &self,
        caption: &str,
        key: &str,
        options: &[(String, String)],
        chosen: &str,
    ) -> String {
        let id = self.id("ddl", key);
        self.field(caption, &id, &self.bare_select(key, options, chosen))
    }

    fn bare_select(&self, key: &str, options: &[(String, String)], chosen: &str) -> String {
        let (id, name) = (self.id("ddl", key), self.name("ddl", key));
        let mut control = format!("<select id=\"{id}\" name=\"{name}\">");
        for (value, words) in options {
            let selected = if value == chosen { " selected" } else { "" };
            // Writing to a string cannot fail.
            let _ = write!(
                control,
                "<option value=\"{}\"{selected}>{}</option>",
                esc(value),
                esc(words)
            );
        }
        control.push_str("</select>");
        control
    }

    /// A date: one field, redesigned three pick-lists.
    pub(super) fn date(&self, caption: &str, key: &str, value: &str) -> String {
        if !self.v2() {
            return self.text(caption, key, value);
        }
        let mut parts = value.split('/');
        let mut part = || parts.next().unwrap_or_default().to_owned();
        let (month, day, year) = (part(), part(), part());
        let range = |from: i32, to: i32, width: usize, first: &str| {
            let blank = (String::new(), first.to_owned());
            let numbers = (from..=to).map(|number| {
                let text = format!("{number:0width$}");
                (text.clone(), text)
            });
            std::iter::once(blank).chain(numbers).collect::<Vec<_>>()
        };
        let lists = [
            (format!("{key}Month"), range(1, 12, 2, "Month"), month),
            (format!("{key}Day"), range(1, 31, 2, "Day"), day),
            (format!("{key}Year"), range(1925, 2027, 4, "Year"), year),
        ];
        let lists: String =
            lists.iter().map(|(key, list, chosen)| self.bare_select(key, list, chosen)).collect();
        let id = self.id("ddl", &format!("{key}Month"));
        self.field(caption, &id, &format!("<span>{lists}</span>"))
    }

    /// One of several. In v1 as old servers write it: a table of radio buttons with labels of their own.
    pub(super) fn radios(
        &self,
        caption: &str,
        key: &str,
        options: &[&str],
        chosen: &str,
    ) -> String {
        self.several(caption, key, options, &[chosen.to_owned()], ("rbl", "radio", ""))
    }

    /// As [`Ids::radios`]; a choice posts back at once.
    pub(super) fn radios_at_once(&self, caption: &str, key: &str, chosen: &str) -> String {
        let post = " onclick=\"setTimeout('__doPostBack(\\'rbl\\',\\'\\')',0)\"";
        self.several(caption, key, &["Yes", "No"], &[chosen.to_owned()], ("rbl", "radio", post))
    }

    /// Any of several.
    pub(super) fn checks(&self, caption: &str, key: &str, options: &[&str]) -> String {
        self.several(caption, key, options, &[], ("cbl", "checkbox", ""))
    }

    fn several(
        &self,
        caption: &str,
        key: &str,
        options: &[&str],
        chosen: &[String],
        (prefix, kind, more): (&str, &str, &str),
    ) -> String {
        let (id, name) = (self.id(prefix, key), self.name(prefix, key));
        let mut items = String::new();
        for (index, words) in options.iter().enumerate() {
            let on = if chosen.iter().any(|one| one == words) { " checked" } else { "" };
            let words = esc(words);
            let _ = write!(
                items,
                "<tr><td><input type=\"{kind}\" id=\"{id}_{index}\" name=\"{name}\" value=\"{words}\"{on}{more}>\
                 <label for=\"{id}_{index}\">{words}</label></td></tr>"
            );
        }
        if self.v2() {
            format!(
                "<fieldset class=\"pair\" id=\"{id}\"><legend>{}</legend><table>{items}</table></fieldset>",
                esc(caption)
            )
        } else {
            format!(
                "<tr><td class=\"cap\">{}</td><td><table id=\"{id}\">{items}</table></td></tr>",
                esc(caption)
            )
        }
    }

    /// A box to tick.
    pub(super) fn checkbox(&self, caption: &str, key: &str) -> String {
        let (id, name) = (self.id("chk", key), self.name("chk", key));
        let control = format!("<input type=\"checkbox\" id=\"{id}\" name=\"{name}\" value=\"on\">");
        self.field(caption, &id, &control)
    }

    /// A field for a file.
    pub(super) fn file(&self, caption: &str, key: &str) -> String {
        let (id, name) = (self.id("fup", key), self.name("fup", key));
        self.field(caption, &id, &format!("<input type=\"file\" id=\"{id}\" name=\"{name}\">"))
    }

    /// A button; `to` is another page it posts to.
    pub(super) fn button(&self, key: &str, words: &str, to: &str) -> String {
        let (id, name) = (self.id("btn", key), self.name("btn", key));
        let to = if to.is_empty() { String::new() } else { format!(" formaction=\"./{to}\"") };
        let words = esc(words);
        if self.v2() {
            format!(
                "<button type=\"submit\" id=\"{id}\" name=\"{name}\" value=\"1\"{to}>{words}</button>"
            )
        } else {
            format!("<input type=\"submit\" id=\"{id}\" name=\"{name}\" value=\"{words}\"{to}>")
        }
    }

    /// A link that posts back.
    pub(super) fn link(&self, key: &str, argument: &str, words: &str) -> String {
        format!(
            "<a id=\"{}\" href=\"javascript:__doPostBack('{}','{}')\">{}</a>",
            self.id("lnk", key),
            self.name("lnk", key),
            esc(argument),
            esc(words)
        )
    }

    /// Fields that belong together.
    pub(super) fn form(&self, fields: &str) -> String {
        if self.v2() {
            format!("<div class=\"cols\">{fields}</div>")
        } else {
            format!("<table class=\"form\">{fields}</table>")
        }
    }

    /// Words and values, each value with an id; what has no value is left out.
    pub(super) fn facts(&self, rows: &[(&str, &str, String)]) -> String {
        let mut out = String::new();
        for (key, words, value) in rows.iter().filter(|(_, _, value)| !value.is_empty()) {
            let (id, words, value) = (self.id("lbl", key), esc(words), esc(value));
            let _ = if self.v2() {
                write!(out, "<dt>{words}</dt><dd id=\"{id}\">{value}</dd>")
            } else {
                write!(
                    out,
                    "<tr><td class=\"cap\">{words}</td><td><span id=\"{id}\">{value}</span></td></tr>"
                )
            };
        }
        if self.v2() {
            format!("<dl>{out}</dl>")
        } else {
            format!("<table class=\"form\">{out}</table>")
        }
    }

    /// A table with a caption and headers. Cells are markup.
    pub(super) fn table(&self, caption: &str, headers: &[&str], rows: &[Vec<String>]) -> String {
        let mut out = format!(
            "<table class=\"grid\"><caption align=\"left\"><b>{}</b></caption><tr>",
            esc(caption)
        );
        for header in headers {
            let _ = write!(out, "<th>{}</th>", esc(header));
        }
        out.push_str("</tr>");
        for row in rows {
            out.push_str("<tr>");
            for cell in row {
                let _ = write!(out, "<td>{cell}</td>");
            }
            out.push_str("</tr>");
        }
        out.push_str("</table>");
        out
    }

    /// The buttons below a form.
    pub(super) fn buttons(&self, buttons: &str) -> String {
        if self.v2() {
            format!("<p class=\"acts\">{buttons}</p>")
        } else {
            format!("<p>{buttons}</p>")
        }
    }

    /// A remark.
    pub(super) fn note(&self, words: &str) -> String {
        let class = if self.v2() { "hint" } else { "note" };
        format!("<div class=\"{class}\">{}</div>", esc(words))
    }

    /// Something that lies over the page until it is closed.
    pub(super) fn over(&self, key: &str, title: &str, words: &str, close: &str) -> String {
        let (id, class) = (self.id("pnl", key), if self.v2() { "cover" } else { "over" });
        format!(
            "<div class=\"{class}\" id=\"{id}\" role=\"dialog\" aria-label=\"{title}\"><div><h2>{title}</h2><p>{}</p>\
             <input type=\"button\" value=\"{close}\" onclick=\"document.getElementById('{id}').style.display='none'\">\
             </div></div>",
            esc(words),
            title = esc(title),
            close = esc(close)
        )
    }
}

/// One answer: a page with its form.
pub(super) struct Page<'a> {
    pub(super) title: &'a str,
    /// File the form posts to, the page itself.
    pub(super) file: &'a str,
    pub(super) view_state: String,
    pub(super) message: &'a str,
    pub(super) body: String,
    /// Who is signed in; the menu is shown.
    pub(super) user: Option<&'a str>,
    /// Takes files.
    pub(super) multipart: bool,
}

/// The whole page.
pub(super) fn page(ids: &Ids, page: &Page<'_>) -> String {
    let v2 = ids.v2();
    let menu = page.user.map_or_else(String::new, |_| {
        let entries = [
            ("Start", "Start a case"),
            ("Incomplete", "Incomplete cases"),
            ("FindCase", "Find a case"),
            ("News", "Important announcements"),
            ("LogOut", "Log Out"),
        ];
        let links: String = entries.iter().map(|(key, words)| ids.link(key, "", words)).collect();
        if v2 { format!("<nav>{links}</nav>") } else { format!("<div id=\"menu\">{links}</div>") }
    });
    let user = page
        .user
        .map(|user| format!("<small>Logged in as {}</small>", esc(user)))
        .unwrap_or_default();
    let message = if page.message.is_empty() {
        String::new()
    } else if v2 {
        format!("<div class=\"alert\" role=\"alert\">{}</div>", esc(page.message))
    } else {
        format!(
            "<span class=\"msg\" id=\"{}\">{}</span>",
            ids.id("lbl", "Message"),
            esc(page.message)
        )
    };
    let hidden = |name: &str, value: &str| {
        format!("<input type=\"hidden\" name=\"{name}\" id=\"{name}\" value=\"{value}\">")
    };
    let fields = [
        hidden("__EVENTTARGET", ""),
        hidden("__EVENTARGUMENT", ""),
        hidden("__VIEWSTATE", &page.view_state),
        hidden("__EVENTVALIDATION", &page.view_state.chars().rev().collect::<String>()),
    ]
    .concat();
    let kind = if page.multipart { " enctype=\"multipart/form-data\"" } else { "" };
    let (head, main) =
        if v2 { ("class=\"top\"", "class=\"sheet\"") } else { ("id=\"head\"", "id=\"main\"") };
    let inner = format!(
        "<form method=\"post\" action=\"./{file}\" id=\"aspnetForm\"{kind}>{fields}\
         <div {head}><span>Verity Review</span>{user}</div>{menu}<div {main}><h1>{title}</h1>{message}{body}</div></form>\
         <script>function __doPostBack(target,argument){{var f=document.getElementById('aspnetForm');\
         f.__EVENTTARGET.value=target;f.__EVENTARGUMENT.value=argument;f.submit();}}</script>",
        file = page.file,
        title = esc(page.title),
        body = page.body,
    );
    bare(ids.skin, page.title, &inner)
}

/// A page without a form.
pub(super) fn plain(skin: Skin, title: &str, body: &str) -> String {
    let (head, main) = if skin == Skin::V2 {
        ("class=\"top\"", "class=\"sheet\"")
    } else {
        ("id=\"head\"", "id=\"main\"")
    };
    let title_text = esc(title);
    bare(
        skin,
        title,
        &format!(
            "<div {head}><span>Verity Review</span></div><div {main}><h1>{title_text}</h1>{body}</div>"
        ),
    )
}

fn bare(skin: Skin, title: &str, inner: &str) -> String {
    let style = if skin == Skin::V2 { STYLE_V2 } else { STYLE_V1 };
    format!(
        "<!DOCTYPE html><html lang=\"en\"><head><meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\
         <title>{} - Verity Review</title><style>{style}</style></head>\
         <body>{inner}<script src=\"/pulse.js\" defer></script></body></html>",
        esc(title)
    )
}

/// The page of the weekly window, with status 200.
pub(super) fn maintenance() -> String {
    plain(
        Skin::V1,
        "Scheduled maintenance",
        "<p>Verity Review is not available during scheduled maintenance, Sundays 12:30 PM to 6:00 PM Central.</p>\
         <p>Requests that fall into an outage may be made within two business days after it ends.</p>",
    )
}
