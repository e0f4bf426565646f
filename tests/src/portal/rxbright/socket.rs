//! The websocket of an open request: numbered messages in order, from where the page last stood. A knob makes it lose,
//! double or swap messages; the page notices by the numbers.

use std::{sync::Arc, time::Duration};

use axum::{
    extract::{
        Query, State,
        ws::{Message as Frame, WebSocket, WebSocketUpgrade},
    },
    response::Response,
};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{
    desk::Desk,
    request::{self, Message},
};
use crate::{
    ledger::{Entry, Wanted},
    portal::{call::Call, sim::Sim},
};

/// Without news the page is told where the numbers stand.
const QUIET: Duration = Duration::from_millis(400);

/// Which request, and from which message on.
#[derive(Deserialize)]
pub(super) struct Asked {
    key: String,
    since: Option<u64>,
}

/// `GET /ws?key=&since=`
pub(super) async fn open(
    State(sim): State<Arc<Sim>>,
    Query(asked): Query<Asked>,
    desk: Desk,
    upgrade: WebSocketUpgrade,
) -> Response {
    if let Err(refused) = desk.request(&asked.key) {
        return refused;
    }
    let line = Line {
        sim,
        token: desk.session.token.clone(),
        call: desk.call.clone(),
        key: asked.key,
        again: asked.since.is_some(),
    };
    let since = asked.since.unwrap_or(0);
    upgrade.on_upgrade(move |socket| line.serve(socket, since))
}

struct Line {
    sim: Arc<Sim>,
    token: String,
    call: Call,
    key: String,
    /// It is not the first one of this page.
    again: bool,
}

impl Line {
    async fn serve(self, mut socket: WebSocket, since: u64) {
        let mut sent = since;
        // What was announced before the page opened has vanished long ago.
        let begun = self.messages(u64::MAX).1;
        let mut seen = self.latest(0);
        loop {
            self.sim.run_due();
            if request::tick(&self.sim, &self.key) {
                self.sim.flush().await;
            }
            if self.sim.sessions.get(&self.token).is_none() {
                // A page without a portal session learns it from its next call.
                return;
            }
            let (news, last) = self.messages(sent);
            for message in self.spoilt(news, begun) {
                if !say(&mut socket, &message).await {
                    return;
                }
            }
            sent = sent.max(last);
            if !say(&mut socket, &json!({"seq": last, "type": "ping", "data": {}})).await {
                return;
            }
            tokio::select! {
                frame = socket.recv() => {
                    let Some(Ok(frame)) = frame else { return };
                    self.heard(&frame);
                }
                latest = self.news(seen) => seen = latest,
            }
        }
    }

    /// Messages after `sent`, and the number of the last one.
    fn messages(&self, sent: u64) -> (Vec<Message>, u64) {
        let Some(request) = request::load(&self.sim, &self.key) else { return (Vec::new(), 0) };
        let last = request.messages.last().map_or(0, |message| message.seq);
        (request.messages.into_iter().filter(|message| message.seq > sent).collect(), last)
    }

    /// As the knob wants it; only on the first connection of a page, so that it can recover.
    fn spoilt(&self, news: Vec<Message>, begun: u64) -> Vec<Value> {
        let mut lines: Vec<Value> = news
            .into_iter()
            .map(|message| {
                let old = message.kind == "toast" && message.seq <= begun && !self.again;
                if old {
                    json!({"seq": message.seq, "type": "past", "data": {}})
                } else {
                    json!(message)
                }
            })
            .collect();
        if self.again || lines.is_empty() {
            return lines;
        }
        match self.sim.knobs.text("ws_drop").as_str() {
            "drop" => drop(lines.remove(0)),
            "reorder" => lines.reverse(),
            "duplicate" => {
                lines = lines.iter().flat_map(|line| [line.clone(), line.clone()]).collect()
            }
            _ => {}
        }
        lines
    }

    /// Returns when something happened at the payer, or after a while.
    async fn news(&self, seen: u64) -> u64 {
        let wanted = Wanted { after: seen, ..Wanted::default() };
        self.sim.ledger.wait(&wanted, QUIET).await;
        self.latest(seen)
    }

    fn latest(&self, after: u64) -> u64 {
        let newer = self.sim.ledger.entries(&Wanted { after, ..Wanted::default() });
        newer.last().and_then(|entry| entry["seq"].as_u64()).unwrap_or(after)
    }

    /// Where somebody clicked travels on the socket, so that it costs no connection.
    fn heard(&self, frame: &Frame) {
        let Frame::Text(text) = frame else { return };
        let Ok(told) = serde_json::from_str::<Value>(text) else { return };
        if told["type"] != "pointer" {
            return;
        }
        let mut entry = Entry::new("pointer");
        for name in ["clientX", "clientY", "target", "viewport", "ratio"] {
            entry = entry.with(name, told["data"][name].clone());
        }
        self.sim.note(&self.call, entry);
    }
}

async fn say(socket: &mut WebSocket, message: &Value) -> bool {
    socket.send(Frame::Text(message.to_string().into())).await.is_ok()
}
