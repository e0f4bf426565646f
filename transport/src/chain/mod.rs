//! The chain of receipts: taken by the transport, by the interchange (TA1), by the group (999), and answered. Each link has its
//! clock, and "never came" is a value with its deadline. Pure: the time is an argument, what came is a value of `exchange`.

pub mod read;

use jiff::{SignedDuration, Timestamp};

pub use read::{Heard, hear};

/// A link of the chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Stage {
    /// The payer's server has it: 200, a renamed file, a receipt of AS2.
    Transport,
    /// TA1: the interchange.
    Interchange,
    /// 999: the group and its sets.
    Group,
    /// The answer itself: 271, 277, 278, 277CA.
    Business,
}

impl Stage {
    /// In their order.
    pub const ALL: [Self; 4] = [Self::Transport, Self::Interchange, Self::Group, Self::Business];
}

/// How long after sending each link is waited for; none where this payer does not send it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Clocks {
    /// For the transport.
    pub transport: Option<SignedDuration>,
    /// For a TA1.
    pub interchange: Option<SignedDuration>,
    /// For a 999; CORE wants it within an hour.
    pub group: Option<SignedDuration>,
    /// For the answer.
    pub business: Option<SignedDuration>,
}

impl Clocks {
    fn of(&self, stage: Stage) -> Option<SignedDuration> {
        match stage {
            Stage::Transport => self.transport,
            Stage::Interchange => self.interchange,
            Stage::Group => self.group,
            Stage::Business => self.business,
        }
    }
}

/// A set that was sent, with the traces by which its answer is known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SentSet {
    /// GS01 of its group.
    pub functional: String,
    /// GS06 of its group.
    pub group: String,
    /// ST02.
    pub control: String,
    /// BHT03, and every TRN02 of ours.
    pub traces: Vec<String>,
}

/// An interchange that was sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sent {
    /// ISA06 and ISA08: from whom, and to whom.
    pub between: (String, String),
    /// ISA13.
    pub control: String,
    /// ISA09 and ISA10, which a TA1 repeats.
    pub written: (String, String),
    /// Its sets.
    pub sets: Vec<SentSet>,
}

/// What was said of a link, or of one set in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Taken, or answered.
    Accepted,
    /// Not taken, with the codes that say why. Nothing later comes of it.
    Rejected(Vec<String>),
}

/// How a link stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Standing {
    /// It came.
    Came(Verdict, Timestamp),
    /// It did not come, but a later one did, which proves it.
    Proved(Stage),
    /// It is waited for, until then.
    Waiting(Timestamp),
    /// It never came; this was the deadline.
    NeverCame(Timestamp),
    /// This payer does not send it, or an earlier link was rejected.
    NotExpected,
}

/// What is wrong with something that came.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ChainFault {
    /// For another interchange, group or set.
    #[error("it is not for what was sent")]
    NotOurs,
    /// The same link says something else than before. The first stays, a person looks.
    #[error("it contradicts what came before")]
    Contradiction,
}

/// The chain of one interchange.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Chain {
    sent: Sent,
    at: Timestamp,
    clocks: Clocks,
    transport: Option<(Verdict, Timestamp)>,
    interchange: Option<(Verdict, Timestamp)>,
    /// By set, in the order of `sent.sets`.
    groups: Vec<Option<(Verdict, Timestamp)>>,
    answers: Vec<Option<(Verdict, Timestamp)>>,
}

/// Keeps what is said first. The same again is fine, something else is not.
fn keep(
    slot: &mut Option<(Verdict, Timestamp)>,
    verdict: &Verdict,
    now: Timestamp,
) -> Result<bool, ChainFault> {
    match slot {
        None => {
            *slot = Some((verdict.clone(), now));
            Ok(true)
        }
        Some((before, _)) if before == verdict => Ok(false),
        Some(_) => Err(ChainFault::Contradiction),
    }
}

impl Chain {
    /// Begins when an interchange is sent.
    #[must_use]
    pub fn new(sent: Sent, clocks: Clocks, at: Timestamp) -> Self {
        let count = sent.sets.len();
        Self {
            sent,
            at,
            clocks,
            transport: None,
            interchange: None,
            groups: vec![None; count],
            answers: vec![None; count],
        }
    }

    /// What was sent.
    #[must_use]
    pub fn sent(&self) -> &Sent {
        &self.sent
    }

    /// Takes in what came. True where it was news, false where it was known.
    ///
    /// # Errors
    /// What is for something else, and what contradicts; the chain stays as it was.
    pub fn hear(&mut self, heard: &Heard, now: Timestamp) -> Result<bool, ChainFault> {
        match heard {
            Heard::Transport(verdict) => keep(&mut self.transport, verdict, now),
            Heard::Interchange { control, written, verdict } => {
                if *control != self.sent.control || *written != self.sent.written {
                    return Err(ChainFault::NotOurs);
                }
                keep(&mut self.interchange, verdict, now)
            }
            Heard::Group { functional, control, rejected, sets } => {
                self.group((functional, control), rejected, sets, now)
            }
            Heard::Business { traces } => {
                let ours: Vec<usize> = (0..self.sent.sets.len())
                    .filter(|i| self.sent.sets[*i].traces.iter().any(|one| traces.contains(one)))
                    .collect();
                if ours.is_empty() {
                    return Err(ChainFault::NotOurs);
                }
                let mut news = false;
                for i in ours {
                    news |= keep(&mut self.answers[i], &Verdict::Accepted, now)?;
                }
                Ok(news)
            }
        }
    }

    /// A 999: the verdict of each set it names, and that of the group for those it does not.
    fn group(
        &mut self,
        (functional, control): (&str, &str),
        rejected: &Option<Vec<String>>,
        sets: &[(String, Verdict)],
        now: Timestamp,
    ) -> Result<bool, ChainFault> {
        let of_it = |set: &SentSet| set.functional == functional && set.group == control;
        let ours = |name: &str| self.sent.sets.iter().any(|set| of_it(set) && set.control == name);
        let known = self.sent.sets.iter().any(of_it);
        if !known || !sets.iter().all(|(name, _)| ours(name)) {
            return Err(ChainFault::NotOurs);
        }
        let mut groups = self.groups.clone();
        let mut news = false;
        for (set, slot) in self.sent.sets.iter().zip(&mut groups) {
            if !of_it(set) {
                continue;
            }
            let own =
                sets.iter().find(|(name, _)| *name == set.control).map(|(_, verdict)| verdict);
            let verdict = match (own, rejected) {
                (_, Some(codes)) if own.is_none_or(|own| *own == Verdict::Accepted) => {
                    Verdict::Rejected(codes.clone())
                }
                (Some(own), _) => own.clone(),
                // A set that is not named in a group that is taken is taken with it.
                (None, _) => Verdict::Accepted,
            };
            news |= keep(slot, &verdict, now)?;
        }
        self.groups = groups;
        Ok(news)
    }

    fn said(&self, stage: Stage, set: usize) -> Option<&(Verdict, Timestamp)> {
        match stage {
            Stage::Transport => self.transport.as_ref(),
            Stage::Interchange => self.interchange.as_ref(),
            Stage::Group => self.groups.get(set)?.as_ref(),
            Stage::Business => self.answers.get(set)?.as_ref(),
        }
    }

    /// How a link stands for the set of that number, in the order of what was sent.
    #[must_use]
    pub fn standing(&self, stage: Stage, set: usize, now: Timestamp) -> Standing {
        if let Some((verdict, at)) = self.said(stage, set) {
            return Standing::Came(verdict.clone(), *at);
        }
        let later = Stage::ALL.into_iter().filter(|other| *other > stage);
        if let Some(proof) = later.into_iter().find(|other| self.said(*other, set).is_some()) {
            return Standing::Proved(proof);
        }
        let rejected =
            |other: Stage| matches!(self.said(other, set), Some((Verdict::Rejected(_), _)));
        let ended = Stage::ALL.into_iter().filter(|other| *other < stage).any(rejected);
        match self.clocks.of(stage).filter(|_| !ended) {
            None => Standing::NotExpected,
            Some(clock) => match self.at + clock {
                deadline if now < deadline => Standing::Waiting(deadline),
                deadline => Standing::NeverCame(deadline),
            },
        }
    }

    /// Every link that never came, by set.
    #[must_use]
    pub fn never_came(&self, now: Timestamp) -> Vec<(Stage, usize, Timestamp)> {
        let mut all = Vec::new();
        for set in 0..self.sent.sets.len() {
            for stage in Stage::ALL {
                if let Standing::NeverCame(deadline) = self.standing(stage, set, now) {
                    all.push((stage, set, deadline));
                }
            }
        }
        all
    }

    /// When the next look is due.
    #[must_use]
    pub fn next_deadline(&self, now: Timestamp) -> Option<Timestamp> {
        let standings = (0..self.sent.sets.len())
            .flat_map(|set| Stage::ALL.map(|stage| self.standing(stage, set, now)));
        standings
            .filter_map(|standing| match standing {
                Standing::Waiting(deadline) => Some(deadline),
                _ => None,
            })
            .min()
    }

    /// Whether nothing more is waited for, for the set of that number.
    #[must_use]
    pub fn settled(&self, set: usize) -> bool {
        let rejected =
            |stage: Stage| matches!(self.said(stage, set), Some((Verdict::Rejected(_), _)));
        self.said(Stage::Business, set).is_some() || Stage::ALL.into_iter().any(rejected)
    }
}
