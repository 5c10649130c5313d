use static_call::{call, static_call};

#[static_call]
async fn fetch(n: u32) -> u32 {
    n
}

async fn twice() -> u32 {
    fetch(1).await + call!(fetch(2)).await
}

fn main() {
    let _ = twice();
}
