//! A notification of a subscription, and what it means to one who keeps track: news, a repetition, out of order, a gap, or not
//! from there at all. Nothing of it is an error; each is a value the caller acts on.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::{
    answer::Answer,
    bundle::{Bundle, Entry, Resource},
    fault::{Code, Fault, Path},
    name::TOPIC,
    request::{Naming, Read},
    subscription::{Parameter, Parameters},
};

/// What kind of notification it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// The first call: are you there?
    Handshake,
    /// A sign of life.
    Heartbeat,
    /// News.
    Event,
    /// The answer to a question for the status, or for past events.
    Query,
}

/// One event.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Event {
    /// Its number, from 1.
    pub number: u64,
    /// When.
    pub timestamp: Option<String>,
    /// The address of the bundle or resource it is about.
    pub focus: Option<String>,
}

/// A notification.
#[derive(Debug, Clone, PartialEq)]
pub struct Notice {
    /// The address of the subscription.
    pub subscription: String,
    /// The topic.
    pub topic: Option<String>,
    /// What kind.
    pub kind: Kind,
    /// Events since the subscription began, where told.
    pub events_so_far: Option<u64>,
    /// The events in it.
    pub events: Vec<Event>,
    /// The response bundles in it.
    pub bundles: Vec<Bundle>,
}

impl Notice {
    /// Reads a notification bundle.
    ///
    /// # Errors
    /// It is not a notification, or a value in its status is not as expected.
    pub fn read(bundle: &Bundle) -> Result<Self, Fault> {
        if bundle.kind != "history" {
            let detail = "a notification is a bundle of type `history`";
            return Err(Fault::error(Code::Value, "Bundle.type", detail));
        }
        let Some(Resource::Parameters(status)) =
            bundle.entry.first().and_then(|e| e.resource.as_ref())
        else {
            let detail = "a notification begins with its status, as Parameters";
            return Err(Fault::error(Code::Kind, "Bundle.entry[0].resource", detail));
        };
        let root = Path::root("Bundle");
        let entries = root.field("entry");
        let first = entries.index(0);
        let at = first.field("resource");
        let mut notice = status_of(status, &at)?;
        notice.bundles = bundles(bundle);
        Ok(notice)
    }

    /// The answers in it.
    ///
    /// # Errors
    /// The faults of the first bundle that cannot be read.
    pub fn answers(&self) -> Result<Vec<Read<Answer>>, Vec<Fault>> {
        self.bundles.iter().map(Answer::read).collect()
    }

    /// Builds the notification bundle.
    #[must_use]
    pub fn build(&self, naming: &Naming, timestamp: &str) -> Bundle {
        let kind = match self.kind {
            Kind::Handshake => "handshake",
            Kind::Heartbeat => "heartbeat",
            Kind::Event => "event-notification",
            Kind::Query => "query-status",
        };
        let mut subscription = Map::new();
        subscription.insert("reference".to_owned(), self.subscription.clone().into());
        let topic = self.topic.as_deref().unwrap_or(TOPIC);
        let mut parameter = vec![
            Parameter::of("subscription", "valueReference", Value::Object(subscription)),
            Parameter::of("topic", "valueCanonical", topic),
            Parameter::of("status", "valueCode", "active"),
            Parameter::of("type", "valueCode", kind),
        ];
        parameter.extend(self.events_so_far.map(|n| {
            Parameter::of("events-since-subscription-start", "valueString", n.to_string())
        }));
        parameter.extend(self.events.iter().map(event_parameter));
        let status =
            Parameters { id: Some(naming.id("status")), parameter, ..Parameters::default() };
        let mut bundle = Bundle {
            id: Some(naming.id("notification")),
            kind: "history".to_owned(),
            timestamp: Some(timestamp.to_owned()),
            ..Bundle::default()
        };
        bundle.add(naming.address("Parameters", "status"), status);
        for (i, inner) in self.bundles.iter().enumerate() {
            let focus = self.events.get(i).and_then(|e| e.focus.clone());
            let part = format!("response-{}", i + 1);
            bundle.add(focus.unwrap_or_else(|| naming.address("Bundle", &part)), inner.clone());
        }
        for entry in &mut bundle.entry {
            passed_on(entry);
        }
        bundle
    }
}

/// Entries of a history say by what call they came to be.
fn passed_on(entry: &mut Entry) {
    let url = entry.full_url.clone().unwrap_or_default();
    entry.rest.insert("request".to_owned(), serde_json::json!({"method": "GET", "url": url}));
    entry.rest.insert("response".to_owned(), serde_json::json!({"status": "200"}));
}

fn event_parameter(event: &Event) -> Parameter {
    let mut part = vec![Parameter::of("event-number", "valueString", event.number.to_string())];
    part.extend(
        event.timestamp.iter().map(|t| Parameter::of("timestamp", "valueInstant", t.as_str())),
    );
    part.extend(event.focus.iter().map(|focus| {
        Parameter::of("focus", "valueReference", serde_json::json!({"reference": focus}))
    }));
    Parameter { name: "notification-event".to_owned(), part, ..Parameter::default() }
}

fn status_of(status: &Parameters, at: &Path<'_>) -> Result<Notice, Fault> {
    let mut notice = Notice {
        subscription: String::new(),
        topic: None,
        kind: Kind::Query,
        events_so_far: None,
        events: Vec::new(),
        bundles: Vec::new(),
    };
    let mut kind = None;
    let list = at.field("parameter");
    for (i, parameter) in status.parameter.iter().enumerate() {
        let at = list.index(i);
        let text = || parameter.plain().and_then(Value::as_str);
        match parameter.name.as_str() {
            "subscription" => {
                let address = parameter.rest.get("valueReference").and_then(|r| r.get("reference"));
                notice.subscription =
                    address.and_then(Value::as_str).unwrap_or_default().to_owned();
            }
            "topic" => {
                notice.topic = text().map(|t| t.split('|').next().unwrap_or_default().to_owned());
            }
            "type" => kind = Some(kind_of(text(), &at)?),
            "events-since-subscription-start" => {
                notice.events_so_far = Some(number(parameter, &at)?)
            }
            "notification-event" => notice.events.push(event(parameter, &at)?),
            _ => {}
        }
    }
    let missing = |detail| Fault::error(Code::Missing, list, detail);
    notice.kind = kind.ok_or_else(|| missing("a notification says its `type`"))?;
    if notice.subscription.is_empty() {
        return Err(missing("a notification names its `subscription`"));
    }
    if notice.kind == Kind::Event && notice.events.is_empty() {
        return Err(missing("news have a `notification-event`"));
    }
    Ok(notice)
}

fn kind_of(word: Option<&str>, at: &Path<'_>) -> Result<Kind, Fault> {
    match word {
        Some("handshake") => Ok(Kind::Handshake),
        Some("heartbeat") => Ok(Kind::Heartbeat),
        Some("event-notification") => Ok(Kind::Event),
        Some("query-status" | "query-event") => Ok(Kind::Query),
        _ => {
            Err(Fault::error(Code::Value, at, "expected handshake, heartbeat, event-notification"))
        }
    }
}

fn event(parameter: &Parameter, at: &Path<'_>) -> Result<Event, Fault> {
    let mut out = Event::default();
    let parts = at.field("part");
    for (i, part) in parameter.part.iter().enumerate() {
        match part.name.as_str() {
            "event-number" => out.number = number(part, &parts.index(i))?,
            "timestamp" => {
                out.timestamp = part.plain().and_then(Value::as_str).map(str::to_owned);
            }
            "focus" => {
                let address = part.rest.get("valueReference").and_then(|r| r.get("reference"));
                out.focus = address.and_then(Value::as_str).map(str::to_owned);
            }
            _ => {}
        }
    }
    if out.number == 0 {
        let detail = "events are numbered from 1";
        return Err(Fault::error(Code::Missing, parts, detail));
    }
    Ok(out)
}

/// A number that R4 carries as a text, and some send as a number.
fn number(parameter: &Parameter, at: &Path<'_>) -> Result<u64, Fault> {
    let value = parameter.plain();
    let read = match value {
        Some(Value::String(text)) => text.parse().ok(),
        Some(Value::Number(number)) => number.as_u64(),
        _ => None,
    };
    read.ok_or_else(|| Fault::error(Code::Shape, at, "expected a whole number, as a text"))
}

/// The response bundles of a notification: whole bundles as entries, or the parts of one laid out flat.
fn bundles(notice: &Bundle) -> Vec<Bundle> {
    let whole: Vec<Bundle> = notice
        .resources()
        .filter_map(|(_, r)| match r {
            Resource::Bundle(inner) => Some((**inner).clone()),
            _ => None,
        })
        .collect();
    let flat = notice.resources().any(|(_, r)| matches!(r, Resource::ClaimResponse(_)));
    if !whole.is_empty() || !flat {
        return whole;
    }
    let mut one = Bundle {
        kind: "collection".to_owned(),
        timestamp: notice.timestamp.clone(),
        ..Bundle::default()
    };
    one.entry = notice.entry.iter().skip(1).cloned().collect();
    // The answer first, as in a bundle that came whole.
    one.entry.sort_by_key(|e| !matches!(e.resource, Some(Resource::ClaimResponse(_))));
    vec![one]
}

/// What is known of a subscription, kept by the caller: the highest event, those that never came, and what came under each
/// number.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Seen {
    /// The highest event number that came.
    pub newest: u64,
    /// A digest of what came, by number.
    pub digests: BTreeMap<u64, String>,
}

/// What a notification means.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// News: to be kept and acted on. `missing` are the numbers before it that never came: fetch them once by `$inquire`.
    News {
        /// Numbers that never came, at most the newest thousand.
        missing: Vec<u64>,
    },
    /// News with a number below one that came already: what it says may be old, so the state of the newer one stays.
    OutOfOrder,
    /// It came before with the same content: nothing to do, answer 200 again.
    Again,
    /// A sign of life. `missing` as above, from the number of events it tells.
    Alive {
        /// Numbers that never came, at most the newest thousand.
        missing: Vec<u64>,
    },
    /// Not from there: alert, answer 404, change nothing.
    Forged(Forged),
}

/// Why a notification is not taken for what it says to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Forged {
    /// A subscription that is not ours.
    Subscription,
    /// Another topic.
    Topic,
    /// The same number came before with another content.
    Content,
    /// The event is about something that is not in the notification.
    Focus,
}

/// How many missing numbers are told at most.
const MISSING_MAX: u64 = 1000;

impl Seen {
    /// Judges a notification by what is known; `digest` is one of its bytes. Changes nothing. Of several events in one
    /// notification the newest counts.
    #[must_use]
    pub fn judge(&self, ours: &str, notice: &Notice, digest: &str) -> Verdict {
        let last = |address: &str| address.rsplit('/').next().unwrap_or_default().to_owned();
        if last(&notice.subscription) != last(ours) {
            return Verdict::Forged(Forged::Subscription);
        }
        if notice.topic.as_deref().is_some_and(|topic| topic != TOPIC) {
            return Verdict::Forged(Forged::Topic);
        }
        if notice.kind != Kind::Event {
            let upto = notice.events_so_far.unwrap_or(self.newest);
            return Verdict::Alive { missing: self.missing(upto.saturating_add(1)) };
        }
        let focused = notice.events.iter().all(|e| e.focus.is_some());
        if focused && notice.bundles.is_empty() {
            return Verdict::Forged(Forged::Focus);
        }
        let newest = notice.events.iter().map(|e| e.number).max().unwrap_or_default();
        match self.digests.get(&newest) {
            Some(known) if known == digest => Verdict::Again,
            Some(_) => Verdict::Forged(Forged::Content),
            None if newest < self.newest => Verdict::OutOfOrder,
            None => Verdict::News { missing: self.without(newest, notice) },
        }
    }

    /// Remembers a notification that was kept durably.
    pub fn keep(&mut self, notice: &Notice, digest: &str) {
        for event in &notice.events {
            self.newest = self.newest.max(event.number);
            self.digests.insert(event.number, digest.to_owned());
        }
    }

    fn without(&self, newest: u64, notice: &Notice) -> Vec<u64> {
        let mut missing = self.missing(newest);
        missing.retain(|n| !notice.events.iter().any(|e| e.number == *n));
        missing
    }

    /// Numbers below `upto` that never came.
    fn missing(&self, upto: u64) -> Vec<u64> {
        let from = upto.saturating_sub(MISSING_MAX).max(1);
        (from..upto).filter(|n| !self.digests.contains_key(n)).collect()
    }
}
