//! The characters that carry meaning, in two alphabets. Every one is exactly one column wide, so that a view may swap
//! alphabets without measuring anything again. A status is always a glyph *and* a word; the glyph alone is never enough.

/// One alphabet of glyphs. Views take them from [`super::Theme::glyphs`] and never write their own.
#[derive(Debug, PartialEq, Eq)]
pub struct Glyphs {
    /// A host, member or service that is alive.
    pub live: &'static str,
    /// On its way: booting, syncing, waiting.
    pub pending: &'static str,
    /// Nothing is known about it.
    pub unknown: &'static str,
    /// Down, closed, a hard reason.
    pub failed: &'static str,
    /// Done, open, as it should be.
    pub ok: &'static str,
    /// At risk, a soft reason.
    pub warning: &'static str,
    /// A plain event in a list.
    pub note: &'static str,
    /// The pool's coordinator.
    pub coordinator: &'static str,
    /// Marks the row under the cursor, so that a selection is seen without any colour.
    pub cursor: &'static str,
    /// A ticked box or an accepted reason.
    pub marked: &'static str,
    /// Something happened here, on a time line.
    pub marker: &'static str,
    /// The eight heights of a sparkline, lowest first.
    pub bars: [&'static str; 8],
    /// Where a sparkline has no sample.
    pub gap: &'static str,
    /// One full column of a gauge.
    pub gauge_full: &'static str,
    /// One to seven eighths of a column of a gauge.
    pub gauge_parts: [&'static str; 7],
    /// One empty column of a gauge.
    pub gauge_empty: &'static str,
    /// Time goes on to the left.
    pub arrow_left: &'static str,
    /// Time goes on to the right; also "to" between two hosts' names on a time line.
    pub arrow_right: &'static str,
    /// From one thing to another, as in `xcp1 → xcp2`.
    pub to: &'static str,
    /// Sorted ascending; more above.
    pub arrow_up: &'static str,
    /// Sorted descending; more below.
    pub arrow_down: &'static str,
    /// Text was cut here.
    pub ellipsis: &'static str,
    /// Between parts of one line.
    pub separator: &'static str,
    /// Between small facts of one line, as in `41 MB/s · 14 of 22`.
    pub dot: &'static str,
    /// A line across the screen.
    pub rule: &'static str,
    /// A line down the screen.
    pub rule_down: &'static str,
    /// The moving part of a scroll bar.
    pub scroll_thumb: &'static str,
    /// The fixed part of a scroll bar.
    pub scroll_track: &'static str,
    /// Work without a known length, one step after the other.
    pub spinner: [&'static str; 4],
}

/// For terminals and fonts that have them.
pub const UNICODE: Glyphs = Glyphs {
    live: "●",
    pending: "◐",
    unknown: "○",
    failed: "✗",
    ok: "✓",
    warning: "▲",
    note: "·",
    coordinator: "♛",
    cursor: "▸",
    marked: "■",
    marker: "┆",
    bars: ["▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"],
    gap: " ",
    gauge_full: "█",
    gauge_parts: ["▏", "▎", "▍", "▌", "▋", "▊", "▉"],
    gauge_empty: "·",
    arrow_left: "◂",
    arrow_right: "▸",
    to: "→",
    arrow_up: "↑",
    arrow_down: "↓",
    ellipsis: "…",
    separator: "│",
    dot: "·",
    rule: "─",
    rule_down: "│",
    scroll_thumb: "█",
    scroll_track: "│",
    spinner: ["◐", "◓", "◑", "◒"],
};

/// For everything else: serial consoles, the Linux console, C locales, fonts without symbols, East Asian locales where
/// the symbols above take two columns.
pub const ASCII: Glyphs = Glyphs {
    live: "*",
    pending: "~",
    unknown: "o",
    failed: "x",
    ok: "v",
    warning: "!",
    note: "-",
    coordinator: "M",
    cursor: ">",
    marked: "#",
    marker: ":",
    bars: ["_", ".", "-", "~", "=", "+", "*", "#"],
    gap: " ",
    gauge_full: "#",
    gauge_parts: [".", ".", "-", "-", "=", "=", "="],
    gauge_empty: ".",
    arrow_left: "<",
    arrow_right: ">",
    to: ">",
    arrow_up: "^",
    arrow_down: "v",
    ellipsis: "~",
    separator: "|",
    dot: "-",
    rule: "-",
    rule_down: "|",
    scroll_thumb: "#",
    scroll_track: "|",
    spinner: ["|", "/", "-", "\\"],
};

impl Glyphs {
    /// Every glyph with its name, for the documentation and for tests.
    pub fn all(&self) -> Vec<(&'static str, &'static str)> {
        let mut all = vec![
            ("live", self.live),
            ("pending", self.pending),
            ("unknown", self.unknown),
            ("failed", self.failed),
            ("ok", self.ok),
            ("warning", self.warning),
            ("note", self.note),
            ("coordinator", self.coordinator),
            ("cursor", self.cursor),
            ("marked", self.marked),
            ("marker", self.marker),
            ("gap", self.gap),
            ("gauge_full", self.gauge_full),
            ("gauge_empty", self.gauge_empty),
            ("arrow_left", self.arrow_left),
            ("arrow_right", self.arrow_right),
            ("to", self.to),
            ("arrow_up", self.arrow_up),
            ("arrow_down", self.arrow_down),
            ("ellipsis", self.ellipsis),
            ("separator", self.separator),
            ("dot", self.dot),
            ("rule", self.rule),
            ("rule_down", self.rule_down),
            ("scroll_thumb", self.scroll_thumb),
            ("scroll_track", self.scroll_track),
        ];
        all.extend(self.bars.iter().map(|glyph| ("bars", *glyph)));
        all.extend(self.gauge_parts.iter().map(|glyph| ("gauge_parts", *glyph)));
        all.extend(self.spinner.iter().map(|glyph| ("spinner", *glyph)));
        all
    }

    /// The sparkline character for `fraction` of the highest value. What is not a number is a [`Glyphs::gap`].
    pub fn bar(&self, fraction: f64) -> &'static str {
        if fraction.is_nan() {
            return self.gap;
        }
        let step = (fraction.clamp(0.0, 1.0) * 8.0).floor().min(7.0) as usize;
        self.bars.get(step).copied().unwrap_or(self.gap)
    }

    /// A gauge of `width` columns, split into its filled and its empty part, to be drawn in two styles. Anything above
    /// zero shows at least a sliver; only what is complete looks complete. What is not a number is empty.
    pub fn gauge(&self, fraction: f64, width: usize) -> (String, String) {
        let fraction = if fraction.is_nan() { 0.0 } else { fraction.clamp(0.0, 1.0) };
        let eighths = (fraction * (width * 8) as f64).floor() as usize;
        let eighths = if fraction > 0.0 && width > 0 { eighths.max(1) } else { eighths };
        let eighths = if fraction < 1.0 { eighths.min((width * 8).saturating_sub(1)) } else { eighths };
        let mut filled = self.gauge_full.repeat(eighths / 8);
        let mut columns = eighths / 8;
        if let Some(part) = (eighths % 8).checked_sub(1).and_then(|part| self.gauge_parts.get(part)) {
            filled.push_str(part);
            columns += 1;
        }
        (filled, self.gauge_empty.repeat(width.saturating_sub(columns)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use unicode_width::UnicodeWidthStr;

    #[test]
    fn every_glyph_is_one_column_and_the_fall_back_is_ascii() {
        for (name, glyph) in UNICODE.all() {
            assert_eq!(glyph.width(), 1, "{name} {glyph:?}");
        }
        for (name, glyph) in ASCII.all() {
            assert!(glyph.len() == 1 && glyph.is_ascii(), "{name} {glyph:?}");
        }
    }

    #[test]
    fn the_statuses_are_told_apart_by_their_glyphs_in_both_alphabets() {
        for glyphs in [&UNICODE, &ASCII] {
            let mut all = [
                glyphs.live,
                glyphs.pending,
                glyphs.unknown,
                glyphs.failed,
                glyphs.ok,
                glyphs.warning,
                glyphs.note,
                glyphs.coordinator,
            ];
            all.sort_unstable();
            assert!(all.windows(2).all(|pair| pair[0] != pair[1]), "{all:?}");
        }
    }

    #[test]
    fn a_gauge_always_has_its_width_and_only_full_looks_full() {
        for glyphs in [&UNICODE, &ASCII] {
            for width in 0..12 {
                for step in 0..=200 {
                    let fraction = f64::from(step) / 200.0;
                    let (filled, empty) = glyphs.gauge(fraction, width);
                    assert_eq!(filled.width() + empty.width(), width, "{fraction} {width}");
                    let looks_full = width > 0 && filled == glyphs.gauge_full.repeat(width);
                    assert_eq!(looks_full, width > 0 && step == 200, "{fraction} {width} {filled:?}");
                    assert_eq!(filled.is_empty(), width == 0 || step == 0);
                }
            }
        }
        assert_eq!(UNICODE.gauge(0.63, 9), ("█████▋".to_owned(), "···".to_owned()));
        assert_eq!(UNICODE.gauge(f64::NAN, 3), (String::new(), "···".to_owned()));
        assert_eq!(UNICODE.gauge(f64::INFINITY, 2).0, "██");
        assert_eq!(ASCII.gauge(0.5, 4), ("##".to_owned(), "..".to_owned()));
    }

    #[test]
    fn bars_span_the_range_and_a_missing_sample_is_a_gap() {
        assert_eq!(UNICODE.bar(0.0), "▁");
        assert_eq!(UNICODE.bar(1.0), "█");
        assert_eq!(UNICODE.bar(-3.0), "▁");
        assert_eq!(UNICODE.bar(f64::NAN), " ");
        assert_eq!(ASCII.bar(0.5), "=");
    }
}
