//! The Subscription a sending system has at a payer, one for all its requests, and the Parameters a notification begins with.

use serde_json::{Value, json};

use super::{
    base::{Extension, find},
    element::{element, resource},
    fault::{Code, Fault},
    name::{TOPIC, extension, profile},
};

resource! {
    /// What a system wants to be told of.
    Subscription {
        /// `requested`, `active`, `error`, `off`.
        "status" => status: String,
        /// Why.
        "reason" => reason: Option<String>,
        /// The topic.
        "criteria" => criteria: String,
        /// The filter, as an extension of `criteria`.
        "_criteria" => criteria_more: Option<More>,
        /// Where to.
        "channel" => channel: Channel,
    }
}

element! {
    /// Extensions of a plain value.
    More {
        /// The extensions.
        "extension" => extension: Vec<Extension>,
    }
}

element! {
    /// Where to and in what form.
    Channel {
        /// Heartbeats and the like.
        "extension" => extension: Vec<Extension>,
        /// `rest-hook`.
        "type" => kind: String,
        /// The address.
        "endpoint" => endpoint: Option<String>,
        /// Media type.
        "payload" => payload: Option<String>,
        /// How much, as an extension of `payload`.
        "_payload" => payload_more: Option<More>,
        /// Headers to send along; they hold secrets.
        "header" => header: Vec<String>,
    }
}

resource! {
    /// Named values.
    Parameters {
        /// The values.
        "parameter" => parameter: Vec<Parameter>,
    }
}

element! {
    /// A named value: one of `value…` in `rest`, a resource, or parts.
    Parameter {
        /// Its name.
        "name" => name: String,
        /// A resource.
        "resource" => resource: Option<Box<super::bundle::Resource>>,
        /// Parts.
        "part" => part: Vec<Parameter>,
    }
}

impl Parameter {
    /// A plain value.
    #[must_use]
    pub fn of(name: &str, kind: &str, value: impl Into<Value>) -> Self {
        let mut out = Self { name: name.to_owned(), ..Self::default() };
        out.rest.insert(kind.to_owned(), value.into());
        out
    }

    /// The plain value, whatever its type.
    #[must_use]
    pub fn plain(&self) -> Option<&Value> {
        self.rest.iter().find(|(name, _)| name.starts_with("value")).map(|(_, value)| value)
    }
}

/// What a requester subscribes to: news of its own requests, whole, by a call to its address.
#[derive(Clone, PartialEq, Eq)]
pub struct Wish {
    /// The name of the filter: `orgIdentifier` in the guide's example, `org-identifier` in its text.
    pub filter: String,
    /// The requester's identifier (its NPI).
    pub organization: String,
    /// Where to.
    pub endpoint: String,
    /// Headers to send along.
    pub headers: Vec<String>,
    /// Seconds between signs of life.
    pub heartbeat_s: Option<u32>,
}

impl std::fmt::Debug for Wish {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Wish({})", self.organization)
    }
}

/// Both names the guide has for the filter.
pub const FILTERS: [&str; 2] = ["orgIdentifier", "org-identifier"];

impl Wish {
    /// The resource to create at the payer.
    #[must_use]
    pub fn build(&self) -> Subscription {
        let filter = format!("{}={}", self.filter, self.organization);
        let beat =
            self.heartbeat_s.map(|s| Extension::of(extension::HEARTBEAT, "valueUnsignedInt", s));
        let more = |one| Some(More { extension: vec![one], ..More::default() });
        Subscription {
            status: "requested".to_owned(),
            reason: Some("Answers to requests for prior authorization".to_owned()),
            criteria: TOPIC.to_owned(),
            criteria_more: more(Extension::of(extension::FILTER, "valueString", filter)),
            channel: Channel {
                extension: beat.into_iter().collect(),
                kind: "rest-hook".to_owned(),
                endpoint: Some(self.endpoint.clone()),
                payload: Some("application/fhir+json".to_owned()),
                payload_more: more(Extension::of(
                    extension::PAYLOAD_CONTENT,
                    "valueCode",
                    "full-resource",
                )),
                header: self.headers.clone(),
                ..Channel::default()
            },
            ..Subscription::default()
        }
        .of_profile(profile::SUBSCRIPTION)
    }

    /// What a resource asks for.
    ///
    /// # Errors
    /// All of it that PAS does not offer, each with its place.
    pub fn read(found: &Subscription) -> Result<Self, Vec<Fault>> {
        let mut faults = Vec::new();
        let mut must = |good: bool, place: &str, detail| {
            if !good {
                faults.push(Fault::error(Code::Value, format!("Subscription.{place}"), detail));
            }
        };
        let topic = found.criteria.split('|').next().unwrap_or_default();
        must(topic == TOPIC, "criteria", "the topic of PAS is the only one here");
        let channel = &found.channel;
        must(channel.kind == "rest-hook", "channel.type", "only `rest-hook` is offered");
        let media =
            channel.payload.as_deref().is_none_or(|p| p.starts_with("application/fhir+json"));
        must(media, "channel.payload", "only `application/fhir+json` is offered");
        let list = |more: &Option<More>| more.clone().unwrap_or_default().extension;
        let content = super::base::text(&list(&channel.payload_more), extension::PAYLOAD_CONTENT);
        let whole = content.as_deref().is_none_or(|c| c == "full-resource");
        must(whole, "channel.payload", "only content `full-resource` is offered");
        let endpoint = channel.endpoint.clone().unwrap_or_default();
        let web = endpoint.starts_with("https://") || endpoint.starts_with("http://");
        must(web, "channel.endpoint", "expected the address to call");
        let filter = super::base::text(&list(&found.criteria_more), extension::FILTER);
        // Some write the filter as a query (`Bundle?orgIdentifier=…`).
        let filter = filter.unwrap_or_default();
        let filter = filter.rsplit('?').next().unwrap_or_default();
        let (name, value) = filter.split_once('=').unwrap_or_default();
        let known = FILTERS.contains(&name) && !value.is_empty();
        must(
            known,
            "criteria",
            "expected the filter `orgIdentifier=` with the requester's identifier",
        );
        let beat = find(&channel.extension, extension::HEARTBEAT);
        let heartbeat_s = beat.and_then(|(_, e)| {
            let value = e.rest.iter().find(|(name, _)| name.starts_with("value"))?.1;
            u32::try_from(value.as_u64()?).ok()
        });
        if !faults.is_empty() {
            return Err(faults);
        }
        Ok(Self {
            filter: name.to_owned(),
            organization: value.to_owned(),
            endpoint,
            headers: channel.header.clone(),
            heartbeat_s,
        })
    }
}

/// A capability statement of a server that offers PAS: `$submit`, `$inquire`, and subscriptions where it has them.
#[must_use]
pub fn capability(software: &str, version: &str, date: &str, subscriptions: bool) -> Value {
    let operation = |name: &str| {
        json!({"name": name,
               "definition": format!("http://hl7.org/fhir/us/davinci-pas/OperationDefinition/Claim-{name}")})
    };
    let mut resources = vec![
        json!({"type": "Claim", "supportedProfile": [profile::CLAIM, profile::CLAIM_INQUIRY],
               "operation": [operation("submit"), operation("inquire")]}),
        json!({"type": "ClaimResponse",
               "supportedProfile": [profile::CLAIM_RESPONSE, profile::CLAIM_INQUIRY_RESPONSE]}),
    ];
    if subscriptions {
        resources.push(json!({"type": "Subscription", "supportedProfile": [profile::SUBSCRIPTION],
            "interaction": [{"code": "create"}, {"code": "read"}, {"code": "delete"}]}));
    }
    let guide = "http://hl7.org/fhir/us/davinci-pas/ImplementationGuide/hl7.fhir.us.davinci-pas";
    json!({
        "resourceType": "CapabilityStatement",
        "status": "active",
        "date": date,
        "kind": "instance",
        "software": {"name": software, "version": version},
        "implementation": {"description": "Requests for prior authorization, worked at the payers' portals"},
        "fhirVersion": "4.0.1",
        "format": ["application/fhir+json"],
        "implementationGuide":
            [format!("{guide}|{}", super::name::VERSION)],
        "rest": [{"mode": "server", "resource": resources}]
    })
}
