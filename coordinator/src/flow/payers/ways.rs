//! Whether the channels that a profile describes can work: what belongs to each, and the order of them for each task.

use domain::{
    channel::{Channel, Way},
    fleet::Payer,
    job::Task,
};

use crate::{
    flow::{Error, Result},
    vault,
};

/// Channels beside the portal: each described once, and every route leads over described ones, each once.
///
/// # Errors
/// [`Error::Invalid`] names the field.
pub(super) fn check(profile: &Payer) -> Result<()> {
    for (i, way) in profile.ways.iter().enumerate() {
        let described = profile.ways[..i].iter().any(|other| other.channel == way.channel);
        let fault = if described { Some(("channel", "is described twice")) } else { fault(way) };
        if let Some((field, reason)) = fault {
            return Err(Error::invalid(format!("ways[{i}].{field}"), reason));
        }
    }
    check_routes(profile)
}

/// What is wrong with a channel's description: the field and a sentence.
fn fault(way: &Way) -> Option<(&'static str, &'static str)> {
    let (channel, endpoint) = (way.channel, &way.endpoint);
    let is_x12 = matches!(channel, Channel::X12Core | Channel::X12Sftp | Channel::X12As2);
    let files = endpoint.x12.as_ref().is_some_and(|partner| partner.files.is_some());
    if channel == Channel::Portal {
        Some(("channel", "is the portal, which the profile itself describes"))
    } else if way.calls_max == 0 {
        Some(("calls_max", "needs to be 1 or more"))
    } else if endpoint.addresses().iter().any(|address| vault::origin_of(address).is_none()) {
        Some(("endpoint", "needs addresses such as https://api.payer.example/r4"))
    } else if (channel == Channel::Rest) != endpoint.rest.is_some() {
        Some(("endpoint.rest", "belongs to the channel `rest`, and only there"))
    } else if is_x12 != endpoint.x12.is_some() {
        Some(("endpoint.x12", "belongs to the channels of X12, and to each of them"))
    } else if (channel == Channel::X12Sftp) != files {
        Some(("endpoint.x12.files", "belongs to the channel `x12_sftp`, and only there"))
    } else if channel != Channel::FhirPas && way.notices.is_some() {
        Some(("notices", "belong to the channel `fhir_pas`, and only there"))
    } else if channel != Channel::X12As2 && !endpoint.auth.opens(channel) {
        Some((
            "endpoint.auth",
            "does not open this channel: `fhir_pas` and `rest` take a bearer key or client credentials, `x12_sftp` an SSH key, `x12_core` all but that",
        ))
    } else {
        None
    }
}

fn check_routes(profile: &Payer) -> Result<()> {
    for (task, legs) in &profile.routes {
        for (i, leg) in legs.iter().enumerate() {
            let at = |field: &str| format!("routes.{}[{i}].{field}", task.word());
            if profile.terms(leg.channel).is_none() {
                return Err(Error::invalid(at("channel"), "is not described in `ways`"));
            }
            if !leg.channel.carries(*task) {
                return Err(Error::invalid(at("channel"), "does not carry this task"));
            }
            if legs[..i].iter().any(|other| other.channel == leg.channel) {
                return Err(Error::invalid(at("channel"), "is in the order already"));
            }
            if !leg.without_documents && leaves_documents(leg.channel, *task) {
                return Err(Error::invalid(
                    at("without_documents"),
                    "needs to be true: no document goes with a 278 here",
                ));
            }
        }
    }
    Ok(())
}

/// Whether a submission by this channel goes without its documents.
fn leaves_documents(channel: Channel, task: Task) -> bool {
    task.commits() && matches!(channel, Channel::X12Core | Channel::X12Sftp | Channel::X12As2)
}
