//! The public types: what a reader of the documentation has to choose from.

use crate::source::{Source, words};

/// The public structs, enums, traits and type aliases of a file. A compiler's warning, which
/// the checks turn into an error, says of each that it can be reached from outside.
pub(crate) fn public_types(source: &Source) -> Vec<String> {
    let words = words(&source.code);
    let declared = words.windows(3).filter(|at| {
        at[0] == "pub" && matches!(at[1].as_str(), "struct" | "enum" | "union" | "trait" | "type")
    });
    let mut types: Vec<String> = declared.map(|at| at[2].clone()).collect();
    // A macro declares one type of that kind wherever it is used.
    types.retain(|name| name != "$");
    for defined in macros_that_declare_a_type(&words) {
        let uses = words.windows(2).filter(|at| at[0] == defined && at[1] == "!");
        types.extend(uses.map(|_| format!("{defined}!")));
    }
    types.into_iter().map(|name| format!("{}::{name}", source.module.join("::"))).collect()
}

fn macros_that_declare_a_type(words: &[String]) -> Vec<String> {
    let starts: Vec<_> =
        words.iter().enumerate().filter(|(_, word)| *word == "macro_rules").map(|(at, _)| at).collect();
    let ends = starts.iter().skip(1).copied().chain([words.len()]);
    let with_ends = starts.iter().copied().zip(ends);
    let declares = |(start, end): &(usize, usize)| {
        words[*start..*end]
            .windows(3)
            .any(|at| at[0] == "pub" && matches!(at[1].as_str(), "struct" | "enum") && at[2] == "$")
    };
    with_ends.filter(declares).map(|(start, _)| words[start + 2].clone()).collect()
}

/// The public enums and structs of public fields alone that are not `#[non_exhaustive]`: a new
/// variant or field of theirs breaks whoever matches or builds them.
pub(crate) fn exhaustive_types(source: &Source) -> Vec<String> {
    let words = words(&source.code);
    let declared = words.windows(3).enumerate().filter(|(_, at)| at[0] == "pub" && at[2] != "$");
    let exhaustive = declared.filter(|(at, declared)| {
        let may_grow = attributes_before(&words[..*at]).contains(&"non_exhaustive".to_owned());
        match declared[1].as_str() {
            "enum" => !may_grow,
            "struct" => !may_grow && has_only_public_fields(&words[at + 3..]),
            _ => false,
        }
    });
    exhaustive.map(|(_, at)| format!("{}::{}", source.module.join("::"), at[2])).collect()
}

/// The words of the attributes that end here.
fn attributes_before(words: &[String]) -> &[String] {
    let (mut depth, mut start) = (0_usize, words.len());
    for (at, word) in words.iter().enumerate().rev() {
        match word.as_str() {
            "]" => depth += 1,
            "[" => depth = depth.saturating_sub(1),
            "#" if depth == 0 => start = at,
            _ if depth == 0 => break,
            _ => {}
        }
    }
    &words[start..]
}

/// Whether a struct, from behind its name, has named fields and all of them are public.
fn has_only_public_fields(words: &[String]) -> bool {
    let Some(open) = words.iter().position(|word| matches!(word.as_str(), "{" | "(" | ";")) else {
        return false;
    };
    if words[open] != "{" {
        return false;
    }
    let (mut depth, mut public, mut all) = (0_usize, 0, 0);
    for (at, word) in words[open..].iter().enumerate() {
        match word.as_str() {
            "{" | "(" | "[" | "<" => depth += 1,
            // An arrow ends no list of types.
            ">" if words[open + at - 1] == "-" => {}
            "}" | ")" | "]" | ">" => depth -= 1,
            ":" if depth == 1 => {
                all += 1;
                public += usize::from(words[open + at - 2] == "pub");
            }
            _ => {}
        }
        if depth == 0 {
            break;
        }
    }
    all > 0 && public == all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_of_public_type_is_counted_once_and_no_private_one() {
        let text = "
            pub struct A; pub enum B { X } pub trait C {} pub type D = u8;
            pub(crate) struct E; struct F; trait G { type H; } impl G for A { type H = u8; }
            macro_rules! id { ($name:ident) => { pub struct $name(u8); } }
            id!(I); id!(J);
            #[cfg(test)] mod tests { pub struct K; }
            // pub struct L;
        ";
        let found = public_types(&Source::new("a/b.rs", text));
        assert_eq!(found, ["a::b::A", "a::b::B", "a::b::C", "a::b::D", "a::b::id!", "a::b::id!"]);
    }

    #[test]
    fn what_may_not_grow_is_named() {
        let text = "
            #[derive(Debug)] #[non_exhaustive] pub enum Grows { A } pub enum Fixed { A }
            #[non_exhaustive] #[derive(Debug)] pub struct Open { pub a: u8 }
            #[derive(Debug)] pub struct Whole<T: Ord> { pub a: Vec<(u8, T)>, #[serde(default)] pub b: fn(u8) -> u8 }
            pub struct Mixed { pub a: u8, b: u8 } pub struct Inner { pub(crate) a: u8 }
            pub struct Unit; pub struct Tuple(pub u8); struct Own { pub a: u8 }
        ";
        let found = exhaustive_types(&Source::new("a/b.rs", text));
        assert_eq!(found, ["a::b::Fixed", "a::b::Whole"]);
    }
}
