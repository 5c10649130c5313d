//! Parses requests: a health check, and a browser's request.

mod harness;

use std::hint::black_box;

use harness::measure;

const SMALL: &str = "GET /health HTTP/1.1\r\nHost: 10.0.0.1:8080\r\nAccept: */*\r\n\r\n";

const BROWSER: &str = "\
    GET /articles/2026/11/how-a-parser-is-measured.html?from=index&page=2 HTTP/1.1\r\n\
    Host: www.example.org\r\n\
    User-Agent: Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0\r\n\
    Accept: text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8\r\n\
    Accept-Language: en-GB,en;q=0.7,de;q=0.3\r\n\
    Accept-Encoding: gzip, deflate, br, zstd\r\n\
    Referer: https://www.example.org/articles/2026/11/index.html\r\n\
    Cookie: session=1f0c2b9a7d5e4c3b8a6f; theme=dark; consent=analytics%3Dno%26ads%3Dno\r\n\
    Connection: keep-alive\r\n\
    Upgrade-Insecure-Requests: 1\r\n\
    Priority: u=0, i\r\n\r\n";

fn run(suffix: &str) {
    for (what, request) in [("a small request", SMALL), ("a browser's request", BROWSER)] {
        measure(&format!("{what}{suffix}"), 64, || {
            for _ in 0..64 {
                let mut headers = [httparse::EMPTY_HEADER; 16];
                let mut parsed = httparse::Request::new(&mut headers);
                let status = parsed.parse(black_box(request.as_bytes())).unwrap();
                assert!(black_box(status).is_complete());
            }
        });
    }
}

fn main() {
    #[cfg(feature = "patched")]
    static_call::init().unwrap();
    run("");
    #[cfg(feature = "patched")]
    {
        harness::measure_switch(|yes| drop(httparse::_benchable::set_portable(yes).unwrap()));
        httparse::_benchable::set_portable(true).unwrap();
        run(" (switched)");
    }
}
