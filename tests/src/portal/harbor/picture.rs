//! A number drawn as a picture: the result page shows the PA number this way, as portals do that want no copying.
//! Strokes of our own, smoothed, dark on white, without any font; the bytes are a PNG.

use std::io::Cursor;

use image::{GrayImage, ImageFormat, Luma};

/// A point in glyph space: x 0…0.6, y 0 (top) … 1.
type Point = (f32, f32);

/// Height of a digit, pixels.
const HEIGHT: f32 = 26.0;
/// Width of a stroke, pixels. Thinner strokes are read badly by character recognition.
const STROKE: f32 = 3.8;
/// From one digit to the next, in heights.
const ADVANCE: f32 = 0.76;
/// White space around, pixels.
const MARGIN: f32 = 8.0;

/// An elliptic arc around a centre, from one angle to another (degrees, clockwise from the right).
fn arc(centre: Point, radius: Point, from: f32, to: f32) -> Vec<Point> {
    let steps = 40_u8;
    (0..=steps)
        .map(|step| {
            let angle = (from + (to - from) * f32::from(step) / f32::from(steps)).to_radians();
            (centre.0 + radius.0 * angle.cos(), centre.1 + radius.1 * angle.sin())
        })
        .collect()
}

fn then(mut first: Vec<Point>, second: &[Point]) -> Vec<Point> {
    first.extend_from_slice(second);
    first
}

fn strokes(letter: char) -> Vec<Vec<Point>> {
    match letter {
        '0' => vec![arc((0.3, 0.5), (0.27, 0.47), 0.0, 360.0)],
        '1' => {
            vec![vec![(0.08, 0.2), (0.32, 0.03), (0.32, 0.97)], vec![(0.08, 0.97), (0.54, 0.97)]]
        }
        '2' => {
            vec![then(arc((0.3, 0.29), (0.25, 0.26), 190.0, 395.0), &[(0.05, 0.97), (0.57, 0.97)])]
        }
        '3' => vec![
            arc((0.28, 0.26), (0.24, 0.23), 205.0, 450.0),
            arc((0.28, 0.73), (0.27, 0.245), -90.0, 150.0),
        ],
        '4' => vec![vec![(0.43, 0.97), (0.43, 0.03), (0.03, 0.7), (0.58, 0.7)]],
        '5' => vec![then(
            vec![(0.5, 0.03), (0.11, 0.03), (0.08, 0.47)],
            &arc((0.28, 0.655), (0.27, 0.315), -140.0, 145.0),
        )],
        '6' => vec![
            arc((0.3, 0.67), (0.26, 0.3), 0.0, 360.0),
            arc((0.62, 0.66), (0.58, 0.64), 182.0, 262.0),
        ],
        '7' => vec![vec![(0.05, 0.03), (0.55, 0.03), (0.17, 0.97)]],
        '8' => vec![
            arc((0.3, 0.26), (0.22, 0.23), 0.0, 360.0),
            arc((0.3, 0.73), (0.26, 0.245), 0.0, 360.0),
        ],
        '9' => vec![
            arc((0.3, 0.33), (0.26, 0.3), 0.0, 360.0),
            arc((-0.02, 0.34), (0.58, 0.64), 2.0, 82.0),
        ],
        '-' => vec![vec![(0.1, 0.55), (0.5, 0.55)]],
        _ => Vec::new(),
    }
}

fn distance(at: Point, from: Point, to: Point) -> f32 {
    let (dx, dy) = (to.0 - from.0, to.1 - from.1);
    let length = dx * dx + dy * dy;
    let along = if length == 0.0 {
        0.0
    } else {
        (((at.0 - from.0) * dx + (at.1 - from.1) * dy) / length).clamp(0.0, 1.0)
    };
    (at.0 - from.0 - along * dx).hypot(at.1 - from.1 - along * dy)
}

/// Draws digits (and dashes) as a PNG.
pub(super) fn png(number: &str) -> Vec<u8> {
    let count = u16::try_from(number.chars().count()).unwrap_or(u16::MAX);
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a few hundred pixels"
    )]
    let (width, height) = (
        (f32::from(count) * ADVANCE * HEIGHT + 2.0 * MARGIN) as u32,
        (HEIGHT + 2.0 * MARGIN) as u32,
    );
    let mut image = GrayImage::from_pixel(width, height, Luma([255]));
    let mut left = MARGIN;
    for letter in number.chars() {
        for stroke in strokes(letter) {
            let place = |point: &Point| (left + point.0 * HEIGHT, MARGIN + point.1 * HEIGHT);
            for pair in stroke.windows(2) {
                if let [from, to] = pair {
                    line(&mut image, place(from), place(to));
                }
            }
        }
        left += ADVANCE * HEIGHT;
    }
    let mut bytes = Cursor::new(Vec::new());
    // Writing a grey picture into memory has no way to fail.
    image.write_to(&mut bytes, ImageFormat::Png).expect("a small grey picture can be encoded");
    bytes.into_inner()
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::cast_precision_loss,
    reason = "places and greys of a small picture"
)]
fn line(image: &mut GrayImage, from: Point, to: Point) {
    let (low, high) = (from.0.min(to.0) - STROKE, from.0.max(to.0) + STROKE);
    let (top, bottom) = (from.1.min(to.1) - STROKE, from.1.max(to.1) + STROKE);
    for y in top.max(0.0) as u32..(bottom as u32 + 1).min(image.height()) {
        for x in low.max(0.0) as u32..(high as u32 + 1).min(image.width()) {
            let away = distance((x as f32 + 0.5, y as f32 + 0.5), from, to);
            let ink = (STROKE / 2.0 + 0.5 - away).clamp(0.0, 1.0);
            let grey = 255.0 - ink * 230.0;
            let pixel = image.get_pixel_mut(x, y);
            pixel.0[0] = pixel.0[0].min(grey as u8);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_digit_has_a_picture_of_its_own_and_none_touches_the_edge() {
        let pictures: Vec<Vec<u8>> = ('0'..='9').map(|digit| png(&digit.to_string())).collect();
        for (index, one) in pictures.iter().enumerate() {
            assert!(pictures.iter().skip(index + 1).all(|other| other != one), "{index}");
            let image = image::load_from_memory(one).unwrap().to_luma8();
            let dark = image.pixels().filter(|pixel| pixel.0[0] < 128).count();
            assert!(dark > 60, "{index}: {dark}");
            let (width, height) = image.dimensions();
            assert!((0..height).all(|y| image.get_pixel(0, y).0[0] == 255));
            assert!((0..width).all(|x| image.get_pixel(x, height - 1).0[0] == 255));
        }
    }

    #[test]
    fn the_picture_grows_with_the_number() {
        let width = |number: &str| image::load_from_memory(&png(number)).unwrap().width();
        assert!(width("26061000123") > width("2606100012"));
        assert_eq!(width("26061000123"), width("26061000124"));
    }
}
