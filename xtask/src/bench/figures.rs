//! What was measured, as numbers: medians, spreads and ratios. Pure; it measures nothing itself.

use serde::{Deserialize, Serialize};

/// One comparison of a row: what ours took in each repetition, and what the other took beside it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Figure {
    /// What was measured, without the row's own words.
    pub(super) what: String,
    /// Such as `MiB`.
    pub(super) unit: String,
    /// One value per repetition; the smaller, the better.
    pub(super) ours: Vec<f64>,
    /// What ours is compared with.
    pub(super) peer: Option<Peer>,
    pub(super) goal: Option<Goal>,
}

/// The other side of a comparison.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Peer {
    pub(super) name: String,
    /// One value per repetition, each taken beside ours of the same place.
    pub(super) values: Vec<f64>,
}

/// What a figure must not exceed.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Goal {
    /// The ratio of the medians.
    Ratio(f64),
    /// The median of ours.
    AtMost(f64),
}

/// A value and the middle half of what it comes from.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Spread {
    pub(super) median: f64,
    pub(super) low: f64,
    pub(super) high: f64,
}

impl Figure {
    /// Ours alone.
    pub(super) fn alone(what: &str, unit: &str, ours: Vec<f64>) -> Self {
        Self { what: what.to_owned(), unit: unit.to_owned(), ours, peer: None, goal: None }
    }

    /// The same beside another's values.
    pub(super) fn against(mut self, name: &str, values: Vec<f64>) -> Self {
        self.peer = Some(Peer { name: name.to_owned(), values });
        self
    }

    /// The same with a goal.
    pub(super) fn goal(mut self, goal: Goal) -> Self {
        self.goal = Some(goal);
        self
    }

    /// The ratio of the medians, and the middle half of the repetitions' own ratios.
    pub(super) fn ratio(&self) -> Option<Spread> {
        let peer = self.peer.as_ref()?;
        let median = spread(&self.ours)?.median / spread(&peer.values)?.median;
        let pairs: Vec<f64> =
            self.ours.iter().zip(&peer.values).map(|(ours, theirs)| ours / theirs).collect();
        let pairs = spread(&pairs)?;
        Some(Spread { median, low: pairs.low, high: pairs.high })
    }

    /// Whether the goal is met, if there is one and anything was measured.
    pub(super) fn is_met(&self) -> Option<bool> {
        match self.goal? {
            Goal::Ratio(most) => Some(self.ratio()?.median <= most),
            Goal::AtMost(most) => Some(spread(&self.ours)?.median <= most),
        }
    }
}

/// The median and the quartiles; none of nothing.
pub(super) fn spread(values: &[f64]) -> Option<Spread> {
    Some(Spread {
        median: quantile(values, 0.5)?,
        low: quantile(values, 0.25)?,
        high: quantile(values, 0.75)?,
    })
}

/// The value below which this part of the values lies, between two of them where it falls there; none of nothing.
pub(super) fn quantile(values: &[f64], part: f64) -> Option<f64> {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let place = part.clamp(0.0, 1.0) * (sorted.len().checked_sub(1)?) as f64;
    #[allow(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "it is between 0 and the length"
    )]
    let below = place.floor() as usize;
    let (low, high) = (*sorted.get(below)?, *sorted.get(below + 1).or(sorted.get(below))?);
    Some(low + (high - low) * place.fract())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_of_an_even_number_lies_between_the_middle_two() {
        assert_eq!(quantile(&[4.0, 1.0, 3.0, 2.0], 0.5), Some(2.5));
        assert_eq!(quantile(&[7.0], 0.99), Some(7.0));
        assert_eq!(quantile(&[], 0.5), None);
    }

    #[test]
    fn the_ratio_is_that_of_the_medians_and_its_spread_that_of_the_pairs() {
        let figure = Figure::alone("a", "ms", vec![1.0, 2.0, 30.0]).against("b", vec![10.0, 10.0, 10.0]);

        let ratio = figure.ratio().unwrap();

        assert!((ratio.median - 0.2).abs() < 1e-9, "{ratio:?}");
        assert!((ratio.low - 0.15).abs() < 1e-9 && (ratio.high - 1.6).abs() < 1e-9, "{ratio:?}");
    }

    #[test]
    fn a_goal_is_met_by_the_ratio_or_by_the_value_itself() {
        let figure = Figure::alone("a", "ms", vec![1.0, 1.0]).against("b", vec![2.0, 2.0]);

        assert_eq!(figure.clone().is_met(), None);
        assert_eq!(figure.clone().goal(Goal::Ratio(0.5)).is_met(), Some(true));
        assert_eq!(figure.clone().goal(Goal::Ratio(0.4)).is_met(), Some(false));
        assert_eq!(figure.goal(Goal::AtMost(1.0)).is_met(), Some(true));
    }
}
