//! Points and boxes in CSS pixels, and the geometry of `right_of`, `left_of`, `above`, `below`.

use serde::{Deserialize, Serialize};

/// A point in CSS pixels of the page's viewport unless said otherwise.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, Default)]
pub struct Point {
    /// From the left edge.
    pub x: f64,
    /// From the top edge.
    pub y: f64,
}

/// A box in CSS pixels.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, Default)]
pub struct Rect {
    /// Left edge.
    pub x: f64,
    /// Top edge.
    pub y: f64,
    /// Width.
    pub width: f64,
    /// Height.
    pub height: f64,
}

impl Rect {
    /// Right edge.
    #[must_use]
    pub fn right(&self) -> f64 {
        self.x + self.width
    }

    /// Bottom edge.
    #[must_use]
    pub fn bottom(&self) -> f64 {
        self.y + self.height
    }

    /// The middle.
    #[must_use]
    pub fn centre(&self) -> Point {
        Point { x: self.x + self.width / 2.0, y: self.y + self.height / 2.0 }
    }
}

/// A direction from an anchor.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    /// To the right of the anchor.
    RightOf,
    /// To the left of the anchor.
    LeftOf,
    /// Above the anchor.
    Above,
    /// Below the anchor.
    Below,
}

/// Distance of a candidate that lies on the wanted side: gap first, then the tie-breaker
/// (difference of centres for left and right, left edge for above and below).
#[must_use]
pub fn distance(side: Side, anchor: &Rect, candidate: &Rect) -> Option<(f64, f64)> {
    let overlap_y = anchor.bottom().min(candidate.bottom()) - anchor.y.max(candidate.y);
    let overlap_x = anchor.right().min(candidate.right()) - anchor.x.max(candidate.x);
    match side {
        Side::RightOf | Side::LeftOf => {
            if overlap_y < 0.5 * anchor.height.min(candidate.height) {
                return None;
            }
            let gap = match side {
                Side::RightOf => candidate.x - anchor.right(),
                _ => anchor.x - candidate.right(),
            };
            let off = (anchor.centre().y - candidate.centre().y).abs();
            (gap >= -2.0).then_some((gap, off))
        }
        Side::Above | Side::Below => {
            let aligned = (anchor.x - candidate.x).abs() <= 8.0;
            if overlap_x < 0.5 * anchor.width.min(candidate.width) && !aligned {
                return None;
            }
            let gap = match side {
                Side::Below => candidate.y - anchor.bottom(),
                _ => anchor.y - candidate.bottom(),
            };
            (gap >= -2.0).then_some((gap, candidate.x))
        }
    }
}

/// The indices of the nearest candidates: one, or all that are within 4 px of the nearest
/// (then the relation is ambiguous), best first.
#[must_use]
pub fn nearest(side: Side, anchor: &Rect, candidates: &[Rect]) -> Vec<usize> {
    let mut hits: Vec<(usize, (f64, f64))> = candidates
        .iter()
        .enumerate()
        .filter_map(|(i, c)| distance(side, anchor, c).map(|d| (i, d)))
        .collect();
    hits.sort_by(|a, b| a.1.0.total_cmp(&b.1.0).then(a.1.1.total_cmp(&b.1.1)));
    let Some(best) = hits.first().map(|h| h.1) else { return Vec::new() };
    // Equal gaps are told apart by the tie-breaker when that is clear.
    hits.into_iter()
        .take_while(|(_, d)| d.0 - best.0 < 4.0)
        .filter(|(_, d)| (d.1 - best.1).abs() < 4.0)
        .map(|(i, _)| i)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rect(x: f64, y: f64, width: f64, height: f64) -> Rect {
        Rect { x, y, width, height }
    }

    #[test]
    fn the_nearest_on_the_same_line_wins() {
        let anchor = rect(10.0, 100.0, 80.0, 20.0);
        let all = [
            rect(300.0, 100.0, 50.0, 20.0),
            rect(100.0, 98.0, 50.0, 24.0),
            rect(20.0, 200.0, 50.0, 20.0),
        ];
        assert_eq!(nearest(Side::RightOf, &anchor, &all), vec![1]);
        assert_eq!(nearest(Side::Below, &anchor, &all), vec![2]);
        assert!(nearest(Side::LeftOf, &anchor, &all).is_empty());
    }

    #[test]
    fn two_at_the_same_distance_are_both_reported() {
        let anchor = rect(0.0, 0.0, 100.0, 20.0);
        let all = [rect(110.0, 0.0, 20.0, 20.0), rect(111.0, 0.0, 20.0, 20.0)];
        assert_eq!(nearest(Side::RightOf, &anchor, &all).len(), 2);
    }
}
