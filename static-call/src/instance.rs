//! Instances: the values that implementations of a trait run with.

pub use static_call_macros::Instance;

/// Names the one value that the methods of an implementation run with.
///
/// The handle that `#[static_call]` makes for a trait has no state of its own. Its methods call
/// those of the current implementation, each with the instance of that same implementation:
/// function and instance change in one store, so no method ever runs with the instance of another
/// implementation.
///
/// A struct without fields can derive it; for a static, use [`instance!`](crate::instance!). In a
/// crate that depends on `static-call` under another name, add `#[instance(crate = path::to)]` to
/// the derive.
///
/// # Examples
///
/// ```
/// use std::sync::atomic::{AtomicU32, Ordering};
/// use static_call::{Instance, static_call};
///
/// #[static_call]
/// trait Counter {
///     fn next(&self) -> u32;
/// }
///
/// #[derive(Instance)]
/// struct Zero;
///
/// impl Counter for Zero {
///     fn next(&self) -> u32 {
///         0
///     }
/// }
///
/// struct Shared(AtomicU32);
///
/// impl Counter for Shared {
///     fn next(&self) -> u32 {
///         self.0.fetch_add(1, Ordering::Relaxed)
///     }
/// }
///
/// static SHARED: Shared = Shared(AtomicU32::new(7));
/// static_call::instance!(SHARED: Shared);
///
/// StaticCounter::update::<Zero>()?;
/// assert_eq!(StaticCounter.next(), 0);
/// StaticCounter::update::<Shared>()?;
/// assert_eq!((StaticCounter.next(), StaticCounter.next()), (7, 8));
/// # Ok::<(), static_call::UpdateError>(())
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` does not name the value that its methods run with",
    label = "no `Instance` for this type",
    note = "for a struct without fields, add `#[derive(static_call::Instance)]`; for a static, \
            write `static_call::instance!(STATIC: {Self});`"
)]
pub trait Instance: Sized + 'static {
    /// Returns the value. Every call gets it from here, so keep it cheap: the address of a static.
    fn instance() -> &'static Self;
}

/// Makes a static the [`Instance`](trait@crate::Instance) of its type.
///
/// The static may have another type that dereferences to this one, such as a `LazyLock`.
///
/// # Examples
///
/// ```
/// use std::sync::LazyLock;
/// use static_call::Instance;
///
/// struct Pool(usize);
///
/// static POOL: Pool = Pool(4);
/// static_call::instance!(POOL: Pool);
///
/// struct Table(Vec<u8>);
///
/// static TABLE: LazyLock<Table> = LazyLock::new(|| Table(vec![1, 2, 3]));
/// static_call::instance!(TABLE: Table);
///
/// assert_eq!(Pool::instance().0, 4);
/// assert_eq!(Table::instance().0.len(), 3);
/// ```
#[macro_export]
macro_rules! instance {
    ($instance:path: $ty:ty) => {
        impl $crate::Instance for $ty {
            #[inline]
            fn instance() -> &'static Self {
                &$instance
            }
        }
    };
}
