//! A plain HTTPS client of Verity: one cookie, forms read from the page and posted back as a browser would.

use reqwest::StatusCode;
use scraper::{Html, Selector};
use serde_json::Value;
use tests::portal::{Fault, verity, world::world};

use super::house::{House, house};

house!(Verity, "Verity in this process.");

/// Starts Verity, quick, with a frozen clock.
pub(crate) async fn verity() -> Verity {
    Verity(House::open(&verity::PROFILE).await)
}

/// Verity with a fault armed, and somebody logged in.
pub(crate) async fn armed(fault: Fault) -> (Verity, User) {
    let verity = verity().await;
    verity.control().fault(&fault).await.unwrap();
    let user = verity.logged_in("auto01").await;
    (verity, user)
}

const HOST: &str = "www.verity.test";

/// The invented password of an account.
pub(crate) fn password(account: &str) -> String {
    world().account("verity", account).unwrap().password.clone()
}

impl Verity {
    /// Codes in the mailbox of an account, oldest first.
    pub(crate) fn codes(&self, account: &str) -> Vec<String> {
        let sim = &self.running.sim;
        let to = &world().account("verity", account).unwrap().email;
        let messages = sim.mail.messages(&sim.kept, to, sim.now());
        let ours = messages.into_iter().filter(|message| message.subject == "Your Verity code");
        ours.map(|message| {
            let digits: String = message.text.chars().filter(char::is_ascii_digit).collect();
            digits.get(..6).unwrap().to_owned()
        })
        .collect()
    }

    /// Somebody who is not logged in.
    pub(crate) fn stranger(&self) -> User {
        let base = format!("https://{HOST}:{}", self.port(HOST));
        User { http: self.http(), base, cookie: String::new(), page: String::new() }
    }

    /// Somebody who gave user and password and is asked for the code.
    pub(crate) async fn half_way(&self, account: &str) -> User {
        let mut user = self.stranger();
        user.get("login.aspx").await;
        let typed = [("agree", "on"), ("user", account), ("password", &password(account))];
        user.press("login", &typed).await;
        user
    }

    /// Somebody logged in.
    pub(crate) async fn logged_in(&self, account: &str) -> User {
        let mut user = self.half_way(account).await;
        let code = self.codes(account).pop().unwrap();
        user.press("continue", &[("code", &code)]).await;
        assert!(user.says("Welcome to Verity Review"), "{}", user.page);
        user
    }
}

/// The logical name of a field, whatever the skin and the middle part.
fn logical(name: &str) -> String {
    let last = name.rsplit('$').next().unwrap_or_default();
    match last.strip_suffix("Fld") {
        Some(redesigned) => redesigned.to_ascii_lowercase(),
        None => last.get(3..).unwrap_or_default().to_ascii_lowercase(),
    }
}

/// Somebody at a browser.
#[derive(Clone)]
pub(crate) struct User {
    http: reqwest::Client,
    base: String,
    pub(crate) cookie: String,
    pub(crate) page: String,
}

/// The form of a page: where it goes and what it sends without being touched.
struct Form {
    action: String,
    fields: Vec<(String, String)>,
    controls: Vec<(String, Option<String>)>,
    multipart: bool,
}

impl User {
    pub(crate) fn says(&self, words: &str) -> bool {
        self.page.contains(words)
    }

    /// The cells of the page's table with a heading, by row.
    pub(crate) fn rows(&self) -> Vec<Vec<String>> {
        let page = Html::parse_document(&self.page);
        let row = Selector::parse("table.grid tr").unwrap();
        let cell = Selector::parse("td").unwrap();
        let text = |cell: scraper::ElementRef<'_>| cell.text().collect::<String>();
        let rows = page.select(&row).map(|row| row.select(&cell).map(text).collect::<Vec<_>>());
        rows.filter(|cells| !cells.is_empty()).collect()
    }

    async fn send(&mut self, call: reqwest::RequestBuilder) -> reqwest::Result<StatusCode> {
        let mut call = call;
        for _ in 0..6 {
            if !self.cookie.is_empty() {
                call = call.header("cookie", &self.cookie);
            }
            let response = call.send().await?;
            let status = response.status();
            let header = |name: &str| {
                let value = response.headers().get(name).and_then(|value| value.to_str().ok());
                value.unwrap_or_default().to_owned()
            };
            let (location, cookie) = (header("location"), header("set-cookie"));
            if let Some((cookie, _)) = cookie.split_once(';') {
                cookie.clone_into(&mut self.cookie);
            }
            self.page = response.text().await?;
            if location.is_empty() || location.starts_with("https://") {
                return Ok(status);
            }
            call = self.http.get(format!("{}{location}", self.base));
        }
        panic!("redirected for ever");
    }

    pub(crate) async fn try_get(&mut self, page: &str) -> reqwest::Result<StatusCode> {
        let call = self.http.get(format!("{}/{page}", self.base));
        self.send(call).await
    }

    pub(crate) async fn get(&mut self, page: &str) -> StatusCode {
        self.try_get(page).await.unwrap()
    }

    /// Sends fields to an address as they are.
    pub(crate) async fn post(
        &mut self,
        page: &str,
        fields: &[(String, String)],
    ) -> reqwest::Result<StatusCode> {
        let body =
            url::form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
        let call = self.http.post(format!("{}/{page}", self.base));
        let call = call.header("content-type", "application/x-www-form-urlencoded").body(body);
        self.send(call).await
    }

    /// What a page tells now and then.
    pub(crate) async fn pulse(&mut self, told: &Value) -> StatusCode {
        let call = self.http.post(format!("{}/pulse", self.base)).json(told);
        let page = self.page.clone();
        let status = self.send(call).await.unwrap();
        self.page = page;
        status
    }

    fn form(&self) -> Form {
        let page = Html::parse_document(&self.page);
        let all = |css: &str| Selector::parse(css).unwrap();
        let form =
            page.select(&all("form")).next().unwrap_or_else(|| panic!("no form: {}", self.page));
        let (mut fields, mut controls) = (Vec::new(), Vec::new());
        for one in form.select(&all("input, button, select, a[href^='javascript:']")) {
            let value = one.value();
            let attribute = |name: &str| value.attr(name).unwrap_or_default().to_owned();
            let name = attribute("name");
            match (value.name(), attribute("type").as_str()) {
                (_, "hidden" | "text") => fields.push((name.clone(), attribute("value"))),
                ("select", _) => {
                    let chosen = one.select(&all("option[selected]")).next();
                    let chosen = chosen.and_then(|option| option.value().attr("value"));
                    fields.push((name.clone(), chosen.unwrap_or_default().to_owned()));
                }
                ("input", "radio" | "checkbox") if value.attr("checked").is_some() => {
                    fields.push((name.clone(), attribute("value")));
                }
                _ => {}
            }
            if value.name() == "a" {
                let target = attribute("href");
                let target = target.split('\'').nth(1).unwrap_or_default().to_owned();
                controls.push((target, None));
            } else {
                controls.push((name, value.attr("formaction").map(str::to_owned)));
            }
        }
        Form {
            action: form.value().attr("action").unwrap_or_default().to_owned(),
            multipart: form.value().attr("enctype").is_some(),
            fields,
            controls,
        }
    }

    /// What the page's form would send after typing `typed` and pressing a button or link, and where to.
    pub(crate) fn filled(
        &self,
        press: &str,
        argument: &str,
        typed: &[(&str, &str)],
    ) -> (String, Vec<(String, String)>) {
        let form = self.form();
        assert!(!form.multipart || typed.is_empty(), "files are sent by `attach`");
        let mut fields = form.fields;
        for (key, value) in typed {
            let name = form.controls.iter().find(|(name, _)| logical(name) == *key);
            let name = name.unwrap_or_else(|| panic!("no {key}: {}", self.page)).0.clone();
            fields.retain(|(known, _)| *known != name);
            fields.push((name, (*value).to_owned()));
        }
        let control = form.controls.iter().find(|(name, _)| logical(name) == press);
        let (name, to) = control.unwrap_or_else(|| panic!("no {press}: {}", self.page)).clone();
        let link = self.page.contains(&format!("__doPostBack('{name}'"));
        if link {
            for (known, value) in &mut fields {
                match known.as_str() {
                    "__EVENTTARGET" => value.clone_from(&name),
                    "__EVENTARGUMENT" => argument.clone_into(value),
                    _ => {}
                }
            }
        } else {
            fields.push((name, argument.to_owned()));
        }
        let action = to.unwrap_or(form.action);
        (action.trim_start_matches("./").to_owned(), fields)
    }

    /// Types and presses a button or link of the page.
    pub(crate) async fn press(&mut self, press: &str, typed: &[(&str, &str)]) -> StatusCode {
        let (to, fields) = self.filled(press, "", typed);
        self.post(&to, &fields).await.unwrap()
    }

    /// Presses a link with an argument, or a button with a value.
    pub(crate) async fn choose(&mut self, press: &str, argument: &str) {
        let (to, fields) = self.filled(press, argument, &[]);
        self.post(&to, &fields).await.unwrap();
    }

    /// Adds a file on the page for files.
    pub(crate) async fn attach(&mut self, name: &str, bytes: &[u8]) {
        let form = self.form();
        let mut body = Vec::new();
        let mut part = |head: String, bytes: &[u8]| {
            body.extend_from_slice(
                format!("--edge\r\nContent-Disposition: form-data; {head}\r\n\r\n").as_bytes(),
            );
            body.extend_from_slice(bytes);
            body.extend_from_slice(b"\r\n");
        };
        for (name, value) in &form.fields {
            part(format!("name=\"{name}\""), value.as_bytes());
        }
        let named = |key: &str| {
            form.controls.iter().find(|(name, _)| logical(name) == key).unwrap().0.clone()
        };
        part(format!("name=\"{}\"; filename=\"{name}\"", named("file")), bytes);
        part(format!("name=\"{}\"", named("add")), b"1");
        body.extend_from_slice(b"--edge--\r\n");
        let call = self.http.post(format!("{}/upload.aspx", self.base));
        let call = call.header("content-type", "multipart/form-data; boundary=edge").body(body);
        self.send(call).await.unwrap();
    }

    /// A new case for M02 up to the page for codes, still empty.
    pub(crate) async fn reach_codes(&mut self, program: &str) {
        self.press("start", &[]).await;
        self.press("continue", &[("program", program)]).await;
        self.find_birch().await;
        self.press("find", &[("npi", "1234567893")]).await;
        self.choose("use", "1234567893").await;
        self.press("find", &[("npi", "1999999984")]).await;
        self.choose("use", "1999999984").await;
    }

    /// The member page filled for M02.
    pub(crate) async fn find_birch(&mut self) {
        let typed = if self.says("dobMonthFld") {
            vec![
                ("member", "W100000002"),
                ("lastname", "BIRCH"),
                ("dobmonth", "11"),
                ("dobday", "30"),
                ("dobyear", "1975"),
            ]
        } else {
            vec![("member", "W100000002"), ("lastname", "Birch"), ("dob", "11/30/1975")]
        };
        self.press("find", &typed).await;
    }

    /// The page for codes filled.
    pub(crate) async fn codes(&mut self, codes: &str) {
        let mut typed = vec![("codes", codes), ("diagnosis", "M54.50")];
        if self.says("serviceDateMonthFld") {
            let date =
                [("servicedatemonth", "03"), ("servicedateday", "09"), ("servicedateyear", "2026")];
            typed.extend(date);
        } else {
            typed.push(("servicedate", "03/09/2026"));
        }
        self.press("continue", &typed).await;
    }

    /// A started case for M02, standing at the first clinical question.
    pub(crate) async fn reach_questions(&mut self, program: &str, codes: &str) {
        self.reach_codes(program).await;
        self.codes(codes).await;
        assert!(self.says("has been started"), "{}", self.page);
        self.press("continue", &[]).await;
        self.press("continue", &[("urgent", "No")]).await;
        assert!(self.says("Clinical questions"), "{}", self.page);
    }

    /// A question answered; in the redesign the answer is a button.
    pub(crate) async fn answer(&mut self, value: &str) {
        if self.says("$continueFld") || self.says("$btnContinue") {
            self.press("continue", &[("answer", value)]).await;
        } else {
            self.choose("answer", value).await;
        }
    }

    /// All pages up to the summary: six weeks of therapy, examined, one record attached.
    pub(crate) async fn reach_summary(&mut self, codes: &str) {
        self.reach_questions("Radiology", codes).await;
        self.answer("Yes").await;
        self.answer("Yes").await;
        self.attach("note.pdf", b"%PDF-1.4 an office note").await;
        self.press("continue", &[]).await;
        assert!(self.says("Questions answered"), "{}", self.page);
    }

    /// The submit of what was filled.
    pub(crate) async fn submit(&mut self) -> reqwest::Result<StatusCode> {
        let (to, fields) = self.filled("submit", "Submit Case", &[]);
        assert_eq!(to, "result.aspx");
        self.post(&to, &fields).await
    }

    /// Case numbers that the search by member finds.
    pub(crate) async fn numbers(&mut self) -> Vec<String> {
        self.get("find.aspx").await;
        self.search_birch().await;
        self.rows().into_iter().map(|row| row[0].clone()).collect()
    }

    /// The search by member filled for M02.
    pub(crate) async fn search_birch(&mut self) {
        let mut typed = vec![("member", "W100000002")];
        if self.says("dobMonthFld") {
            typed.extend([("dobmonth", "11"), ("dobday", "30"), ("dobyear", "1975")]);
        } else {
            typed.push(("dob", "11/30/1975"));
        }
        self.press("find", &typed).await;
    }
}

/// Ledger entries without what differs between two runs.
pub(crate) fn comparable(entries: &[Value]) -> Vec<Value> {
    let mut entries = entries.to_vec();
    for entry in &mut entries {
        let map = entry.as_object_mut().unwrap();
        for name in ["seq", "sim_at", "real_at", "skin", "conn", "h2_stream", "portal_session"] {
            map.remove(name);
        }
    }
    entries
}
