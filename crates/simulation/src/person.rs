//! The person at the desktop: signs in, decides, looks, presses buttons.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use secrecy::SecretString;
use visionguard_client::controller::Client;
use visionguard_client::view::{Decision, Remedy};

use crate::server::CANARY;
use crate::world::{Event, Shared, World, lock};

/// Where the server is.
pub const SERVER: &str = "https://alerts.example.com";

/// Something that a person wants of the client.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wish {
    /// Signs in.
    SignIn,
    /// Presses "Retry now".
    RetryNow,
    /// Decides on an incident.
    Decide,
    /// Looks at an incident.
    Seen,
    /// Takes an incident out of view.
    Dismiss,
    /// Opens or closes the window.
    Window(bool),
    /// The system tells that the machine is about to sleep.
    Rest,
    /// The system tells that it woke.
    Wake,
}

/// What the person did and saw.
#[derive(Debug, Default)]
pub struct Person {
    /// When a sign-in was first accepted.
    pub signed_in_at: Option<Duration>,
    /// A sign-in is under way.
    signing_in: bool,
    /// Incidents that were shown in some way, by the number of their journal.
    pub incidents: Vec<String>,
    /// What was decided, accepted by the client, by incident.
    pub decided: BTreeMap<String, Vec<Decided>>,
    /// When the person will sign in again, where the status asks for it.
    will_sign_in_at: Option<Duration>,
}

/// A decision that the client accepted.
#[derive(Debug, Clone)]
pub struct Decided {
    /// About these detections: what joins the incident later was not decided on.
    pub about: BTreeSet<u64>,
}

impl World {
    /// A person wants something; what concerns the client is done outside the lock.
    pub fn person_wishes(&mut self, wish: Wish) {
        if self.client.is_none() || self.is_suspended() {
            // Whoever finds no program comes back.
            if wish == Wish::SignIn {
                self.after(Duration::from_secs(2), Event::Person(wish));
            }
            return;
        }
        self.line(format!("person: {wish:?}"));
        match wish {
            Wish::SignIn if self.person.signing_in => {}
            Wish::SignIn => {
                self.excuse("a sign-in");
                self.person.signing_in = true;
                self.wishes.push(wish);
            }
            Wish::RetryNow => {
                self.excuse("retry now");
                self.wishes.push(wish);
            }
            Wish::Decide | Wish::Seen | Wish::Dismiss | Wish::Window(_) | Wish::Rest | Wish::Wake => {
                self.wishes.push(wish);
            }
        }
    }

    /// Signs in again when the desktop asks for it, after a while.
    pub fn person_looks(&mut self) {
        let asked = self.client.is_some()
            && self.desktop.status.as_ref().is_some_and(|(view, _)| view.remedy == Some(Remedy::SignIn));
        if !asked || self.person.signed_in_at.is_none() {
            self.person.will_sign_in_at = None;
            return;
        }
        match self.person.will_sign_in_at {
            None => {
                let soon = if self.peace_at.is_some() { 1..3 } else { 5..300 };
                self.person.will_sign_in_at = Some(self.now + self.dice.seconds(soon));
            }
            Some(at) if at <= self.now => {
                self.person.will_sign_in_at = None;
                self.person_wishes(Wish::SignIn);
            }
            Some(at) => {
                let most = Duration::from_secs(5);
                if self.peace_at.is_some() && at > self.now + most {
                    self.person.will_sign_in_at = Some(self.now + most);
                }
            }
        }
    }

    /// A new life has another program that knows nothing of a sign-in under way.
    pub fn person_starts_over(&mut self) {
        if std::mem::take(&mut self.person.signing_in) && self.person.signed_in_at.is_none() {
            self.after(Duration::from_secs(3), Event::Person(Wish::SignIn));
        }
        self.person.will_sign_in_at = None;
    }

    fn an_incident(&mut self) -> Option<String> {
        let incidents = std::mem::take(&mut self.person.incidents);
        // As a rule one of the last.
        let recent = incidents.len().saturating_sub(6);
        let from = if self.dice.percent(80) { &incidents[recent..] } else { &incidents[..] };
        let chosen = self.dice.pick(from).cloned();
        self.person.incidents = incidents;
        chosen
    }
}

/// Does what a person wants; returns when the client has answered.
pub async fn fulfil(shared: Shared, client: Client, wish: Wish, life: u32) {
    match wish {
        Wish::SignIn => {
            let keeps = lock(&shared).plan.keeps_password;
            let answer = client.sign_in(SERVER, "owner@example.com", SecretString::from(CANARY), keeps).await;
            let mut world = lock(&shared);
            world.look_at_the_clock();
            if world.life != life {
                return;
            }
            world.person.signing_in = false;
            match answer {
                Ok(_) => {
                    world.line("person: is signed in");
                    let now = world.now;
                    world.person.signed_in_at.get_or_insert(now);
                }
                Err(problem) => {
                    world.overhear("a problem", &format!("{problem:?}"));
                    world.line(format!("person: cannot sign in: {}", problem.code));
                    world.after(Duration::from_secs(7), Event::Person(Wish::SignIn));
                }
            }
        }
        Wish::RetryNow => client.retry_now(),
        Wish::Window(open) => client.window(open),
        Wish::Rest => client.rest().await,
        Wish::Wake => client.wake(),
        Wish::Seen => {
            let incident = lock(&shared).an_incident();
            if let Some(incident) = incident {
                client.seen(&incident);
            }
        }
        Wish::Dismiss => {
            let incident = lock(&shared).an_incident();
            if let Some(incident) = incident {
                let answer = client.dismiss(&incident).await;
                let mut world = lock(&shared);
                world.look_at_the_clock();
                world.line(format!("person: dismisses {incident}: {}", said(&answer)));
            }
        }
        Wish::Decide => decide(&shared, &client, life).await,
    }
}

async fn decide(shared: &Shared, client: &Client, life: u32) {
    let chosen = {
        let mut world = lock(shared);
        let decisions =
            [Decision::Acknowledged, Decision::Acknowledged, Decision::Resolved, Decision::FalseAlarm];
        let decision = *world.dice.pick(&decisions).unwrap_or(&Decision::Resolved);
        world.an_incident().map(|incident| (incident, decision))
    };
    let Some((incident, decision)) = chosen else { return };
    let answer = client.decide(&incident, decision, None).await;
    let mut world = lock(shared);
    world.look_at_the_clock();
    world.line(format!("person: calls {incident} {decision:?}: {}", said(&answer)));
    if world.life == life && answer.is_ok() {
        world.counts.decisions += 1;
        let about = world.checks.of_incident.get(&incident).cloned().unwrap_or_default();
        world.person.decided.entry(incident).or_default().push(Decided { about });
    }
}

fn said(answer: &Result<(), visionguard_client::view::Problem>) -> String {
    match answer {
        Ok(()) => "done".to_owned(),
        Err(problem) => problem.code.clone(),
    }
}
