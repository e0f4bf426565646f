//! Sends the events of subscriptions: one call after the other for each, in order, until the other side has taken it. What is sent is
//! how the case stands at that moment.

use std::{sync::Arc, time::Duration};

use axum::http::{HeaderName, HeaderValue};
use exchange::pas::{
    self,
    name::TOPIC,
    notice::{Event, Kind, Notice},
    request::Naming,
    subscription::Wish,
};
use tokio::time::{MissedTickBehavior, interval};

use super::{FHIR, Reply, pas as handlers};
use crate::{
    App,
    flow::notify,
    store::{
        cases,
        subscriptions::{self, Subscription},
    },
};

/// One call.
const CALL_MAX: Duration = Duration::from_secs(15);
/// Rest between two rounds.
const ROUND: Duration = Duration::from_secs(1);

/// The one that sends. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Teller(reqwest::Client);

/// A message, ready to go.
struct Message {
    event: Option<i64>,
    body: String,
}

impl Teller {
    /// One that trusts and resolves as the configuration says; it follows nobody to another address.
    ///
    /// # Errors
    /// A sentence: the authority's file cannot be read.
    pub fn new(app: &App) -> Result<Self, String> {
        let mut builder = reqwest::Client::builder()
            .no_proxy()
            .redirect(reqwest::redirect::Policy::none())
            .timeout(CALL_MAX);
        for (host, at) in &app.config.host_rules {
            builder = builder.resolve(host, *at);
        }
        if let Some(ca) = &app.config.extra_ca {
            let pem = std::fs::read(ca).map_err(|e| format!("{}: {e}", ca.display()))?;
            let all = reqwest::Certificate::from_pem_bundle(&pem);
            for one in all.map_err(|e| format!("{}: {e}", ca.display()))? {
                builder = builder.add_root_certificate(one);
            }
        }
        builder.build().map(Self).map_err(|e| format!("subscribers cannot be told: {e}"))
    }

    /// Tells whoever is to be told, until the coordinator ends.
    pub async fn run(self, app: Arc<App>) {
        let mut rounds = interval(ROUND);
        rounds.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                _ = rounds.tick() => {}
                () = app.ended() => return,
            }
            self.round(&app).await;
        }
    }

    /// One round over all subscriptions; what fails is told to the log and tried again.
    pub async fn round(&self, app: &Arc<App>) {
        let known = match subscriptions::live(app.store()).await {
            Ok(known) => known,
            Err(error) => {
                tracing::error!(?error, "subscriptions cannot be read; tried again");
                return;
            }
        };
        // One that hangs holds nobody else up.
        let all = known.into_iter().map(|s| async move {
            let id = s.id.clone();
            if let Err(refusal) = self.one(app, s).await {
                tracing::error!(subscription = id, status = %refusal.status, "a subscriber could not be told; tried again");
            }
        });
        futures_util::future::join_all(all).await;
    }

    async fn one(&self, app: &App, s: Subscription) -> Reply<()> {
        notify::gather(&app.core, &s, app.now()).await?;
        let s = subscriptions::get(app.store(), &s.id).await?;
        if s.due_at > app.now() {
            return Ok(());
        }
        let wish = Wish::read(&pas::read(s.resource.as_bytes(), "Subscription")?)?;
        let Some(message) = message(app, &s, &wish).await? else { return Ok(()) };
        let good = self.call(&wish, message.body).await;
        if !good {
            tracing::warn!(
                subscription = s.id,
                tries = s.tries + 1,
                "a subscriber did not take a call"
            );
        }
        Ok(notify::called(&app.core, &s.id, message.event, good, app.now()).await?)
    }

    async fn call(&self, wish: &Wish, body: String) -> bool {
        let mut call =
            self.0.post(&wish.endpoint).header("content-type", FHIR).header("accept", FHIR);
        for (name, value) in wish.headers.iter().filter_map(|line| header_of(line)) {
            call = call.header(name, value);
        }
        call.body(body).send().await.is_ok_and(|reply| reply.status().is_success())
    }
}

/// What is to be sent now: the first call, the oldest event that was not taken, a sign of life, or nothing.
async fn message(app: &App, s: &Subscription, wish: &Wish) -> Reply<Option<Message>> {
    let naming = Naming::new(&handlers::base(app), &format!("{}.{}", s.id, s.events));
    let mut notice = Notice {
        subscription: format!("Subscription/{}", s.id),
        topic: Some(TOPIC.to_owned()),
        kind: Kind::Handshake,
        events_so_far: u64::try_from(s.events).ok(),
        events: Vec::new(),
        bundles: Vec::new(),
    };
    let mut event = None;
    if s.state != "requested" {
        match subscriptions::next(app.store(), &s.id).await? {
            Some((number, case)) => {
                let (case, request) = cases::opened(app.store(), case).await?;
                let domain::request::Request::PriorAuth(request) = request else { return Ok(None) };
                let asked = handlers::spoken(app, &case, &request).await?;
                notice.kind = Kind::Event;
                notice.events.push(Event {
                    number: u64::try_from(number).unwrap_or_default(),
                    timestamp: Some(app.now().to_string()),
                    focus: Some(naming.address("Bundle", &format!("event-{number}"))),
                });
                notice.bundles.push(handlers::response(app, &case, &asked).await?);
                event = Some(number);
            }
            None if rests(s, wish, app.now()) => return Ok(None),
            None => notice.kind = Kind::Heartbeat,
        }
    }
    let body = pas::write(&notice.build(&naming, &app.now().to_string()));
    Ok(Some(Message { event, body }))
}

/// Whether no sign of life is due.
fn rests(s: &Subscription, wish: &Wish, now: domain::time::Timestamp) -> bool {
    let Some(every_s) = wish.heartbeat_s else { return true };
    let last = s.told_at.unwrap_or(s.created_at);
    now.since_ms(last) < i64::from(every_s.max(1)) * 1000
}

/// A header as it is written in a Subscription: `Name: value`.
pub(super) fn header_of(line: &str) -> Option<(HeaderName, HeaderValue)> {
    let (name, value) = line.split_once(':')?;
    let mut value = HeaderValue::from_str(value.trim()).ok()?;
    value.set_sensitive(true);
    Some((HeaderName::from_bytes(name.trim().as_bytes()).ok()?, value))
}
