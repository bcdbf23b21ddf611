//! Takes secrets out of a line of text: tokens, passwords, the queries of addresses, pictures.

use std::borrow::Cow;

const REDACTED: &str = "[redacted]";

/// What comes after one of these is a secret.
const KEYS: [&str; 5] = ["token", "password", "authorization", "secret", "cookie"];

/// Longer runs of base64 are pictures or keys.
const LONGEST_RUN: usize = 200;

/// The line without secrets; borrowed where there was none.
pub fn redact(line: &str) -> Cow<'_, str> {
    let mut clean = String::new();
    let mut copied = 0;
    let mut at = 0;
    while at < line.len() {
        match secret_at(line, at) {
            Some((start, end)) => {
                clean.push_str(&line[copied..start]);
                clean.push_str(REDACTED);
                copied = end;
                at = end;
            }
            None => at += line[at..].chars().next().map_or(1, char::len_utf8),
        }
    }
    if copied == 0 {
        return Cow::Borrowed(line);
    }
    clean.push_str(&line[copied..]);
    Cow::Owned(clean)
}

/// The secret that shows itself at this place, as a range.
fn secret_at(line: &str, at: usize) -> Option<(usize, usize)> {
    let rest = &line[at..];
    let first = rest.bytes().next()?;
    let before = line[..at].chars().next_back();
    let starts_word = before.is_none_or(|before| !is_base64(before));

    if starts_word && (rest.starts_with("eyJ") || rest.starts_with("/9j/")) {
        return run(line, at, 16);
    }
    if starts_word
        && rest.len() >= LONGEST_RUN
        && let Some(found) = run(line, at, LONGEST_RUN)
    {
        return Some(found);
    }
    if !matches!(
        first,
        b'?' | b'b' | b'B' | b't' | b'T' | b'p' | b'P' | b'a' | b'A' | b's' | b'S' | b'c' | b'C'
    ) {
        return None;
    }
    if let Some(scheme) = ["bearer ", "basic "].into_iter().find(|scheme| has_prefix(rest, scheme)) {
        return value(line, at + scheme.len());
    }
    if rest.starts_with('?') && before.is_some_and(|before| !before.is_whitespace()) {
        return query(line, at + 1);
    }
    let key = KEYS.into_iter().find(|key| has_prefix(rest, key))?;
    after_key(line, at + key.len(), key)
}

/// `token=x`, `"token":"x"`, `token: "x"`, `authorization: x`; but not "cannot read the token: the keychain is locked".
fn after_key(line: &str, at: usize, key: &str) -> Option<(usize, usize)> {
    let rest = &line[at..];
    let quote = rest.trim_start_matches('\\');
    let is_quoted = quote.starts_with('"') || quote.starts_with('\'');
    let rest = if is_quoted { &quote[1..] } else { rest };

    let separator = rest.chars().next().filter(|separator| matches!(separator, '=' | ':'))?;
    let rest = rest[1..].trim_start_matches(' ');
    let opened = rest.trim_start_matches('\\');
    let opens = opened.starts_with('"') || opened.starts_with('\'');
    let is_header = key == "authorization" || key == "cookie";
    if separator == ':' && !is_quoted && !opens && !is_header {
        return None;
    }
    let start = if opens { line.len() - opened.len() + 1 } else { line.len() - rest.len() };
    if opens {
        return quoted(line, start);
    }
    let start = ["bearer ", "basic "]
        .into_iter()
        .find(|scheme| has_prefix(&line[start..], scheme))
        .map_or(start, |scheme| start + scheme.len());
    value(line, start)
}

/// To the closing quotation mark.
fn quoted(line: &str, start: usize) -> Option<(usize, usize)> {
    let length = line[start..].find(['"', '\'']).unwrap_or(line.len() - start);
    let end = start + line[start..start + length].trim_end_matches('\\').len();
    (end > start).then_some((start, end))
}

fn value(line: &str, start: usize) -> Option<(usize, usize)> {
    let rest = line.get(start..)?;
    let length = rest.find(is_delimiter).unwrap_or(rest.len());
    (length > 0 && !rest.starts_with(REDACTED)).then_some((start, start + length))
}

/// `key=value` behind a question mark.
fn query(line: &str, start: usize) -> Option<(usize, usize)> {
    let rest = &line[start..];
    let length = rest.find(|c: char| c != '&' && is_delimiter(c)).unwrap_or(rest.len());
    let is_query = rest[..length].find('=').is_some_and(|at| at > 0);
    is_query.then_some((start, start + length))
}

fn run(line: &str, start: usize, least: usize) -> Option<(usize, usize)> {
    let rest = &line[start..];
    let length = rest.find(|c: char| !is_base64(c) && c != '.').unwrap_or(rest.len());
    (length >= least).then_some((start, start + length))
}

fn is_base64(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '+' | '/' | '-' | '_' | '=')
}

fn is_delimiter(c: char) -> bool {
    c.is_whitespace() || matches!(c, '"' | '\'' | '&' | ',' | ';' | ')' | '}' | ']' | '>' | '\\')
}

fn has_prefix(text: &str, prefix: &str) -> bool {
    text.as_bytes().get(..prefix.len()).is_some_and(|start| start.eq_ignore_ascii_case(prefix.as_bytes()))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn secrets_are_taken_out_wherever_libraries_put_them() {
        for (line, clean) in [
            ("GET /ws/alerts/u?token=CANARY HTTP/1.1", "GET /ws/alerts/u?[redacted] HTTP/1.1"),
            (r#""GET /a?token=CANARY HTTP/1.1\r\nHost: x""#, r#""GET /a?[redacted] HTTP/1.1\r\nHost: x""#),
            (r"authorization: Bearer CANARY\r\nHost", r"authorization: Bearer [redacted]\r\nHost"),
            ("Authorization: Basic CANARY", "Authorization: Basic [redacted]"),
            (r#"{"password":"CANARY CANARY","x":1}"#, r#"{"password":"[redacted]","x":1}"#),
            (r#"{\"access_token\":\"CANARY\"}"#, r#"{\"access_token\":\"[redacted]\"}"#),
            (r#"Tokens { token: "CANARY" }"#, r#"Tokens { token: "[redacted]" }"#),
            ("token=CANARY, next", "token=[redacted], next"),
            ("uri=http://x/y?a=1&token=CANARY", "uri=http://x/y?[redacted]"),
            ("eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJ1In0.c2ln end", "[redacted] end"),
            ("\"annotated_frame\":\"/9j/4AAQSkZJRgABAQ==\"", "\"annotated_frame\":\"[redacted]\""),
        ] {
            assert_eq!(redact(line), clean);
        }
    }

    #[test]
    fn ordinary_lines_stay_as_they_are() {
        for line in [
            "cannot read the token: the keychain is locked",
            "is anybody there? yes=no",
            "signed in server=https://alerts.example.com/ user=ca3b8a03-d407-412b-9d66-a098e92cf49d",
            "the password is wrong",
            "Größe: 3 · ✓",
            "",
        ] {
            assert!(matches!(redact(line), Cow::Borrowed(_)), "{line} became {}", redact(line));
        }
    }

    #[test]
    fn a_picture_is_taken_out_also_in_the_middle_of_it() {
        let line = format!("left: {}", "QUJD".repeat(100));

        assert_eq!(redact(&line), "left: [redacted]");
    }

    proptest! {
        #[test]
        fn no_line_is_too_odd(line in "\\PC*") {
            let once = redact(&line).into_owned();
            let _ = redact(&once);
        }

        #[test]
        fn a_token_is_never_left_in_an_address(secret in "[A-Za-z0-9_.-]{8,40}", before in "[a-z ]{0,20}") {
            let line = format!("{before} ws://host/ws/alerts/u?token={secret} {before}");

            prop_assert!(!redact(&line).contains(&secret));
        }
    }
}
