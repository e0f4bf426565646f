//! Measuring: CPU seconds and memory of whole process trees, and the arithmetic of the report. The measured programs run as
//! processes of their own; nothing here runs inside them.

pub mod peer;
pub mod tree;

use serde_json::{Value, json};

/// What one way of working cost.
#[derive(Clone, Debug, Default)]
pub struct Measured {
    /// Seconds of each job.
    pub seconds: Vec<f64>,
    /// Wall seconds of the rounds together.
    pub wall_s: f64,
    /// CPU seconds of the whole tree, rounds together.
    pub cpu_s: f64,
    /// Highest memory seen, MiB (proportional set size of the whole tree).
    pub peak_mib: f64,
    /// Sign-ins on the portal's record.
    pub logins: usize,
}

impl Measured {
    /// Adds a further round.
    pub fn add(&mut self, round: Measured) {
        self.seconds.extend(round.seconds);
        self.wall_s += round.wall_s;
        self.cpu_s += round.cpu_s;
        self.peak_mib = self.peak_mib.max(round.peak_mib);
        self.logins += round.logins;
    }

    /// The keys of the report.
    pub fn report(&self) -> Value {
        let jobs = self.seconds.len().max(1);
        let per = |value: f64| round2(value / f64::from(u32::try_from(jobs).unwrap_or(u32::MAX)));
        json!({
            "jobs": self.seconds.len(),
            "p50_s": round2(quantile(&self.seconds, 0.5)),
            "p95_s": round2(quantile(&self.seconds, 0.95)),
            "jobs_per_min": round2(60.0 / per(self.wall_s).max(0.001)),
            "cpu_s_per_job": per(self.cpu_s),
            "peak_mib": round2(self.peak_mib),
            "logins_per_100": round2(100.0 * f64::from(u32::try_from(self.logins).unwrap_or(u32::MAX)) / f64::from(u32::try_from(jobs).unwrap_or(u32::MAX))),
        })
    }
}

fn round2(value: f64) -> f64 {
    (value * 100.0).round() / 100.0
}

/// The quantile by nearest rank; 0 when there is nothing.
pub fn quantile(values: &[f64], q: f64) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        clippy::cast_precision_loss,
        reason = "a rank within the list"
    )]
    let rank = ((q * sorted.len() as f64).ceil() as usize).clamp(1, sorted.len().max(1));
    sorted.get(rank - 1).copied().unwrap_or(0.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_by_nearest_rank() {
        let values: Vec<f64> = (1..=20).map(f64::from).collect();
        assert!((quantile(&values, 0.5) - 10.0).abs() < f64::EPSILON);
        assert!((quantile(&values, 0.95) - 19.0).abs() < f64::EPSILON);
        assert!(quantile(&[], 0.5).abs() < f64::EPSILON);
    }
}
