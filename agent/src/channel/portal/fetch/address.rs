//! The addresses a `fetch` asks for: values in them stay values, and none leaves the place the script names.

use domain::script::ast::{Fetch, Part, Template};
use url::Url;

use crate::channel::portal::{Halt, Portal};

impl Portal<'_> {
    /// The address of the page, with its query, then those of its parts.
    pub(crate) fn fetch_addresses(&self, fetch: &Fetch) -> Result<Vec<String>, Halt> {
        let mut page = self.address_within(&fetch.page)?;
        if !fetch.query.is_empty() {
            let mut query = url::form_urlencoded::Serializer::new(String::new());
            for (name, value) in &fetch.query {
                query.append_pair(name.as_str(), &self.eval(|scope| scope.text(value))?);
            }
            let joint = if page.contains('?') { '&' } else { '?' };
            page = format!("{page}{joint}{}", query.finish());
        }
        let mut all = vec![page];
        for part in &fetch.parts {
            all.push(self.address_within(part)?);
        }
        Ok(all)
    }

    fn address_within(&self, template: &Template) -> Result<String, Halt> {
        let address = self.eval(|scope| scope.address(template))?;
        let Some(Part::Text(front)) = template.parts.first() else {
            return Err(self.bad_input("the address of `fetch` has no host"));
        };
        if stays(front, &address) {
            Ok(address)
        } else {
            Err(self.bad_input("the address of `fetch` does not stay where the script puts it"))
        }
    }
}

/// Whether an address, as a browser would take it, has the origin of its fixed front and every segment it was written with.
fn stays(front: &str, address: &str) -> bool {
    let (Ok(front), Ok(url)) = (Url::parse(front), Url::parse(address)) else { return false };
    let path = address.split(['?', '#']).next().unwrap_or_default();
    let written = path.splitn(4, '/').nth(3).unwrap_or_default().split('/').map(str::is_empty);
    let taken = url.path_segments().into_iter().flatten().map(str::is_empty);
    url.scheme() == "https"
        && url.origin() == front.origin()
        && url.username().is_empty()
        && url.password().is_none()
        && written.eq(taken)
}

#[cfg(test)]
mod tests {
    use super::stays;

    #[test]
    fn an_address_keeps_its_origin_and_its_segments() {
        let front = "https://a.test/api/requests/";
        assert!(stays(front, "https://a.test/api/requests/R-1"));
        assert!(stays(front, "https://a.test/api/requests/R%2F..%2F1/lines?x=1/../2"));
        assert!(stays("https://a.test", "https://a.test"));
        for away in [
            "https://a.test/api/requests/..",
            "https://a.test/api/requests/.%2e/lines",
            "https://a.test/api/requests/%2E",
            "https://a.test/api/requests/x\\y",
            "https://a.test.evil.test/api/requests/R",
            "https://u@a.test/api/requests/R",
            "http://a.test/api/requests/R",
            "https://a.test:444/api/requests/R",
        ] {
            assert!(!stays(front, away), "{away}");
        }
    }
}
