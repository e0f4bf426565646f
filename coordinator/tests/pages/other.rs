//! Sign-in, problem pages, Scripts and Audit, and the shared parts.

use coordinator::console::{
    assets::{CSS, assets},
    audit::{self, Audit, Entry},
    frame::{Section, problem, sign_in},
    parts,
    scripts::{self, ScriptPage, ScriptRow},
};

use crate::fixture::{HOSTILE, ago, approve, case_id, frame, look, now, whole};

#[test]
fn signing_in() {
    let fresh = sign_in(assets(), None, "/inbox", "").into_string();
    look("sign_in", &fresh);
    approve("sign_in", &fresh);
    let again = sign_in(assets(), Some("The name or the password is not right."), "/", HOSTILE)
        .into_string();
    look("sign_in_refused", &again);
    assert!(!again.contains("<script>alert"));
    approve("sign_in_refused", &again);
}

#[test]
fn problems_say_what_to_do_next() {
    let html = problem(assets(), "Not found", "There is no case with this id.").into_string();
    look("problem", &html);
    approve("problem", &html);
}

#[test]
fn scripts_and_audit() {
    let f = frame(Section::Scripts);
    let rows = [
        ScriptRow {
            script: "crestline/submit".into(),
            sha256: "9f3c".repeat(16),
            live: true,
            held: None,
            published_at: ago(600),
            recent: vec![true, true, false, true],
        },
        ScriptRow {
            script: "harbor/claim_status".into(),
            sha256: "77aa".repeat(16),
            live: false,
            held: Some("3 elements were healed within a day; see the Drift page".into()),
            published_at: ago(9_000),
            recent: vec![],
        },
    ];
    approve("scripts", &whole("scripts", &f, "Scripts", &scripts::list(&rows, now())));
    approve("scripts_empty", &whole("scripts_empty", &f, "Scripts", &scripts::list(&[], now())));
    let one = ScriptPage {
        script: "crestline/submit".into(),
        sha256: "9f3c".repeat(16),
        live: true,
        held: None,
        published_at: ago(600),
        explained: Some("Sign in, find the member, fill the request, submit it once.".into()),
        files: vec![(
            "crestline/submit.yaml".into(),
            "script: crestline/submit\nsteps:\n  - open: home".into(),
        )],
    };
    approve("script", &whole("script", &f, "Script", &scripts::one(&one, &f)));
    let f = frame(Section::Audit);
    let entry = Entry {
        at: ago(2),
        who: "Rosa Lind".into(),
        action: "exception_resolve".into(),
        object: case_id(1).to_string(),
        named: None,
        href: Some(format!("/cases/{}", case_id(1))),
        reason: HOSTILE.into(),
    };
    let view = Audit {
        who: String::new(),
        action: String::new(),
        object: String::new(),
        entries: vec![entry],
        next: None,
        paged: false,
    };
    let html = whole("audit", &f, "Audit", &audit::body(&view, now()));
    assert!(!html.contains("<script>alert"));
    approve("audit", &html);
}

#[test]
fn times_and_lengths_read_well() {
    let at = now();
    for (ms, expected) in [
        (0, "just now"),
        (-2_000, "in 2 s"),
        (12_000, "12 s ago"),
        (240_000, "4 min ago"),
        (7_200_000, "2 h ago"),
        (-5_400_000, "in 1 h"),
        (3 * 86_400_000, "3 days ago"),
        (30 * 86_400_000, "31 Jan 2026"),
    ] {
        assert_eq!(parts::relative(at.plus_ms(-ms), at), expected);
    }
    assert_eq!(parts::duration(2_140), "2.1 s");
    assert_eq!(parts::duration(72_000), "1 min 12 s");
    assert_eq!(parts::duration(3 * 3_600_000 + 300_000), "3 h 05 min");
    assert_eq!(parts::stamp(41_220), "00:41.220");
    assert_eq!(parts::masked("W100000001", 4), "••••0001");
    assert_eq!(parts::masked("AB", 4), "••••", "a short value is hidden whole");
}

/// WCAG contrast of two colours written as `#rrggbb`.
fn contrast(a: &str, b: &str) -> f64 {
    let light = |hex: &str| {
        let channel = |i: usize| {
            let c = f64::from(u8::from_str_radix(&hex[i..i + 2], 16).unwrap()) / 255.0;
            if c <= 0.040_45 { c / 12.92 } else { ((c + 0.055) / 1.055).powf(2.4) }
        };
        0.2126 * channel(1) + 0.7152 * channel(3) + 0.0722 * channel(5)
    };
    let (a, b) = (light(a), light(b));
    (a.max(b) + 0.05) / (a.min(b) + 0.05)
}

#[test]
fn every_text_has_contrast_in_both_schemes() {
    let blocks: Vec<&str> =
        CSS.split("color-scheme: light dark;").nth(1).unwrap().splitn(3, '}').collect();
    let dark =
        CSS.split("@media (prefers-color-scheme: dark)").nth(1).unwrap().split('}').next().unwrap();
    for block in [blocks[0], dark] {
        let get = |name: &str| {
            block
                .lines()
                .find_map(|l| l.trim().strip_prefix(&format!("--{name}: ")))
                .unwrap()
                .trim_end_matches(';')
        };
        let mut pairs = vec![("on-accent", "accent"), ("bar-text", "bar"), ("bar-muted", "bar")];
        for ground in ["ground", "surface", "sunken"] {
            pairs.extend([("text", ground), ("muted", ground), ("accent", ground)]);
        }
        for tone in ["good", "warn", "bad", "accent"] {
            pairs.push((tone, "surface"));
        }
        for (tone, ground) in [
            ("good", "good-ground"),
            ("warn", "warn-ground"),
            ("bad", "bad-ground"),
            ("accent", "accent-ground"),
            ("muted", "accent-ground"),
        ] {
            pairs.push((tone, ground));
        }
        for (text, ground) in pairs {
            let ratio = contrast(get(text), get(ground));
            assert!(ratio >= 4.5, "--{text} on --{ground} is {ratio:.2}");
        }
    }
}
