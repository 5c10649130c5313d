use switch::{Instance, UpdateError, call, flag, static_call};

#[static_call]
pub fn level(n: u8) -> u8 {
    n
}

#[static_call]
pub fn on_event(n: u8);

pub struct Filter;

#[static_call]
impl Filter {
    #[static_call]
    pub fn matches(&self, n: u8) -> bool {
        n > 0
    }
}

#[static_call]
pub trait Codec {
    fn encode(&self, n: u8) -> u8 {
        n
    }
}

#[derive(Instance)]
pub struct Plain;

impl Codec for Plain {}

flag! {
    pub static LOUD = false;
}

pub fn switch_all() -> Result<u8, UpdateError> {
    level::update(|n| n + 1)?;
    on_event::update(|_| {})?;
    Filter::MATCHES.update(|_, n| n > 1)?;
    StaticCodec::reset()?;
    LOUD.enable()?;
    call!(on_event(1));
    Ok(call!(level(1)) + level(2) + StaticCodec.encode(3))
}
