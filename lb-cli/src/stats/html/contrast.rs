//! Colours that can be told apart (WCAG 2.2, 1.4.3 and 1.4.11), light and dark.

use std::collections::HashMap;

use super::{STYLE, state::LEGEND};

/// Red, green and blue by name, of one theme.
type Theme = HashMap<&'static str, [u8; 3]>;

/// The two themes: the first `:root` and that of the dark reader.
fn themes() -> [Theme; 2] {
    let mut blocks = STYLE.split(":root{").skip(1);
    let mut next = || {
        let block = blocks.next().expect("a theme");
        let block = block.split_once('}').expect("its end").0;
        let pairs = block
            .split([';', '\n'])
            .filter_map(|line| line.trim().split_once(":#"));
        pairs.map(|(name, hex)| (name, colour(hex))).collect()
    };
    [next(), next()]
}

fn colour(hex: &str) -> [u8; 3] {
    let digit = |at: usize| u8::from_str_radix(&hex[at..=at], 16).expect("a digit");
    match hex.len() {
        3 => [0, 1, 2].map(|at| digit(at) * 17),
        _ => [0, 2, 4].map(|at| digit(at) * 16 + digit(at + 1)),
    }
}

fn luminance(colour: [u8; 3]) -> f64 {
    let [red, green, blue] = colour.map(|part| match f64::from(part) / 255.0 {
        part if part <= 0.04045 => part / 12.92,
        part => ((part + 0.055) / 1.055).powf(2.4),
    });
    0.2126 * red + 0.7152 * green + 0.0722 * blue
}

fn contrast(one: [u8; 3], other: [u8; 3]) -> f64 {
    let (one, other) = (luminance(one), luminance(other));
    (one.max(other) + 0.05) / (one.min(other) + 0.05)
}

#[test]
fn every_text_can_be_read_on_what_is_behind_it() {
    assert!((contrast([0; 3], [255; 3]) - 21.0).abs() < 1e-9);
    for theme in themes() {
        let check = |front: &str, back: &str, least: f64| {
            let (front, back) = (format!("--{front}"), format!("--{back}"));
            let ratio = contrast(theme[front.as_str()], theme[back.as_str()]);
            assert!(ratio >= least, "{front} on {back}: {ratio:.2}");
        };
        for text in ["fg", "dim", "link"] {
            for back in ["bg", "card", "head", "alarm", "soft"] {
                check(text, back, 4.5);
            }
        }
        for (state, _) in LEGEND {
            check(&format!("{state}-t"), state, 4.5);
        }
        check("down-t", "bg", 4.5);
        for line in ["rate", "time"] {
            for back in ["card", "head", "alarm"] {
                check(line, back, 3.0);
            }
        }
    }
}
