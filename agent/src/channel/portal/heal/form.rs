//! Drift beyond single elements. The forms of a screen beside those remembered of it, each time the screen is reached: what is new,
//! gone, must be filled now, or offers something else; labels and hashes only. And failures that say that the payer's pages changed.

use domain::{drift::Control, outcome::Failure};
use sha2::{Digest as _, Sha256};

use super::{Drift, DriftKind, Fingerprint};
use crate::{browser::Page, channel::portal::Portal};

impl Portal<'_> {
    /// Compares the screen that shows with what is remembered of it, and remembers it. Once per attempt and screen.
    pub(crate) async fn compare_form(&mut self, name: &str, page: &Page) {
        // No element is called so.
        let called = format!("screen {name}");
        let Some(screen) = self.bundle.screen(name) else { return };
        if !self.errand.remembers || self.prints.contains_key(&called) {
            return;
        }
        // A page that goes away in between is compared another time.
        let Ok(asked) = page.asked().await else { return };
        let masker = &self.observe.masker;
        let harmless = asked.into_iter().filter(|one| masker.text(&one.label) == one.label);
        let controls = harmless.map(|one| Control {
            offers: hash(&one.offers),
            kind: one.kind,
            // A star or a colon more is no other control.
            label: one.label.trim_end_matches([':', '*', ' ']).to_owned(),
            required: one.required,
            sometimes: false,
        });
        let now = Fingerprint::of_form(controls.collect());
        let Some(known) = self.errand.prints.get(&called) else {
            if !now.controls.is_empty() {
                self.prints.insert(called, now);
            }
            return;
        };
        let differences = known.form_differences(&now);
        if !differences.is_empty() {
            let told = differences.join("; ");
            self.observe.log(&format!("warning: the form of `{name}` has changed: {told}"));
            let source = crate::observe::place(&screen.span);
            let drift = Drift::new(DriftKind::FormChanged, &called, source).with_detail(told);
            self.drift.push(drift);
        }
        self.prints.insert(called, known.merged(&now));
    }
}

impl Portal<'_> {
    /// Tells that a page's words mean something the script does not know. The words stay in the evidence.
    pub(crate) fn tell_meaning(&mut self, what: &str) {
        let (step, source) = self.observe.place().unwrap_or_default();
        self.drift.push(Drift::new(DriftKind::MeaningChanged, step, source).with_detail(what));
    }

    /// Tells what an attempt that failed says about the payer's pages.
    pub(crate) fn tell_failure(&mut self, failure: &Failure) {
        let kind = match failure.name.as_str() {
            "new_required_field" => DriftKind::FormChanged,
            "no_known_screen" | "unexpected_screen" | "ambiguous_screen" | "off_site" => {
                DriftKind::ScreenUnknown
            }
            "capture_missing" | "terms_changed" => DriftKind::MeaningChanged,
            _ => return,
        };
        let step = failure.step.as_deref().unwrap_or("flow");
        let source = failure.source.as_deref().unwrap_or_default();
        let drift = Drift::new(kind, step, source).with_detail(failure.detail.as_str());
        self.drift.push(drift);
    }
}

/// Options and columns are compared, never kept.
fn hash(offers: &[String]) -> String {
    if offers.is_empty() {
        return String::new();
    }
    let sum = Sha256::digest(offers.join("\n").as_bytes());
    sum.iter().take(6).map(|byte| format!("{byte:02x}")).collect()
}
