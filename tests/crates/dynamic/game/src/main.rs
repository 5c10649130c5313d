//! Calls and updates keys of the shared object, gives them targets, and has keys of its own.

use engine::{Renderer, StaticRenderer, VERBOSE, chosen, damage, generic, inlined, on_hit, step};
use static_call::{Instance, call, flag, static_call};

#[static_call]
fn local(n: u32) -> u32 {
    n
}

#[static_call]
fn heard(n: u32);

flag! {
    static LOCAL = false;
}

#[derive(Instance)]
struct Twice;

impl Renderer for Twice {
    fn draw(&self, n: u32) -> u32 {
        n * 2
    }
}

fn double(n: u32, _: [u64; 4]) -> u32 {
    n * 2
}

/// Calls everything and returns the results.
fn all(n: u32) -> [u32; 9] {
    call!(heard(n));
    let flags = u32::from(LOCAL.unlikely()) + u32::from(VERBOSE.unlikely());
    [
        damage(n, [1; 4]) + call!(damage(n, [1; 4])),
        on_hit(n).unwrap_or(0) + call!(on_hit(n)).unwrap_or(0),
        step(n),
        inlined(n),
        generic(n),
        shared::through(n),
        local(n) + call!(local(n)),
        StaticRenderer.draw(n) + call!(StaticRenderer::draw(&StaticRenderer, n)),
        flags + chosen(n) + shared::own(n) + call!(shared::own(n)),
    ]
}

fn main() {
    static_call::init().unwrap();
    let (d, p) = (|n: u32, by: u32| n - by, 10 + 1);
    let step_10 = d(10, 1) * 2 + p * 2;
    let inlined_10 = d(10, 2) * 2;
    let generic_10 = d(10, 3) * 2 + 110;
    assert_eq!(
        all(10),
        [18, 0, step_10, inlined_10, generic_10, 20 + step_10, 20, 20, 130]
    );
    // Updates keys of the shared object from the program, with the program's targets.
    damage::update(double).unwrap();
    on_hit::update(|n| Some(n + 5)).unwrap();
    VERBOSE.enable().unwrap();
    shared::own::update(|n| n + 3).unwrap();
    StaticRenderer::update::<Twice>().unwrap();
    // Updates keys in the shared object, and the program's own keys.
    engine::update_private();
    local::update(|n| n + 1).unwrap();
    LOCAL.enable().unwrap();
    heard::update(|n| assert_eq!(n, 10)).unwrap();
    let step_10 = 20 * 2 + 12 * 2 + 1 + 15;
    let expected = [40, 30, step_10, 41, 20 * 2 + 110 + 15, 26 + step_10, 22, 40, 2 + 110 + 26];
    assert_eq!(all(10), expected);
    static_call::batch(|batch| {
        batch.reset(damage::KEY)?;
        batch.update(local::KEY, |n| n * 3)?;
        batch.set_flag(&LOCAL, false)
    })
    .unwrap();
    assert_eq!((all(10)[0], all(10)[6], all(10)[8]), (18, 60, 1 + 110 + 26));
    damage::update(double).unwrap().previous.restore().unwrap();
    println!("{}", static_call::report());
    static_call::unbind().unwrap();
    assert_eq!(all(10)[0], 18);
}
