//! What to look for on a page, and what was found: plain data.

use super::geometry::{Rect, Side};
use super::text::Text;
use serde::Deserialize;

/// A node of one document of one frame. It dies with its document, and with the isolated world it was seen from.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Node {
    /// Frame id.
    pub frame: String,
    /// Loader id of the document.
    pub loader: String,
    /// Execution context of the isolated world that numbered it.
    pub(crate) context: i64,
    /// Its number in that world, given by the page script when it was first seen.
    pub(crate) number: i64,
}

impl Node {
    /// A node of no document, for what was read without a page: nothing can be done to it.
    pub(crate) fn nowhere() -> Self {
        Self { frame: String::new(), loader: String::new(), context: 0, number: 0 }
    }
}

/// One finder (engine.md §4.2).
#[derive(Debug, Clone)]
pub enum By {
    /// ARIA role as Chrome computes it, and accessible name.
    Role(String, Option<Text>),
    /// Form control with that label.
    Label(Text),
    /// `placeholder` attribute.
    Placeholder(Text),
    /// `alt` attribute.
    Alt(Text),
    /// `title` attribute.
    Title(Text),
    /// The deepest element whose text matches.
    Text(Text),
    /// `data-testid` and kin, exact.
    TestId(String),
    /// CSS selector, through open shadow roots.
    Css(String),
    /// XPath in the light DOM.
    Xpath(String),
    /// Table, grid, treegrid by caption, name or the heading before it.
    Table(Text),
    /// Dialog by name, legend or first heading; `None` = any dialog.
    Dialog(Option<Text>),
    /// Landmark, fieldset or named section.
    Region(Text),
    /// Any form control or button (what a relation alone looks for).
    Control,
}

/// A finder with its modifiers.
#[derive(Debug, Clone)]
pub struct Query {
    /// The finder.
    pub by: By,
    /// Only the nearest on this side of the anchor.
    pub beside: Option<(Side, Box<Query>)>,
    /// Only inside one of these.
    pub inside: Option<Box<Query>>,
    /// Only inside this very node.
    pub within: Option<Node>,
    /// Frame name, title or address glob; `outer > inner`.
    pub frame: Option<String>,
    /// 1…: this one among the visible matches in document order.
    pub nth: Option<usize>,
}

impl Query {
    /// A finder without modifiers.
    #[must_use]
    pub fn by(by: By) -> Self {
        Self { by, beside: None, inside: None, within: None, frame: None, nth: None }
    }

    /// Role and name, equal after normalising.
    #[must_use]
    pub fn role(role: &str, name: &str) -> Self {
        Self::by(By::Role(role.to_owned(), Some(Text::equals(name))))
    }

    /// Form control by label.
    #[must_use]
    pub fn label(label: &str) -> Self {
        Self::by(By::Label(Text::equals(label)))
    }

    /// The deepest element with this text.
    #[must_use]
    pub fn text(text: &str) -> Self {
        Self::by(By::Text(Text::equals(text)))
    }

    /// CSS selector.
    #[must_use]
    pub fn css(selector: &str) -> Self {
        Self::by(By::Css(selector.to_owned()))
    }

    /// Adds "nearest on this side of the anchor".
    #[must_use]
    pub fn beside(mut self, side: Side, anchor: Query) -> Self {
        self.beside = Some((side, Box::new(anchor)));
        self
    }

    /// Adds "inside".
    #[must_use]
    pub fn inside(mut self, container: Query) -> Self {
        self.inside = Some(Box::new(container));
        self
    }

    /// Adds "inside this node".
    #[must_use]
    pub fn within(mut self, node: Node) -> Self {
        self.within = Some(node);
        self
    }

    /// Adds the frame filter.
    #[must_use]
    pub fn frame(mut self, frame: &str) -> Self {
        self.frame = Some(frame.to_owned());
        self
    }

    /// Adds the position among the visible matches (from 1).
    #[must_use]
    pub fn nth(mut self, nth: usize) -> Self {
        self.nth = Some(nth);
        self
    }
}

/// One match.
#[derive(Debug, Clone)]
pub struct Found {
    /// Its handle.
    pub node: Node,
    /// The node a pointer action or a state would mean (engine.md §5.1): the control around it.
    pub stands_for: Node,
    /// Visible by the rule of engine.md §5.2.
    pub visible: bool,
    /// Box in CSS pixels of the page's viewport (frames mapped).
    pub rect: Rect,
    /// Chrome's role; empty when not asked.
    pub role: String,
    /// Chrome's accessible name; empty when not asked.
    pub name: String,
    /// What the page script knows about it.
    pub facts: Facts,
    /// Address of its frame.
    pub frame_url: String,
}

impl Found {
    /// One line for lists of matches: role, name, place. Page text; mask before it is kept.
    #[must_use]
    pub fn describe(&self) -> String {
        let role = if self.role.is_empty() { &self.facts.tag } else { &self.role };
        let name = if self.name.is_empty() { &self.facts.text } else { &self.name };
        let name: String = name.chars().take(60).collect();
        format!("{role} \"{name}\" at {:.0},{:.0}", self.rect.x, self.rect.y)
    }
}

/// What the page script tells about an element. Everything here is untrusted page data.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Facts {
    /// Visible by the rule of engine.md §5.2.
    pub visible: bool,
    /// Box in its own frame's viewport.
    pub rect: Rect,
    /// Tag name, lower case.
    pub tag: String,
    /// `type` of an input or button.
    pub input_type: String,
    /// `name` attribute.
    pub name_attr: String,
    /// `id` attribute.
    pub id: String,
    /// Test id attribute.
    pub test_id: String,
    /// `autocomplete` attribute.
    pub autocomplete: String,
    /// First 200 characters of its text.
    pub text: String,
    /// Text of its label, if it has one.
    pub label: String,
    /// `href` of a link.
    pub href: String,
    /// Not disabled by any rule.
    pub enabled: bool,
    /// Enabled and neither read-only.
    pub editable: bool,
    /// Native or ARIA required.
    pub required: bool,
    /// Checked or selected, where that means something.
    pub checked: Option<bool>,
    /// Headings, legend, region names around it, outermost first.
    pub group: Vec<String>,
    /// Inside or host of a closed shadow root.
    pub closed_root: bool,
}
