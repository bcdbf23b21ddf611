//! Which module of this crate knows which: arrows point one way, so that each can be read with nothing but what lies below
//! it. Told from the sources as they are, without their tests.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

/// From the ground up: each may know those before it, and none after it.
const FLOORS: [&str; 7] = ["model", "view", "shell", "policy", "ledger", "journal", "controller"];

#[test]
fn the_ground_floor_knows_no_other_module() {
    assert_eq!(arrows().remove("model").unwrap_or_default(), BTreeSet::new());
}

#[test]
fn each_floor_knows_only_those_below_it_also_by_way_of_others() {
    let arrows = arrows();

    for (height, floor) in FLOORS.iter().enumerate() {
        let known = reached(&arrows, floor);
        let above: Vec<_> = FLOORS[height + 1..].iter().filter(|above| known.contains(**above)).collect();
        assert!(above.is_empty(), "{floor} knows {above:?}");
    }
}

#[test]
fn no_modules_know_each_other_in_a_circle() {
    let arrows = arrows();

    let in_circles: Vec<_> =
        arrows.keys().filter(|module| reached(&arrows, module).contains(*module)).collect();

    assert!(in_circles.is_empty(), "these know each other: {in_circles:?}");
}

/// A method written on a floor above could be called from any floor, by no import that anybody sees.
#[test]
fn a_type_of_the_ground_floor_has_its_methods_there() {
    for source in sources().iter().filter(|source| source.module() != "model") {
        for imported in source.imports().iter().filter_map(|path| path.strip_prefix("model::")) {
            let method = format!("impl {imported} {{");
            assert!(!source.text.contains(&method), "{:?} has a method of model::{imported}", source.path);
        }
    }
}

#[test]
fn every_way_of_writing_an_import_is_read() {
    let text = "use crate::model::{Entry, inner::{A, B as C}};\nuse crate::{policy, shell::Shell};\n\
        // use crate::tray;\nfn f() { super::words::text() }\n#[cfg(test)]\nmod tests {\n    use crate::journal;\n}\n";
    let source = Source { path: vec!["view".to_owned()], text: program(text) };

    let imports =
        ["model::Entry", "model::inner::A", "model::inner::B", "policy", "shell::Shell", "words::text"];
    assert_eq!(source.imports(), imports.map(str::to_owned).into());
}

/// Which modules each knows by itself.
fn arrows() -> BTreeMap<String, BTreeSet<String>> {
    let mut arrows: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for source in sources() {
        let known =
            source.imports().into_iter().filter_map(|path| path.split("::").next().map(str::to_owned));
        let others = known.filter(|known| known != source.module());
        arrows.entry(source.module().to_owned()).or_default().extend(others);
    }
    arrows
}

fn reached(arrows: &BTreeMap<String, BTreeSet<String>>, from: &str) -> BTreeSet<String> {
    let mut reached = BTreeSet::new();
    let mut next = vec![from];
    while let Some(module) = next.pop() {
        let known = arrows.get(module).into_iter().flatten();
        next.extend(known.filter(|known| reached.insert((*known).clone())).map(String::as_str));
    }
    reached
}

/// One file of the program.
struct Source {
    /// Of its module, from the crate's root.
    path: Vec<String>,
    text: String,
}

impl Source {
    fn module(&self) -> &str {
        &self.path[0]
    }

    /// The paths from the crate's root that it names, each name of a group by itself.
    fn imports(&self) -> BTreeSet<String> {
        let root = "super::".repeat(self.path.len());
        let mut imports = BTreeSet::new();
        for start in ["crate::", &root] {
            for (at, _) in self.text.match_indices(start) {
                let before = &self.text[..at];
                if !before.ends_with(|c: char| c.is_alphanumeric() || c == '_' || c == ':') {
                    paths("", &self.text[at + start.len()..], &mut imports);
                }
            }
        }
        imports
    }
}

/// Reads the path, or the group of paths, with which this text begins; how long it is.
fn paths(above: &str, text: &str, into: &mut BTreeSet<String>) -> usize {
    let name = text.len() - text.trim_start_matches(|c: char| c.is_alphanumeric() || c == '_').len();
    let path = if above.is_empty() { text[..name].to_owned() } else { format!("{above}::{}", &text[..name]) };
    let Some(rest) = text[name..].strip_prefix("::").filter(|_| name > 0) else {
        if text.starts_with('{') {
            return group(above, text, into);
        }
        into.insert(path);
        return name;
    };
    name + 2 + paths(&path, rest, into)
}

fn group(above: &str, text: &str, into: &mut BTreeSet<String>) -> usize {
    let mut at = 1;
    while let Some(c) = text[at..].chars().next().filter(|c| *c != '}') {
        if text[at..].starts_with("as ") {
            at += text[at..].find([',', '}']).unwrap_or(1);
        } else if c.is_alphanumeric() || c == '_' || c == '{' {
            at += paths(above, &text[at..], into);
        } else {
            at += c.len_utf8();
        }
    }
    at + 1
}

fn sources() -> Vec<Source> {
    let mut sources = Vec::new();
    collect(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"), &[], &mut sources);
    assert!(sources.len() > 100, "the sources are not found");
    sources
}

fn collect(folder: &Path, above: &[String], into: &mut Vec<Source>) {
    for entry in std::fs::read_dir(folder).expect("a source folder") {
        let file = entry.expect("an entry").path();
        let name = file.file_stem().and_then(|stem| stem.to_str()).expect("a name").to_owned();
        let mut path = above.to_vec();
        if name != "mod" {
            path.push(name.clone());
        }
        match name.as_str() {
            "lib" | "arrows" | "testing" | "tests" => {}
            _ if file.is_dir() => collect(&file, &path, into),
            _ if file.extension().is_some_and(|ending| ending == "rs") => {
                let text = std::fs::read_to_string(&file).expect("a source file");
                into.push(Source { path, text: program(&text) });
            }
            _ => {}
        }
    }
}

/// The text without remarks and without the tests, with which a file ends.
fn program(text: &str) -> String {
    let text = text.split("#[cfg(test)]\nmod tests {").next().unwrap_or_default();
    text.lines().filter(|line| !line.trim_start().starts_with("//")).collect::<Vec<_>>().join("\n")
}
