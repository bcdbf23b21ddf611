//! A desktop entry, written and read by the Desktop Entry Specification 1.5.

/// What an entry says.
#[derive(Debug, Default)]
pub(super) struct Entry {
    /// The words of its command.
    pub(super) command: Vec<Vec<u8>>,
    /// The program without which it is not started, if it names one.
    pub(super) needs: Option<String>,
    /// It is written as an entry has to be: a session starts no other.
    pub(super) is_whole: bool,
    is_hidden: bool,
    is_switched_off: bool,
    only_in: Option<Vec<String>>,
    not_in: Vec<String>,
}

const GROUP: &str = "[Desktop Entry]";

/// A new entry that starts this command.
pub(super) fn new(name: &str, command: &str) -> Vec<u8> {
    let name = escaped(name);
    format!(
        "{GROUP}\nType=Application\nVersion=1.0\nName={name}\nComment=Shows every alert of your cameras\n\
         Exec={command}\nIcon=visionguard-desktop\nTerminal=false\nStartupNotify=false\n\
         X-GNOME-Autostart-enabled=true\n"
    )
    .into_bytes()
}

/// An entry that says that nothing is to be started, whatever the computer's own says.
pub(super) fn hidden(name: &str) -> Vec<u8> {
    format!("{GROUP}\nType=Application\nName={}\nHidden=true\n", escaped(name)).into_bytes()
}

/// The same entry with another command, and with what it lacked to be one; what else somebody wrote there stays.
pub(super) fn mended(entry: &[u8], name: &str, command: &str) -> Vec<u8> {
    let text = String::from_utf8_lossy(entry);
    if !begins_well(&text) {
        return new(name, command);
    }
    let has_name = text.lines().any(|line| key_of(line) == Some("Name"));
    let mut missing = vec![("Type", "Application".to_owned()), ("Exec", command.to_owned())];
    if !has_name {
        missing.insert(1, ("Name", escaped(name)));
    }
    let mine: Vec<&str> = missing.iter().map(|(key, _)| *key).collect();

    let mut lines: Vec<String> = Vec::new();
    let mut inside = false;
    for line in text.lines().filter(|line| is_line(line)) {
        if line.trim_start().starts_with('[') {
            inside = line.trim() == GROUP;
        }
        match key_of(line).filter(|_| inside) {
            Some(key) if mine.contains(&key) => {
                let at = missing.iter().position(|(known, _)| *known == key);
                lines.extend(at.map(|at| missing.remove(at)).map(|(key, value)| format!("{key}={value}")));
            }
            // Either keeps a session from the command.
            Some("TryExec" | "DBusActivatable") => {}
            Some(_) | None => lines.push(line.to_owned()),
        }
    }
    let after = lines.iter().position(|line| line.trim() == GROUP).map_or(0, |at| at + 1);
    lines.splice(after..after, missing.into_iter().map(|(key, value)| format!("{key}={value}")));
    format!("{}\n", lines.join("\n")).into_bytes()
}

/// Nothing but comments stands before its group.
fn begins_well(text: &str) -> bool {
    let first = text.lines().map(str::trim).find(|line| !line.is_empty() && !line.starts_with('#'));
    first == Some(GROUP)
}

/// Whether this is a line of such a file; others make it unreadable as a whole.
fn is_line(line: &str) -> bool {
    let line = line.trim();
    line.is_empty() || line.starts_with(['#', '[']) || key_of(line).is_some_and(|key| !key.is_empty())
}

/// The words that start these words. A percent sign is to be doubled in an entry, and GLib looks for a program of the doubled
/// name: such words are spelled out to a shell, without one.
pub(super) fn startable(words: Vec<Vec<u8>>) -> Vec<Vec<u8>> {
    if !words.iter().any(|word| word.contains(&b'%')) {
        return words;
    }
    let script = words.iter().fold(String::from("exec"), |script, word| {
        let spelled: String = word.iter().map(|byte| spelled(*byte)).collect();
        format!("{script} \"$(printf '{spelled}')\"")
    });
    vec![b"sh".to_vec(), b"-c".to_vec(), script.into_bytes()]
}

fn spelled(byte: u8) -> String {
    match byte {
        b'/' | b'.' | b'_' => char::from(byte).to_string(),
        _ if byte.is_ascii_alphanumeric() => char::from(byte).to_string(),
        _ => format!("\\{byte:03o}"),
    }
}

/// The value of `Exec` for these words; none where one of them is no UTF-8, which no entry holds.
pub(super) fn command(words: &[Vec<u8>]) -> Option<String> {
    let quoted = words.iter().map(|word| std::str::from_utf8(word).ok().map(quoted));
    let line: Option<Vec<String>> = quoted.collect();
    Some(escaped(&line?.join(" ")))
}

/// By the rules for `Exec`: reserved characters in double quotes, of which four need a backslash there; `%` begins a field code.
fn quoted(word: &str) -> String {
    const PLAIN: &str = "/._-+,:@=";
    let doubled = word.replace('%', "%%");
    let is_plain = |letter: char| letter.is_ascii_alphanumeric() || PLAIN.contains(letter) || letter == '%';
    if !word.is_empty() && doubled.chars().all(is_plain) {
        return doubled;
    }
    let mut quoted = String::from('"');
    for letter in doubled.chars() {
        if matches!(letter, '"' | '`' | '$' | '\\') {
            quoted.push('\\');
        }
        quoted.push(letter);
    }
    quoted.push('"');
    quoted
}

/// By the rules for every string of an entry.
fn escaped(value: &str) -> String {
    let mut escaped = String::new();
    for (at, letter) in value.chars().enumerate() {
        match letter {
            '\\' => escaped.push_str("\\\\"),
            '\n' => escaped.push_str("\\n"),
            '\r' => escaped.push_str("\\r"),
            '\t' => escaped.push_str("\\t"),
            ' ' if at == 0 => escaped.push_str("\\s"),
            letter => escaped.push(letter),
        }
    }
    escaped
}

impl Entry {
    /// Reads what concerns us; what cannot be read says nothing.
    pub(super) fn read(content: &[u8]) -> Entry {
        let text = String::from_utf8_lossy(content);
        let mut entry = Entry::default();
        let (mut is_application, mut has_name, mut is_called) = (false, false, false);
        let mut inside = false;
        for line in text.lines() {
            let line = line.trim();
            if line.starts_with('[') {
                inside = line == GROUP;
            }
            let (true, Some(key)) = (inside, key_of(line)) else { continue };
            let value = unescaped(line.split_once('=').map_or("", |(_, value)| value.trim_start()));
            let list = || value.split(';').filter(|part| !part.is_empty()).map(str::to_owned).collect();
            match key {
                "Type" => is_application = value == "Application",
                "Name" => has_name = true,
                "Exec" => entry.command = words(&value),
                "TryExec" => entry.needs = Some(value).filter(|program| !program.is_empty()),
                "DBusActivatable" => is_called = is_yes(&value),
                "Hidden" => entry.is_hidden = is_yes(&value),
                "X-GNOME-Autostart-enabled" => entry.is_switched_off = !is_yes(&value),
                "OnlyShowIn" => entry.only_in = Some(list()),
                "NotShowIn" => entry.not_in = list(),
                _ => {}
            }
        }
        // What is called over the bus is not started by its command.
        entry.is_whole =
            is_application && has_name && !is_called && begins_well(&text) && text.lines().all(is_line);
        entry
    }

    /// Whether it starts nothing on these desktops, whose most particular name is the first.
    pub(super) fn is_off(&self, desktops: &[String]) -> bool {
        let is_here = |names: &[String]| names.iter().any(|name| desktops.contains(name));
        let is_elsewhere = self.only_in.as_deref().is_some_and(|names| !is_here(names));
        self.is_hidden || self.is_switched_off || is_elsewhere || is_here(&self.not_in)
    }
}

/// 1 is what it was called before the specification was one.
fn is_yes(value: &str) -> bool {
    matches!(value, "true" | "1")
}

fn key_of(line: &str) -> Option<&str> {
    let (key, _) = line.split_once('=')?;
    Some(key.trim())
}

fn unescaped(value: &str) -> String {
    let mut plain = String::new();
    let mut letters = value.chars();
    while let Some(letter) = letters.next() {
        if letter != '\\' {
            plain.push(letter);
            continue;
        }
        match letters.next() {
            Some('s') => plain.push(' '),
            Some('n') => plain.push('\n'),
            Some('t') => plain.push('\t'),
            Some('r') => plain.push('\r'),
            Some('\\') => plain.push('\\'),
            Some(other) => plain.extend(['\\', other]),
            None => plain.push('\\'),
        }
    }
    plain
}

/// The words of a command, with doubled percent signs made one.
fn words(command: &str) -> Vec<Vec<u8>> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut inside = false;
    let mut letters = command.chars().peekable();
    while let Some(letter) = letters.next() {
        match letter {
            '"' => {
                inside = !inside;
                word.get_or_insert_default();
            }
            '\\' if inside => word.get_or_insert_default().extend(letters.next()),
            '%' => {
                letters.next_if_eq(&'%');
                word.get_or_insert_default().push('%');
            }
            ' ' | '\t' | '\n' if !inside => words.extend(word.take()),
            letter => word.get_or_insert_default().push(letter),
        }
    }
    words.extend(word);
    words.into_iter().map(String::into_bytes).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn what_is_written_is_read_back(path in "/[a-zA-Z0-9 %$\"`\\\\\n\t;#='äß&|<>~*?(){}!-]{0,30}") {
            let words = [path.clone().into_bytes(), b"--hidden".to_vec()];
            let text = new("VisionGuard", &command(&words).unwrap());

            prop_assert_eq!(Entry::read(&text).command, words.to_vec());
            prop_assert_eq!(text.iter().filter(|byte| **byte == b'\n').count(), 10, "one line a key");
        }
    }

    #[test]
    fn a_path_is_quoted_by_the_specification_s_rules() {
        let written = |path: &str| command(&[path.as_bytes().to_vec()]).unwrap();

        assert_eq!(written("/opt/visionguard"), "/opt/visionguard");
        assert_eq!(written("/opt/My Apps/v"), "\"/opt/My Apps/v\"");
        assert_eq!(written("/opt/50% off/v"), "\"/opt/50%% off/v\"");
        assert_eq!(written("/opt/$HOME/v"), r#""/opt/\\$HOME/v""#);
        assert_eq!(written(r"/opt/a\b"), r#""/opt/a\\\\b""#);
        assert_eq!(command(&[vec![b'/', 0xFF]]), None);
    }

    #[test]
    fn another_command_leaves_what_somebody_wrote_beside_it() {
        let before = b"# ours\n[Desktop Entry]\nType=Application\nName=Guard\nExec=/old/place --hidden\nOnlyShowIn=XFCE;\n[Other]\nExec=x\n";

        let after = String::from_utf8(mended(before, "VisionGuard", "/new")).unwrap();

        assert_eq!(
            after,
            "# ours\n[Desktop Entry]\nType=Application\nName=Guard\nExec=/new\nOnlyShowIn=XFCE;\n[Other]\nExec=x\n"
        );
    }

    #[test]
    fn what_an_entry_lacks_is_put_into_it() {
        let mended = |before: &str| String::from_utf8(mended(before.as_bytes(), "Guard", "/new")).unwrap();

        let whole = "[Desktop Entry]\nType=Application\nName=Guard\nExec=/new\n";
        assert_eq!(mended("[Desktop Entry]\n"), whole);
        assert_eq!(mended("[Desktop Entry]\nTryExec=/gone\nDBusActivatable=true\n"), whole);
        assert_eq!(mended("[Desktop Entry]\nType=Link\nName=Guard\nExec=/a\nExec=/b\nno line\n"), whole);
        for nothing in
            ["", "\n", "what is this", "[Other]\na=b\n", "a=b\n[Desktop Entry]\nType=Application\n"]
        {
            assert_eq!(mended(nothing).into_bytes(), new("Guard", "/new"), "{nothing:?}");
        }
    }
}
