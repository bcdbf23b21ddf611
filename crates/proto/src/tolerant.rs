//! Reading JSON that may hold anything anywhere: a value of an unexpected type reads as absent, unknown fields are
//! skipped without building a tree, a key given twice counts as its last.
//!
//! Texts that serde refuses for what Python writes (bare `NaN`, a number too large, half a surrogate pair) are repaired
//! and read again.

use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;

use serde::de::{Deserialize, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};

/// Reads a text, if need be a second time after a repair, and says whether it was repaired; the error is the column
/// where reading stopped.
pub(crate) fn read<T: Tolerant>(text: &str) -> Result<(T, bool), usize> {
    let text = text.trim_start_matches('\u{feff}');
    match serde_json::from_str::<Any<T>>(text) {
        Ok(value) => Ok((value.0, false)),
        Err(error) => match serde_json::from_str::<Any<T>>(&repair(text)) {
            Ok(value) => Ok((value.0, true)),
            Err(_) => Err(error.column()),
        },
    }
}

/// What can be read from any JSON value: each kind of value that a type does not speak of reads as its default.
pub(crate) trait Tolerant: Default {
    fn from_text(_: &str) -> Self {
        Self::default()
    }

    fn from_integer(_: i64) -> Self {
        Self::default()
    }

    fn from_float(_: f64) -> Self {
        Self::default()
    }

    fn from_flag(_: bool) -> Self {
        Self::default()
    }

    fn from_list<'de, A: SeqAccess<'de>>(mut list: A) -> Result<Self, A::Error> {
        while list.next_element::<IgnoredAny>()?.is_some() {}
        Ok(Self::default())
    }

    fn from_object<'de, A: MapAccess<'de>>(mut map: A) -> Result<Self, A::Error> {
        while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(Self::default())
    }
}

/// An object whose known fields are read one by one.
pub(crate) trait Object: Default {
    /// Takes the value of `key` from `map` if the key is known; otherwise leaves `map` alone and returns false.
    fn field<'de, A: MapAccess<'de>>(&mut self, key: &str, map: &mut A) -> Result<bool, A::Error>;
}

/// The value of the key that was just read.
pub(crate) fn value<'de, T: Tolerant, A: MapAccess<'de>>(map: &mut A) -> Result<T, A::Error> {
    Ok(map.next_value::<Any<T>>()?.0)
}

/// An object, or nothing where something else stands.
impl<T: Object> Tolerant for Option<T> {
    fn from_object<'de, A: MapAccess<'de>>(mut map: A) -> Result<Self, A::Error> {
        let mut object = T::default();
        while let Some(Key(key)) = map.next_key()? {
            if !object.field(&key, &mut map)? {
                map.next_value::<IgnoredAny>()?;
            }
        }
        Ok(Some(object))
    }
}

/// A list, empty where something else stands.
impl<T: Tolerant> Tolerant for Vec<T> {
    fn from_list<'de, A: SeqAccess<'de>>(mut list: A) -> Result<Self, A::Error> {
        let mut values = Vec::new();
        while let Some(Any(value)) = list.next_element()? {
            values.push(value);
        }
        Ok(values)
    }
}

/// A text.
#[derive(Debug, Default)]
pub(crate) struct Text(pub Option<String>);

impl Tolerant for Text {
    fn from_text(text: &str) -> Text {
        Text(Some(text.to_owned()))
    }
}

impl Text {
    /// The first `limit` characters, unless there are none but blanks.
    pub(crate) fn cut(self, limit: usize) -> Option<String> {
        let mut text = self.0.filter(|text| !text.trim().is_empty())?;
        if let Some((end, _)) = text.char_indices().nth(limit) {
            text.truncate(end);
        }
        Some(text)
    }
}

/// A name for something: a text, or a number's digits.
#[derive(Debug, Default)]
pub(crate) struct Name(pub Option<String>);

impl Tolerant for Name {
    fn from_text(text: &str) -> Name {
        Name(Some(text.to_owned()))
    }

    fn from_integer(number: i64) -> Name {
        Name(Some(number.to_string()))
    }
}

/// A whole number, also as `1.0` or `"3"`.
#[derive(Debug, Default, Clone, Copy)]
pub(crate) struct Integer(pub Option<i64>);

impl Tolerant for Integer {
    fn from_text(text: &str) -> Integer {
        let text = text.trim();
        match text.parse() {
            Ok(number) => Integer(Some(number)),
            Err(_) => text.parse().map_or(Integer(None), Integer::from_float),
        }
    }

    fn from_integer(number: i64) -> Integer {
        Integer(Some(number))
    }

    fn from_float(number: f64) -> Integer {
        /// Beyond this, floats no longer count one by one.
        const EXACT: f64 = 9_007_199_254_740_992.0;
        Integer((number.fract() == 0.0 && number.abs() <= EXACT).then_some(number as i64))
    }
}

/// A finite number, also as `"3.5"`.
#[derive(Debug, Default, Clone, Copy)]
pub(crate) struct Number(pub Option<f64>);

impl Tolerant for Number {
    fn from_text(text: &str) -> Number {
        text.trim().parse().map_or(Number(None), Number::from_float)
    }

    fn from_integer(number: i64) -> Number {
        Number(Some(number as f64))
    }

    fn from_float(number: f64) -> Number {
        Number(number.is_finite().then_some(number))
    }
}

/// Yes or no.
#[derive(Debug, Default, Clone, Copy)]
pub(crate) struct Flag(pub Option<bool>);

impl Tolerant for Flag {
    fn from_flag(flag: bool) -> Flag {
        Flag(Some(flag))
    }
}

struct Any<T>(T);

impl<'de, T: Tolerant> Deserialize<'de> for Any<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(AnyValue(PhantomData)).map(Any)
    }
}

struct AnyValue<T>(PhantomData<T>);

impl<'de, T: Tolerant> Visitor<'de> for AnyValue<T> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any value")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<T, E> {
        Ok(T::from_text(text))
    }

    fn visit_i64<E: Error>(self, number: i64) -> Result<T, E> {
        Ok(T::from_integer(number))
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<T, E> {
        Ok(i64::try_from(number).map_or_else(|_| T::from_float(number as f64), T::from_integer))
    }

    fn visit_f64<E: Error>(self, number: f64) -> Result<T, E> {
        Ok(T::from_float(number))
    }

    fn visit_bool<E: Error>(self, flag: bool) -> Result<T, E> {
        Ok(T::from_flag(flag))
    }

    fn visit_unit<E: Error>(self) -> Result<T, E> {
        Ok(T::default())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, list: A) -> Result<T, A::Error> {
        T::from_list(list)
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<T, A::Error> {
        T::from_object(map)
    }
}

/// An object's key, borrowed where it has no escapes.
struct Key<'de>(Cow<'de, str>);

impl<'de> Deserialize<'de> for Key<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct KeyText;

        impl<'de> Visitor<'de> for KeyText {
            type Value = Key<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a key")
            }

            fn visit_borrowed_str<E: Error>(self, text: &'de str) -> Result<Key<'de>, E> {
                Ok(Key(Cow::Borrowed(text)))
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<Key<'de>, E> {
                Ok(Key(Cow::Owned(text.to_owned())))
            }
        }

        deserializer.deserialize_str(KeyText)
    }
}

/// The same text with `null` for what is no JSON number, U+FFFD for half a surrogate pair, and blanks for raw control
/// characters in strings.
pub fn repair(text: &str) -> String {
    let mut repaired = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find(|c: char| matches!(c, '"' | 'N' | 'I' | '-' | '0'..='9')) {
        repaired.push_str(&rest[..at]);
        rest = &rest[at..];
        rest = match rest.strip_prefix('"') {
            Some(inside) => {
                repaired.push('"');
                repair_string(inside, &mut repaired)
            }
            None => repair_number(rest, &mut repaired),
        };
    }
    repaired.push_str(rest);
    repaired
}

/// Copies up to and with the closing quote; returns what follows it.
fn repair_string<'a>(mut rest: &'a str, repaired: &mut String) -> &'a str {
    while let Some(at) = rest.find(|c: char| c == '"' || c == '\\' || c < ' ') {
        repaired.push_str(&rest[..at]);
        let stop = rest.as_bytes()[at];
        if stop == b'"' {
            repaired.push('"');
            return &rest[at + 1..];
        }
        rest = if stop == b'\\' {
            repair_escape(&rest[at..], repaired)
        } else {
            repaired.push(' ');
            &rest[at + 1..]
        };
    }
    repaired.push_str(rest);
    ""
}

/// Copies one escape, or a whole surrogate pair; returns what follows it.
fn repair_escape<'a>(rest: &'a str, repaired: &mut String) -> &'a str {
    let Some(unit) = code_unit(rest) else {
        let length = 1 + rest[1..].chars().next().map_or(0, char::len_utf8);
        repaired.push_str(&rest[..length]);
        return &rest[length..];
    };
    let is_pair = matches!(unit, 0xD800..0xDC00) && matches!(code_unit(&rest[6..]), Some(0xDC00..0xE000));
    if is_pair {
        repaired.push_str(&rest[..12]);
        return &rest[12..];
    }
    match unit {
        0xD800..0xE000 => repaired.push('\u{fffd}'),
        _ => repaired.push_str(&rest[..6]),
    }
    &rest[6..]
}

/// The number of a leading `\uXXXX`.
fn code_unit(text: &str) -> Option<u16> {
    let digits = text.strip_prefix("\\u")?.get(..4)?;
    u16::from_str_radix(digits, 16).ok()
}

/// Copies a number if it is one that floats can hold; returns what follows it.
fn repair_number<'a>(rest: &'a str, repaired: &mut String) -> &'a str {
    for word in ["NaN", "Infinity", "-NaN", "-Infinity"] {
        if let Some(rest) = rest.strip_prefix(word) {
            repaired.push_str("null");
            return rest;
        }
    }
    let length = 1 + rest[1..]
        .find(|c: char| !matches!(c, '0'..='9' | '.' | 'e' | 'E' | '+' | '-'))
        .unwrap_or(rest.len() - 1);
    let (number, rest) = rest.split_at(length);
    match number.parse::<f64>() {
        Ok(value) if value.is_infinite() => repaired.push_str("null"),
        Ok(_) | Err(_) => repaired.push_str(number),
    }
    rest
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_python_writes_for_no_number_becomes_null() {
        assert_eq!(repair(r#"{"a":NaN,"b":[Infinity,-Infinity]}"#), r#"{"a":null,"b":[null,null]}"#);
        assert_eq!(repair(r#"{"a":1e400,"b":-1e999,"c":1e5}"#), r#"{"a":null,"b":null,"c":1e5}"#);
    }

    #[test]
    fn inside_a_string_nothing_is_taken_for_a_number() {
        let text = r#"{"a":"NaN \" Infinity","b\\":"-Infinity 1e999"}"#;

        assert_eq!(repair(text), text);
    }

    #[test]
    fn half_a_surrogate_pair_becomes_a_replacement_character() {
        assert_eq!(
            repair(r#"["\ud83d\ude00 \ud83d \ude00 \ud83dx"]"#),
            "[\"\\ud83d\\ude00 \u{fffd} \u{fffd} \u{fffd}x\"]"
        );
    }

    #[test]
    fn raw_control_characters_become_blanks() {
        assert_eq!(repair("{\n\"a\":\"x\ny\u{1b}\"}"), "{\n\"a\":\"x y \"}");
    }

    #[test]
    fn a_text_is_cut_between_characters() {
        assert_eq!(Text(Some("añ😀b".to_owned())).cut(3).as_deref(), Some("añ😀"));
        assert_eq!(Text(Some("añ".to_owned())).cut(3).as_deref(), Some("añ"));
        assert_eq!(Text(Some(" \n".to_owned())).cut(3), None);
    }

    proptest! {
        #[test]
        fn repairing_leaves_what_is_json_as_it_is(text in json()) {
            prop_assert_eq!(repair(&text), text);
        }

        #[test]
        fn repairing_never_panics(text in "[\"\\\\uNaIinfty0-9dDcC89eE.+\\-{}:,😀\\x00 ]{0,80}") {
            repair(&text);
        }
    }

    fn json() -> impl Strategy<Value = String> {
        let leaf = prop_oneof![
            Just(serde_json::Value::Null),
            any::<bool>().prop_map(serde_json::Value::from),
            any::<f64>().prop_map(serde_json::Value::from),
            any::<i64>().prop_map(serde_json::Value::from),
            any::<String>().prop_map(serde_json::Value::from),
        ];
        leaf.prop_recursive(3, 20, 5, |inner| {
            prop_oneof![
                proptest::collection::vec(inner.clone(), 0..5).prop_map(serde_json::Value::from),
                proptest::collection::hash_map(any::<String>(), inner, 0..5)
                    .prop_map(|map| serde_json::Value::Object(map.into_iter().collect())),
            ]
        })
        .prop_map(|value| value.to_string())
    }
}
