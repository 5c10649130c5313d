use static_call::static_call;

#[static_call]
unsafe auto trait Marker {}

unsafe impl Marker for u8 {}

fn main() {
    let _ = StaticMarker;
}
