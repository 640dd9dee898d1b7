//! Horizontal bars as SVG: the median, with a line from the least to the greatest figure of the rounds.

use std::fmt::Write as _;

use crate::{measure::Bars, spread::Spread};

const LABELS: f64 = 300.0;
const WIDTH: f64 = 380.0;
const ROW: f64 = 28.0;
const TOP: f64 = 40.0;

/// Draws the plot.
pub(crate) fn svg(bars: &Bars) -> String {
    let spreads: Vec<(&str, Spread)> = bars
        .bars
        .iter()
        .filter_map(|(name, values)| Some((name.as_str(), Spread::of(values)?)))
        .collect();
    let greatest = spreads.iter().map(|(_, s)| s.greatest).fold(0.0, f64::max);
    let scale = if greatest > 0.0 {
        WIDTH / greatest
    } else {
        0.0
    };
    let mut rows = String::new();
    let mut top = TOP;
    for (name, spread) in spreads {
        let middle = top + ROW / 2.0;
        let width = (spread.median * scale).max(0.0);
        let ends = [spread.least, spread.greatest].map(|end| LABELS + (end * scale).max(0.0));
        // Writing to a string cannot fail.
        let _ = write!(
            rows,
            r##"<text x="{label}" y="{text}" text-anchor="end">{name}</text>
<rect x="{LABELS}" y="{y}" width="{width:.1}" height="16" fill="#4a7ba6"/>
<line x1="{:.1}" x2="{:.1}" y1="{middle}" y2="{middle}" stroke="#1b1b1b"/>
<text x="{figure:.1}" y="{text}">{:.1} {unit}</text>
"##,
            ends[0],
            ends[1],
            spread.median,
            label = LABELS - 8.0,
            text = middle + 4.0,
            y = middle - 8.0,
            figure = ends[1] + 8.0,
            name = escaped(name),
            unit = escaped(&bars.unit),
        );
        top += ROW;
    }
    format!(
        r##"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 800 {height}" font-family="sans-serif" font-size="12">
<rect width="800" height="{height}" fill="#ffffff"/>
<text x="16" y="24" font-size="15">{title}</text>
{rows}</svg>
"##,
        height = top + 12.0,
        title = escaped(&bars.title),
    )
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
}
