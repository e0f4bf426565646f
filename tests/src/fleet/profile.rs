//! What the fleet is told of the simulated payers: limits, cadence, reconcile rules, origins and the recorded permission; and the
//! accounts it gets there.

use anyhow::{Context as _, Result};
use serde_json::{Value, json};

use super::{Options, sshd};
use crate::portal::{Ready, world};

/// Every simulated payer, in the order of their numbers.
pub const ALL: [&str; 6] = ["crestline", "verity", "larkfield", "harbor", "planbridge", "rxbright"];

/// How a payer differs from the others.
struct Habits {
    name: &'static str,
    time_zone: &'static str,
    second_login: &'static str,
    sessions_max: u32,
    secrets: &'static [&'static str],
    login_origin: &'static str,
    /// Whether a complete search that finds nothing proves that nothing is there.
    absence_is_proof: bool,
}

fn habits(id: &str, options: &Options) -> Habits {
    match id {
        "harbor" => Habits {
            name: "Harbor State Medicaid",
            time_zone: "America/New_York",
            second_login: "refused",
            sessions_max: 1,
            secrets: &["user", "password"],
            login_origin: "https://mmis.harbor.test",
            absence_is_proof: true,
        },
        "verity" => Habits {
            name: "Verity Review",
            time_zone: "America/Chicago",
            second_login: "displaces",
            sessions_max: 1,
            secrets: &["user", "password", "code"],
            login_origin: "https://www.verity.test",
            absence_is_proof: true,
        },
        "larkfield" => Habits {
            name: "Larkfield National",
            time_zone: "America/New_York",
            second_login: "both_live",
            sessions_max: 2,
            secrets: &["user", "password", "code"],
            login_origin: "https://login.larkfield.test",
            // Its portal shows the requests of one tax number only.
            absence_is_proof: false,
        },
        "planbridge" => Habits {
            name: "PlanBridge",
            time_zone: "America/Chicago",
            second_login: "displaces",
            sessions_max: 1,
            secrets: &["user", "password", "pin"],
            login_origin: "https://www.planbridge.test",
            absence_is_proof: true,
        },
        "rxbright" => Habits {
            name: "RxBright",
            time_zone: "America/Chicago",
            second_login: "both_live",
            sessions_max: 2,
            secrets: &["user", "link"],
            login_origin: "https://app.rxbright.test",
            absence_is_proof: true,
        },
        _ => Habits {
            name: "Crestline Connect",
            time_zone: "America/Chicago",
            second_login: "both_live",
            sessions_max: options.sessions_max,
            secrets: &["user", "password", "code"],
            login_origin: "https://hub.crestline.test",
            absence_is_proof: true,
        },
    }
}

/// The profile of a simulated payer, as `coordinator serve` takes it in.
pub fn payer(id: &str, options: &Options) -> Value {
    let of = habits(id, options);
    let permission = json!({
        "state": if id == "harbor" { "registered" } else { "permitted" },
        "basis": "simulator",
        "decided_by": "demonstration",
        "expires_at": "2099-12-31T00:00:00Z",
        "tasks": ["submit", "auth_status", "claim_status", "eligibility", "precheck", "renewal", "letter"],
    });
    let mut profile = json!({
        "id": id,
        "name": of.name,
        "time_zone": of.time_zone,
        "permission": permission,
        "limits": {"sessions_max": of.sessions_max, "gap_ms": 0, "pages_per_minute": 600, "logins_per_hour_max": 200},
        // The stories kill agents in the middle of logins, again and again.
        "pace": {"locks_after": 1000, "unclear_logins_per_hour": 1000, "trips_after": options.trips_after},
        "reconcile": {
            "absence_is_proof": of.absence_is_proof,
            "max_record_delay_ms": options.record_delay_ms,
            "first_look_ms": options.rest_unit_ms,
            "look_every_ms": options.rest_unit_ms * 2,
            "looks_max": 4,
        },
        "status_every_ms": options.status_every_ms,
        "second_login": of.second_login,
        "secrets": of.secrets,
        "login_origins": [of.login_origin],
    });
    if options.fallback && id == "larkfield" {
        profile["ways"] = json!([{
            "channel": "fhir_pas",
            "permission": permission,
            "calls_max": 4,
            "endpoint": {
                "base": "https://fhir.larkfield.test/r4",
                "auth": {"by": "client_credentials", "token_url": "https://fhir.larkfield.test/token",
                         "client_id": "client_id", "client_secret": "client_secret"},
                "requester_npi": "1234567893",
                "answer_ms": 5_000,
            },
        }]);
        let order = json!([{"channel": "portal"}, {"channel": "fhir_pas"}]);
        profile["routes"] = json!({"submit": order, "auth_status": order});
    }
    if options.edi && id == "larkfield" {
        profile["ways"] = json!([core(&permission)]);
        let order = json!([{"channel": "x12_core"}, {"channel": "portal"}]);
        // Documents do not go with a 278.
        let submit =
            json!([{"channel": "x12_core", "without_documents": true}, {"channel": "portal"}]);
        profile["routes"] = json!({
            "submit": submit, "auth_status": order, "claim_status": order, "eligibility": order,
        });
    }
    if let Some(host) = options.files.as_ref().filter(|_| id == "harbor") {
        profile["ways"] = json!([files(&permission, options, host)]);
        let mut order = json!([{"channel": "x12_sftp"}, {"channel": "portal"}]);
        if let Some(order) = order.as_array_mut().filter(|_| !options.edi) {
            order.reverse();
        }
        profile["routes"] = json!({"claim_status": order, "eligibility": order});
    }
    profile
}

/// Name of Harbor's file host.
pub const FILE_HOST: &str = "files.harbor.test";

/// X12 in files at Harbor.
fn files(permission: &Value, options: &Options, host: &sshd::Host) -> Value {
    let folder = |name: &str| {
        let path = options.root.join("payers/harbor/sftp").join(name);
        std::path::absolute(&path).unwrap_or(path).display().to_string()
    };
    json!({
        "channel": "x12_sftp",
        "permission": permission,
        "calls_max": 4,
        "endpoint": {
            "base": format!("sftp://{FILE_HOST}:{}", host.port),
            "auth": {"by": "ssh_key", "key": "ssh_key"},
            "insurer": {"value": "HSM"},
            "requester_npi": "1234567893",
            "x12": {
                "sender": "RIVERCLINIC", "receiver": "HSMMIS",
                "files": {
                    "user": host.user, "host_keys": [host.host_key],
                    "put": folder("inbound"), "take": folder("outbound"), "marker": ".done",
                    "look_ms": 300, "receipt_ms": 15_000, "answer_ms": 120_000,
                },
            },
        },
    })
}

/// The fleet's key at a payer's file host, as an administrator records it.
pub fn file_partner(payer: &str, host: &sshd::Host) -> Value {
    json!({"account": format!("{payer}-files"), "channel": "x12_sftp", "secrets": {"ssh_key": host.key}})
}

/// X12 by CORE at Larkfield.
fn core(permission: &Value) -> Value {
    json!({
        "channel": "x12_core",
        "permission": permission,
        "calls_max": 4,
        "endpoint": {
            "base": "https://edi.larkfield.test/core/v22",
            "auth": {"by": "password", "user": "user", "password": "password"},
            "insurer": {"value": "LARKFIELD"},
            "requester_npi": "1234567893",
            "answer_ms": 10_000,
            "x12": {"sender": "RIVERCLINIC", "receiver": "LARKFIELD"},
        },
    })
}

/// The fleet's client at a payer's interface, as an administrator records it.
///
/// # Errors
/// The world has no account there.
pub fn client(payer: &str) -> Result<Value> {
    let account = world::world()
        .accounts
        .iter()
        .find(|a| a.payer == payer && a.origin == "fleet")
        .with_context(|| format!("the world has no account at {payer}"))?;
    Ok(json!({"account": format!("{}-fhir", account.id), "channel": "fhir_pas",
              "secrets": {"client_id": account.id, "client_secret": account.password}}))
}

/// The fleet's account for X12 at a payer, as an administrator records it.
///
/// # Errors
/// The world has no account there.
pub fn partner(payer: &str) -> Result<Value> {
    let account = world::world()
        .accounts
        .iter()
        .find(|a| a.payer == payer && a.origin == "fleet")
        .with_context(|| format!("the world has no account at {payer}"))?;
    Ok(json!({"account": format!("{}-edi", account.id), "channel": "x12_core",
              "secrets": {"user": account.id, "password": account.password}}))
}

/// The fleet's account at a payer: its name and its secrets, as an administrator records them.
///
/// # Errors
/// The world has no account there.
pub fn account(payer: &str, ready: &Ready, code_step_s: i64) -> Result<Value> {
    let account = world::world()
        .accounts
        .iter()
        .find(|a| a.payer == payer && a.origin == "fleet")
        .with_context(|| format!("the world has no account at {payer}"))?;
    let mut secrets = json!({"user": account.id, "password": account.password});
    if let Some(seed) = &account.totp_seed {
        secrets["code"] = json!({"totp": seed, "period_s": code_step_s});
    }
    if let Some(pin) = &account.pin {
        secrets["pin"] = json!(pin);
    }
    match payer {
        "verity" => {
            secrets["code"] =
                json!(mailbox(ready, &account.email, "Your Verity code", r"code is (\d{6})"));
        }
        "rxbright" => {
            let link = mailbox(ready, &account.email, "RxBright sign-in link", r"(https://\S+)");
            secrets = json!({"user": account.email, "link": link});
        }
        _ => {}
    }
    Ok(json!({"account": account.id, "secrets": secrets}))
}

/// The line of a mailbox that codes come to.
fn mailbox(ready: &Ready, address: &str, subject: &str, code: &str) -> String {
    let mail = &ready.mail;
    let port = mail.addr.rsplit(':').next().unwrap_or_default();
    format!(
        "https://reader:{}@{}:{port}/boxes/{address}/messages#subject={subject}&code={code}",
        mail.bearer, mail.host
    )
}
