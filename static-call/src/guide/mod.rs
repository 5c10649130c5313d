// The pages of `docs/`. Each page ends with the definitions of its links, for readers of the files.
// If a link is defined twice, the first definition wins: `links.md` precedes each page and names
// the modules. It is left out of doctests, which are named after the first file.
#![cfg_attr(not(doctest), doc = include_str!("links.md"))]
#![doc = include_str!("../../docs/README.md")]

macro_rules! pages {
    ($($name:ident $file:literal $cfg:meta;)+) => {$(
        #[cfg($cfg)]
        #[cfg_attr(not(doctest), doc = include_str!("links.md"))]
        #[doc = include_str!(concat!("../../docs/", $file))]
        pub mod $name {}
    )+};
}

// `tests/src/guide.rs` tests the pages whose examples need other crates (`not(doctest)`).
pages! {
    getting_started "getting-started.md" not(doctest);
    functions "functions.md" all();
    traits "traits.md" all();
    hooks_and_flags "hooks-and-flags.md" all();
    cpu_dispatch "cpu-dispatch.md" all();
    testing "testing.md" all();
    library_authors "library-authors.md" not(doctest);
    performance "performance.md" all();
    deploying "deploying.md" all();
    alias "alias.md" all();
    debugging "debugging.md" all();
    reviewing_safety "reviewing-safety.md" all();
    alternatives "alternatives.md" not(doctest);
    limits "limits.md" all();
    verifier "verifier.md" not(doctest);
    comparison "comparison.md" all();
    probe "probe.md" all();
    faq "faq.md" all();
}
