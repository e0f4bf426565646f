//! Schemas of flows: nodes, verbs, captures, the commit and the search.

use serde_json::{Map, Value as Json, json};

use super::{
    DOTTED, HYPHENS, NAME, described, integer, keyed, literal, object, one_of, reference, text,
    wait,
};
use crate::outcome::{Answer, ReferenceKind};

pub(super) fn defs() -> Map<String, Json> {
    let nodes = |kinds: &[&str]| json!({"type": "array", "minItems": 1, "items": node(kinds)});
    let list = [
        ("flow", nodes(&["step", "run", "commit", "classify", "capture"])),
        ("shared_flow", nodes(&["step", "run", "classify", "capture"])),
        ("search", json!({"type": "array", "minItems": 1, "items": search_node()})),
        ("run", run()),
        ("step", step()),
        ("commit", commit()),
        ("captures", keyed(NAME, reference("capture"))),
        ("capture", capture()),
        ("classify", classify()),
        ("rows", rows()),
        ("known", known()),
        ("decide", decide()),
        ("until", until()),
        ("when", when()),
        ("cells", keyed(".", cell())),
        ("takes", keyed(NAME, take())),
        (
            "pages",
            object(
                &["next", "at_most"],
                json!({"next": reference("target"), "at_most": integer(1, 200)}),
            ),
        ),
        (
            "message",
            object(
                &["says", "answer"],
                json!({
                    "says": reference("match"), "answer": {"enum": ["accept", "dismiss"]},
                }),
            ),
        ),
        ("pick_row", pick_row()),
        ("fetch", fetch()),
        (
            "address",
            json!({
                "type": "string", "pattern": "^https://[^/? ]+",
                "not": {"pattern": "^[^?]*\\$\\{"},
            }),
        ),
        (
            "read_address",
            json!({
                "type": "string", "pattern": "^https://[^/? ]+",
                "description": "In the path a template is one whole segment",
                "not": {"pattern": "^https://[^/]*\\$\\{"},
            }),
        ),
    ];
    list.into_iter().map(|(name, schema)| (name.to_owned(), schema)).collect()
}

fn name() -> Json {
    json!({"type": "string", "pattern": DOTTED})
}

/// A node is told by its key, so that an editor names what is missing in it.
fn node(kinds: &[&str]) -> Json {
    let mut schema = json!({"type": "object", "oneOf": one_of(kinds), "minProperties": 1});
    for kind in kinds.iter().rev() {
        let body = match *kind {
            "step" | "run" | "commit" => reference(kind),
            "capture" => object(&["capture"], json!({"capture": reference("captures")})),
            _ => object(&[kind], json!({*kind: reference(kind)})),
        };
        schema = json!({"if": {"required": [kind]}, "then": body, "else": schema});
    }
    schema
}

/// A node of `reconcile`: its steps only read.
fn search_node() -> Json {
    let mut schema = node(&["step", "run", "rows", "known", "decide", "capture"]);
    let acts = json!({"anyOf": one_of(&["fill", "choose", "click", "press"])});
    let adds = json!({"not": {"anyOf": one_of(&["attach", "attest"])}});
    let reads = json!({"properties": {"effect": {"const": "read"}}});
    let claims = json!({"if": acts, "then": {"required": ["effect"]}});
    schema["allOf"] = json!([adds, reads, claims]);
    schema
}

fn run() -> Json {
    object(
        &["run"],
        json!({
            "run": described("Another flow", name()),
            "with": keyed(NAME, text()),
            "when": reference("when"),
            "until": reference("until"),
            "within": wait(),
        }),
    )
}

fn step() -> Json {
    let fields = |value: Json| keyed(DOTTED, value);
    let element = || json!({"type": "string", "pattern": DOTTED});
    let keypad = object(
        &["secret", "keys"],
        json!({
            "secret": {"type": "string", "pattern": NAME},
            "keys": described("Every key of the pad; each shows one character", element()),
            "places": described("Every place that is asked for (2nd digit)", element()),
            "clear": described("Pressed first", element()),
        }),
    );
    let secret = json!({
        "if": {"type": "string"},
        "then": {"type": "string"},
        "else": {
            "if": {"required": ["keys"]},
            "then": keypad,
            "else": {
                "type": "object", "additionalProperties": false, "minProperties": 1, "maxProperties": 1,
                "properties": {"secret": {"type": "string", "pattern": NAME}, "otp": {"type": "string", "pattern": NAME}},
            },
        },
    });
    let typeahead = object(&["type", "pick"], json!({"type": text(), "pick": reference("match")}));
    let choice = json!({
        "if": {"type": "boolean"}, "then": {},
        "else": {"if": {"required": ["type"]}, "then": {"if": {"type": "object"}, "then": typeahead, "else": reference("match")}, "else": reference("match")},
    });
    let attest = object(&["says"], json!({"says": reference("match")}));
    let keys = ["Enter", "Tab", "Escape", "ArrowDown", "ArrowUp", "PageDown", "Home", "End", "F5"];
    let verify = json!({
        "if": {"type": "string"}, "then": {"const": "readback"},
        "else": keyed(DOTTED, reference("match")),
    });
    let each = json!({
        "type": "object", "minProperties": 1, "maxProperties": 1, "additionalProperties": false,
        "patternProperties": {NAME: {"type": "string"}},
    });
    let mut schema = object(
        &["step"],
        json!({
            "step": described("Its name", json!({"type": "string", "pattern": HYPHENS})),
            "effect": described("read leaves nothing at the payer; draft changes an unfinished request", json!({"enum": ["read", "draft"]})),
            "not_a_submit": described("Why a button that reads like a submission is none", text()),
            "when": reference("when"),
            "each": described("Repeat for every item: {line: request.lines}", each),
            "dialog": described("The JavaScript dialog the click opens", reference("message")),
            "within": wait(),
            "open": reference("address"),
            "fill": described("Element → text, {secret: alias}, {otp: alias}, or a keypad: {secret, keys, places, clear}", fields(secret)),
            "choose": described("Element → option, true/false, or {type, pick}", fields(choice)),
            "attest": described("Repeats a statement a person has made", fields(attest)),
            "attach": described("Element → file", fields(text())),
            "click": reference("target"),
            "hover": described("Moves the pointer there, for menus that open under it", reference("target")),
            "press": json!({"enum": keys}),
            "pick_row": reference("pick_row"),
            "verify": verify,
            "fetch": reference("fetch"),
            "until": described("The last verb; only capture may follow", reference("until")),
            "capture": reference("captures"),
        }),
    );
    schema["defaultSnippets"] = json!([
        {"label": "step", "body": {"step": "$1", "click": "$2", "until": "$3"}},
    ]);
    schema
}

fn until() -> Json {
    let raise = object(&["raise"], json!({"raise": name(), "capture": reference("captures")}));
    let run = object(
        &["run"],
        json!({
            "run": name(), "with": keyed(NAME, text()), "at_most": integer(1, 50), "capture": reference("captures"),
        }),
    );
    let on =
        object(&["then"], json!({"then": {"const": "go_on"}, "capture": reference("captures")}));
    let branch = json!({
        "if": {"type": "string"}, "then": {"const": "go_on"},
        "else": {"if": {"required": ["run"]}, "then": run, "else": {"if": {"required": ["then"]}, "then": on, "else": raise}},
    });
    let count = object(
        &["from", "where", "count"],
        json!({
            "from": reference("target"), "where": reference("cells"), "count": integer(0, 10_000),
        }),
    );
    json!({
        "if": {"type": "string"}, "then": {"pattern": DOTTED},
        "else": {"if": {"required": ["rows"]}, "then": object(&["rows"], json!({"rows": count})), "else": keyed(DOTTED, branch)},
    })
}

fn when() -> Json {
    let literal = json!({"type": ["string", "boolean", "integer"]});
    let mut schema = object(
        &[],
        json!({
            "given": {"type": "string"},
            "is": keyed("^[a-z][a-z0-9_.]*$", literal),
            "see": reference("target"),
            "screen": name(),
        }),
    );
    schema["minProperties"] = json!(1);
    schema
}

fn cell() -> Json {
    let since = object(&["since", "reads"], json!({"since": text(), "reads": text()}));
    json!({
        "if": {"type": "object", "anyOf": one_of(&["since", "reads"])},
        "then": since, "else": reference("match"),
    })
}

fn reading() -> Vec<(&'static str, Json)> {
    let kinds: Vec<&str> = ReferenceKind::ALL.iter().map(|kind| kind.word()).collect();
    let words = ["text", "verbatim", "reference", "date", "datetime", "integer", "decimal"];
    vec![
        ("match", described("Bare pattern: group 1, or all", text())),
        ("as", json!({"enum": words})),
        ("reads", described("How the date is written, such as MM/dd/yyyy", text())),
        ("kind", json!({"enum": kinds})),
    ]
}

fn dated() -> Json {
    json!({
        "if": {"properties": {"as": {"enum": ["date", "datetime"]}}, "required": ["as"]},
        "then": {"required": ["reads"]},
        "else": {"not": {"required": ["reads"]}},
    })
}

fn take() -> Json {
    let mut long = object(&["column"], json!({"column": text()}));
    for (key, schema) in reading() {
        long["properties"][key] = schema;
    }
    long["allOf"] = json!([dated()]);
    json!({"if": {"type": "string"}, "then": text(), "else": long})
}

fn capture() -> Json {
    let fraction = json!({"type": "number", "minimum": 0, "maximum": 1});
    let region = json!({"type": "array", "minItems": 4, "maxItems": 4, "items": fraction});
    let mut schema = object(
        &[],
        json!({
            "from": described("An element's text or value", reference("target")),
            "url": described("Pattern on the address", text()),
            "print": described("The page as PDF", json!({"const": "pdf"})),
            "download": described("The file behind this element", reference("target")),
            "in_file": described("Text of a captured PDF", json!({"type": "string", "pattern": NAME})),
            "shot": json!({"enum": ["page", "view"]}),
            "ocr": described("OCR of the element's own picture", reference("target")),
            "pointer": described("JSON pointer into a fetched answer", json!({"type": "string", "pattern": "^/"})),
            "else_ocr": object(&["region"], json!({"region": region})),
            "optional": {"type": "boolean"},
        }),
    );
    for (key, reading) in reading() {
        schema["properties"][key] = reading;
    }
    schema["oneOf"] =
        one_of(&["from", "url", "print", "download", "in_file", "shot", "ocr", "pointer"]);
    schema["allOf"] = json!([
        dated(),
        {"if": {"required": ["else_ocr"]}, "then": {"required": ["match", "from"]}},
        {"if": {"required": ["kind"]}, "then": {"required": ["as"], "properties": {"as": {"const": "reference"}}}},
    ]);
    schema
}

fn commit() -> Json {
    let guard = object(
        &["screen", "page_says", "once_per"],
        json!({
            "screen": name(),
            "page_says": {"type": "array", "minItems": 1, "items": text()},
            "once_per": described("Not finer than the request's own key", text()),
        }),
    );
    let sends = object(
        &["method", "url"],
        json!({
            "method": {"enum": ["POST", "PUT", "PATCH", "DELETE"]}, "url": reference("glob"),
            "reconnects": described("Connections the page opens again by itself, such as a websocket", integer(1, 3)),
        }),
    );
    let proof = object(
        &["screen", "within", "capture"],
        json!({
            "screen": name(), "within": wait(), "capture": reference("captures"), "read_back": name(),
            "with": keyed(NAME, text()),
        }),
    );
    let mut schema = object(
        &["commit", "guard", "click", "sends", "proof", "unsure"],
        json!({
            "commit": {"type": "string", "pattern": HYPHENS},
            "guard": described("What must hold before", guard),
            "click": reference("target"),
            "sends": described("The one request that may leave", sends),
            "dialog": reference("message"),
            "refused": described("Screens that prove nothing was recorded", keyed(DOTTED, name())),
            "proof": described("Absent before, present now; read before any navigation", proof),
            "unsure": described("The reconcile flow that settles a doubt", name()),
        }),
    );
    schema["defaultSnippets"] = json!([{
        "label": "commit",
        "body": {
            "commit": "$1",
            "guard": {"screen": "$2", "page_says": ["$3"], "once_per": "$4"},
            "click": "$5",
            "sends": {"method": "POST", "url": "$6"},
            "proof": {"screen": "$7", "within": "60s", "capture": {"reference": {"from": "$8", "as": "reference", "kind": "tracking"}}},
            "unsure": "$9",
        },
    }]);
    schema
}

fn classify() -> Json {
    let entry =
        object(&["text"], json!({"text": reference("match"), "capture": reference("captures")}));
    let lines = object(
        &["from", "column"],
        json!({
            "from": reference("target"), "column": text(), "take": reference("takes"),
        }),
    );
    let otherwise = object(&["raise"], json!({"raise": name(), "capture": reference("captures")}));
    let mut schema = object(
        &["else"],
        json!({
            "from": reference("target"), "rows": lines,
            "of": described("A captured text; the whole page when nothing was captured", name()),
            "else": described("Unknown wording is raised, never guessed", otherwise),
        }),
    );
    let words: Vec<&str> = Answer::ALL.iter().map(|answer| answer.word()).collect();
    for word in &words {
        schema["properties"][*word] = entry.clone();
    }
    schema["anyOf"] = one_of(&words);
    schema["not"] = json!({"anyOf": [
        {"required": ["from", "rows"]}, {"required": ["from", "of"]}, {"required": ["of", "rows"]},
    ]});
    schema
}

fn pick_row() -> Json {
    object(
        &["from", "where", "none", "many"],
        json!({
            "from": reference("target"), "where": reference("cells"),
            "click": described("Sought inside that row", reference("target")),
            "take": reference("takes"), "none": name(), "many": name(), "pages": reference("pages"),
        }),
    )
}

fn rows() -> Json {
    object(
        &["from", "where", "empty"],
        json!({
            "from": reference("target"), "where": reference("cells"),
            "empty": described("The screen that says there are none", name()),
            "take": reference("takes"), "pages": reference("pages"),
        }),
    )
}

fn known() -> Json {
    object(
        &["from"],
        json!({
            "from": reference("target"),
            "where": described("A record that is known to be there; without it any row", reference("cells")),
        }),
    )
}

fn decide() -> Json {
    let none = object(
        &["wait", "tries", "then"],
        json!({
            "wait": wait(), "tries": integer(2, 20), "then": {"enum": ["ask_staff", "not_committed"]},
        }),
    );
    object(
        &["one", "none", "many"],
        json!({
            "one": {"const": "committed"}, "none": none, "many": {"const": "ask_staff"},
        }),
    )
}

fn fetch() -> Json {
    let raise = object(&["raise"], json!({"raise": name()}));
    object(
        &["page", "as"],
        json!({
            "page": reference("read_address"),
            "query": keyed(".", literal_or_template()),
            "parts": {"type": "array", "minItems": 1, "items": reference("read_address")},
            "names": described("Words for fields, lists and columns of data", keyed(".", text())),
            "as": {"enum": ["html", "json"]},
            "screens": {"type": "array", "minItems": 1, "items": name()},
            "capture": reference("captures"),
            "instead_of": {"type": "array", "minItems": 1, "items": {"anyOf": [{"type": "string", "pattern": HYPHENS}, name()]}},
            "fallback": {"if": {"type": "string"}, "then": {"const": "rendered"}, "else": raise},
            "shadow": integer(1, 10_000),
        }),
    )
}

fn literal_or_template() -> Json {
    let mut schema = literal();
    if let Some(fields) = schema.as_object_mut() {
        fields.remove("not");
    }
    schema
}
