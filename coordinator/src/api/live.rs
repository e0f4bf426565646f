//! `/v1/live?topic=…`: an event stream that only says which topic changed. Losing a message loses nothing: whoever listens looks
//! again after each reconnect, and a slow re-check stands beside it.

use std::{convert::Infallible, sync::Arc, time::Duration};

use axum::{
    extract::{RawQuery, State},
    response::sse::{Event, KeepAlive, Sse},
};
use futures_util::Stream;
use tokio::sync::broadcast::error::RecvError;

use super::error::{Problem, Reply};
use crate::{
    App,
    access::{Caller, Role},
};

/// Most topics of one stream.
const TOPICS_MAX: usize = 50;
/// A stream ends by itself after this time: the page reconnects, and a role that was taken away is gone.
const LIFE: Duration = Duration::from_secs(15 * 60);

/// Tells when a topic changes: `case:<id>`, `attempt:<id>`, `exceptions`, `fleet`, `ready`, `scripts`. Several `topic`s may be given.
#[utoipa::path(get, path = "/v1/live", tag = "staff", params(("topic" = Vec<String>, Query, description = "Topics to hear of; 1 to 50")),
    responses((status = 200, description = "Events `changed`, whose data is the topic; event `all` after messages were lost", body = String, content_type = "text/event-stream"), (status = "4XX", description = "Refused", body = Problem, content_type = "application/problem+json")))]
pub async fn listen(
    State(app): State<Arc<App>>,
    caller: Caller,
    RawQuery(query): RawQuery,
) -> Reply<Sse<impl Stream<Item = Result<Event, Infallible>>>> {
    caller.needs(Role::Viewer)?;
    let topics: Vec<String> = url::form_urlencoded::parse(query.unwrap_or_default().as_bytes())
        .filter(|(name, _)| name == "topic")
        .flat_map(|(_, topics)| topics.split(',').map(str::to_owned).collect::<Vec<_>>())
        .collect();
    if topics.is_empty() || topics.len() > TOPICS_MAX {
        return Err(Problem::new("bad-request", "give 1 to 50 `topic`s").at("topic"));
    }
    Ok(Sse::new(stream(app, topics)).keep_alive(KeepAlive::new().interval(Duration::from_secs(20))))
}

fn stream(app: Arc<App>, topics: Vec<String>) -> impl Stream<Item = Result<Event, Infallible>> {
    let heard = app.store().live.listen();
    let until = tokio::time::Instant::now() + LIFE;
    let first = Some(Event::default().comment("listening").retry(Duration::from_secs(1)));
    futures_util::stream::unfold(
        (app, topics, heard, first),
        move |(app, topics, mut heard, first)| async move {
            if let Some(event) = first {
                return Some((Ok(event), (app, topics, heard, None)));
            }
            loop {
                let told = tokio::select! {
                    told = heard.recv() => told,
                    () = app.ended() => return None,
                    () = tokio::time::sleep_until(until) => return None,
                };
                let event = match told {
                    Ok(topic) if topics.contains(&topic.word()) => {
                        Event::default().event("changed").data(topic.word())
                    }
                    Ok(_) => continue,
                    Err(RecvError::Lagged(_)) => Event::default().event("all").data("lagged"),
                    Err(RecvError::Closed) => return None,
                };
                return Some((Ok(event), (app, topics, heard, None)));
            }
        },
    )
}
