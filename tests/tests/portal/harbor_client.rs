//! A plain HTTPS client of Harbor: no cookies, the portal session only in addresses, forms as a browser would send them.

use reqwest::StatusCode;
use tests::portal::{Fault, harbor, world::world};

use super::house::{House, house};

house!(Harbor, "Harbor in this process.");

/// Starts Harbor, quick, with a frozen clock.
pub(crate) async fn harbor() -> Harbor {
    Harbor(House::open(&harbor::PROFILE).await)
}

/// Harbor with a fault armed, and somebody signed on.
pub(crate) async fn armed(fault: Fault) -> (Harbor, User) {
    let harbor = harbor().await;
    harbor.control().fault(&fault).await.unwrap();
    let user = harbor.signed_on("auto01").await;
    (harbor, user)
}

impl Harbor {
    /// Somebody who is not signed on.
    pub(crate) fn stranger(&self) -> User {
        let base = format!("https://{HOST}:{}", self.port(HOST));
        User { http: self.http(), base, token: String::new() }
    }

    /// Somebody signed on.
    pub(crate) async fn signed_on(&self, account: &str) -> User {
        let mut user = self.stranger();
        let answer = user.sign_on(account, &password(account)).await;
        assert!(!user.token.is_empty(), "{}", answer.text);
        user
    }
}

const HOST: &str = "mmis.harbor.test";

/// The invented password of an account.
pub(crate) fn password(account: &str) -> String {
    world().account("harbor", account).unwrap().password.clone()
}

/// An answer, read whole.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) location: String,
    pub(crate) cookie: String,
    pub(crate) text: String,
}

impl Answer {
    pub(crate) fn says(&self, words: &str) -> bool {
        self.text.contains(words)
    }
}

/// Somebody at a browser.
pub(crate) struct User {
    http: reqwest::Client,
    base: String,
    pub(crate) token: String,
}

impl User {
    fn url(&self, page: &str) -> String {
        let (path, query) = page.split_once('?').unwrap_or((page, ""));
        let session = if self.token.is_empty() {
            String::new()
        } else {
            format!(";jsessionid={}", self.token)
        };
        let query = if query.is_empty() { String::new() } else { format!("?{query}") };
        format!("{}/pa/{path}{session}{query}", self.base)
    }

    async fn send(&self, call: reqwest::RequestBuilder) -> reqwest::Result<Answer> {
        let response = call.send().await?;
        let status = response.status();
        let header = |name: &str| {
            let value = response.headers().get(name).and_then(|value| value.to_str().ok());
            value.unwrap_or_default().to_owned()
        };
        let (location, cookie) = (header("location"), header("set-cookie"));
        Ok(Answer { status, location, cookie, text: response.text().await? })
    }

    pub(crate) async fn try_get(&self, page: &str) -> reqwest::Result<Answer> {
        self.send(self.http.get(self.url(page))).await
    }

    pub(crate) async fn get(&self, page: &str) -> Answer {
        self.try_get(page).await.unwrap()
    }

    /// A page with the portal session in the cookie instead of the address.
    pub(crate) async fn get_by_cookie(&self, page: &str, cookie: &str) -> Answer {
        let url = format!("{}/pa/{page}", self.base);
        self.send(self.http.get(url).header("cookie", cookie)).await.unwrap()
    }

    pub(crate) async fn bytes(&self, page: &str) -> (String, Vec<u8>) {
        let response = self.http.get(self.url(page)).send().await.unwrap();
        let kind = response.headers()["content-type"].to_str().unwrap().to_owned();
        (kind, response.bytes().await.unwrap().to_vec())
    }

    pub(crate) async fn try_post(
        &self,
        page: &str,
        fields: &[(&str, &str)],
    ) -> reqwest::Result<Answer> {
        let body =
            url::form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
        let call = self.http.post(self.url(page));
        let call = call.header("content-type", "application/x-www-form-urlencoded").body(body);
        self.send(call).await
    }

    pub(crate) async fn post(&self, page: &str, fields: &[(&str, &str)]) -> Answer {
        self.try_post(page, fields).await.unwrap()
    }

    /// Types user and password; keeps the portal session when there is one.
    pub(crate) async fn sign_on(&mut self, account: &str, password: &str) -> Answer {
        self.token.clear();
        let answer = self.post("signOn", &[("userId", account), ("password", password)]).await;
        if let Some((_, token)) = answer.location.split_once(";jsessionid=") {
            token.clone_into(&mut self.token);
        }
        answer
    }

    /// Attaches a document.
    pub(crate) async fn attach(&self, bytes: &[u8]) -> Answer {
        let mut body = b"--edge\r\nContent-Disposition: form-data; name=\"document\"; \
            filename=\"note.pdf\"\r\nContent-Type: application/pdf\r\n\r\n"
            .to_vec();
        body.extend_from_slice(bytes);
        body.extend_from_slice(b"\r\n--edge--\r\n");
        let call = self.http.post(self.url("paEntry6"));
        let call = call.header("content-type", "multipart/form-data; boundary=edge").body(body);
        self.send(call).await.unwrap()
    }

    pub(crate) async fn line(&self, code: &str, units: &str, from: &str, to: &str) -> Answer {
        let fields = [
            ("diagnoses", "G43.909"),
            ("procedure", code),
            ("units", units),
            ("from", from),
            ("to", to),
            ("go", "Add Line"),
        ];
        self.post("paEntry4", &fields).await
    }

    /// All pages up to the summary for M10, one line; the summary page.
    pub(crate) async fn fill(&self, code: &str, units: &str) -> Answer {
        assert!(self.get("paEntry1").await.says("Enter Request - Type"));
        self.post("paEntry1", &[("requestType", "Outpatient Services"), ("priority", "S")]).await;
        self.post("memberSearch", &[("searchId", LARCH), ("searchDob", "01/01/1949")]).await;
        let member =
            [("memberId", LARCH), ("memberName", "LARCH, TESTK"), ("memberDob", "01/01/1949")];
        self.post("paEntry2", &member).await;
        self.post("paEntry3", &PROVIDERS).await;
        self.line(code, units, "03/09/2026", "03/09/2026").await;
        self.post("paEntry4", &[("diagnoses", "G43.909"), ("go", "Next")]).await;
        self.post("paEntry5", &[("certName", "Pat Reviewer"), ("certDate", "03/02/2026")]).await
    }

    /// The submit of what was filled.
    pub(crate) async fn submit(&self) -> reqwest::Result<Answer> {
        self.try_post("paResult", &[]).await
    }

    /// The rows of the search by member, as the numbers in it.
    pub(crate) async fn numbers(&self) -> Vec<String> {
        let fields = [("memberId", LARCH), ("memberDob", "01/01/1949")];
        let page = self.post("paInquiry", &fields).await;
        let pieces = page.text.split("paDetail;jsessionid=").skip(1);
        pieces
            .filter_map(|piece| Some(piece.split_once("?pan=")?.1.split_once('"')?.0.to_owned()))
            .collect()
    }
}

/// The member id of M10.
pub(crate) const LARCH: &str = "9000000010";

/// The provider page as it should be filled.
pub(crate) const PROVIDERS: [(&str, &str); 4] = [
    ("requestingNpi", "1234567893"),
    ("requestingTaxonomy", "261QM1300X"),
    ("renderingNpi", "1999999984"),
    ("renderingTaxonomy", "261QR0200X"),
];
