//! Reference numbers read from pictures: 500 generated samples of the fonts a portal's picture may have, sizes 9 to 24 px, light
//! noise, JPEG and skew. Each is right, refused as unsure, or wrong; a wrong one is a defect.

use std::{net::SocketAddr, path::PathBuf, sync::Arc, time::Duration};

use agent::{
    browser::{Area, Browser, ImageFormat, LaunchConfig},
    read,
};
use anyhow::{Context as _, Result};
use axum::{Router, extract::Query, response::Html, routing::get};
use image::{DynamicImage, GrayImage, ImageFormat as Kind, Luma, codecs::jpeg::JpegEncoder};
use regex::Regex;
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::net::TcpListener;

const HOST: &str = "pictures.test";
const FONTS: [&str; 6] = [
    "Liberation Sans",
    "Liberation Serif",
    "Liberation Mono",
    "DejaVu Sans",
    "DejaVu Serif",
    "DejaVu Sans Mono",
];
/// A number's alphabet per place, and the pattern a script would give. `#` a digit, `x` a hexadecimal digit, `k` a key's letter.
const SHAPES: [(&str, &str); 6] = [
    ("CL##########", r"\b(CL\d{10})\b"),
    ("A#########", r"\b(A\d{9})\b"),
    ("LNxxxxxxxx", r"\b(LN[0-9A-F]{8})\b"),
    ("###########", r"\b(\d{11})\b"),
    ("RX-#######", r"\b(RX-\d{7})\b"),
    ("kkkkkkkk", r"Number:? ([A-HJ-NP-Z2-9]{8})\b"),
];

/// How many samples.
#[derive(clap::Args)]
#[group(id = "ocr")]
pub(crate) struct Options {
    /// How many pictures are read
    #[arg(long, default_value_t = 500)]
    samples: u64,
    /// Keep the pictures here, named by number and place
    #[arg(long)]
    pictures: Option<PathBuf>,
}

#[derive(Clone, Deserialize)]
struct Look {
    font: String,
    px: u32,
    weight: u32,
    skew: f64,
    text: String,
}

struct Sample {
    look: Look,
    number: String,
    pattern: Regex,
    noise: u8,
    /// JPEG quality; none: it stays as it was painted.
    jpeg: Option<u8>,
}

/// A small generator of chances (SplitMix64), so that the same samples come every time.
struct Chances(u64);

impl Chances {
    fn below(&mut self, n: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        (z ^ (z >> 31)) % n
    }

    fn one_of<'a, T>(&mut self, list: &'a [T]) -> &'a T {
        let at = usize::try_from(self.below(list.len() as u64)).unwrap_or(0);
        &list[at]
    }
}

fn sample(at: u64) -> Result<Sample> {
    let mut chances = Chances(at.wrapping_mul(7_919) + 17);
    let (shape, pattern) = *chances.one_of(&SHAPES);
    let number: String = shape
        .chars()
        .map(|place| match place {
            '#' => *chances.one_of(&['0', '1', '2', '3', '4', '5', '6', '7', '8', '9']),
            'x' => *chances.one_of(&"0123456789ABCDEF".chars().collect::<Vec<_>>()),
            'k' => *chances.one_of(&"ABCDEFGHJKLMNPQRSTUVWXYZ23456789".chars().collect::<Vec<_>>()),
            fixed => fixed,
        })
        .collect();
    let look = Look {
        font: (*chances.one_of(&FONTS)).to_owned(),
        px: 9 + u32::try_from(chances.below(16)).unwrap_or(0),
        weight: *chances.one_of(&[400, 400, 700]),
        skew: *chances.one_of(&[0.0, 0.0, 0.0, 1.0, -1.0, 2.0, -2.0]),
        text: format!("Number: {number}"),
    };
    let noise = *chances.one_of(&[0, 0, 6, 12]);
    let jpeg = *chances.one_of(&[None, None, Some(90), Some(75)]);
    Ok(Sample { look, number, pattern: Regex::new(pattern)?, noise, jpeg })
}

async fn page(Query(look): Query<Look>) -> Html<String> {
    Html(format!(
        "<!doctype html><html><body style='margin:0;background:#fff'><div id=n style=\"display:inline-block;padding:12px 16px;\
         white-space:nowrap;color:#222;font:{} {}px '{}'\"><span style='display:inline-block;transform:rotate({}deg)'>{}</span></div>\
         </body></html>",
        look.weight, look.px, look.font, look.skew, look.text
    ))
}

async fn serve() -> Result<SocketAddr> {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
    let at = listener.local_addr()?;
    let app = Router::new().route("/", get(page));
    tokio::spawn(async move { axum::serve(listener, app).await });
    Ok(at)
}

/// Adds noise and JPEG to a painted picture, as PNG.
fn spoiled(png: &[u8], sample: &Sample, at: u64) -> Result<Vec<u8>> {
    let mut grey: GrayImage = image::load_from_memory_with_format(png, Kind::Png)?.to_luma8();
    if sample.noise > 0 {
        let mut chances = Chances(at + 1_000_003);
        for pixel in grey.pixels_mut() {
            let by = i16::try_from(chances.below(u64::from(sample.noise) * 2 + 1))?
                - i16::from(sample.noise);
            let value = (i16::from(pixel.0[0]) + by).clamp(0, 255);
            *pixel = Luma([u8::try_from(value)?]);
        }
    }
    let mut picture = DynamicImage::ImageLuma8(grey);
    if let Some(quality) = sample.jpeg {
        let mut bytes = Vec::new();
        JpegEncoder::new_with_quality(&mut bytes, quality).encode_image(&picture)?;
        picture = image::load_from_memory_with_format(&bytes, Kind::Jpeg)?;
    }
    let mut out = std::io::Cursor::new(Vec::new());
    picture.write_to(&mut out, Kind::Png)?;
    Ok(out.into_inner())
}

/// Paints and reads every sample; the counts, and what was wrong.
pub(crate) async fn measure(options: &Options) -> Result<Value> {
    let at = serve().await?;
    let config =
        LaunchConfig { host_rules: vec![(HOST.to_owned(), at)], ..LaunchConfig::default() };
    let browser = Browser::launch(config).await?;
    let context = browser.new_context().await?;
    let page = context.new_page().await?;
    let (mut right, mut refused, mut wrong) = (0_u64, 0_u64, Vec::new());
    let mut per_size: std::collections::BTreeMap<u32, [u64; 3]> = std::collections::BTreeMap::new();
    for n in 0..options.samples {
        let sample = sample(n)?;
        let query = url::form_urlencoded::Serializer::new(String::new())
            .append_pair("font", &sample.look.font)
            .append_pair("px", &sample.look.px.to_string())
            .append_pair("weight", &sample.look.weight.to_string())
            .append_pair("skew", &sample.look.skew.to_string())
            .append_pair("text", &sample.look.text)
            .finish();
        page.navigate(&format!("http://{HOST}/?{query}"), Duration::from_secs(20)).await?;
        let found = page.find(&agent::browser::Query::css("#n")).await?;
        let area = found.first().context("the number is painted")?.rect;
        let png = page.screenshot(Area::Clip(area), ImageFormat::Png).await?;
        let png = spoiled(&png, &sample, n)?;
        if let Some(folder) = &options.pictures {
            std::fs::write(folder.join(format!("{n:03}-{}.png", sample.number)), &png)?;
        }
        let pattern = sample.pattern.clone();
        let taken = move |text: &str| Some(pattern.captures(text)?.get(1)?.as_str().to_owned());
        let readings = read::read_picture(png).await?;
        let counts = per_size.entry(sample.look.px).or_default();
        match read::agreed(&readings, &taken) {
            Ok((value, _)) if value == sample.number => {
                right += 1;
                counts[0] += 1;
            }
            Ok((value, confidence)) => {
                counts[2] += 1;
                println!(
                    "ocr: {} read as {value} ({confidence:.0} %), {} px {}",
                    sample.number, sample.look.px, sample.look.font
                );
                wrong.push(json!({"was": sample.number, "read": value, "px": sample.look.px, "font": sample.look.font}));
            }
            Err(_) => {
                refused += 1;
                counts[1] += 1;
            }
        }
        if (n + 1) % 100 == 0 {
            println!(
                "ocr: {} of {}: {right} right, {refused} refused, {} wrong",
                n + 1,
                options.samples,
                wrong.len()
            );
        }
    }
    drop(Arc::new(context));
    browser.close().await;
    println!("ocr by size, px: right, refused, wrong");
    for (px, [good, unsure, bad]) in &per_size {
        println!("  {px:>2}: {good:>3} {unsure:>3} {bad:>3}");
    }
    Ok(
        json!({"samples": options.samples, "right": right, "refused": refused, "wrong": wrong.len(), "confused": wrong}),
    )
}
