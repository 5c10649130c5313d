use static_call::static_call;

/// Counts.
#[static_call]
pub fn count(text: &str, from: usize) -> usize {
    text.len() - from
}

struct Filter(u8);

#[static_call]
impl Filter {
    #[static_call]
    fn matches(&self, line: &str) -> bool {
        line.len() == usize::from(self.0)
    }
}

fn wrong(text: &str) -> usize {
    text.len()
}

fn main() {
    count::update(wrong).unwrap();
    count::update(|text, _| text).unwrap();
    Filter::MATCHES.update(wrong).unwrap();
    Filter::MATCHES.update(|filter, line| line.len()).unwrap();
}
