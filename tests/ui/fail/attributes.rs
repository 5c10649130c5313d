use static_call::static_call;

#[static_call]
#[track_caller]
fn track_caller() {}

#[static_call]
#[target_feature(enable = "avx2")]
fn target_feature() {}

#[static_call]
#[unsafe(no_mangle)]
pub fn no_mangle() {}

#[static_call]
#[unsafe(export_name = "other")]
pub fn export_name() {}

#[static_call]
#[cfg_attr(all(), track_caller)]
fn conditional() {}

#[static_call]
#[static_call]
fn twice() {}

#[static_call]
fn configured(#[cfg(all())] n: u8) -> u8 {
    n
}

fn main() {
    track_caller();
    twice();
    let _ = configured(1);
}
