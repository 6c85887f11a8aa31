//! The arithmetic of colour: hexadecimal, the terminal's palettes, and which colour of a smaller palette is nearest.
//! Nearness is Euclidean distance in `OKLab` (B. Ottosson, 2020), where equal distances look equally different.

use ratatui::style::Color;

use super::level::ColourLevel;

/// A colour as a theme names it, before it is fitted to the terminal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Paint {
    /// Whatever the terminal uses where nothing is asked for.
    Default,
    /// One of the terminal's own 16 colours.
    Ansi(u8),
    /// 24 bits, sRGB.
    Rgb([u8; 3]),
}

/// The names of the terminal's own colours, in their order.
pub(super) const ANSI_NAMES: [&str; 16] = [
    "black",
    "red",
    "green",
    "yellow",
    "blue",
    "magenta",
    "cyan",
    "white",
    "bright-black",
    "bright-red",
    "bright-green",
    "bright-yellow",
    "bright-blue",
    "bright-magenta",
    "bright-cyan",
    "bright-white",
];

/// xterm's values of the 16, for choosing the nearest; the user's own may differ.
const ANSI_VALUES: [[u8; 3]; 16] = [
    [0, 0, 0],
    [205, 0, 0],
    [0, 205, 0],
    [205, 205, 0],
    [0, 0, 238],
    [205, 0, 205],
    [0, 205, 205],
    [229, 229, 229],
    [127, 127, 127],
    [255, 0, 0],
    [0, 255, 0],
    [255, 255, 0],
    [92, 92, 255],
    [255, 0, 255],
    [0, 255, 255],
    [255, 255, 255],
];

/// The one of the 16 that is never used: "bright black" is invisible on many dark terminals.
const INVISIBLE: u8 = 8;

impl Paint {
    /// Reads `#rgb`, `#rrggbb`, `default` or the name of one of the 16.
    pub(super) fn parse(word: &str) -> Option<Self> {
        if let Some(hex) = word.strip_prefix('#') {
            return parse_hex(hex).map(Self::Rgb);
        }
        if word == "default" {
            return Some(Self::Default);
        }
        ANSI_NAMES.iter().position(|name| *name == word).and_then(|index| u8::try_from(index).ok()).map(Self::Ansi)
    }

    /// Fits the colour to what the terminal has. `None` means: leave it alone.
    pub(super) fn fit(self, level: ColourLevel) -> Option<Color> {
        match (self, level) {
            (_, ColourLevel::None) => None,
            (Self::Default, _) => Some(Color::Reset),
            (Self::Ansi(index), _) => Some(ansi_colour(index)),
            (Self::Rgb([r, g, b]), ColourLevel::TrueColour) => Some(Color::Rgb(r, g, b)),
            (Self::Rgb(rgb), ColourLevel::Ansi256) => Some(Color::Indexed(nearest_256(rgb))),
            (Self::Rgb(rgb), ColourLevel::Ansi16) => Some(ansi_colour(nearest_16(rgb))),
        }
    }
}

fn parse_hex(hex: &str) -> Option<[u8; 3]> {
    if !hex.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return None;
    }
    let value = u32::from_str_radix(hex, 16).ok()?;
    match hex.len() {
        3 => Some([8, 4, 0].map(|shift| ((value >> shift) & 0xf) as u8 * 17)),
        6 => Some([16, 8, 0].map(|shift| ((value >> shift) & 0xff) as u8)),
        _ => None,
    }
}

/// One of the 16 as ratatui names it.
fn ansi_colour(index: u8) -> Color {
    match index {
        0 => Color::Black,
        1 => Color::Red,
        2 => Color::Green,
        3 => Color::Yellow,
        4 => Color::Blue,
        5 => Color::Magenta,
        6 => Color::Cyan,
        7 => Color::Gray,
        8 => Color::DarkGray,
        9 => Color::LightRed,
        10 => Color::LightGreen,
        11 => Color::LightYellow,
        12 => Color::LightBlue,
        13 => Color::LightMagenta,
        14 => Color::LightCyan,
        _ => Color::White,
    }
}

/// The values of xterm's colours 16 to 255: a cube of 6³ and 24 greys. The first 16 belong to the user.
pub(super) fn xterm_value(index: u8) -> [u8; 3] {
    let step = |level: u8| if level == 0 { 0 } else { 55 + 40 * level };
    match index {
        0..16 => ANSI_VALUES.get(usize::from(index)).copied().unwrap_or_default(),
        16..232 => {
            let index = index - 16;
            [step(index / 36), step(index / 6 % 6), step(index % 6)]
        }
        232.. => [8 + 10 * (index - 232); 3],
    }
}

fn nearest_256(rgb: [u8; 3]) -> u8 {
    nearest(rgb, 16..=255)
}

fn nearest_16(rgb: [u8; 3]) -> u8 {
    nearest(rgb, (0..16).filter(|index| *index != INVISIBLE))
}

fn nearest(rgb: [u8; 3], palette: impl Iterator<Item = u8>) -> u8 {
    let wanted = oklab(rgb);
    palette
        .map(|index| (distance(wanted, oklab(xterm_value(index))), index))
        .min_by(|a, b| a.0.total_cmp(&b.0))
        .map_or(15, |(_, index)| index)
}

/// One channel of sRGB as light, 0 to 1.
pub(super) fn linear(channel: u8) -> f64 {
    let c = f64::from(channel) / 255.0;
    if c <= 0.040_45 { c / 12.92 } else { ((c + 0.055) / 1.055).powf(2.4) }
}

/// Linear light as `OKLab`: lightness 0 to 1, green to red, blue to yellow.
pub(super) fn oklab_of_light(light: [f64; 3]) -> [f64; 3] {
    // From light to what the three kinds of cone make of it, and from their cube roots to lightness and opponents.
    const CONES: [[f64; 3]; 3] = [
        [0.412_221_470_8, 0.536_332_536_3, 0.051_445_992_9],
        [0.211_903_498_2, 0.680_699_545_1, 0.107_396_956_6],
        [0.088_302_461_9, 0.281_718_837_6, 0.629_978_700_5],
    ];
    const OPPONENTS: [[f64; 3]; 3] = [
        [0.210_454_255_3, 0.793_617_785_0, -0.004_072_046_8],
        [1.977_998_495_1, -2.428_592_205_0, 0.450_593_709_9],
        [0.025_904_037_1, 0.782_771_766_2, -0.808_675_766_0],
    ];
    times(OPPONENTS, times(CONES, light).map(f64::cbrt))
}

/// A matrix times a vector.
pub(super) fn times(matrix: [[f64; 3]; 3], vector: [f64; 3]) -> [f64; 3] {
    matrix.map(|row| row.iter().zip(vector).map(|(weight, value)| weight * value).sum())
}

pub(super) fn oklab(rgb: [u8; 3]) -> [f64; 3] {
    oklab_of_light(rgb.map(linear))
}

pub(super) fn distance(a: [f64; 3], b: [f64; 3]) -> f64 {
    a.iter().zip(b).map(|(a, b)| (a - b).powi(2)).sum::<f64>().sqrt()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn close(a: [f64; 3], b: [f64; 3]) -> bool {
        a.iter().zip(b).all(|(a, b)| (a - b).abs() < 0.001)
    }

    #[test]
    fn oklab_agrees_with_its_published_values() {
        assert!(close(oklab([255, 255, 255]), [1.0, 0.0, 0.0]));
        assert!(close(oklab([0, 0, 0]), [0.0, 0.0, 0.0]));
        // Ottosson's article and CSS Color 4 give these for pure red, green and blue.
        assert!(close(oklab([255, 0, 0]), [0.628, 0.2249, 0.1258]));
        assert!(close(oklab([0, 255, 0]), [0.8664, -0.2339, 0.1795]));
        assert!(close(oklab([0, 0, 255]), [0.452, -0.0325, -0.3115]));
    }

    #[test]
    fn colours_are_read_and_everything_else_is_refused() {
        assert_eq!(Paint::parse("#fff"), Some(Paint::Rgb([255, 255, 255])));
        assert_eq!(Paint::parse("#10151C"), Some(Paint::Rgb([16, 21, 28])));
        assert_eq!(Paint::parse("default"), Some(Paint::Default));
        assert_eq!(Paint::parse("bright-red"), Some(Paint::Ansi(9)));
        for bad in ["", "#", "#12", "#1234", "#12345g", "#+12345", "#1234567", "Red", "grey"] {
            assert_eq!(Paint::parse(bad), None, "{bad}");
        }
    }

    #[test]
    fn smaller_palettes_get_the_nearest_colour_but_never_the_invisible_one() {
        for index in 16..=255 {
            let near = nearest_256(xterm_value(index));
            assert_eq!(xterm_value(near), xterm_value(index), "{index} is in the palette");
        }
        assert_eq!(nearest_16([200, 10, 10]), 1);
        for value in 0..=255 {
            assert_ne!(nearest_16([value; 3]), INVISIBLE);
        }
        assert_eq!(Paint::Rgb([1, 2, 3]).fit(ColourLevel::None), None);
        assert_eq!(Paint::Rgb([1, 2, 3]).fit(ColourLevel::TrueColour), Some(Color::Rgb(1, 2, 3)));
    }
}
