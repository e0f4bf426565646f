//! Schemas of inputs, elements, screens, watchers and exceptions.

use serde_json::{Map, Value as Json, json};

use super::{
    DOTTED, NAME, described, integer, keyed, literal, object, one_of, plain_text, reference, text,
    wait,
};

pub(super) fn defs() -> Map<String, Json> {
    let list = [
        ("group", group()),
        ("need", need()),
        ("match", text_match()),
        ("glob", described("Path and query; * within a segment, ** across", glob())),
        ("heal", json!({"enum": ["never", "suggest", "auto"]})),
        ("strategy", strategy()),
        (
            "strategies",
            json!({
                "type": "array", "minItems": 1, "maxItems": 6, "items": reference("strategy"),
            }),
        ),
        (
            "element",
            json!({"if": {"type": "array"}, "then": reference("strategies"), "else": reference("strategy")}),
        ),
        ("target", target()),
        ("targets", json!({"type": "array", "minItems": 1, "items": reference("target")})),
        ("screen", screen()),
        ("sign", sign()),
        ("watcher", watcher()),
        ("exception", exception()),
    ];
    list.into_iter().map(|(name, schema)| (name.to_owned(), schema)).collect()
}

fn group() -> Json {
    keyed(NAME, reference("need"))
}

fn need() -> Json {
    let words = "^(string|integer|decimal|boolean|date|datetime)\\??$";
    let choices = json!({"type": "array", "minItems": 1, "items": text()});
    json!({
        "if": {"type": "string"},
        "then": {"pattern": words},
        "else": {
            "if": {"type": "array"},
            "then": choices,
            "else": {
                "if": {"required": ["type"]},
                "then": detail(choices.clone()),
                "else": reference("group"),
            },
        },
    })
}

fn detail(choices: Json) -> Json {
    let flag = json!({"type": "boolean"});
    let kind = |word: &str| json!({"properties": {"type": {"const": word}}});
    let allowed = |keys: Json, required: &[&str]| {
        let mut schema = object(&["type"], keys);
        schema["properties"]["type"] = json!({});
        schema["properties"]["optional"] = flag.clone();
        schema["properties"]["phi"] = flag.clone();
        let mut all = vec!["type"];
        all.extend(required);
        schema["required"] = json!(all);
        schema
    };
    let number = json!({"type": "number"});
    let whole = json!({"type": "integer"});
    let kinds = ["pdf", "jpg", "png", "tiff", "docx", "txt"];
    let accept = json!({"type": "array", "minItems": 1, "items": {"enum": kinds}});
    let size = json!({"type": "string", "pattern": "^[1-9][0-9]{0,3}(kB|MB)$"});
    let plain = json!({"enum": ["boolean", "date", "datetime"]});
    let mut other = allowed(json!({}), &[]);
    other["properties"]["type"] = json!({"if": {"type": "array"}, "then": choices, "else": {"if": {"type": "object"}, "then": reference("group"), "else": plain}});
    let mut schema = other;
    for (word, keys, required) in [
        ("list", json!({"of": reference("need"), "max": integer(1, 1000)}), &["of", "max"][..]),
        ("file", json!({"accept": accept, "max": size}), &["accept", "max"][..]),
        ("decimal", json!({"min": number, "max": number}), &[][..]),
        ("integer", json!({"min": whole, "max": whole}), &[][..]),
        ("string", json!({"pattern": text(), "max": integer(1, 100_000)}), &[][..]),
    ] {
        schema = json!({"if": kind(word), "then": allowed(keys, required), "else": schema});
    }
    schema
}

fn text_match() -> Json {
    json!({
        "description": "Equal text; /pattern/ or /pattern/i; {contains: text}; {exact: text}",
        "if": {"type": "string"},
        "then": text(),
        "else": {"oneOf": [
            object(&["contains"], json!({"contains": text()})),
            object(&["exact"], json!({"exact": text()})),
        ]},
    })
}

fn glob() -> Json {
    let mut schema = literal();
    schema["pattern"] = json!("^[^ \\u0000-\\u001f]*$");
    schema
}

fn strategy() -> Json {
    let words = reference("match");
    let mut schema = object(
        &[],
        json!({
            "role": described("ARIA role as the browser computes it", literal()),
            "name": described("Accessible name; with role", words.clone()),
            "label": words, "placeholder": words, "alt": words, "title": words, "text": words,
            "table": words, "dialog": words, "region": words,
            "test_id": literal(), "css": literal(),
            "xpath": described("Relative; the last resort", literal()),
            "right_of": reference("target"), "left_of": reference("target"),
            "above": reference("target"), "below": reference("target"),
            "inside": described("An element that contains it", reference("target")),
            "frame": described("Frame name, title or address; outer > inner", literal()),
            "nth": integer(1, 20),
            "heal": reference("heal"),
        }),
    );
    let finders = [
        "role",
        "label",
        "placeholder",
        "alt",
        "title",
        "text",
        "test_id",
        "css",
        "xpath",
        "table",
        "dialog",
        "region",
    ];
    let sides = ["right_of", "left_of", "above", "below"];
    schema["if"] = json!({"anyOf": one_of(&finders)});
    schema["then"] = json!({"oneOf": one_of(&finders)});
    schema["else"] = json!({"oneOf": one_of(&sides)});
    schema["allOf"] = json!([{"if": {"required": ["name"]}, "then": {"required": ["role"]}}]);
    schema
}

fn target() -> Json {
    json!({
        "if": {"type": "string"},
        "then": {"pattern": DOTTED},
        "else": reference("element"),
    })
}

fn screen() -> Json {
    let mut schema = object(
        &[],
        json!({
            "see": described("Each is there once and visible", reference("targets")),
            "gone": described("None is visible", reference("targets")),
            "url": reference("glob"),
            "title": reference("match"),
            "text": described("In the visible text", reference("match")),
        }),
    );
    schema["minProperties"] = json!(1);
    schema
}

fn sign() -> Json {
    let status = json!({"anyOf": [
        {"type": "integer", "minimum": 100, "maximum": 599},
        {"type": "string", "pattern": "^[1-5]([0-9]{2}|xx)$"},
    ]});
    let see = json!({"anyOf": [reference("target"), reference("targets")]});
    let mut schema = object(
        &[],
        json!({
            "text": reference("match"), "see": see,
            "screen": {"type": "string", "pattern": DOTTED},
            "dialog": reference("match"), "js_dialog": reference("match"),
            "url": reference("glob"), "http": status,
        }),
    );
    schema["minProperties"] = json!(1);
    schema
}

fn watcher() -> Json {
    let name = json!({"type": "string", "pattern": DOTTED});
    let mut schema = object(
        &["when"],
        json!({
            "when": reference("sign"),
            "raise": name, "run": name, "with": keyed(NAME, text()),
            "click": reference("target"),
            "answer": {"enum": ["accept", "dismiss"]},
            "then": {"enum": ["go_on", "restart_from_safe_point"]},
            "at_most": integer(1, 50),
        }),
    );
    schema["oneOf"] = one_of(&["raise", "run", "click", "answer"]);
    schema["if"] = json!({"required": ["raise"]});
    schema["then"] = json!({"not": {"required": ["then"]}});
    schema["else"] = json!({"required": ["then"]});
    schema
}

fn exception() -> Json {
    let backoff = json!({"type": "number", "minimum": 1, "maximum": 10});
    let retry = object(
        &["after", "at_most"],
        json!({
            "after": wait(), "backoff": backoff, "at_most": integer(1, 100),
        }),
    );
    let mut schema = object(
        &[],
        json!({
            "queue": described("Which people look at it", json!({"type": "string", "pattern": NAME})),
            "hold": {"type": "boolean"},
            "say": described("One sentence for staff, without inputs", plain_text()),
            "retry": retry,
            "scope": {"enum": ["job", "payer"]},
        }),
    );
    schema["anyOf"] = one_of(&["queue", "retry"]);
    schema
}
