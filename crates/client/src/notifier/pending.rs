//! What waits to be raised: short, newest words per id, the rest counted.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

use crate::shell::{Buttons, Notification};

/// Notifications that wait, each of another id; more become one summary.
pub(super) const LIMIT: usize = 16;
/// Alerts that one notification remembers to stand for; their showing is not proven beyond it.
const ALERTS_LIMIT: usize = 1_000;
/// The summary of what did not fit on the list.
pub(super) const SUMMARY: &str = "summary:overflow";

/// A notification and everything it stands for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Item {
    pub notification: Notification,
    /// Id and alert of each notification that this one took the place of, and its own.
    pub speaks_of: Vec<(String, Option<String>)>,
}

/// What the actor is to do next.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Order {
    Raise(Box<Item>),
    Withdraw(String),
}

#[derive(Debug, Default)]
pub(super) struct Pending {
    list: Mutex<List>,
    changed: Notify,
}

#[derive(Debug, Default)]
struct List {
    orders: VecDeque<Order>,
    overflow: Option<Overflow>,
    closed: bool,
}

#[derive(Debug, Default)]
struct Overflow {
    count: usize,
    critical: bool,
    sound: bool,
    speaks_of: Vec<(String, Option<String>)>,
}

impl Pending {
    pub(super) fn raise(&self, notification: Notification) {
        self.change(|list| list.raise(notification));
    }

    pub(super) fn withdraw(&self, id: &str) {
        self.change(|list| list.withdraw(id));
    }

    pub(super) fn close(&self) {
        self.change(|list| list.closed = true);
    }

    /// The next order; none after [`close`](Self::close), whatever still waits.
    pub(super) async fn next(&self) -> Option<Order> {
        loop {
            let changed = self.changed.notified();
            {
                let mut list = self.lock();
                if list.closed {
                    return None;
                }
                if let Some(order) = list.take() {
                    return Some(order);
                }
            }
            changed.await;
        }
    }

    fn change(&self, change: impl FnOnce(&mut List)) {
        change(&mut self.lock());
        self.changed.notify_one();
    }

    fn lock(&self) -> MutexGuard<'_, List> {
        self.list.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl List {
    fn raise(&mut self, notification: Notification) {
        if let Some(item) = self.waiting(&notification.id) {
            item.replace(notification);
            return;
        }
        let waiting = self.orders.iter().filter(|order| matches!(order, Order::Raise(_))).count();
        if waiting < LIMIT {
            self.orders.push_back(Order::Raise(Box::new(Item::new(notification))));
        } else {
            self.overflow.get_or_insert_default().count_in(notification);
        }
    }

    fn withdraw(&mut self, id: &str) {
        self.orders.retain(|order| match order {
            Order::Raise(item) => item.notification.id != id,
            Order::Withdraw(other) => other != id,
        });
        self.orders.push_back(Order::Withdraw(id.to_owned()));
    }

    fn take(&mut self) -> Option<Order> {
        if let Some(order) = self.orders.pop_front() {
            return Some(order);
        }
        let summary = self.overflow.take()?.into_item();
        Some(Order::Raise(Box::new(summary)))
    }

    fn waiting(&mut self, id: &str) -> Option<&mut Item> {
        self.orders.iter_mut().find_map(|order| match order {
            Order::Raise(item) if item.notification.id == id => Some(item.as_mut()),
            Order::Raise(_) | Order::Withdraw(_) => None,
        })
    }
}

impl Item {
    pub(super) fn new(notification: Notification) -> Self {
        let speaks_of = vec![(notification.id.clone(), notification.alert.clone())];
        Self { notification, speaks_of }
    }

    /// The newer words; a sound or a weight that was never played stays due.
    fn replace(&mut self, newer: Notification) {
        let older = std::mem::replace(&mut self.notification, newer);
        self.notification.sound |= older.sound;
        self.notification.critical |= older.critical;
        if self.notification.picture.is_none() {
            self.notification.picture = older.picture;
        }
        remember(&mut self.speaks_of, &self.notification);
    }
}

impl Overflow {
    fn count_in(&mut self, notification: Notification) {
        self.count += 1;
        self.critical |= notification.critical;
        self.sound |= notification.sound;
        remember(&mut self.speaks_of, &notification);
    }

    fn into_item(self) -> Item {
        let notification = Notification {
            id: SUMMARY.into(),
            alert: None,
            title: "VisionGuard".into(),
            body: super::text::more(self.count),
            picture: None,
            sound: self.sound,
            critical: self.critical,
            buttons: Buttons::Open,
        };
        Item { notification, speaks_of: self.speaks_of }
    }
}

fn remember(speaks_of: &mut Vec<(String, Option<String>)>, notification: &Notification) {
    if speaks_of.len() < ALERTS_LIMIT {
        speaks_of.push((notification.id.clone(), notification.alert.clone()));
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;

    #[test]
    fn a_newer_one_of_the_same_id_takes_the_place_of_the_older_and_speaks_for_both() {
        let mut list = List::default();
        list.raise(Notification {
            sound: true,
            picture: Some(Bytes::from_static(b"jpeg")),
            ..notification("a", "1")
        });
        list.raise(notification("b", "2"));

        list.raise(notification("a", "3"));

        let Some(Order::Raise(item)) = list.take() else { panic!("nothing waits") };
        assert_eq!(item.notification.alert.as_deref(), Some("3"));
        assert!(item.notification.sound, "the first one's sound was never played");
        assert!(item.notification.picture.is_some(), "the picture it had is better than none");
        assert_eq!(item.speaks_of, [("a".into(), Some("1".into())), ("a".into(), Some("3".into()))]);
    }

    #[test]
    fn what_does_not_fit_is_told_in_one_summary_after_the_rest() {
        let mut list = List::default();
        for number in 0..LIMIT + 3 {
            list.raise(Notification {
                critical: number == LIMIT,
                ..notification(&format!("n{number}"), "1")
            });
        }

        let orders: Vec<_> = std::iter::from_fn(|| list.take()).collect();

        assert_eq!(orders.len(), LIMIT + 1);
        let Some(Order::Raise(summary)) = orders.last() else { panic!("no summary") };
        assert_eq!(summary.notification.id, SUMMARY);
        assert!(summary.notification.body.contains('3'), "{}", summary.notification.body);
        assert!(summary.notification.critical);
        assert_eq!(summary.speaks_of.len(), 3);
    }

    #[test]
    fn a_withdrawn_one_that_still_waits_is_never_raised() {
        let mut list = List::default();
        list.raise(notification("a", "1"));
        list.raise(notification("b", "2"));

        list.withdraw("a");

        let Some(Order::Raise(item)) = list.take() else { panic!("nothing waits") };
        assert_eq!(item.notification.id, "b");
        assert_eq!(list.take(), Some(Order::Withdraw("a".into())));
    }

    #[tokio::test]
    async fn a_closed_list_hands_out_nothing_more() {
        let pending = Pending::default();
        pending.raise(notification("a", "1"));

        pending.close();

        assert_eq!(pending.next().await, None);
    }

    fn notification(id: &str, alert: &str) -> Notification {
        Notification {
            id: id.into(),
            alert: Some(alert.into()),
            title: "Theft pattern".into(),
            body: "Aisle 3".into(),
            picture: None,
            sound: false,
            critical: false,
            buttons: Buttons::Incident,
        }
    }
}
