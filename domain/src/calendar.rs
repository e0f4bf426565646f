//! When a portal may be used: business hours and maintenance windows, written in the payer's own time zone and safe on the days its
//! clocks are changed: a closed hour is closed both times it comes, an open one is open only where nobody can doubt it.

use std::collections::BTreeSet;

use jiff::{
    civil::{Date, DateTime, Time, Weekday},
    tz::TimeZone,
};
use serde::{Deserialize, Serialize};

use crate::time::Timestamp;

/// Days looked at around now: a portal that is closed for longer is closed until somebody changes the calendar.
const DAYS_BACK: i64 = 2;
const DAYS_AHEAD: i64 = 15;

/// A day of the week.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, schemars::JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Day {
    /// Monday.
    Mon,
    /// Tuesday.
    Tue,
    /// Wednesday.
    Wed,
    /// Thursday.
    Thu,
    /// Friday.
    Fri,
    /// Saturday.
    Sat,
    /// Sunday.
    Sun,
}

impl Day {
    fn of(date: Date) -> Self {
        match date.weekday() {
            Weekday::Monday => Self::Mon,
            Weekday::Tuesday => Self::Tue,
            Weekday::Wednesday => Self::Wed,
            Weekday::Thursday => Self::Thu,
            Weekday::Friday => Self::Fri,
            Weekday::Saturday => Self::Sat,
            Weekday::Sunday => Self::Sun,
        }
    }
}

/// Hours that come every week.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Weekly {
    /// On which days they begin; none means every day.
    #[serde(default)]
    pub days: Vec<Day>,
    /// From this time of day, `HH:MM`.
    pub from: Time,
    /// To this time of day; not later than `from` means on the next day.
    pub to: Time,
}

/// A stretch of time that comes once.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Once {
    /// From, in the payer's time zone: `2026-03-08T02:00`.
    pub from: DateTime,
    /// To.
    pub to: DateTime,
}

/// When a portal may be used. Empty: always.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Calendar {
    /// Business hours; none means around the clock.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub hours: Vec<Weekly>,
    /// Maintenance that comes every week.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub maintenance: Vec<Weekly>,
    /// Maintenance that was announced.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub announced: Vec<Once>,
}

/// How the calendar stands at an instant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// It may be used, until then if that is in sight.
    Open {
        /// When it closes.
        until: Option<Timestamp>,
    },
    /// It may not.
    Closed {
        /// When it opens, if that is in sight.
        until: Option<Timestamp>,
        /// For maintenance; otherwise it is outside the hours.
        maintenance: bool,
    },
}

/// `[from, to)` in milliseconds.
type Span = (i64, i64);

impl Calendar {
    /// Whether nothing is written in it.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.hours.is_empty() && self.maintenance.is_empty() && self.announced.is_empty()
    }

    /// How it stands at `now`. A time zone that is not known closes: nobody knows what hour it is there.
    #[must_use]
    pub fn standing(&self, zone: &str, now: Timestamp) -> Standing {
        if self.is_empty() {
            return Standing::Open { until: None };
        }
        let Ok(zone) = TimeZone::get(zone) else {
            return Standing::Closed { until: None, maintenance: false };
        };
        let today = now.jiff().to_zoned(zone.clone()).date();
        let open = self.hours.iter().flat_map(|hours| spans(hours, &zone, today, false));
        let open: Vec<Span> = open.collect();
        let weekly = self.maintenance.iter().flat_map(|hours| spans(hours, &zone, today, true));
        let once = self.announced.iter().filter_map(|o| span(o.from, o.to, &zone, true));
        let closed: Vec<Span> = weekly.chain(once).collect();
        let inside =
            |spans: &[Span], at: i64| spans.iter().any(|(from, to)| *from <= at && at < *to);
        let usable = |at: i64| (self.hours.is_empty() || inside(&open, at)) && !inside(&closed, at);
        let edges: BTreeSet<i64> = open.iter().chain(&closed).flat_map(|(a, b)| [*a, *b]).collect();
        let at = now.ms();
        let is_open = usable(at);
        let turn = edges.into_iter().find(|edge| *edge > at && usable(*edge) != is_open);
        let until = turn.map(Timestamp::from_ms);
        if is_open {
            Standing::Open { until }
        } else {
            Standing::Closed { until, maintenance: inside(&closed, at) }
        }
    }
}

/// The stretches of weekly hours around a day.
fn spans(hours: &Weekly, zone: &TimeZone, today: Date, wide: bool) -> Vec<Span> {
    let days = (-DAYS_BACK..=DAYS_AHEAD).filter_map(|n| {
        let date = today.checked_add(jiff::Span::new().try_days(n).ok()?).ok()?;
        (hours.days.is_empty() || hours.days.contains(&Day::of(date))).then_some(date)
    });
    days.filter_map(|date| {
        let last = if hours.to <= hours.from { date.tomorrow().ok()? } else { date };
        span(date.to_datetime(hours.from), last.to_datetime(hours.to), zone, wide)
    })
    .collect()
}

/// The stretch between two times of day. Where the clock shows a time twice or never, `wide` takes all of it, otherwise only what
/// is certain.
fn span(from: DateTime, to: DateTime, zone: &TimeZone, wide: bool) -> Option<Span> {
    let at = |time: DateTime, early: bool| {
        let ambiguous = zone.to_ambiguous_timestamp(time);
        let exact = if early { ambiguous.earlier() } else { ambiguous.later() };
        exact.ok().map(|at| at.as_millisecond())
    };
    let (from, to) = (at(from, wide)?, at(to, !wide)?);
    (from < to).then_some((from, to))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn calendar(json: serde_json::Value) -> Calendar {
        serde_json::from_value(json).unwrap()
    }

    fn at(text: &str) -> Timestamp {
        Timestamp::parse(text).unwrap()
    }

    const ZONE: &str = "America/New_York";

    #[test]
    fn an_empty_calendar_is_always_open() {
        let standing = Calendar::default().standing("nowhere/else", at("2026-03-08T07:00:00Z"));
        assert_eq!(standing, Standing::Open { until: None });
        let hours = calendar(serde_json::json!({"hours": [{"from": "06:00", "to": "20:00"}]}));
        let lost = hours.standing("Nowhere/Else", at("2026-03-02T15:00:00Z"));
        assert_eq!(lost, Standing::Closed { until: None, maintenance: false });
    }

    #[test]
    fn hours_are_those_of_the_payer() {
        let all = calendar(serde_json::json!({
            "hours": [{"days": ["mon", "tue", "wed", "thu", "fri"], "from": "06:00", "to": "20:00"}]
        }));
        let rows = [
            // Monday 2 March, 09:00 in New York.
            ("2026-03-02T14:00:00Z", true, Some("2026-03-03T01:00:00.000Z")),
            ("2026-03-02T10:59:59Z", false, Some("2026-03-02T11:00:00.000Z")),
            // Friday 20:00 is over; Monday is the 9th, in summer time.
            ("2026-03-07T01:00:00Z", false, Some("2026-03-09T10:00:00.000Z")),
        ];
        for (now, open, until) in rows {
            let until = until.map(at);
            let wanted = if open {
                Standing::Open { until }
            } else {
                Standing::Closed { until, maintenance: false }
            };
            assert_eq!(all.standing(ZONE, at(now)), wanted, "{now}");
        }
    }

    #[test]
    fn maintenance_passes_midnight_and_is_named() {
        let all = calendar(serde_json::json!({
            "maintenance": [{"days": ["sat"], "from": "22:00", "to": "04:00"}],
            "announced": [{"from": "2026-03-04T12:00", "to": "2026-03-04T13:00"}]
        }));
        let closed = |until: &str| Standing::Closed { until: Some(at(until)), maintenance: true };
        // Saturday 7 March 22:00 EST to Sunday 04:00 EDT: five hours, since the clocks go forward.
        assert_eq!(all.standing(ZONE, at("2026-03-08T03:00:00Z")), closed("2026-03-08T08:00:00Z"));
        assert_eq!(all.standing(ZONE, at("2026-03-08T07:59:59Z")), closed("2026-03-08T08:00:00Z"));
        assert!(matches!(all.standing(ZONE, at("2026-03-08T08:00:00Z")), Standing::Open { .. }));
        assert_eq!(all.standing(ZONE, at("2026-03-04T17:30:00Z")), closed("2026-03-04T18:00:00Z"));
        let before = all.standing(ZONE, at("2026-03-04T16:00:00Z"));
        assert_eq!(before, Standing::Open { until: Some(at("2026-03-04T17:00:00Z")) });
    }

    #[test]
    fn an_hour_that_comes_twice_is_closed_twice_and_one_that_never_comes_opens_nothing() {
        // 1 November 2026: 01:00 to 02:00 comes twice (05:00Z to 07:00Z).
        let closed = calendar(
            serde_json::json!({"maintenance": [{"days": ["sun"], "from": "01:00", "to": "01:30"}]}),
        );
        for (now, open) in [
            ("2026-11-01T04:59:00Z", true),
            ("2026-11-01T05:10:00Z", false),
            ("2026-11-01T06:10:00Z", false),
            ("2026-11-01T06:29:00Z", false),
            ("2026-11-01T06:30:00Z", true),
        ] {
            let standing = closed.standing(ZONE, at(now));
            assert_eq!(matches!(standing, Standing::Open { .. }), open, "{now}: {standing:?}");
        }
        // 8 March 2026: 02:00 to 03:00 never comes.
        let open = calendar(
            serde_json::json!({"hours": [{"days": ["sun"], "from": "02:10", "to": "02:50"}]}),
        );
        for now in ["2026-03-08T06:30:00Z", "2026-03-08T07:05:00Z", "2026-03-08T07:40:00Z"] {
            assert!(matches!(open.standing(ZONE, at(now)), Standing::Closed { .. }), "{now}");
        }
    }

    #[test]
    fn every_instant_of_every_day_of_change_has_an_answer_and_a_later_turn() {
        let all = calendar(serde_json::json!({
            "hours": [{"from": "05:30", "to": "01:30"}],
            "maintenance": [{"days": ["sun"], "from": "02:15", "to": "03:45"}]
        }));
        for zone in
            [ZONE, "America/Chicago", "America/Phoenix", "Europe/Berlin", "Australia/Lord_Howe"]
        {
            for day in
                ["2026-03-08", "2026-03-29", "2026-04-05", "2026-10-04", "2026-10-25", "2026-11-01"]
            {
                let start = at(&format!("{day}T00:00:00Z")).plus_ms(-43_200_000);
                for quarter in 0..192 {
                    let now = start.plus_ms(quarter * 900_000);
                    let (Standing::Open { until } | Standing::Closed { until, .. }) =
                        all.standing(zone, now);
                    let until = until.expect("it opens and closes every day");
                    assert!(until > now && until.since_ms(now) < 30 * 3_600_000, "{zone} {now}");
                }
            }
        }
    }
}
