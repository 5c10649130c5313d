// The pages of `docs/`. Each ends with the definitions of its links, for readers of the files. Of two
// definitions of a link the first counts: `links.md` comes before each page and names the modules.
// Not for doctests, which have the name of the first file.
#![cfg_attr(not(doctest), doc = include_str!("guide/links.md"))]
#![doc = include_str!("../docs/README.md")]

macro_rules! pages {
    ($($name:ident $file:literal $cfg:meta;)+) => {$(
        #[cfg($cfg)]
        #[cfg_attr(not(doctest), doc = include_str!("guide/links.md"))]
        #[doc = include_str!(concat!("../docs/", $file))]
        pub mod $name {}
    )+};
}

// Pages whose examples need other crates are tested in `tests/src/guide.rs`.
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
    debugging "debugging.md" all();
    reviewing_safety "reviewing-safety.md" all();
    alternatives "alternatives.md" not(doctest);
    limits "limits.md" all();
    verifier "verifier.md" not(doctest);
    comparison "comparison.md" all();
    probe "probe.md" all();
    faq "faq.md" all();
}
