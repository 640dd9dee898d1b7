//! Boxes and geometries.

use serde_json::{Value, json};

use super::number;

/// Deeper geometries are not read; OGC's deepest, a multipolygon, has three levels.
const MAX_POINTS: usize = 2_000;

/// `minx,miny,maxx,maxy`, or six numbers with minz and maxz; minx over maxx spans the antimeridian.
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

/// Well-known text (OGC 06-103r4) as a GeoJSON geometry (RFC 7946).
pub(super) fn wkt(text: &str) -> Option<Value> {
    let (name, rest) = text.trim_matches(' ').split_once('(')?;
    let mut words = name.split_ascii_whitespace();
    let kind = words.next()?.to_ascii_uppercase();
    let has_z = match words.next() {
        None => None,
        Some(word) if word.eq_ignore_ascii_case("z") => Some(true),
        Some(_) => return None,
    };
    if words.next().is_some() {
        return None;
    }
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
        dimension: has_z.map(|_| 3),
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

struct Reading<'a> {
    rest: &'a str,
    points: usize,
    /// Of the first point: the others must have as many numbers.
    dimension: Option<usize>,
}

impl Reading<'_> {
    /// What stands after an opening parenthesis, and the closing one.
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
        // Anybody may send thousands of points, so that each costs as little as it can.
        let mut numbers = [0.0; 3];
        let mut count = 0;
        for word in text.split_ascii_whitespace() {
            *numbers.get_mut(count)? = plain_number(word)?;
            count += 1;
        }
        let dimension = *self.dimension.get_or_insert(count);
        let is_point = count == dimension && (2..=3).contains(&dimension);
        let given = numbers.get(..count).filter(|_| is_point)?;
        Some(given.iter().copied().map(Value::from).collect())
    }

    fn skip(&mut self, c: char) -> Option<()> {
        self.rest = self.rest.trim_start_matches(' ').strip_prefix(c)?;
        Some(())
    }
}

/// WKT's numbers are ASCII, other than Python's.
fn plain_number(text: &str) -> Option<f64> {
    let is_numeral = text
        .bytes()
        .all(|b| b.is_ascii_digit() || b"+-.eE".contains(&b));
    text.parse()
        .ok()
        .filter(|n: &f64| is_numeral && n.is_finite())
}
