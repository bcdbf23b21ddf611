//! What a command runs: the program at its beginning, or the one behind `env`. Nothing is started to find that out.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

/// A command, taken apart.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Run<'a> {
    variables: Vec<(&'a [u8], &'a [u8])>,
    program: &'a [u8],
    arguments: Vec<&'a [u8]>,
}

/// Programs that start nothing, whatever they are given.
const START_NOTHING: [&str; 3] = ["true", "false", "echo"];

impl Run<'_> {
    /// None where it is not known what is run in the end, or where the program would be without its session.
    pub(super) fn of(command: &[Vec<u8>]) -> Option<Run<'_>> {
        let mut words = command.iter().map(Vec::as_slice);
        let first = words.next()?;
        if Path::new(OsStr::from_bytes(first)).file_name() != Some(OsStr::new("env")) {
            return Some(Run { variables: Vec::new(), program: first, arguments: words.collect() });
        }
        let mut variables = Vec::new();
        let mut is_option = true;
        while let Some(word) = words.next() {
            match word {
                b"--" if is_option => is_option = false,
                b"-u" | b"--unset" | b"-C" | b"--chdir" if is_option => {
                    words.next()?;
                }
                _ if is_option && (word.starts_with(b"--unset=") || word.starts_with(b"--chdir=")) => {}
                // Such as -i, which takes away the screen and the bus, and -S, which takes the words apart anew.
                _ if is_option && word.starts_with(b"-") => return None,
                _ => match word.iter().position(|letter| *letter == b'=') {
                    Some(at) => {
                        is_option = false;
                        variables.push((&word[..at], &word[at + 1..]));
                    }
                    None => return Some(Run { variables, program: word, arguments: words.collect() }),
                },
            }
        }
        None
    }

    /// The path that it gives a variable.
    pub(super) fn variable(&self, name: &str) -> Option<PathBuf> {
        let given = self.variables.iter().rev().find(|(given, _)| *given == name.as_bytes());
        given.map(|(_, value)| PathBuf::from(OsStr::from_bytes(value)))
    }

    /// Whether it runs the program of this path, by whatever path or name.
    pub(super) fn is_of(&self, path: &Path) -> bool {
        let given = OsStr::from_bytes(self.program);
        let is_same = |found: PathBuf| {
            found.canonicalize().is_ok_and(|found| path.canonicalize().is_ok_and(|path| path == found))
        };
        given == path.as_os_str() || given.to_str().and_then(program).is_some_and(is_same)
    }

    /// Whether it hands the program of this path to another one that is there, such as nice, firejail or a shell that waits
    /// first: what a person wrote so is taken to start it.
    pub(super) fn hands_on(&self, path: &Path) -> bool {
        let runner = OsStr::from_bytes(self.program);
        let starts = Path::new(runner)
            .file_name()
            .is_some_and(|name| !START_NOTHING.iter().any(|known| name == *known));
        let wanted = path.as_os_str().as_bytes();
        let names = |word: &&[u8]| word.windows(wanted.len()).any(|part| part == wanted);
        starts && runner.to_str().and_then(program).is_some() && self.arguments.iter().any(names)
    }
}

/// The file of a program that can be started by this absolute path or this name.
pub(super) fn program(name: &str) -> Option<PathBuf> {
    let is_program = |path: &PathBuf| {
        std::fs::metadata(path).is_ok_and(|found| found.is_file() && found.permissions().mode() & 0o111 != 0)
    };
    if name.contains('/') {
        return Some(PathBuf::from(name)).filter(|path| path.is_absolute()).filter(is_program);
    }
    std::env::split_paths(&std::env::var_os("PATH")?).map(|folder| folder.join(name)).find(is_program)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_program_is_the_first_word_or_the_one_behind_env() {
        let runs = |command: &str| {
            let words: Vec<Vec<u8>> = command.split(' ').map(|word| word.as_bytes().to_vec()).collect();
            let run = Run::of(&words)?;
            Some((String::from_utf8_lossy(run.program).into_owned(), run.variable("X")))
        };
        let plain = Some(("/opt/v".to_owned(), None));
        let with = |value: &str| Some(("/opt/v".to_owned(), Some(PathBuf::from(value))));

        assert_eq!(runs("/opt/v --hidden"), plain);
        assert_eq!(runs("/bin/true /opt/v"), Some(("/bin/true".to_owned(), None)));
        assert_eq!(runs("env /opt/v X=1"), plain, "that is an argument");
        assert_eq!(runs("/usr/bin/env X=1 X=/a=b /opt/v --hidden"), with("/a=b"), "the last counts");
        assert_eq!(runs("env -u Y --unset=Z -C / --chdir=/ -- X=1 /opt/v"), with("1"));
        assert_eq!(runs("env X=1 true /opt/v"), Some(("true".to_owned(), Some("1".into()))));
        for nothing in
            ["env", "env X=1", "env -u", "env -i /opt/v", "env -S /opt/v", "env --split-string=/opt/v", ""]
        {
            assert!(runs(nothing).is_none_or(|(program, _)| program.is_empty()), "{nothing}");
        }
    }
}
