//! How a cost grows with the work, as a picture in SVG: both axes by powers of ten, or both from zero.

use std::fmt::Write as _;

use serde::{Deserialize, Serialize};

const WIDTH: f64 = 640.0;
const HEIGHT: f64 = 360.0;
const LEFT: f64 = 64.0;
const RIGHT: f64 = 616.0;
const TOP: f64 = 48.0;
const BOTTOM: f64 = 304.0;
/// Told apart by people who see no red or no green, too.
const COLOURS: [&str; 4] = ["#1f4fd8", "#c25700", "#1a7f4b", "#7a3fb0"];

/// A picture of some lines.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Plot {
    /// The name of its file, without the ending.
    pub(super) name: String,
    pub(super) title: String,
    /// What is along each axis, with its unit.
    pub(super) across: String,
    pub(super) up: String,
    pub(super) scale: Scale,
    pub(super) lines: Vec<Line>,
}

/// How the axes are divided.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Scale {
    Powers,
    Even,
}

/// One program's points.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Line {
    pub(super) name: String,
    pub(super) points: Vec<(f64, f64)>,
}

/// One axis: the values at its ends, and those that are written beside it.
#[derive(Debug, Clone, PartialEq)]
struct Axis {
    scale: Scale,
    low: f64,
    high: f64,
    marks: Vec<f64>,
}

impl Plot {
    /// The picture.
    pub(super) fn svg(&self) -> String {
        let points = || self.lines.iter().flat_map(|line| &line.points);
        let across = Axis::of(self.scale, points().map(|point| point.0));
        let up = Axis::of(self.scale, points().map(|point| point.1));
        let place = |&(x, y): &(f64, f64)| {
            (LEFT + across.part(x) * (RIGHT - LEFT), BOTTOM - up.part(y) * (BOTTOM - TOP))
        };
        let mut svg = format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {HEIGHT}\" font-family=\"sans-serif\" \
             font-size=\"12\">\n<title>{}</title>\n<rect width=\"100%\" height=\"100%\" fill=\"#fff\"/>\n\
             <text x=\"{LEFT}\" y=\"24\" font-size=\"15\">{}</text>\n",
            escaped(&self.title),
            escaped(&self.title)
        );
        for mark in &across.marks {
            let x = LEFT + across.part(*mark) * (RIGHT - LEFT);
            let _ = writeln!(
                svg,
                "<path d=\"M{x:.1} {TOP}V{BOTTOM}\" stroke=\"#e2e5ea\"/><text x=\"{x:.1}\" y=\"{:.1}\" \
                 text-anchor=\"middle\">{}</text>",
                BOTTOM + 18.0,
                label(*mark)
            );
        }
        for mark in &up.marks {
            let y = BOTTOM - up.part(*mark) * (BOTTOM - TOP);
            let _ = writeln!(
                svg,
                "<path d=\"M{LEFT} {y:.1}H{RIGHT}\" stroke=\"#e2e5ea\"/><text x=\"{:.1}\" y=\"{:.1}\" \
                 text-anchor=\"end\">{}</text>",
                LEFT - 8.0,
                y + 4.0,
                label(*mark)
            );
        }
        let middle = f64::midpoint(LEFT, RIGHT);
        let _ = writeln!(
            svg,
            "<text x=\"{middle}\" y=\"340\" text-anchor=\"middle\">{}</text>",
            escaped(&self.across)
        );
        let _ = writeln!(svg, "<text x=\"8\" y=\"{:.1}\">{}</text>", TOP - 8.0, escaped(&self.up));
        for (number, line) in self.lines.iter().enumerate() {
            let colour = COLOURS[number % COLOURS.len()];
            let path: Vec<String> =
                line.points.iter().map(place).map(|(x, y)| format!("{x:.1} {y:.1}")).collect();
            let _ = writeln!(
                svg,
                "<path d=\"M{}\" fill=\"none\" stroke=\"{colour}\" stroke-width=\"2\"/>",
                path.join("L")
            );
            for (x, y) in line.points.iter().map(place) {
                let _ = writeln!(svg, "<circle cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"3.5\" fill=\"{colour}\"/>");
            }
            let _ = writeln!(
                svg,
                "<text x=\"{:.1}\" y=\"{:.1}\" fill=\"{colour}\">{}</text>",
                LEFT + 12.0,
                TOP + 18.0 * (number as f64 + 1.0),
                escaped(&line.name)
            );
        }
        svg + "</svg>\n"
    }
}

impl Axis {
    fn of(scale: Scale, values: impl Iterator<Item = f64>) -> Self {
        match scale {
            Scale::Powers => Self::powers(values),
            Scale::Even => Self::even(values),
        }
    }

    /// Whole powers of ten; what is not above zero has no place there.
    fn powers(values: impl Iterator<Item = f64>) -> Self {
        let (mut least, mut most) = (f64::INFINITY, f64::NEG_INFINITY);
        for power in values.filter(|value| *value > 0.0).map(f64::log10) {
            (least, most) = (least.min(power.floor()), most.max(power.ceil()));
        }
        if least > most {
            (least, most) = (0.0, 1.0);
        }
        let most = most.max(least + 1.0);
        let marks =
            std::iter::successors(Some(least), |power| Some(power + 1.0)).take_while(|power| *power <= most);
        Self {
            scale: Scale::Powers,
            low: least,
            high: most,
            marks: marks.map(|power| 10_f64.powf(power)).collect(),
        }
    }

    /// From zero, in four to ten steps of one, two or five.
    fn even(values: impl Iterator<Item = f64>) -> Self {
        let most = values.fold(0.0, f64::max).max(f64::MIN_POSITIVE);
        let power = 10_f64.powf((most / 4.0).log10().floor());
        let step = [5.0, 2.0, 1.0]
            .map(|part| part * power)
            .into_iter()
            .find(|step| most / step >= 4.0)
            .unwrap_or(power);
        let steps = (most / step).ceil();
        let marks =
            std::iter::successors(Some(0.0), |mark| Some(mark + 1.0)).take_while(|mark| *mark <= steps);
        Self {
            scale: Scale::Even,
            low: 0.0,
            high: steps * step,
            marks: marks.map(|mark| mark * step).collect(),
        }
    }

    /// Where a value lies, from 0 to 1.
    fn part(&self, value: f64) -> f64 {
        let value = match self.scale {
            Scale::Powers if value > 0.0 => value.log10(),
            Scale::Powers => self.low,
            Scale::Even => value,
        };
        (value - self.low) / (self.high - self.low)
    }
}

/// A mark's value, with a comma between thousands.
fn label(value: f64) -> String {
    if value < 1.0 && value != 0.0 {
        return format!("{value}");
    }
    let digits = format!("{value:.0}");
    let mut text = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn powers_span_whole_decades() {
        let axis = Axis::powers([30.0, 2_000.0].into_iter());

        assert_eq!(axis.marks.len(), 4, "{axis:?}");
        assert!((axis.part(100.0) - 1.0 / 3.0).abs() < 1e-9, "{axis:?}");
        assert!(axis.part(0.0).abs() < 1e-9, "what has no place is at the end");
    }

    #[test]
    fn even_steps_begin_at_zero_and_hold_the_largest() {
        let axis = Axis::even([3.0, 47.0].into_iter());

        assert!(axis.low.abs() < 1e-9 && axis.high >= 47.0, "{axis:?}");
        assert!((5..=11).contains(&axis.marks.len()), "{axis:?}");
    }

    #[test]
    fn every_line_is_drawn_and_named() {
        let line = |name: &str| Line { name: name.to_owned(), points: vec![(1.0, 2.0), (10.0, 3.0)] };
        let plot = Plot {
            name: "x".to_owned(),
            title: "a < b".to_owned(),
            across: "alerts".to_owned(),
            up: "s".to_owned(),
            scale: Scale::Powers,
            lines: vec![line("ours"), line("today")],
        };

        let svg = plot.svg();

        assert_eq!(svg.matches("<circle").count(), 4);
        assert!(svg.contains(">ours<") && svg.contains(">today<") && svg.contains("a &lt; b"), "{svg}");
    }

    #[test]
    fn thousands_are_told_apart() {
        assert_eq!([0.0, 0.1, 100.0, 100_000.0].map(label), ["0", "0.1", "100", "100,000"]);
    }
}
