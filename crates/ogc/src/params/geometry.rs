//! Bounding boxes and geometries.

use serde_json::{Value, json};

use super::number;

/// Deeper geometries are refused. The deepest of OGC, a multipolygon, has three levels.
const MAX_POINTS: usize = 2_000;

/// `minx,miny,maxx,maxy`, or six numbers with minz and maxz. If minx is greater than maxx, the box crosses the
/// antimeridian.
pub(super) fn bbox(text: &str) -> Option<Value> {
    let mut numbers = [0.0; 6];
    let mut count = 0;
    for part in text.split(',') {
        *numbers.get_mut(count)? = number::finite(part)?;
        count += 1;
    }
    let is_ordered = match (count, numbers) {
        (4, [_, south, _, north, ..]) => south <= north,
        (6, [_, south, low, _, north, high]) => south <= north && low <= high,
        _ => false,
    };
    let given = numbers.get(..count).filter(|_| is_ordered)?;
    Some(given.iter().copied().map(Value::from).collect())
}

/// Parses well-known text (OGC 06-103r4) to a GeoJSON geometry (RFC 7946). Measures (M) are omitted, since GeoJSON has
/// none, and they do not change the place.
pub(super) fn wkt(text: &str) -> Option<Value> {
    let (name, rest) = text.trim_matches(' ').split_once('(')?;
    let (kind, axes) = kind_and_axes(name)?;
    let (kind, depth) = match kind.as_str() {
        "POINT" => ("Point", 0),
        "LINESTRING" => ("LineString", 1),
        "MULTIPOINT" => ("MultiPoint", 1),
        "POLYGON" => ("Polygon", 2),
        "MULTILINESTRING" => ("MultiLineString", 2),
        "MULTIPOLYGON" => ("MultiPolygon", 3),
        _ => return None,
    };
    let mut reading = Reading {
        rest,
        points: 0,
        axes,
    };
    let coordinates = if kind == "Point" {
        let point = reading.point()?;
        reading.skip(')')?;
        point
    } else {
        reading.list(depth, kind == "MultiPoint")?
    };
    if !reading.rest.trim_matches(' ').is_empty() {
        return None;
    }
    Some(json!({ "type": kind, "coordinates": coordinates }))
}

/// The meaning of the numbers of a point, after x and y.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Axes {
    /// The first point determines it: `POINT(1 2 3)` has a height, and `POINT(1 2 3 4)` a measure too.
    Unsaid,
    None,
    Z,
    M,
    Zm,
}

impl Axes {
    /// How many numbers a point has, and how many of them are coordinates.
    fn lengths(self) -> Option<(usize, usize)> {
        match self {
            Self::Unsaid => None,
            Self::None => Some((2, 2)),
            Self::Z => Some((3, 3)),
            Self::M => Some((3, 2)),
            Self::Zm => Some((4, 3)),
        }
    }
}

/// Parses `POINT`, `POINT ZM` or `POINTZM`, in any case.
fn kind_and_axes(name: &str) -> Option<(String, Axes)> {
    let mut words = name.split_ascii_whitespace();
    let mut kind = words.next()?.to_ascii_uppercase();
    let mut axes = match words.next().map(str::to_ascii_uppercase).as_deref() {
        None => Axes::Unsaid,
        Some("Z") => Axes::Z,
        Some("M") => Axes::M,
        Some("ZM") => Axes::Zm,
        Some(_) => return None,
    };
    if words.next().is_some() {
        return None;
    }
    if axes == Axes::Unsaid {
        // No kind of geometry ends in one of these letters. `ZM` is first, because it ends in `M`.
        for (suffix, said) in [("ZM", Axes::Zm), ("Z", Axes::Z), ("M", Axes::M)] {
            if kind.ends_with(suffix) {
                kind.truncate(kind.len() - suffix.len());
                axes = said;
                break;
            }
        }
    }
    Some((kind, axes))
}

struct Reading<'a> {
    rest: &'a str,
    points: usize,
    axes: Axes,
}

impl Reading<'_> {
    /// Parses the text after an opening parenthesis, up to the closing one.
    fn list(&mut self, depth: usize, is_multi_point: bool) -> Option<Value> {
        let mut all = Vec::new();
        loop {
            if depth > 1 {
                self.skip('(')?;
                all.push(self.list(depth - 1, false)?);
            } else if is_multi_point && self.skip('(').is_some() {
                all.push(self.point()?);
                self.skip(')')?;
            } else {
                all.push(self.point()?);
            }
            if self.skip(',').is_none() {
                self.skip(')')?;
                return Some(Value::Array(all));
            }
        }
    }

    fn point(&mut self) -> Option<Value> {
        self.points += 1;
        if self.points > MAX_POINTS {
            return None;
        }
        let end = self.rest.find([',', ')', '('])?;
        let (text, rest) = self.rest.split_at_checked(end)?;
        self.rest = rest;
        // Anybody may send thousands of points, so each must be cheap.
        let mut numbers = [0.0; 4];
        let mut count = 0;
        for word in text.split_ascii_whitespace() {
            *numbers.get_mut(count)? = plain_number(word)?;
            count += 1;
        }
        if self.axes == Axes::Unsaid {
            // The other points must have as many numbers as the first one.
            self.axes = match count {
                2 => Axes::None,
                3 => Axes::Z,
                4 => Axes::Zm,
                _ => return None,
            };
        }
        let (length, shown) = self.axes.lengths()?;
        let given = numbers.get(..shown).filter(|_| count == length)?;
        Some(given.iter().copied().map(Value::from).collect())
    }

    fn skip(&mut self, c: char) -> Option<()> {
        self.rest = self.rest.trim_start_matches(' ').strip_prefix(c)?;
        Some(())
    }
}

/// Numbers of WKT are ASCII only, unlike Python's.
fn plain_number(text: &str) -> Option<f64> {
    let is_numeral = text
        .bytes()
        .all(|b| b.is_ascii_digit() || b"+-.eE".contains(&b));
    text.parse()
        .ok()
        .filter(|n: &f64| is_numeral && n.is_finite())
}
