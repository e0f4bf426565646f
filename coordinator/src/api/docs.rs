//! `GET /v1/openapi.json` and `GET /v1/docs`: the API's description, generated from the types, as a document for programs and as a
//! page for people. The page is drawn from the document by us; nothing is loaded from anywhere.

use axum::{Json, response::IntoResponse};
use maud::{DOCTYPE, Markup, html};
use serde_json::Value;

use super::error::CODES;

/// The document.
#[utoipa::path(get, path = "/v1/openapi.json", tag = "about", responses((status = 200, description = "The OpenAPI document")))]
pub async fn document() -> impl IntoResponse {
    Json(super::openapi())
}

/// The page.
#[utoipa::path(get, path = "/v1/docs", tag = "about", responses((status = 200, description = "This API for people")))]
pub async fn page() -> impl IntoResponse {
    let policy = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";
    ([(axum::http::header::CONTENT_SECURITY_POLICY, policy)], draw(&super::openapi()))
}

/// What every call has in common, in a few paragraphs.
fn rules() -> Markup {
    html! {
        p { "Send " code { "Authorization: Bearer <key>" } ". Ids have prefixes (" code { "case_…" } ", " code { "job_…" }
            "), times are RFC 3339 in UTC, units are in the names, words are in " code { "snake_case" } "." }
        p { "Calls that create something need " code { "Idempotency-Key" } ": the same key and body get the same answer, "
            "another body is refused, and while the first call is at work the answer is 409 with " code { "Retry-After" } ". "
            "Changes of what a person has seen need " code { "If-Match: \"<rev>\"" } "." }
        p { "Lists take " code { "limit" } " (at most 200) and " code { "after" } " (the " code { "next" }
            " of the page before), and give CSV with " code { "Accept: text/csv" } " or " code { "format=csv" } ". "
            "Patient data in lists is masked." }
    }
}

fn draw(document: &Value) -> Markup {
    let empty = serde_json::Map::new();
    let paths = document.get("paths").and_then(Value::as_object).unwrap_or(&empty);
    let schemas =
        document.pointer("/components/schemas").and_then(Value::as_object).unwrap_or(&empty);
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                title { (text(document, "/info/title")) }
                style { (maud::PreEscaped(STYLE)) }
            }
            body {
                header { h1 { (text(document, "/info/title")) " " small { (text(document, "/info/version")) } }
                    p { (text(document, "/info/description")) } (rules())
                    p { a href="/v1/openapi.json" { "The OpenAPI document" } " · " a href="#problems" { "Problems" } " · " a href="#schemas" { "Schemas" } } }
                nav aria-label="Routes" { ul { @for (path, acts) in paths { @for (method, act) in methods(acts) {
                    li { a href={ "#" (anchor(method, path)) } { code { (method.to_uppercase()) " " (path) } } " " (prose(text(act, "/summary"))) }
                } } } }
                main {
                    @for (path, acts) in paths { @for (method, act) in methods(acts) { (route(path, method, act)) } }
                    section id="problems" { h2 { "Problems" }
                        p { "Every refusal is " code { "application/problem+json" } " with one of these types." }
                        table { thead { tr { th scope="col" { "type" } th scope="col" { "status" } th scope="col" { "means" } } }
                            tbody { @for (code, status, title) in CODES { tr { td { code { "/problems/" (code) } } td { (status) } td { (title) } } } } } }
                    section id="schemas" { h2 { "Schemas" } @for (name, schema) in schemas { (shape(name, schema)) } }
                }
            }
        }
    }
}

fn route(path: &str, method: &str, act: &Value) -> Markup {
    let none = Vec::new();
    let parameters = act.get("parameters").and_then(Value::as_array).unwrap_or(&none);
    html! {
        section id=(anchor(method, path)) {
            h2 { code { (method.to_uppercase()) " " (path) } }
            p { b { (prose(text(act, "/summary"))) } }
            @if !text(act, "/description").is_empty() { p { (prose(text(act, "/description"))) } }
            @if !parameters.is_empty() {
                table { thead { tr { th scope="col" { "parameter" } th scope="col" { "in" } th scope="col" { "type" } th scope="col" { "means" } } }
                    tbody { @for p in parameters { tr {
                        td { code { (text(p, "/name")) } @if p["required"] == true { " *" } }
                        td { (text(p, "/in")) } td { (kind(p.get("schema"))) } td { (prose(text(p, "/description"))) } } } } }
            }
            @if let Some(content) = act.pointer("/requestBody/content").and_then(Value::as_object) {
                @for (media, body) in content { p { "Body: " code { (media) } " " (kind(body.get("schema"))) } }
            }
            @if let Some(replies) = act.get("responses").and_then(Value::as_object) {
                ul { @for (status, reply) in replies { li { b { (status) } " " (prose(text(reply, "/description")))
                    @if let Some(content) = reply.get("content").and_then(Value::as_object) {
                        @for (media, body) in content { " — " code { (media) } " " (kind(body.get("schema"))) } } } } }
            }
        }
    }
}

fn shape(name: &str, schema: &Value) -> Markup {
    let one_of = schema.get("oneOf").and_then(Value::as_array);
    html! {
        section id={ "schema-" (name) } {
            h3 { code { (name) } }
            p { (prose(text(schema, "/description"))) }
            @if let Some(words) = schema.get("enum").and_then(Value::as_array) {
                p { "One of " @for word in words { code { (word.as_str().unwrap_or_default()) } " " } }
            }
            (fields(schema))
            @for option in one_of.into_iter().flatten() {
                p { (constant(option)) (prose(text(option, "/description"))) }
                (fields(option))
            }
        }
    }
}

/// What tells one form of a value from the others: the word itself, or the word in the field that names the form.
fn constant(option: &Value) -> Markup {
    let fields = option.get("properties").and_then(Value::as_object);
    let named =
        fields.into_iter().flatten().find_map(|(field, of)| Some((field, of.get("const")?)));
    html! { @match (option.get("const"), named) {
        (Some(word), _) => { code { (word.as_str().unwrap_or_default()) } ": " }
        (None, Some((field, word))) => { code { (field) ": " (word.as_str().unwrap_or_default()) } " " }
        (None, None) => {}
    } }
}

fn fields(schema: &Value) -> Markup {
    let required = schema.get("required").and_then(Value::as_array);
    let Some(fields) = schema.get("properties").and_then(Value::as_object) else { return html! {} };
    html! {
        table { thead { tr { th scope="col" { "field" } th scope="col" { "type" } th scope="col" { "means" } } }
            tbody { @for (field, of) in fields { tr {
                td { code { (field) } @if required.is_some_and(|r| r.iter().any(|n| n == field)) { " *" } }
                td { (kind(Some(of))) } td { (prose(text(of, "/description"))) } } } } }
    }
}

/// The type of a schema in a few words, linked where it has a name.
fn kind(schema: Option<&Value>) -> Markup {
    let Some(schema) = schema else { return html! {} };
    if let Some(name) =
        schema.get("$ref").and_then(Value::as_str).and_then(|r| r.rsplit('/').next())
    {
        return html! { a href={ "#schema-" (name) } { code { (name) } } };
    }
    for any in ["oneOf", "anyOf", "allOf"] {
        if let Some(options) = schema.get(any).and_then(Value::as_array) {
            return html! { @for (i, option) in options.iter().enumerate() { @if i > 0 { " or " } (kind(Some(option))) } };
        }
    }
    match schema.get("type") {
        Some(Value::String(word)) if word == "array" => {
            html! { "list of " (kind(schema.get("items"))) }
        }
        Some(Value::String(word)) => html! { (word) },
        Some(Value::Array(words)) => {
            html! { @for (i, word) in words.iter().enumerate() { @if i > 0 { " or " } (word.as_str().unwrap_or_default()) } }
        }
        _ => html! { "any" },
    }
}

fn methods(acts: &Value) -> impl Iterator<Item = (&str, &Value)> {
    acts.as_object()
        .into_iter()
        .flatten()
        .filter(|(name, _)| ["get", "post", "put", "delete", "patch"].contains(&name.as_str()))
        .map(|(name, act)| (name.as_str(), act))
}

fn text<'a>(value: &'a Value, at: &str) -> &'a str {
    value.pointer(at).and_then(Value::as_str).unwrap_or_default()
}

/// Prose with its `code` as such.
fn prose(text: &str) -> Markup {
    html! {
        @for (i, part) in text.split('`').enumerate() {
            @if i % 2 == 1 { code { (part) } } @else { (part) }
        }
    }
}

fn anchor(method: &str, path: &str) -> String {
    let path: String =
        path.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '-' }).collect();
    format!("{method}{path}")
}

const STYLE: &str = "
body{font:16px/1.5 system-ui,sans-serif;color:#1a1f24;background:#fff;margin:0 auto;max-width:72rem;padding:1rem 1.25rem}
h1{font-size:1.6rem}h2{font-size:1.1rem;margin-top:2.2rem;border-top:1px solid #d5dbe1;padding-top:1rem}h3{font-size:1rem}
small{color:#55606b;font-weight:400}code{font:0.92em ui-monospace,monospace;background:#f2f4f6;padding:.1em .3em;border-radius:3px;overflow-wrap:anywhere}
table{border-collapse:collapse;width:100%;margin:.5rem 0}th,td{text-align:left;vertical-align:top;padding:.3rem .6rem .3rem 0;border-bottom:1px solid #e6eaee}
a{color:#0b57a4}nav ul{list-style:none;padding:0;columns:22rem}nav li{break-inside:avoid;padding:.1rem 0}
@media(max-width:40rem){table,tbody,tr,td,thead,th{display:block}thead{position:absolute;left:-99rem}tr{padding:.4rem 0}}
";
