use static_call::Instance;

#[derive(Instance)]
struct Pool {
    size: usize,
}

#[derive(Instance)]
enum Level {
    Low,
}

#[derive(Instance)]
#[instance(krate = static_call)]
struct Other;

fn main() {
    let _ = (Pool { size: 1 }.size, Level::Low, Other);
}
