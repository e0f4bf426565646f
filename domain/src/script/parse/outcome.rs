//! Commit, its proof, captures, classification and reconcile's nodes.

use super::decode::{Decoder, Map, Spelling};
use super::names::Kind;
use crate::outcome::Answer;
use crate::script::ast::{
    CaptureSource, CaptureSpec, Classify, ClassifyEntry, ClassifySource, Commit, Decide, Guard,
    KnownRows, NoneThen, Proof, ReadAs, ReferenceKind, Region, Rows, Sends, ShotOf,
};
use crate::script::node::{Node as Yaml, Value};
use crate::script::span::Name;

pub(super) const REFERENCES: [(&str, ReferenceKind); 9] = [
    ("decision", ReferenceKind::Decision),
    ("case", ReferenceKind::Case),
    ("tracking", ReferenceKind::Tracking),
    ("transaction", ReferenceKind::Transaction),
    ("pend", ReferenceKind::Pend),
    ("authorization", ReferenceKind::Authorization),
    ("claim", ReferenceKind::Claim),
    ("letter", ReferenceKind::Letter),
    ("receipt", ReferenceKind::Receipt),
];
const SOURCES: [&str; 8] =
    ["from", "url", "print", "download", "in_file", "shot", "ocr", "pointer"];

impl Decoder<'_> {
    pub(super) fn commit(&mut self, node: &Yaml) -> Option<Commit> {
        let required = ["commit", "guard", "click", "sends", "proof", "unsure"];
        let map = self.map(node, "a commit", &["dialog", "refused"], &required)?;
        let name = map.get("commit");
        let name = name.and_then(|node| self.own_name(node, "the commit", Spelling::Hyphens));
        let guard = map.get("guard").and_then(|node| self.guard(node));
        let click = map.get("click").and_then(|node| self.target(node));
        let sends = map.get("sends").and_then(|node| self.sends(node));
        let dialog = map.get("dialog").and_then(|node| self.dialog(node));
        let mut refused = Vec::new();
        if let Some(pairs) = map.get("refused").and_then(|n| self.any_map(n, "`refused`")) {
            for (key, value) in pairs.entries {
                let screen = self.reference(key, Kind::Screen);
                refused.extend(screen.zip(self.reference(value, Kind::Exception)));
            }
        }
        let proof = map.get("proof").and_then(|node| self.proof(node));
        let unsure = map.get("unsure").and_then(|node| self.reference(node, Kind::Search));
        Some(Commit {
            name: name?,
            guard: guard?,
            click: click?,
            sends: sends?,
            dialog,
            refused,
            proof: proof?,
            unsure: unsure?,
            span: node.span.clone(),
        })
    }

    fn guard(&mut self, node: &Yaml) -> Option<Guard> {
        let map = self.map(node, "`guard`", &[], &["screen", "page_says", "once_per"])?;
        let screen = map.get("screen").and_then(|node| self.reference(node, Kind::Screen));
        let says = map.get("page_says").and_then(|node| self.list(node, "`page_says`"));
        let says: Option<Vec<_>> = says.map(|items| {
            items.iter().filter_map(|item| self.template(item, "`page_says`")).collect()
        });
        let once = map.get("once_per").and_then(|node| self.template(node, "`once_per`"));
        Some(Guard { screen: screen?, page_says: says?, once_per: once? })
    }

    fn sends(&mut self, node: &Yaml) -> Option<Sends> {
        let map = self.map(node, "`sends`", &["reconnects"], &["method", "url"])?;
        let methods = ["POST", "PUT", "PATCH", "DELETE"].map(|method| (method, method));
        let method = map.get("method").and_then(|node| self.word(node, "`method`", &methods));
        let url = map.get("url").and_then(|node| self.glob(node, "`url`"));
        let again = map.get("reconnects");
        let reconnects = again.and_then(|node| self.integer(node, "`reconnects`", 1, 3));
        let reconnects = reconnects.unwrap_or(0);
        Some(Sends { method: method?.to_owned(), url: url?, reconnects })
    }

    fn proof(&mut self, node: &Yaml) -> Option<Proof> {
        let keys = ["screen", "within", "capture"];
        let map = self.map(node, "`proof`", &["read_back", "with"], &keys)?;
        let screen = map.get("screen").and_then(|node| self.reference(node, Kind::Screen));
        let within = self.within(map.get("within"));
        let capture = map.get("capture").map(|node| self.captures(node));
        let read_back = map.get("read_back").and_then(|node| self.reference(node, Kind::Flow));
        let with = self.with(map.get("with"));
        if let Some((key, _)) = map.entry("with")
            && read_back.is_none()
        {
            self.wrong(&key.span, "`with` goes with `read_back`");
        }
        Some(Proof { screen: screen?, within: within?, capture: capture?, read_back, with })
    }

    pub(super) fn captures(&mut self, node: &Yaml) -> Vec<CaptureSpec> {
        let Some(map) = self.any_map(node, "`capture`") else { return Vec::new() };
        if map.entries.is_empty() {
            self.wrong(&node.span, "`capture` must not be empty");
        }
        let mut specs = Vec::new();
        for (key, value) in map.entries {
            let name = self.own_name(key, "the capture", Spelling::Underscores);
            if let Some(name) = name {
                specs.extend(self.capture(name, value));
            }
        }
        specs
    }

    fn capture(&mut self, name: Name, node: &Yaml) -> Option<CaptureSpec> {
        let more = ["match", "as", "reads", "kind", "else_ocr", "optional"];
        let keys: Vec<&str> = SOURCES.iter().chain(&more).copied().collect();
        let map = self.map(node, "a capture", &keys, &[])?;
        let sources: Vec<&str> = SOURCES.iter().copied().filter(|k| map.get(k).is_some()).collect();
        let source = match sources.as_slice() {
            [word] => self.source(word, map.get(word)?),
            [] => {
                let message = format!("a capture needs a source: {}", SOURCES.join(", "));
                self.findings.error("missing-key", &node.span, message);
                None
            }
            _ => {
                self.wrong(
                    &node.span,
                    format!("a capture has one source, not {}", sources.join(" and ")),
                );
                None
            }
        };
        let pattern = map.get("match").and_then(|node| self.pattern(node, "`match`"));
        let read_as = self.read_as(map.get("as"), map.get("reads"));
        let kind = map.get("kind").and_then(|node| self.word(node, "`kind`", &REFERENCES));
        if let Some((key, _)) = map.entry("kind")
            && read_as.as_ref().is_some_and(|read| *read != ReadAs::Reference)
        {
            self.wrong(&key.span, "`kind` goes with `as: reference`");
        }
        let else_ocr = map.get("else_ocr").and_then(|node| self.ocr_region(node));
        if let Some((key, _)) = map.entry("else_ocr") {
            self.else_ocr_fits(key, &map);
        }
        let optional = map.get("optional").and_then(|node| self.boolean(node, "`optional`"));
        let (source, read_as) = (source?, read_as?);
        let (optional, span) = (optional.unwrap_or(false), node.span.clone());
        Some(CaptureSpec { name, source, pattern, read_as, kind, else_ocr, optional, span })
    }

    fn else_ocr_fits(&mut self, key: &Yaml, map: &Map<'_>) {
        if map.get("match").is_none() {
            let message = "`else_ocr` needs `match`: only a whole match is believed";
            self.findings.error("missing-key", &key.span, message);
        }
        if map.get("from").is_none() {
            self.wrong(&key.span, "`else_ocr` goes with `from`");
        }
    }

    fn source(&mut self, word: &str, node: &Yaml) -> Option<CaptureSource> {
        let source = match word {
            "from" => CaptureSource::From(self.target(node)?),
            "url" => CaptureSource::Url(self.pattern(node, "`url`")?),
            "print" => {
                self.word(node, "`print`", &[("pdf", ())])?;
                CaptureSource::Print
            }
            "download" => CaptureSource::Download(self.target(node)?),
            "in_file" => {
                let name = self.own_name(node, "the capture", Spelling::Underscores)?;
                CaptureSource::InFile(name)
            }
            "shot" => {
                let words = [("page", ShotOf::Page), ("view", ShotOf::View)];
                CaptureSource::Shot(self.word(node, "`shot`", &words)?)
            }
            "ocr" => CaptureSource::Ocr(self.target(node)?),
            _ => {
                let pointer = self.literal(node, "`pointer`")?;
                if !pointer.text.starts_with('/') {
                    self.wrong(&node.span, "`pointer` is a JSON pointer such as /status/code");
                }
                CaptureSource::Pointer(pointer)
            }
        };
        Some(source)
    }

    pub(super) fn read_as(&mut self, node: Option<&Yaml>, reads: Option<&Yaml>) -> Option<ReadAs> {
        let Some(node) = node else {
            if let Some(reads) = reads {
                self.wrong(&reads.span, "`reads` goes with `as: date` or `as: datetime`");
            }
            return Some(ReadAs::Text);
        };
        let words = ["text", "verbatim", "reference", "date", "datetime", "integer", "decimal"];
        let word = self.word(node, "`as`", &words.map(|word| (word, word)))?;
        let dated = matches!(word, "date" | "datetime");
        let format = match reads {
            Some(reads) if dated => Some(self.date_form(reads, "`reads`")?),
            Some(reads) => {
                self.wrong(&reads.span, "`reads` goes with `as: date` or `as: datetime`");
                None
            }
            None if dated => {
                self.findings.error(
                    "missing-key",
                    &node.span,
                    format!("`as: {word}` needs `reads`"),
                );
                return None;
            }
            None => None,
        };
        Some(match (word, format) {
            ("date", Some(format)) => ReadAs::Date(format),
            ("datetime", Some(format)) => ReadAs::Datetime(format),
            ("verbatim", _) => ReadAs::Verbatim,
            ("reference", _) => ReadAs::Reference,
            ("integer", _) => ReadAs::Integer,
            ("decimal", _) => ReadAs::Decimal,
            _ => ReadAs::Text,
        })
    }

    fn ocr_region(&mut self, node: &Yaml) -> Option<Region> {
        let map = self.map(node, "`else_ocr`", &[], &["region"])?;
        let region = map.get("region")?;
        let items = self.list(region, "`region`")?;
        let read =
            |item: &Yaml| item.scalar()?.parse::<f64>().ok().filter(|n| (0.0..=1.0).contains(n));
        let numbers: Vec<f64> = items.iter().filter_map(read).collect();
        match (numbers.as_slice(), items.len()) {
            ([x, y, width, height], 4) if *width > 0.0 && *height > 0.0 => {
                Some(Region { x: *x, y: *y, width: *width, height: *height })
            }
            _ => {
                self.wrong(&region.span, "`region` is [x, y, width, height], each from 0 to 1");
                None
            }
        }
    }

    pub(super) fn classify(&mut self, node: &Yaml) -> Option<Classify> {
        let answers: Vec<&str> = Answer::ALL.iter().map(|answer| answer.word()).collect();
        let keys: Vec<&str> = ["from", "of", "rows"].into_iter().chain(answers).collect();
        let map = self.map(node, "`classify`", &keys, &["else"])?;
        let source = match (map.get("from"), map.get("of"), map.get("rows")) {
            (Some(from), None, None) => self.target(from).map(ClassifySource::Element),
            (None, Some(of), None) => {
                let name = self.own_name(of, "the capture", Spelling::Underscores);
                name.map(ClassifySource::Captured)
            }
            (None, None, Some(rows)) => self.classify_rows(rows),
            (None, None, None) => Some(ClassifySource::Page),
            (_, of, rows) => {
                let place = rows.or(of).map_or(&node.span, |second| &second.span);
                self.wrong(place, "`classify` reads one of `from`, `of` and `rows`");
                None
            }
        };
        let mut entries = Vec::new();
        for (key, value) in &map.entries {
            if let Ok(answer) = key.scalar().unwrap_or_default().parse::<Answer>() {
                entries.extend(self.classify_entry(answer, key, value));
            }
        }
        let only_else = !map
            .entries
            .iter()
            .any(|(key, _)| key.scalar().is_some_and(|word| word.parse::<Answer>().is_ok()));
        if only_else {
            self.wrong(&node.span, "`classify` needs at least one outcome");
        }
        let otherwise = self.map(map.get("else")?, "`else`", &["capture"], &["raise"])?;
        let capture = otherwise.get("capture").map(|node| self.captures(node)).unwrap_or_default();
        let raise = self.reference(otherwise.get("raise")?, Kind::Exception);
        Some(Classify {
            source: source?,
            entries,
            otherwise: raise?,
            otherwise_capture: capture,
            span: node.span.clone(),
        })
    }

    fn classify_rows(&mut self, node: &Yaml) -> Option<ClassifySource> {
        let map = self.map(node, "`rows`", &["take"], &["from", "column"])?;
        let from = map.get("from").and_then(|node| self.target(node));
        let column = map.get("column").and_then(|node| self.full_text(node, "the column"));
        let take = map.get("take").map(|node| self.take(node)).unwrap_or_default();
        Some(ClassifySource::Rows { from: from?, column: column?, take })
    }

    fn classify_entry(&mut self, answer: Answer, key: &Yaml, node: &Yaml) -> Option<ClassifyEntry> {
        let map = self.map(node, "an outcome", &["capture"], &["text"])?;
        let text = map.get("text").and_then(|node| self.text_match(node, "`text`"));
        let capture = map.get("capture").map(|node| self.captures(node)).unwrap_or_default();
        Some(ClassifyEntry { answer, text: text?, capture, span: key.span.clone() })
    }

    pub(super) fn rows(&mut self, node: &Yaml) -> Option<Rows> {
        let map = self.map(node, "`rows`", &["take", "pages"], &["from", "where", "empty"])?;
        let from = map.get("from").and_then(|node| self.target(node));
        let cells = map.get("where").map(|node| self.cells(node)).unwrap_or_default();
        let empty = map.get("empty").and_then(|node| self.reference(node, Kind::Screen));
        let take = map.get("take").map(|node| self.take(node)).unwrap_or_default();
        let pages = map.get("pages").and_then(|node| self.pages(node));
        let span = node.span.clone();
        Some(Rows { from: from?, cells, empty: empty?, take, pages, span })
    }

    pub(super) fn known(&mut self, node: &Yaml) -> Option<KnownRows> {
        let map = self.map(node, "`known`", &["where"], &["from"])?;
        let from = map.get("from").and_then(|node| self.target(node));
        let cells = map.get("where").map(|node| self.cells(node)).unwrap_or_default();
        Some(KnownRows { from: from?, cells, span: node.span.clone() })
    }

    pub(super) fn decide(&mut self, node: &Yaml) -> Option<Decide> {
        let map = self.map(node, "`decide`", &[], &["one", "none", "many"])?;
        map.get("one").map(|node| self.word(node, "`one`", &[("committed", ())]));
        map.get("many").map(|node| self.word(node, "`many`", &[("ask_staff", ())]));
        let none = map.get("none")?;
        if !matches!(none.value, Value::Map(_)) {
            self.wrong(&none.span, "`none` is {wait: 5m, tries: 3, then: ask_staff}");
            return None;
        }
        let map = self.map(none, "`none`", &[], &["wait", "tries", "then"])?;
        let wait = map.get("wait").and_then(|node| self.wait(node, "`wait`"));
        let tries = map.get("tries").and_then(|node| self.integer(node, "`tries`", 2, 20));
        let words = [("ask_staff", NoneThen::AskStaff), ("not_committed", NoneThen::NotCommitted)];
        let none_then = map.get("then").and_then(|node| self.word(node, "`then`", &words));
        let span = node.span.clone();
        Some(Decide { wait: wait?, tries: tries?, none_then: none_then?, span })
    }
}
