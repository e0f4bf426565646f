//! A person at the console's pages: signs in as the first administrator and answers a question by its form.

use anyhow::{Context as _, Result, ensure};
use reqwest::header;
use scraper::{Html, Selector};

use super::Fleet;

/// Somebody signed in.
pub struct Person {
    http: reqwest::Client,
    base: String,
    cookie: String,
}

impl Person {
    /// Signs in with what the coordinator wrote down at its first start.
    ///
    /// # Errors
    /// The sign-in is refused.
    pub async fn sign_in(fleet: &Fleet) -> Result<Person> {
        let written = std::fs::read_to_string(fleet.options.root.join("data/first-sign-in.txt"))
            .context("reading the first sign-in")?;
        let line = |name: &str| {
            let found = written.lines().find_map(|line| line.strip_prefix(name));
            found.map(|value| value.trim().to_owned()).with_context(|| format!("no {name}"))
        };
        let http =
            reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).build()?;
        let base = fleet.api.base().to_owned();
        let fields = [("name", line("login:")?), ("password", line("password:")?)];
        let answer = http
            .post(format!("{base}/sign-in"))
            .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
            .body(form(&fields))
            .send()
            .await?;
        let cookie = answer.headers().get(header::SET_COOKIE).and_then(|one| one.to_str().ok());
        let cookie = cookie.and_then(|one| one.split(';').next()).context("no sign-in")?;
        Ok(Person { http, base, cookie: cookie.to_owned() })
    }

    /// A page.
    ///
    /// # Errors
    /// It is not shown.
    pub async fn page(&self, path: &str) -> Result<String> {
        let asked = self.http.get(format!("{}{path}", self.base));
        let answer = asked.header(header::COOKIE, &self.cookie).send().await?;
        ensure!(answer.status().is_success(), "{path} answered {}", answer.status());
        Ok(answer.text().await?)
    }

    /// Gives a code by the form on a question's page; what the page sends back.
    ///
    /// # Errors
    /// The page shows no field for a code.
    pub async fn give_code(&self, question: &str, code: &str) -> Result<u16> {
        let page = self.page(&format!("/inbox/{question}")).await?;
        let fields = {
            let page = Html::parse_document(&page);
            let field = Selector::parse("input[name=code]").map_err(|e| anyhow::anyhow!("{e}"))?;
            ensure!(page.select(&field).next().is_some(), "no field for a code is shown");
            let value = |name: &str| -> Result<String> {
                let inside = format!("form:has(input[name=code]) input[name={name}]");
                let inside = Selector::parse(&inside).map_err(|e| anyhow::anyhow!("{e}"))?;
                let found = page.select(&inside).next().and_then(|one| one.value().attr("value"));
                Ok(found.with_context(|| format!("no field {name}"))?.to_owned())
            };
            [
                ("csrf", value("csrf")?),
                ("choice", value("choice")?),
                ("revision", value("revision")?),
                ("code", code.to_owned()),
            ]
        };
        let answer = self
            .http
            .post(format!("{}/inbox/{question}/resolve", self.base))
            .header(header::COOKIE, &self.cookie)
            .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
            .body(form(&fields))
            .send()
            .await?;
        Ok(answer.status().as_u16())
    }
}

fn form(fields: &[(&str, String)]) -> String {
    let mut out = url::form_urlencoded::Serializer::new(String::new());
    for (name, value) in fields {
        out.append_pair(name, value);
    }
    out.finish()
}
