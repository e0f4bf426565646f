//! The protocol's types as JSON Schema, for the description of the interface and for whoever writes an agent of their own.

use schemars::{JsonSchema, SchemaGenerator, generate::SchemaSettings};
use serde_json::{Map, Value};

use super::{
    Bye, Heartbeat, HeartbeatReply, Hello, LeaseAsk, Leases, LoginAsk, NotClicked, NotSent,
    PermitAsk, PermitReply, Release, Report, ScriptFiles, SecretAsk, SecretReply, SpoolKey,
    SpoolKeyAsk, StepsReport, Welcome,
};

/// Name → JSON Schema (2020-12) of every body of the protocol and of all they are made of. They refer to each other under
/// `#<place>/<name>`.
#[must_use]
pub fn schemas(place: &str) -> Map<String, Value> {
    let place = place.to_owned();
    let settings = SchemaSettings::draft2020_12().with(|s| s.definitions_path = place.into());
    let mut all = settings.into_generator();
    let add: [fn(&mut SchemaGenerator); 20] = [
        take::<Hello>,
        take::<Welcome>,
        take::<LeaseAsk>,
        take::<Leases>,
        take::<Heartbeat>,
        take::<HeartbeatReply>,
        take::<ScriptFiles>,
        take::<SpoolKey>,
        take::<SpoolKeyAsk>,
        take::<StepsReport>,
        take::<SecretAsk>,
        take::<SecretReply>,
        take::<LoginAsk>,
        take::<PermitAsk>,
        take::<PermitReply>,
        take::<NotClicked>,
        take::<NotSent>,
        take::<Report>,
        take::<Release>,
        take::<Bye>,
    ];
    add.iter().for_each(|add| add(&mut all));
    all.take_definitions(true)
}

fn take<T: JsonSchema>(all: &mut SchemaGenerator) {
    all.subschema_for::<T>();
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_reference_is_there_and_every_field_says_what_it_is() {
        let all = schemas("/components/schemas");
        let text = Value::Object(all.clone()).to_string();
        for part in text.split("\"$ref\":\"").skip(1) {
            let name = part.split('"').next().and_then(|r| r.strip_prefix("#/components/schemas/"));
            assert!(name.is_some_and(|name| all.contains_key(name)), "{part:.60}");
        }
        for (name, schema) in &all {
            assert!(schema["description"].is_string(), "{name}");
            for (field, of) in schema["properties"].as_object().into_iter().flatten() {
                assert!(of["description"].is_string(), "{name}.{field}");
            }
        }
        assert_eq!(all["Fenced"]["properties"]["job"]["pattern"], "^job_[0-9A-HJKMNP-TV-Z]{26}$");
        assert_eq!(all["Leased"]["properties"]["task"]["$ref"], "#/components/schemas/Task");
    }
}
