use static_call::{Instance, static_call};

#[static_call]
trait Listener {
    #[static_call(optional)]
    fn opened(&self) -> u32;
    #[static_call(optional)]
    fn closed(&self) {}
    #[static_call(select)]
    fn moved(&self);
    fn named(&self);
}

#[derive(Instance)]
struct Log;

impl Listener for Log {
    fn opened(&self) -> u32 {
        1
    }
    fn moved(&self) {}
    fn named(&self) {}
}

fn main() {
    StaticListener::update::<Log>().unwrap();
    let _ = StaticListener.opened();
    StaticListener.closed();
}
