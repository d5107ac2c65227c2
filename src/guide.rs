//! Pages about the crate as a whole. The pages about one part are in the documentation of its
//! module.
//!
//! The life of an event:
//!
#![doc = include_str!("../docs/life-of-an-event.svg")]

/// One module per page. The first definition of a link counts: here links lead to modules, and in
/// the file itself to other files.
macro_rules! pages {
    ($($name:ident: $file:literal)+) => { $(
        #[doc = "[ARCHITECTURE.md]: https://docs.rs/crate/hookpost/latest/source/ARCHITECTURE.md"]
        #[doc = "[docs/clocks.md]: crate::policy::timeline"]
        #[doc = "[docs/glossary.md]: crate::guide::glossary"]
        #[doc = "[docs/own-parts.md]: crate::backend"]
        #[doc = "[docs/profiles.md]: crate::profile"]
        #[doc = "[docs/publishing.md]: crate::stores"]
        #[doc = "[docs/sqlite.md]: crate::stores"]
        #[doc = "[examples/service]: https://docs.rs/crate/hookpost/latest/source/examples/service/main.rs"]
        #[cfg_attr(feature = "targets", doc = "[docs/answers.md]: crate::targets")]
        #[cfg_attr(feature = "testing", doc = "[docs/testing.md]: crate::testing")]
        #[cfg_attr(feature = "testing", doc = "[docs/writing-a-store.md]: crate::conformance")]
        #[cfg_attr(feature = "tokio", doc = "[docs/guarantees.md]: crate::webhooks")]
        #[cfg_attr(feature = "tokio", doc = "[docs/operating.md]: crate::webhooks")]
        #[doc = include_str!($file)]
        pub mod $name {}
    )+ };
}

pages! {
    getting_started: "../docs/getting-started.md"
    glossary: "../docs/glossary.md"
    limits: "../docs/limits.md"
    design: "../docs/design.md"
    comparison: "../docs/comparison.md"
    stability: "../docs/stability.md"
}
