use static_call::static_call;

#[static_call]
fn choose<'a: 'b, 'b>(a: &'a str, b: &'b str) -> &'b str {
    if a.is_empty() { b } else { a }
}

#[static_call]
fn choose_where<'a, 'b>(a: &'a str, b: &'b str) -> &'b str
where
    'a: 'b,
{
    if a.is_empty() { b } else { a }
}

#[static_call]
fn clause(a: Vec<u8>) -> Vec<u8>
where
    Vec<u8>: Clone,
{
    a
}

fn main() {
    let _ = choose("a", "b");
    let _ = choose_where("a", "b");
    let _ = clause(Vec::new());
}
