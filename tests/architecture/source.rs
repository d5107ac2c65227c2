//! Reads Rust source as far as its imports go: strips what is no code, cuts it into
//! words, and resolves every path that begins in this crate.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

/// A path inside the crate, from its root: `["policy", "rate", "Limit"]`.
pub(crate) type CratePath = Vec<String>;

/// One file under `src`, without comments, literals and test modules.
#[derive(Debug)]
pub(crate) struct Source {
    /// Relative to `src`, such as `policy/rate.rs`.
    pub(crate) file: String,
    /// Its module, from the crate's root.
    pub(crate) module: CratePath,
    /// What the compiler sees of it outside tests, literals blanked out.
    pub(crate) code: String,
    /// Lines of the whole file.
    pub(crate) lines: usize,
    /// What stands here as `#[cfg(test)] mod name;`.
    tests_declared: Vec<String>,
}

impl Source {
    pub(crate) fn new(file: &str, text: &str) -> Self {
        let stem = file.trim_end_matches(".rs");
        let stem = stem.strip_suffix("/mod").unwrap_or(stem);
        let module = if stem == "lib" { Vec::new() } else { stem.split('/').map(str::to_owned).collect() };
        let code = without_tests(&without_text(text));
        let declares = |pair: &[&str]| {
            let name = pair[1].trim().strip_prefix("mod ")?.strip_suffix(';')?;
            (pair[0].trim() == "#[cfg(test)]").then(|| name.to_owned())
        };
        let lines: Vec<_> = text.lines().collect();
        let tests_declared = lines.windows(2).filter_map(declares).collect();
        Self { file: file.to_owned(), module, code, lines: lines.len(), tests_declared }
    }

    /// The modules in files of their own that only tests see.
    fn test_modules(&self) -> Vec<CratePath> {
        let declared = self.tests_declared.iter();
        declared.map(|name| self.module.iter().cloned().chain([name.clone()]).collect()).collect()
    }

    /// All files under a directory, in the order of their names.
    pub(crate) fn all_under(src: &Path) -> Vec<Self> {
        let (mut found, mut directories) = (Vec::new(), vec![src.to_owned()]);
        while let Some(directory) = directories.pop() {
            for entry in fs::read_dir(directory).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    directories.push(path);
                } else if path.extension().is_some_and(|extension| extension == "rs") {
                    let file = path.strip_prefix(src).unwrap().to_str().unwrap().to_owned();
                    found.push(Self::new(&file, &fs::read_to_string(&path).unwrap()));
                }
            }
        }
        let tests: BTreeSet<CratePath> = found.iter().flat_map(Self::test_modules).collect();
        found.retain(|source| !tests.contains(&source.module));
        found.sort_by(|a, b| a.file.cmp(&b.file));
        found
    }
}

/// The crate's modules, and what its root calls things that live deeper.
pub(crate) struct Names {
    modules: BTreeSet<CratePath>,
    root: BTreeMap<String, Option<CratePath>>,
}

impl Names {
    pub(crate) fn of(sources: &[Source]) -> Self {
        let modules = sources.iter().map(|source| source.module.clone()).collect();
        let mut names = Self { modules, root: BTreeMap::new() };
        for source in sources {
            // An exported macro is named from the root, wherever it stands.
            for macro_rules in words(&source.code).windows(3).filter(|words| words[0] == "macro_rules") {
                names.root.insert(macro_rules[2].clone(), Some(source.module.clone()));
            }
        }
        for lib in sources.iter().filter(|source| source.module.is_empty()) {
            for (path, name) in use_paths(&words(&lib.code)) {
                let inside = names.modules.contains(&path[..1]).then_some(path);
                names.root.insert(name, inside);
            }
        }
        names
    }

    /// Every path of this source that begins in this crate, from the crate's root.
    pub(crate) fn imports(&self, source: &Source) -> BTreeSet<CratePath> {
        let words = words(&source.code);
        let (mut imports, mut read_to) = (BTreeSet::new(), 0);
        for (at, module) in in_modules(&words, &source.module) {
            let inside_another = at < read_to || (at > 0 && words[at - 1] == "::");
            let visibility = at >= 2 && words[at - 2] == "pub" && words[at - 1] == "(";
            if inside_another || visibility {
                continue;
            }
            if words[at] == "use" {
                let (tree, length) = tree(&words[at + 1..]);
                read_to = at + 1 + length;
                imports.extend(tree.into_iter().filter_map(|(path, _)| self.resolve(&path, &module)));
            } else if matches!(words[at].as_str(), "crate" | "super" | "self") {
                imports.extend(self.resolve(&plain_path(&words[at..]), &module));
            }
        }
        imports
    }

    /// `None` for a path into another crate, or for `self` alone.
    fn resolve(&self, path: &[String], module: &[String]) -> Option<CratePath> {
        let mut base = module.to_vec();
        let mut rest = path;
        match rest.first()?.as_str() {
            "crate" => (base, rest) = (Vec::new(), &rest[1..]),
            "self" => rest = &rest[1..],
            "super" => {
                while rest.first().is_some_and(|word| word == "super") {
                    base.pop();
                    rest = &rest[1..];
                }
            }
            first => {
                // Without a prefix it is a module beneath this one, or another crate.
                base.push(first.to_owned());
                let beneath = self.modules.contains(&base);
                base.pop();
                if !beneath {
                    return None;
                }
            }
        }
        let absolute: CratePath = base.into_iter().chain(rest.iter().cloned()).collect();
        match absolute.first().and_then(|name| self.root.get(name)) {
            Some(inside) => inside.clone(),
            None => (!absolute.is_empty() && absolute != module).then_some(absolute),
        }
    }
}

/// Blanks out comments, strings and characters; lines stay where they are.
fn without_text(text: &str) -> String {
    let bytes: Vec<char> = text.chars().collect();
    let at = |index: usize| bytes.get(index).copied().unwrap_or('\0');
    let (mut code, mut i) = (String::with_capacity(text.len()), 0);
    while i < bytes.len() {
        let end = match at(i) {
            '/' if at(i + 1) == '/' => (i..=bytes.len()).find(|&k| matches!(at(k), '\n' | '\0')).unwrap(),
            '/' if at(i + 1) == '*' => block_comment_end(&bytes, i),
            '"' => string_end(&bytes, i),
            'r' if !is_word(code.chars().last().unwrap_or(' '))
                || matches!(code.chars().last(), Some('b' | 'c')) =>
            {
                raw_string_end(&bytes, i).unwrap_or(i)
            }
            '\'' if at(i + 1) == '\\' => {
                (i + 3..=bytes.len()).find(|&k| matches!(at(k), '\'' | '\0')).unwrap() + 1
            }
            '\'' if at(i + 2) == '\'' => i + 3,
            _ => i,
        };
        if end == i {
            code.push(at(i));
            i += 1;
        } else {
            code.extend(bytes[i..end.min(bytes.len())].iter().map(|c| if *c == '\n' { '\n' } else { ' ' }));
            i = end;
        }
    }
    code
}

fn block_comment_end(bytes: &[char], start: usize) -> usize {
    let (mut depth, mut i) = (0, start);
    while i + 1 < bytes.len() {
        match (bytes[i], bytes[i + 1]) {
            ('/', '*') => (depth, i) = (depth + 1, i + 2),
            ('*', '/') => (depth, i) = (depth - 1, i + 2),
            _ => i += 1,
        }
        if depth == 0 {
            return i;
        }
    }
    bytes.len()
}

fn string_end(bytes: &[char], start: usize) -> usize {
    let mut i = start + 1;
    while i < bytes.len() && bytes[i] != '"' {
        i += if bytes[i] == '\\' { 2 } else { 1 };
    }
    i + 1
}

fn raw_string_end(bytes: &[char], start: usize) -> Option<usize> {
    let hashes = bytes[start + 1..].iter().take_while(|c| **c == '#').count();
    let quote = start + 1 + hashes;
    if bytes.get(quote) != Some(&'"') {
        return None;
    }
    let closing: Vec<char> = std::iter::once('"').chain(std::iter::repeat_n('#', hashes)).collect();
    let length = bytes[quote + 1..].windows(closing.len()).position(|window| window == closing)?;
    Some(quote + 1 + length + closing.len())
}

/// Takes out every item under `#[cfg(test)]`.
fn without_tests(code: &str) -> String {
    let (mut kept, mut rest) = (String::new(), code);
    while let Some(start) = rest.find("#[cfg(test)]") {
        kept.push_str(&rest[..start]);
        let item = &rest[start..];
        let mut depth = 0_usize;
        let end = item.char_indices().find_map(|(at, c)| {
            match c {
                '{' => depth += 1,
                '}' => depth = depth.saturating_sub(1),
                _ => {}
            }
            (depth == 0 && matches!(c, '}' | ';')).then_some(at + 1)
        });
        rest = &item[end.unwrap_or(item.len())..];
    }
    kept + rest
}

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

/// Identifiers, `::`, and every other sign by itself.
pub(crate) fn words(code: &str) -> Vec<String> {
    let (mut words, mut rest) = (Vec::<String>::new(), code.trim_start());
    while let Some(first) = rest.chars().next() {
        let length = if is_word(first) {
            rest.find(|c| !is_word(c)).unwrap_or(rest.len())
        } else if rest.starts_with("::") {
            2
        } else {
            first.len_utf8()
        };
        words.push(rest[..length].to_owned());
        rest = rest[length..].trim_start();
    }
    words
}

/// Each word's place with the module it stands in: inline modules go one deeper.
fn in_modules(words: &[String], module: &[String]) -> Vec<(usize, CratePath)> {
    let (mut places, mut depth) = (Vec::with_capacity(words.len()), 0);
    let mut inside = vec![(0, module.to_vec())];
    for (at, word) in words.iter().enumerate() {
        if word == "{" {
            depth += 1;
            // A macro's `mod $name {` opens a module too.
            let named = at >= 2 && words[at - 2] == "mod";
            if named || (at >= 3 && words[at - 2] == "$" && words[at - 3] == "mod") {
                let (_, outer) = &inside[inside.len() - 1];
                inside.push((depth, outer.iter().cloned().chain([words[at - 1].clone()]).collect()));
            }
        } else if word == "}" {
            if inside.len() > 1 && inside[inside.len() - 1].0 == depth {
                inside.pop();
            }
            depth -= 1;
        }
        places.push((at, inside[inside.len() - 1].1.clone()));
    }
    places
}

/// All paths of all `use` items, each with the name it introduces.
fn use_paths(words: &[String]) -> Vec<(CratePath, String)> {
    let uses = words.iter().enumerate().filter(|(_, word)| *word == "use");
    uses.flat_map(|(at, _)| tree(&words[at + 1..]).0).collect()
}

/// One `use` tree, spread out, and how many words it took.
fn tree(words: &[String]) -> (Vec<(CratePath, String)>, usize) {
    let (mut path, mut i) = (Vec::new(), 0);
    let mut name = String::new();
    while let Some(word) = words.get(i) {
        match word.as_str() {
            "::" => i += 1,
            "{" => {
                let mut found = Vec::new();
                i += 1;
                while words.get(i).is_some_and(|word| word != "}") {
                    let (branches, taken) = tree(&words[i..]);
                    i += taken.max(1);
                    found.extend(branches.into_iter().map(|(branch, name)| {
                        let tail = branch.into_iter().filter(|word| word != "self");
                        (path.iter().cloned().chain(tail).collect::<CratePath>(), name)
                    }));
                    if words.get(i).is_some_and(|word| word == ",") {
                        i += 1;
                    }
                }
                return (found, i + 1);
            }
            "as" => {
                name.clone_from(&words[i + 1]);
                i += 2;
            }
            "," | "}" | ";" => break,
            _ => {
                path.push(word.clone());
                i += 1;
            }
        }
    }
    if name.is_empty() {
        name = path.last().cloned().unwrap_or_default();
    }
    (vec![(path, name)], i)
}

fn plain_path(words: &[String]) -> CratePath {
    let mut path = vec![words[0].clone()];
    let mut rest = &words[1..];
    while let [separator, segment, after @ ..] = rest {
        if separator != "::" || !segment.starts_with(is_word) {
            break;
        }
        path.push(segment.clone());
        rest = after;
    }
    path
}

#[cfg(test)]
mod tests {
    use super::*;

    fn imports(file: &str, text: &str) -> Vec<String> {
        let lib =
            "mod a; mod b; pub use b::{inner::Thing, Other as Renamed}; pub use async_trait::async_trait;";
        let sources = [
            Source::new("lib.rs", lib),
            Source::new("a/mod.rs", ""),
            Source::new("a/own.rs", ""),
            Source::new("b.rs", ""),
            Source::new(file, text),
        ];
        let names = Names::of(&sources);
        names.imports(&sources[4]).iter().map(|path| path.join("::")).collect()
    }

    #[test]
    fn every_form_of_a_path_is_found_and_resolved() {
        for (text, found) in [
            ("use crate::b::X;", &["b::X"][..]),
            ("use crate::{b::{X, Y as Z}, a};", &["a", "b::X", "b::Y"]),
            ("pub use crate::b::{self, *};", &["b", "b::*"]),
            ("use super::super::b::X;", &["b::X"]),
            ("use super::Sibling;", &["a::Sibling"]),
            ("use self::deep::X; pub(super) fn f(&self) {}", &["a::own::deep::X"]),
            ("use own::X;", &[]),
            ("fn f() -> crate::b::X { super::g::<crate::b::Y>() }", &["a::g", "b::X", "b::Y"]),
            ("macro_rules! m { () => { $crate::b::X } }", &["b::X"]),
            ("use crate::Thing; fn f(_: crate::Renamed) {}", &["b::Other", "b::inner::Thing"]),
            ("use crate::async_trait; use std::fmt; use b::X;", &[]),
            ("mod inner { use super::X; } use super::Y;", &["a::Y", "a::own::X"]),
        ] {
            assert_eq!(imports("a/own.rs", text), found, "{text}");
        }
        assert_eq!(imports("a/mod.rs", "mod own; pub use own::X;"), ["a::own::X"]);
    }

    #[test]
    fn comments_strings_and_tests_are_no_code() {
        for text in [
            "// use crate::b::X;",
            "/* /* crate::b */ crate::b::X */",
            r#"const S: &str = "\" crate::b::X";"#,
            r##"const S: &[u8] = br#"" crate::b::X"#;"##,
            r"const C: char = '\''; // '",
            "#[cfg(test)] mod tests { use crate::b::X; fn f() { {} } }",
            "#[cfg(test)]\nuse crate::b::X;",
            "#[cfg(test)]\n#[path = \"x.rs\"]\nmod tests;",
        ] {
            assert_eq!(imports("a/own.rs", text), [""; 0], "{text}");
        }
        let after =
            "fn f<'a>(x: &'a str, c: char) { if c == '\"' {} }  use crate::b::X; const S: &str = \"\";";
        assert_eq!(imports("a/own.rs", after), ["b::X"]);
        assert_eq!(imports("a/own.rs", "#[cfg(test)] mod t { } use crate::b::X;"), ["b::X"]);
    }
}
