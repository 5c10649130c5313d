//! Golden expansions: what the macros generate, so that changes to it show up in review.
//!
//! `BLESS=1 cargo test -p static-call-macros` rewrites them.

use std::path::Path;

use proc_macro2::TokenStream;

/// Compares the expansion with `golden/{name}.txt`.
#[track_caller]
fn check(name: &str, expansion: TokenStream) {
    let file = syn::parse2(expansion).expect("an expansion is made of items");
    let text = prettyplease::unparse(&file);
    let path =
        Path::new(env!("CARGO_MANIFEST_DIR")).join("golden").join(name).with_extension("txt");
    if std::env::var_os("BLESS").is_some() {
        std::fs::write(&path, text).unwrap();
        return;
    }
    let golden = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(golden == text, "{} is not what is generated now:\n{text}", path.display());
}

fn attribute(options: &str, item: &str) -> TokenStream {
    crate::expanded(format!("unsafe static_call; [{options}] {item}").parse().unwrap())
}

#[test]
fn function() {
    let item = "
        /// Returns the sum of the bytes.
        #[must_use]
        pub fn checksum<'a>(data: &'a [u8], mut big: Big<'a>, (a, _): (u8, &str)) -> &'a u8 { body }
    ";
    check("function", attribute("", item));
}

#[test]
fn without_body() {
    check("without_body", attribute("", "fn on_request(request: &Request<'_>, _: String);"));
}

#[test]
fn implementation() {
    let item = "
        #[cfg(unix)]
        impl<'a> Filter<'a> {
            const LIMIT: u8 = 1;

            /// Returns whether the line matches.
            #[static_call]
            pub unsafe fn matches(&mut self, line: &str, other: Self) -> &str { body }
        }
    ";
    check("implementation", attribute("crate = other::path", item));
}

#[test]
fn select() {
    let options = "select(avx512bw + sse4.2 => wide, \"avx2\" => x86::fast, neon => arm::fast)";
    check("select", attribute(options, "pub fn find(byte: u8, big: Big<'_>) -> usize { body }"));
}

#[test]
fn select_method() {
    let item = "
        impl Filter<'_> {
            #[cfg(unix)]
            #[static_call(select(#[cfg(a)] aes => Self::fast, avx2 => unsafe other))]
            unsafe fn find(&self) -> &u8 { body }
        }
    ";
    check("select_method", attribute("", item));
}

#[test]
fn never() {
    check("never", attribute("keys = Fail", "#[cold] unsafe fn fail(code: i32) -> ! { body }"));
}

#[test]
fn of_trait() {
    let item = "
        /// Compresses and expands.
        #[cfg(unix)]
        pub unsafe trait Codec: Named {
            type Error;
            const LEVEL: u32;
            /// Compresses `src`.
            fn encode(&self, src: &[u8], big: Big) -> Result<usize, Self::Error>;
            #[must_use]
            fn name(&self) -> &str { Self::default_name(self.level()) }
            #[cfg(feature = \"hint\")]
            #[static_call(optional)]
            fn hint(size: u32) -> Option<u32>;
            fn each<T>(&self, values: &[T]) where Self: Sized { body }
        }
    ";
    let options = "handle = Fast, update = pub(crate), derive(PartialEq), type Error = io::Error, \
                   const LEVEL: u32 = 3";
    check("trait", attribute(options, item));
}

#[test]
fn refused_trait() {
    let item = "trait Codec { type Error; fn push(&mut self, byte: u8) -> Self::Error; }";
    check("refused_trait", attribute("", item));
}

#[test]
fn derive() {
    let item = "pub struct Lz4<const LEVEL: u32>;";
    check("derive", crate::derive::instance(item.parse().unwrap()));
}

#[test]
fn refused() {
    check("refused", attribute("", "pub const fn largest<T: Ord>(values: &[T]) -> T { body }"));
}

#[test]
fn call() {
    let calls = ["checksum(&data, big)", "module::Filter::matches(&filter, \"line\")", "<T>::f()"];
    let calls = calls.map(|call| {
        let call = crate::site(format!("unsafe static_call; {call}").parse().unwrap());
        quote::quote!(fn function() { #call; })
    });
    check("call", calls.into_iter().collect());
}
