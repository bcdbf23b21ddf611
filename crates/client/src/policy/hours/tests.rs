use proptest::prelude::*;

use super::*;

const SHOP: &str = "Mo-Fr 08:00-20:00; Sa 08:00-12:00,14:00-18:00; Su off";

#[test]
fn a_shop_is_open_in_its_spans_and_closed_between_them() {
    let hours = hours(SHOP);

    // 2026-06-01 is a Monday.
    for (at, is_open) in [
        ("2026-06-01T07:59", false),
        ("2026-06-01T08:00", true),
        ("2026-06-01T19:59", true),
        ("2026-06-01T20:00", false),
        ("2026-06-06T11:59", true),
        ("2026-06-06T13:00", false),
        ("2026-06-06T14:00", true),
        ("2026-06-07T12:00", false),
    ] {
        assert_eq!(hours.is_open(berlin(at), &zone("Europe/Berlin")), is_open, "{at}");
    }
}

#[test]
fn it_is_known_when_it_closes_and_opens_next() {
    let hours = hours(SHOP);
    let berlin_zone = zone("Europe/Berlin");

    for (at, closes, opens) in [
        ("2026-06-01T12:00", "2026-06-01T20:00", "2026-06-02T08:00"),
        ("2026-06-01T06:00", "2026-06-01T20:00", "2026-06-01T08:00"),
        ("2026-06-06T13:00", "2026-06-06T18:00", "2026-06-06T14:00"),
        // Over the closed Sunday.
        ("2026-06-06T18:00", "2026-06-08T20:00", "2026-06-08T08:00"),
    ] {
        assert_eq!(hours.next_closing(berlin(at), &berlin_zone), Some(berlin(closes)), "{at}");
        assert_eq!(hours.next_opening(berlin(at), &berlin_zone), Some(berlin(opens)), "{at}");
    }
}

#[test]
fn a_span_over_midnight_belongs_to_the_day_on_which_it_begins() {
    let hours = hours("Fr 18:00-02:00");
    let berlin_zone = zone("Europe/Berlin");

    for (at, is_open) in [
        ("2026-06-05T17:59", false),
        ("2026-06-05T23:59", true),
        ("2026-06-06T00:00", true),
        ("2026-06-06T01:59", true),
        ("2026-06-06T02:00", false),
        // Friday's own early hours are Thursday's night.
        ("2026-06-05T01:00", false),
    ] {
        assert_eq!(hours.is_open(berlin(at), &berlin_zone), is_open, "{at}");
    }
    assert_eq!(
        hours.next_closing(berlin("2026-06-05T20:00"), &berlin_zone),
        Some(berlin("2026-06-06T02:00"))
    );
}

#[test]
fn days_that_touch_at_midnight_are_one_and_what_is_always_open_never_closes() {
    let berlin_zone = zone("Europe/Berlin");
    let weekend = hours("Sa-Su 00:00-24:00");
    let always = hours("24/7");

    assert_eq!(
        weekend.next_closing(berlin("2026-06-06T10:00"), &berlin_zone),
        Some(berlin("2026-06-08T00:00"))
    );
    assert!(always.is_open(berlin("2026-06-06T00:00"), &berlin_zone));
    assert_eq!(always.next_closing(berlin("2026-06-06T10:00"), &berlin_zone), None);
    assert_eq!(always.next_opening(berlin("2026-06-06T10:00"), &berlin_zone), None);
}

#[test]
fn a_shop_that_is_closed_for_good_neither_opens_nor_closes() {
    let (closed, berlin_zone) = (hours("Mo-Su off"), zone("Europe/Berlin"));
    let at = berlin("2026-06-06T10:00");

    assert!(!closed.is_open(at, &berlin_zone));
    assert_eq!((closed.next_closing(at, &berlin_zone), closed.next_opening(at, &berlin_zone)), (None, None));
}

#[test]
fn the_day_on_which_clocks_go_forward_is_an_hour_shorter() {
    let (night, berlin_zone) = (hours("Sa 22:00-06:00"), zone("Europe/Berlin"));
    // In the night to 2026-03-29, two o'clock is three o'clock.
    let opened = berlin("2026-03-28T22:00");

    let closes = night.next_closing(opened, &berlin_zone).unwrap();

    assert_eq!(closes, berlin("2026-03-29T06:00"));
    assert_eq!(closes.duration_since(opened).as_hours(), 7);
}

#[test]
fn the_day_on_which_clocks_go_back_is_an_hour_longer() {
    let (night, berlin_zone) = (hours("Sa 22:00-06:00"), zone("Europe/Berlin"));
    // In the night to 2026-10-25, three o'clock is two o'clock again.
    let opened = berlin("2026-10-24T22:00");

    let closes = night.next_closing(opened, &berlin_zone).unwrap();

    assert_eq!(closes.duration_since(opened).as_hours(), 9);
    assert!(night.is_open(closes - jiff::SignedDuration::from_mins(1), &berlin_zone));
}

#[test]
fn a_span_that_ends_in_an_hour_that_is_left_out_or_comes_twice_has_one_end() {
    let (bar, berlin_zone) = (hours("Sa 22:00-02:30"), zone("Europe/Berlin"));
    let lasts = |opened: &str| {
        let opened = berlin(opened);
        bar.next_closing(opened, &berlin_zone).unwrap().duration_since(opened).as_mins()
    };

    assert_eq!(lasts("2026-03-28T22:00"), 270, "as long as ever");
    assert_eq!(lasts("2026-10-24T22:00"), 270, "to the first half past two");
}

#[test]
fn a_span_within_the_hour_that_is_left_out_is_read_an_hour_later() {
    let (odd, berlin_zone) = (hours("Su 02:00-03:00"), zone("Europe/Berlin"));

    // From what would be two to what is three: nothing is left.
    assert!(!odd.is_open(berlin("2026-03-29T03:30"), &berlin_zone));
    assert_eq!(odd.next_opening(berlin("2026-03-28T12:00"), &berlin_zone), Some(berlin("2026-04-05T02:00")));
}

#[test]
fn a_midnight_that_does_not_exist_is_no_obstacle() {
    // In Lebanon clocks go forward at midnight.
    let (always, beirut) = (hours("Mo-Su 00:00-24:00"), zone("Asia/Beirut"));
    let at = moment(Date::constant(2026, 3, 29), 90, &beirut).unwrap();

    assert!(always.is_open(at, &beirut));
    assert_eq!(always.next_closing(at, &beirut), None);
}

#[test]
fn hours_are_read_as_people_write_them() {
    let shop = hours(SHOP);
    for same in [
        "mo-fr 8:00-20:00; sa 8:00-12:00, 14:00-18:00",
        "Mo-Sa 08:00–20:00; Sat 14:00-18:00, 08:00-12:00;",
        "Monday, Tuesday, We-Fr: 08:00-20:00; Saturday 08:00-12:00,14:00-18:00; Su closed",
    ] {
        assert_eq!(Hours::read(same).as_ref(), Some(&shop), "{same}");
    }
    assert_eq!(hours("Sa-Mo 10:00-12:00"), hours("Sa,Su,Mo 10:00-12:00"));
    assert_eq!(hours("08:00-20:00"), hours("Mo-Su 08:00-20:00"));
    assert_eq!(shop.to_string(), SHOP);
}

#[test]
fn what_is_no_hours_is_not_read() {
    for text in [
        "",
        ";",
        "always",
        "Mo",
        "Mo-Fr",
        "Mo 8-20",
        "Mo 08:00",
        "Mo 08:00-08:00",
        "Mo 24:00-08:00",
        "Mo 08:00-25:00",
        "Mo 08:60-20:00",
        "PH off",
        "Xx 08:00-20:00",
        "Mo 08:00-20:00 Tu",
        "Mo 08:00-20:00,",
        "T 08:00-20:00",
        "Mo 0800-2000",
        "Mo +8:00-20:00",
        "Mo-Tu-We 08:00-20:00",
        "Mo 08:00-12:00-20:00",
    ] {
        assert_eq!(Hours::read(text), None, "{text}");
    }
    assert_eq!(Hours::of_days(&["08:00-20:00"]), None, "a week has seven days");
}

proptest! {
    #[test]
    fn what_is_written_is_read_back(hours in any_hours()) {
        prop_assert_eq!(Hours::read(&hours.to_string()), Some(hours.clone()));
        prop_assert_eq!(Hours::of_days(&hours.days()), Some(hours));
    }

    #[test]
    fn nothing_that_is_read_panics(text in "[MoTuWeSa0-9:;, -]{0,40}", at in -200_000_000_000..200_000_000_000i64) {
        let at = Timestamp::from_second(at).unwrap();
        if let Some(hours) = Hours::read(&text) {
            let zone = zone("Europe/Berlin");
            let _ = (hours.is_open(at, &zone), hours.next_closing(at, &zone), hours.next_opening(at, &zone));
        }
    }

    /// On days without a change of the clocks the wall clock alone says whether it is open.
    #[test]
    fn the_wall_clock_says_it(hours in any_hours(), place in 0..ZONES.len(), at in 1_700_000_000..1_800_000_000i64) {
        let (zone, at) = (zone(ZONES[place]), Timestamp::from_second(at).unwrap());
        let two_days = jiff::SignedDuration::from_hours(48);
        let offset = |at: Timestamp| zone.to_offset(at);
        prop_assume!(offset(at - two_days) == offset(at) && offset(at + two_days) == offset(at));

        let here = at.to_zoned_datetime(zone.clone());
        let minute = u16::try_from(here.hour()).unwrap() * 60 + u16::try_from(here.minute()).unwrap();
        let today = number(here.weekday());
        let yesterday = (today + 6) % 7;
        let is_over = |span: &Span| span.to <= span.from;
        let expected = hours.days[today].iter().any(|span| span.from <= minute && (is_over(span) || minute < span.to))
            || hours.days[yesterday].iter().any(|span| is_over(span) && minute < span.to);

        prop_assert_eq!(hours.is_open(at, &zone), expected);
    }

    /// Also where clocks change.
    #[test]
    fn it_stays_as_it_is_until_it_closes_or_opens(hours in any_hours(), place in 0..ZONES.len(), at in 1_700_000_000..1_800_000_000i64) {
        let (zone, at) = (zone(ZONES[place]), Timestamp::from_second(at).unwrap());
        let just_before = |at: Timestamp| at - jiff::SignedDuration::from_secs(1);

        if let Some(closes) = hours.next_closing(at, &zone) {
            prop_assert!(closes > at && !hours.is_open(closes, &zone) && hours.is_open(just_before(closes), &zone));
        }
        if let Some(opens) = hours.next_opening(at, &zone) {
            prop_assert!(opens > at && hours.is_open(opens, &zone) && !hours.is_open(just_before(opens), &zone));
            let closes = hours.next_closing(at, &zone);
            prop_assert_eq!(hours.is_open(at, &zone), closes.is_some_and(|closes| closes < opens));
        }
    }
}

const ZONES: [&str; 6] =
    ["Europe/Berlin", "America/New_York", "Asia/Kolkata", "Australia/Lord_Howe", "Asia/Beirut", "UTC"];

fn any_hours() -> impl Strategy<Value = Hours> {
    let span = (0..DAY, 0..=DAY).prop_filter("it has a length", |(from, to)| from != to);
    let day =
        proptest::collection::vec(span.prop_map(|(from, to)| Span { from, to }), 0..3).prop_map(|mut day| {
            day.sort_unstable();
            day
        });
    proptest::array::uniform7(day).prop_map(|days| Hours { days })
}

fn hours(text: &str) -> Hours {
    Hours::read(text).unwrap_or_else(|| panic!("{text} is not read"))
}

fn zone(name: &str) -> TimeZone {
    TimeZone::get(name).unwrap()
}

fn berlin(at: &str) -> Timestamp {
    let at: jiff::civil::DateTime = at.parse().unwrap();
    zone("Europe/Berlin").to_zoned_datetime(at).unwrap().timestamp()
}
