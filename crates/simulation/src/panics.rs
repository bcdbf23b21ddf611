//! Notices panics of the thread that runs a world, also of tasks whose end nobody awaits.

use std::cell::RefCell;
use std::sync::Once;

thread_local! {
    static PANICKED: RefCell<Option<String>> = const { RefCell::new(None) };
    static WATCHED: RefCell<bool> = const { RefCell::new(false) };
}

/// From here on panics of this thread are remembered and not printed.
pub fn watch() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let before = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |info| {
            if WATCHED.with_borrow(|watched| *watched) {
                PANICKED.with_borrow_mut(|panicked| panicked.get_or_insert(info.to_string()).clone());
            } else {
                before(info);
            }
        }));
    });
    WATCHED.set(true);
    PANICKED.set(None);
}

/// The first panic since, if there was one.
pub fn taken() -> Option<String> {
    WATCHED.set(false);
    PANICKED.take()
}
