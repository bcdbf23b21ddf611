//! What waits to be raised: the newest words of each id. How many may stand is for the policy.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

use crate::shell::Notification;

/// Alerts that one notification remembers to stand for; their showing is not proven beyond it.
const ALERTS_LIMIT: usize = 1_000;

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
    closed: bool,
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
        if let Some(before) = notification.in_place_of.clone()
            && let Some(item) = self.waiting(&before)
        {
            // What waits may be an update of one that stands.
            let in_place_of = item.notification.in_place_of.take().or(Some(before));
            *item = Item::new(Notification { in_place_of, ..notification });
            return;
        }
        self.orders.push_back(Order::Raise(Box::new(Item::new(notification))));
    }

    fn withdraw(&mut self, id: &str) {
        self.orders.retain(|order| match order {
            Order::Raise(item) => item.notification.id != id,
            Order::Withdraw(_) => true,
        });
        // One that waits already makes room for what was raised after it: it stays where it is.
        if !self.orders.contains(&Order::Withdraw(id.to_owned())) {
            self.orders.push_back(Order::Withdraw(id.to_owned()));
        }
    }

    fn take(&mut self) -> Option<Order> {
        self.orders.pop_front()
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
        self.notification.in_place_of = self.notification.in_place_of.take().or(older.in_place_of);
        remember(&mut self.speaks_of, &self.notification);
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
    use crate::shell::Buttons;

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
    fn room_is_made_before_what_it_is_made_for() {
        let mut list = List::default();
        list.withdraw("a");
        list.raise(notification("b", "1"));
        list.raise(notification("a", "2"));

        list.withdraw("a");

        assert_eq!(list.take(), Some(Order::Withdraw("a".into())));
        assert!(matches!(list.take(), Some(Order::Raise(item)) if item.notification.id == "b"));
        assert_eq!(list.take(), None);
    }

    #[test]
    fn one_that_comes_in_the_place_of_one_that_still_waits_is_raised_instead() {
        let mut list = List::default();
        list.raise(Notification { in_place_of: Some("first".into()), ..notification("a", "1") });
        list.raise(notification("b", "2"));

        list.raise(Notification { in_place_of: Some("a".into()), ..notification("c", "3") });

        let Some(Order::Raise(item)) = list.take() else { panic!("nothing waits") };
        assert_eq!(
            (item.notification.id.as_str(), item.notification.in_place_of.as_deref()),
            ("c", Some("first"))
        );
        assert_eq!(item.speaks_of, [("c".into(), Some("3".into()))], "nobody saw the other");
        let Some(Order::Raise(item)) = list.take() else { panic!("only one waits") };
        assert_eq!(item.notification.id, "b");
        assert_eq!(list.take(), None);
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
            in_place_of: None,
        }
    }
}
