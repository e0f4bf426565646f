//! The file that Chrome's Recorder writes, read strictly: what its own runner refuses is refused here, with the place.

use serde_json::{Map, Value};
use zeroize::{Zeroize as _, Zeroizing};

use super::ask::Refusal;

/// Largest recording, in bytes.
pub const MAX_BYTES: usize = 1024 * 1024;
/// Most steps of a recording.
pub const MAX_STEPS: usize = 5000;
/// Faults reported of one file.
const MAX_REFUSALS: usize = 20;

/// A recording: its steps, and the names of fields nobody knows.
#[derive(Default)]
pub(super) struct Recording {
    pub(super) steps: Vec<Step>,
    pub(super) unknown: Vec<String>,
}

/// One step.
pub(super) struct Step {
    /// Its place in the file, from 0.
    pub(super) index: usize,
    pub(super) kind: Kind,
    /// The address of another window or frame process, when it is not the main one.
    pub(super) target: Option<String>,
    pub(super) frame: Vec<i64>,
    /// Alternatives; each a way through shadow hosts.
    pub(super) selectors: Vec<Vec<String>>,
    pub(super) landed: Option<Landing>,
}

/// The page a step led to.
#[derive(Clone, Default)]
pub(super) struct Landing {
    pub(super) url: Option<String>,
    pub(super) title: Option<String>,
}

/// What was done.
pub(super) enum Kind {
    Navigate {
        url: String,
    },
    Click {
        double: bool,
        primary: bool,
    },
    Change {
        value: Zeroizing<String>,
    },
    Hover,
    Key {
        down: bool,
        key: String,
    },
    WaitForElement {
        /// Whether it waits for one visible element and nothing else.
        plain: bool,
    },
    /// Of no meaning for a script.
    Dropped(&'static str),
    /// A person has to see to it.
    Foreign(&'static str),
}

impl Step {
    /// Its place as a path in the file.
    pub(super) fn path(&self) -> String {
        format!("steps[{}]", self.index)
    }
}

/// Reads a file. Its texts are wiped afterwards: they may be passwords.
pub(super) fn read(bytes: &[u8]) -> Result<Recording, Vec<Refusal>> {
    if bytes.len() > MAX_BYTES {
        let message = format!("the file is larger than {MAX_BYTES} bytes");
        return Err(vec![Refusal::new("", message)]);
    }
    let mut json: Value = serde_json::from_slice(bytes).map_err(|error| {
        let place = format!("line {}, column {}", error.line(), error.column());
        vec![Refusal::new("", format!("this is not JSON (see {place})"))]
    })?;
    let read = recording(&json);
    wipe(&mut json);
    read
}

fn wipe(json: &mut Value) {
    match json {
        Value::String(text) => text.zeroize(),
        Value::Array(items) => items.iter_mut().for_each(wipe),
        Value::Object(fields) => fields.values_mut().for_each(wipe),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

fn recording(json: &Value) -> Result<Recording, Vec<Refusal>> {
    let Value::Object(fields) = json else {
        return Err(vec![Refusal::new("", "a recording is an object")]);
    };
    let whole = Reader { fields, path: String::new() };
    let head = whole.text("title").and_then(|_| {
        if fields.contains_key("timeout") {
            whole.number("timeout")?;
        }
        whole.timeout()
    });
    head.map_err(|fault| vec![fault])?;
    let Some(Value::Array(items)) = fields.get("steps") else {
        return Err(vec![whole.fault("steps", "must be a list")]);
    };
    if items.len() > MAX_STEPS {
        let message = format!("there are {} steps, at most {MAX_STEPS} are read", items.len());
        return Err(vec![Refusal::new("steps", message)]);
    }
    let mut recording = Recording::default();
    let known = ["title", "timeout", "selectorAttribute", "steps"];
    whole.unknown(&known, &mut recording.unknown);
    let mut faults = Vec::new();
    for (index, item) in items.iter().enumerate() {
        match step(index, item, &mut recording.unknown) {
            Ok(step) => recording.steps.push(step),
            Err(fault) => faults.push(fault),
        }
        if faults.len() == MAX_REFUSALS {
            break;
        }
    }
    if faults.is_empty() { Ok(recording) } else { Err(faults) }
}

/// Which layers of fields a type of step has.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Layer {
    Target,
    Frame,
    Selectors,
}

fn step(index: usize, json: &Value, unknown: &mut Vec<String>) -> Result<Step, Refusal> {
    let path = format!("steps[{index}]");
    let Value::Object(fields) = json else {
        return Err(Refusal::new(&path, "a step is an object"));
    };
    let reader = Reader { fields, path };
    let word = reader.text("type")?;
    let (kind, layer, own) = kind(&reader, word)?;
    reader.timeout()?;
    let landed = reader.landing()?;
    let frame = if layer >= Layer::Frame { reader.frame()? } else { Vec::new() };
    let optional = word == "scroll" && !fields.contains_key("selectors");
    let selectors =
        if layer == Layer::Selectors && !optional { reader.selectors()? } else { Vec::new() };
    let mut known = vec!["type", "timeout", "assertedEvents", "target"];
    if layer >= Layer::Frame {
        known.push("frame");
    }
    if layer == Layer::Selectors {
        known.push("selectors");
    }
    known.extend(own);
    reader.unknown(&known, unknown);
    let target = fields.get("target").and_then(Value::as_str).filter(|name| *name != "main");
    Ok(Step { index, kind, target: target.map(str::to_owned), frame, selectors, landed })
}

type KindOf = (Kind, Layer, &'static [&'static str]);

/// The type of a step with the fields only this type has.
fn kind(reader: &Reader<'_>, word: &str) -> Result<KindOf, Refusal> {
    Ok(match word {
        "navigate" => {
            let url = reader.text("url")?.to_owned();
            (Kind::Navigate { url }, Layer::Target, &["url"])
        }
        "click" | "doubleClick" => {
            let primary = reader.click()?;
            let fields = &["offsetX", "offsetY", "duration", "deviceType", "button"];
            (Kind::Click { double: word != "click", primary }, Layer::Selectors, fields)
        }
        "change" => {
            let value = Zeroizing::new(reader.text("value")?.to_owned());
            (Kind::Change { value }, Layer::Selectors, &["value"])
        }
        "hover" => (Kind::Hover, Layer::Selectors, &[]),
        "keyDown" | "keyUp" => {
            let key = reader.text("key")?.to_owned();
            (Kind::Key { down: word == "keyDown", key }, Layer::Target, &["key"])
        }
        "setViewport" => {
            for key in ["width", "height", "deviceScaleFactor"] {
                reader.number(key)?;
            }
            for key in ["isMobile", "hasTouch", "isLandscape"] {
                reader.boolean(key)?;
            }
            let fields =
                &["width", "height", "deviceScaleFactor", "isMobile", "hasTouch", "isLandscape"];
            (Kind::Dropped("setViewport"), Layer::Target, fields)
        }
        "scroll" => {
            for key in ["x", "y"] {
                reader.optional(key, Reader::number)?;
            }
            (Kind::Dropped("scroll"), Layer::Selectors, &["x", "y"])
        }
        "waitForElement" => {
            let fields = &["operator", "count", "visible", "properties", "attributes"];
            (Kind::WaitForElement { plain: reader.wait()? }, Layer::Selectors, fields)
        }
        "waitForExpression" => {
            reader.text("expression")?;
            (Kind::Foreign("waitForExpression"), Layer::Frame, &["expression"])
        }
        "close" => (Kind::Foreign("close"), Layer::Target, &[]),
        "emulateNetworkConditions" => {
            let fields = &["download", "upload", "latency"];
            for key in fields {
                reader.number(key)?;
            }
            (Kind::Foreign("emulateNetworkConditions"), Layer::Target, fields)
        }
        "customStep" => {
            reader.text("name")?;
            (Kind::Foreign("customStep"), Layer::Frame, &["name", "parameters"])
        }
        _ => return Err(reader.fault("type", "is no type of step that is known")),
    })
}

/// The fields of an object, and where it is.
struct Reader<'j> {
    fields: &'j Map<String, Value>,
    path: String,
}

impl<'j> Reader<'j> {
    /// Never repeats a value of the file.
    fn fault(&self, key: &str, message: &str) -> Refusal {
        let dot = if self.path.is_empty() { "" } else { "." };
        Refusal::new(&format!("{}{dot}{key}", self.path), message)
    }

    fn text(&self, key: &str) -> Result<&'j str, Refusal> {
        let text = self.fields.get(key).and_then(Value::as_str);
        text.ok_or_else(|| self.fault(key, "must be a text"))
    }

    fn number(&self, key: &str) -> Result<f64, Refusal> {
        let number = self.fields.get(key).and_then(Value::as_f64);
        number.ok_or_else(|| self.fault(key, "must be a number"))
    }

    fn boolean(&self, key: &str) -> Result<bool, Refusal> {
        let flag = self.fields.get(key).and_then(Value::as_bool);
        flag.ok_or_else(|| self.fault(key, "must be true or false"))
    }

    fn optional<T>(
        &self,
        key: &str,
        read: fn(&Self, &str) -> Result<T, Refusal>,
    ) -> Result<Option<T>, Refusal> {
        self.fields.contains_key(key).then(|| read(self, key)).transpose()
    }

    /// One of some words; the empty text counts as absent.
    fn word(&self, key: &str, words: &[&str]) -> Result<Option<&'j str>, Refusal> {
        if !self.fields.contains_key(key) {
            return Ok(None);
        }
        let text = self.text(key)?;
        if !text.is_empty() && !words.contains(&text) {
            return Err(self.fault(key, &format!("must be one of {}", words.join(", "))));
        }
        Ok(Some(text).filter(|text| !text.is_empty()))
    }

    fn timeout(&self) -> Result<(), Refusal> {
        match self.fields.get("timeout").and_then(Value::as_f64) {
            Some(ms) if !(1.0..=30_000.0).contains(&ms) => {
                Err(self.fault("timeout", "must be from 1 to 30000 milliseconds"))
            }
            _ => Ok(()),
        }
    }

    /// Whether it is the main button.
    fn click(&self) -> Result<bool, Refusal> {
        self.number("offsetX")?;
        self.number("offsetY")?;
        self.optional("duration", Self::number)?;
        self.word("deviceType", &["mouse", "pen", "touch"])?;
        let buttons = ["primary", "auxiliary", "secondary", "back", "forward"];
        Ok(self.word("button", &buttons)?.is_none_or(|button| button == "primary"))
    }

    fn wait(&self) -> Result<bool, Refusal> {
        let operator = self.word("operator", &[">=", "==", "<="])?;
        let count = self.optional("count", Self::number)?;
        let visible = self.optional("visible", Self::boolean)?;
        match self.fields.get("attributes") {
            None => {}
            Some(Value::Object(entries)) if entries.values().all(Value::is_string) => {}
            Some(Value::Array(items)) if items.iter().all(Value::is_string) => {}
            Some(_) => return Err(self.fault("attributes", "must be an object of texts")),
        }
        match self.fields.get("properties") {
            None | Some(Value::Object(_) | Value::Array(_)) => {}
            Some(_) => return Err(self.fault("properties", "must be an object")),
        }
        let more = self.fields.contains_key("attributes") || self.fields.contains_key("properties");
        let one = count.is_none_or(|count| (count - 1.0).abs() < f64::EPSILON);
        Ok(one && !more && visible != Some(false) && operator != Some("<="))
    }

    fn frame(&self) -> Result<Vec<i64>, Refusal> {
        let Some(frame) = self.fields.get("frame") else { return Ok(Vec::new()) };
        let whole = |item: &Value| {
            let number = item.as_f64().filter(|number| number.fract() == 0.0);
            // indexes are small; what does not fit names no frame either way
            number.map(|number| number as i64)
        };
        let items = frame.as_array().and_then(|items| items.iter().map(whole).collect());
        items.ok_or_else(|| self.fault("frame", "must be a list of whole numbers"))
    }

    fn selectors(&self) -> Result<Vec<Vec<String>>, Refusal> {
        let list = self.fields.get("selectors").and_then(Value::as_array);
        let list = list.filter(|list| !list.is_empty());
        let list =
            list.ok_or_else(|| self.fault("selectors", "must be a list with something in it"))?;
        let one = |item: &Value| match item {
            Value::String(text) => Some(vec![text.clone()]),
            Value::Array(parts) => {
                parts.iter().map(|part| part.as_str().map(str::to_owned)).collect()
            }
            _ => None,
        };
        let read: Option<Vec<Vec<String>>> = list.iter().map(one).collect();
        let wrong = || self.fault("selectors", "each must be a text or a list of texts");
        Ok(read.ok_or_else(wrong)?.into_iter().filter(|parts| !parts.is_empty()).collect())
    }

    fn landing(&self) -> Result<Option<Landing>, Refusal> {
        let Some(Value::Array(events)) = self.fields.get("assertedEvents") else {
            return Ok(None);
        };
        let mut landed = None;
        for (at, event) in events.iter().enumerate() {
            let path = format!("{}.assertedEvents[{at}]", self.path);
            let Value::Object(fields) = event else {
                return Err(Refusal::new(&path, "must be an object"));
            };
            let reader = Reader { fields, path };
            if fields.get("type").and_then(Value::as_str) != Some("navigation") {
                return Err(reader.fault("type", "must be navigation"));
            }
            let url = reader.optional("url", Self::text)?.map(str::to_owned);
            let title = reader.optional("title", Self::text)?.map(str::to_owned);
            landed = Some(Landing { url, title });
        }
        Ok(landed)
    }

    /// Lists fields nobody knows. Their names come from outside, so only harmless ones are repeated.
    fn unknown(&self, known: &[&str], found: &mut Vec<String>) {
        for key in self.fields.keys().filter(|key| !known.contains(&key.as_str())) {
            let plain = key.len() <= 40 && key.chars().all(|c| c.is_ascii_alphabetic());
            let dot = if self.path.is_empty() { "" } else { "." };
            let shown = if plain { key.as_str() } else { "••••" };
            found.push(format!("{}{dot}{shown}", self.path));
        }
    }
}
