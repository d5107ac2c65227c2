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
}
