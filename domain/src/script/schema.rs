//! The JSON Schemas of scripts and fragments, for editors; `check` says the same and more, with places.
//!
//! Keywords that Draft 7 also has, apart from `$defs`: older editors read them too. No position
//! accepts null.

mod flow;
mod page;

use serde_json::{Map, Value as Json, json};

/// Schema of a script.
pub fn script_schema() -> Json {
    let mut properties = shared();
    for (key, schema) in [
        (
            "script",
            described(
                "Id: the path below scripts/ without .yaml",
                json!({"type": "string", "pattern": ID}),
            ),
        ),
        ("revision", revision()),
        ("title", described("One line for staff", plain_text())),
        (
            "hosts",
            described(
                "Host → assets, pages or login (secrets are typed on login hosts only)",
                json!({
                    "type": "object", "minProperties": 1, "additionalProperties": false,
                    "patternProperties": {HOST: {"enum": ["assets", "pages", "login"]}},
                }),
            ),
        ),
        (
            "use",
            described(
                "Prefix → fragment id",
                json!({
                    "type": "object", "additionalProperties": false,
                    "patternProperties": {NAME: {"type": "string", "pattern": "^[a-z][a-z0-9_-]*/fragments/[a-z][a-z0-9_-]*$"}},
                }),
            ),
        ),
        ("drafts", described("Whether the portal keeps unfinished requests", drafts())),
        ("flow", described("What is done, in order", reference("flow"))),
        (
            "reconcile",
            described(
                "Read-only searches that settle a doubtful commit",
                json!({
                    "type": "object", "minProperties": 1, "additionalProperties": false,
                    "patternProperties": {NAME: reference("search")},
                }),
            ),
        ),
    ] {
        properties.insert(key.to_owned(), schema);
    }
    let required =
        ["script", "revision", "hosts", "needs", "elements", "screens", "flow", "exceptions"];
    whole("Navigation script, language v1", properties, &required)
}

/// Schema of a fragment.
pub fn fragment_schema() -> Json {
    let mut properties = shared();
    let id = json!({"type": "string", "pattern": "^[a-z][a-z0-9_-]*/fragments/[a-z][a-z0-9_-]*$"});
    properties
        .insert("fragment".to_owned(), described("Id: the path below scripts/ without .yaml", id));
    properties.insert("revision".to_owned(), revision());
    properties.insert(
        "flows".to_owned(),
        described(
            "Flows shared by the scripts of this payer",
            json!({
                "type": "object", "minProperties": 1, "additionalProperties": false,
                "patternProperties": {NAME: reference("shared_flow")},
            }),
        ),
    );
    whole(
        "Fragment of navigation scripts, language v1",
        properties,
        &["fragment", "revision", "flows"],
    )
}

/// A schema as the committed file holds it.
pub fn to_file(schema: &Json) -> String {
    let mut text = serde_json::to_string_pretty(schema).unwrap_or_default();
    text.push('\n');
    text
}

const NAME: &str = "^[a-z][a-z0-9_]*$";
const DOTTED: &str = "^[a-z][a-z0-9_]*(\\.[a-z][a-z0-9_]*)?$";
const HYPHENS: &str = "^[a-z][a-z0-9-]*$";
const ID: &str = "^[a-z][a-z0-9_-]*(/[a-z][a-z0-9_-]*){1,2}$";
const HOST: &str = "^[a-z0-9][a-z0-9-]*(\\.[a-z0-9][a-z0-9-]*)*(:[1-9][0-9]{0,4})?$";
const WAIT: &str = "^[1-9][0-9]{0,4}(ms|s|m|h|d)$";

fn reference(name: &str) -> Json {
    json!({"$ref": format!("#/$defs/{name}")})
}

fn described(text: &str, mut schema: Json) -> Json {
    if let Some(fields) = schema.as_object_mut() {
        fields.insert("description".to_owned(), json!(text));
    }
    schema
}

/// A map with known keys.
fn object(required: &[&str], properties: Json) -> Json {
    json!({
        "type": "object", "additionalProperties": false,
        "required": required, "properties": properties,
    })
}

/// A map with any keys of a form, at least one.
fn keyed(pattern: &str, value: Json) -> Json {
    json!({
        "type": "object", "minProperties": 1, "additionalProperties": false,
        "patternProperties": {pattern: value},
    })
}

/// Exactly one of these keys.
fn one_of(keys: &[&str]) -> Json {
    Json::Array(keys.iter().map(|key| json!({"required": [key]})).collect())
}

/// A text without control characters.
fn text() -> Json {
    json!({"type": "string", "minLength": 1, "pattern": "^[^\\u0000-\\u0009\\u000b-\\u001f]*$"})
}

/// A text for staff: no inputs in it.
fn plain_text() -> Json {
    json!({"type": "string", "minLength": 1, "not": {"pattern": "\\$\\{"}})
}

/// A text that cannot hold a template.
fn literal() -> Json {
    json!({
        "type": "string", "minLength": 1, "pattern": "^[^\\u0000-\\u001f]*$",
        "not": {"pattern": "\\$\\{"},
    })
}

fn integer(from: u32, to: u32) -> Json {
    json!({"type": "integer", "minimum": from, "maximum": to})
}

fn wait() -> Json {
    json!({"type": "string", "pattern": WAIT})
}

fn revision() -> Json {
    described("Raised with every change of meaning", json!({"type": "integer", "minimum": 1}))
}

fn drafts() -> Json {
    let mut schema = object(
        &["kept"],
        json!({
            "kept": {"type": "boolean"}, "clear": {"type": "string", "pattern": DOTTED},
            "with": keyed(NAME, text()),
        }),
    );
    schema["if"] = json!({"properties": {"kept": {"const": true}}});
    schema["then"] = json!({"required": ["clear"]});
    schema
}

fn whole(title: &str, properties: Map<String, Json>, required: &[&str]) -> Json {
    let mut defs = page::defs();
    defs.extend(flow::defs());
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": title,
        "type": "object",
        "additionalProperties": false,
        "required": required,
        "properties": properties,
        "$defs": defs,
    })
}

/// Top-level keys scripts and fragments have in common.
fn shared() -> Map<String, Json> {
    let kinds = ["username", "password", "pin", "answer", "totp", "mail_code", "person_code"];
    let mut table = keyed(NAME, Json::Null);
    let mut named = |value: Json| {
        table["patternProperties"][NAME] = value;
        table["minProperties"] = json!(0);
        table.clone()
    };
    let defaults = object(
        &[],
        json!({
            "within": wait(),
            "heal": reference("heal"),
            "timezone": described("IANA name, such as America/Chicago", text()),
        }),
    );
    let entries = [
        ("needs", described("Typed inputs, checked before a browser starts", reference("group"))),
        (
            "secrets",
            described("Alias → kind; only fill may name an alias", named(json!({"enum": kinds}))),
        ),
        ("words", described("Table → {our word: the portal's word}", named(keyed(".", text())))),
        ("mask", described("Blacked out in every picture", reference("targets"))),
        ("defaults", defaults),
        ("elements", described("Where things are on the pages", named(reference("element")))),
        ("screens", described("How a page is recognised", named(reference("screen")))),
        (
            "watch",
            described(
                "Interruptions, looked for all the time",
                json!({
                    "type": "array", "minItems": 1, "items": reference("watcher"),
                }),
            ),
        ),
        ("exceptions", described("Name → what becomes of the job", named(reference("exception")))),
    ];
    entries.into_iter().map(|(key, schema)| (key.to_owned(), schema)).collect()
}
