mod library {
    #[static_call::static_call(update = pub(self))]
    pub trait Clock {
        fn now() -> u64;
    }
}

struct Mine;

impl library::Clock for Mine {
    fn now() -> u64 {
        1
    }
}

fn main() {
    let _ = library::StaticClock::update::<Mine>();
    let _ = library::StaticClock::reset();
    let _ = static_call::batch(|batch| batch.update_all::<library::StaticClock, Mine>());
    let _ = static_call::batch(|batch| batch.reset_all::<library::StaticClockKeys>());
}
