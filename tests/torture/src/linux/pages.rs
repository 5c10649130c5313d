//! Old targets cannot be executed. After an update has returned, and every caller has passed a
//! point outside the key's calls, the page of the old target loses the right to execute. A thread
//! that enters it later ends the program.

use std::arch::global_asm;
use std::sync::atomic::{AtomicU64, Ordering::SeqCst};
use std::thread;

use static_call::{Update, UpdateError, call, static_call};

use super::account::Account;
use super::random::Random;

const PAGE: usize = 4096;

type Done = Result<Update, UpdateError>;

global_asm!(
    ".pushsection .text.torture_pages,\"ax\",@progbits",
    ".macro torture_page name, target",
    ".p2align 12, 0xcc",
    ".globl \\name",
    ".hidden \\name",
    "\\name:",
    "lea rax, [rdi * 8 + \\target]",
    "ret",
    ".endm",
    "torture_page torture_page_0, 0",
    "torture_page torture_page_1, 1",
    "torture_page torture_page_2, 2",
    "torture_page torture_page_3, 3",
    ".p2align 12, 0xcc",
    ".popsection",
);

/// Defines the targets: functions in pages of their own.
macro_rules! pages {
    ($($target:ident: $page:ident;)*) => {
        unsafe extern "C" {
            $(fn $page(x: u64) -> u64;)*
        }

        $(
            #[inline]
            fn $target(x: u64) -> u64 {
                // SAFETY: it only computes.
                unsafe { $page(x) }
            }
        )*

        const PAGES: [unsafe extern "C" fn(u64) -> u64; 4] = [$($page),*];

        fn update(target: usize) -> Done {
            let all: [fn() -> Done; 4] = [$(|| paged::update($target)),*];
            all[target]()
        }
    };
}

pages! {
    zero: torture_page_0;
    one: torture_page_1;
    two: torture_page_2;
    three: torture_page_3;
}

#[static_call]
fn paged(x: u64) -> u64 {
    x * 8 + 7
}

/// How many updates have returned.
static GENERATION: AtomicU64 = AtomicU64::new(0);

/// The generations that callers have seen, outside calls of the key.
pub(super) struct Seen(Box<[AtomicU64]>);

impl Seen {
    pub(super) fn new(callers: usize) -> Self {
        Self((0..callers).map(|_| AtomicU64::new(u64::MAX)).collect())
    }

    /// Makes calls of the key in the name of a caller; returns how many results no target gives.
    pub(super) fn call(&self, caller: usize, x: u64) -> u64 {
        let x = x >> 8;
        self.0[caller].store(GENERATION.load(SeqCst), SeqCst);
        let mut wrong = 0;
        for i in 0..CALLS / 2 {
            let targets = [paged(x + i), call!(paged(x + i)).rotate_left(1).rotate_right(1)];
            wrong +=
                targets.into_iter().filter(|result| *result ^ ((x + i) * 8) > 7).count() as u64;
        }
        // It calls nothing now.
        self.0[caller].store(u64::MAX, SeqCst);
        wrong
    }

    /// Waits until every call that began before this generation has ended.
    fn wait(&self, generation: u64) {
        for seen in &self.0 {
            while seen.load(SeqCst) < generation {
                thread::yield_now();
            }
        }
    }
}

/// How many calls [`Seen::call`] makes.
pub(super) const CALLS: u64 = 64;

fn protect(target: usize, rights: i32) {
    let page = PAGES[target] as usize;
    assert!(page.is_multiple_of(PAGE));
    // SAFETY: the page has only this target, which no thread executes while it cannot be executed,
    // unless a call enters an old target: that is what this finds out.
    let result = unsafe { libc::mprotect(page as *mut _, PAGE, rights) };
    assert_eq!(result, 0, "{}", std::io::Error::last_os_error());
}

/// Updates the key until the time is over, and takes the old target's right to be executed.
pub(super) fn revoke(account: &Account, seen: &Seen, mut random: Random) {
    let mut current = 0;
    if let Err(error) = update(current) {
        return account.violate(format!("paged: {error}"));
    }
    while !account.is_over() {
        let next = (current + 1 + random.below(3) as usize) % 4;
        protect(next, libc::PROT_READ | libc::PROT_EXEC);
        match update(next) {
            Ok(_) => Account::add(&account.updates, 1),
            Err(error) => return account.violate(format!("paged: {error}")),
        }
        let generation = GENERATION.fetch_add(1, SeqCst) + 1;
        seen.wait(generation);
        protect(current, libc::PROT_NONE);
        Account::add(&account.revoked, 1);
        current = next;
    }
    (0..4).for_each(|target| protect(target, libc::PROT_READ | libc::PROT_EXEC));
}
