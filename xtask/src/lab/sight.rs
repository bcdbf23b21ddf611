//! What a person sees on the display: what is there that was not there when the desktop was empty.

use crate::desktop::{Picture, Window};

use super::shop::COLOURS;

/// How many rows or columns of the ground lie between two things.
const GAP: u32 = 4;
/// Below this size nothing is readable.
const LEAST: u32 = 40;

/// Larger than that is no icon, smaller neither.
const ICON: std::ops::RangeInclusive<u32> = 8..=48;

/// The popups on the display that were not there before, from top to bottom.
pub(super) fn new_things(before: &Picture, now: &Picture) -> Vec<Window> {
    let mut things = differences(before, now);
    things.retain(|thing| thing.width >= LEAST && thing.height >= LEAST);
    things
}

/// The icons that were not there before.
pub(super) fn small_things(before: &Picture, now: &Picture) -> Vec<Window> {
    let mut things = differences(before, now);
    things.retain(|thing| ICON.contains(&thing.width) && ICON.contains(&thing.height));
    things
}

fn differences(before: &Picture, now: &Picture) -> Vec<Window> {
    let differs = |x: u32, y: u32| before.at(x, y) != now.at(x, y);
    let rows = stretches(now.height, |y| (0..now.width).any(|x| differs(x, y)));
    let mut things = Vec::new();
    for (top, bottom) in rows {
        for (left, right) in stretches(now.width, |x| (top..bottom).any(|y| differs(x, y))) {
            let (width, height) = (right - left, bottom - top);
            let [x, y] = [left, top].map(|place| i32::try_from(place).unwrap_or(i32::MAX));
            things.push(Window { id: String::new(), x, y, width, height });
        }
    }
    things
}

/// How many points changed.
pub(super) fn changed(before: &Picture, now: &Picture) -> usize {
    let points = (0..now.height).flat_map(|y| (0..now.width).map(move |x| (x, y)));
    points.filter(|(x, y)| before.at(*x, *y) != now.at(*x, *y)).count()
}

/// Whether the alerts' picture is to be seen: three of its four colours at least, for a popup may cut it.
pub(super) fn shows_the_picture(picture: &Picture) -> bool {
    COLOURS.iter().filter(|colour| picture.count(**colour, 16) >= 25).count() >= 3
}

/// Where something is along one axis; what is nearer than the gap is one thing.
fn stretches(length: u32, is_there: impl Fn(u32) -> bool) -> Vec<(u32, u32)> {
    let mut found: Vec<(u32, u32)> = Vec::new();
    for place in (0..length).filter(|place| is_there(*place)) {
        match found.last_mut() {
            Some((_, end)) if place - *end < GAP => *end = place + 1,
            _ => found.push((place, place + 1)),
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_near_is_one_thing() {
        let there = [2, 3, 6, 20, 21];

        assert_eq!(stretches(30, |place| there.contains(&place)), [(2, 7), (20, 22)]);
    }
}
