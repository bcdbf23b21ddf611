//! The person at the desktop: signs in, decides, looks, presses buttons.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use secrecy::SecretString;
use visionguard_client::controller::Client;
use visionguard_client::model::Decision;
use visionguard_client::view::{Remedy, Status};

use crate::drill::{LastDrill, drill};
use crate::plan::Bug;
use crate::server::{CANARY, User};
use crate::wanted::{Setting, Wanted, change};
use crate::world::{Event, Shared, World, lock};

/// Where the server is.
pub const SERVER: &str = "https://alerts.example.com";
/// What was on its way into the journal as somebody else signed in may take so long.
const LEFT_OVER: Duration = Duration::from_secs(30);

/// Something that a person wants of the client.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wish {
    /// Signs in as whoever is to sit there.
    SignIn,
    /// Signs out.
    SignOut {
        /// The journal is erased.
        erase: bool,
        /// Who signs in next.
        next: User,
    },
    /// Signs in as somebody else without signing out.
    Hand(User),
    /// Presses "Retry now".
    RetryNow,
    /// Tests the alert path.
    Drill,
    /// Changes a setting.
    Change(Setting),
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
#[derive(Debug)]
pub struct Person {
    /// When the owner's sign-in was first accepted, by this journal.
    pub signed_in_at: Option<Duration>,
    /// Who is signed in since when, where that is certain.
    is: Option<(User, Duration)>,
    /// When a sign-in was last accepted.
    pub last_sign_in: Duration,
    /// Who should be.
    wants: User,
    guest_until: Duration,
    /// The journal was erased since the owner was last signed in.
    afresh: bool,
    /// A sign-in is under way.
    signing_in: bool,
    /// A sign-out is.
    signing_out: bool,
    /// Incidents that were shown in some way, by the number of their journal.
    pub incidents: Vec<String>,
    /// What was decided, accepted by the client, by incident.
    pub decided: BTreeMap<String, Vec<Decided>>,
    /// Incidents that were ever decided on, also where a kill may have taken the decision, or damage, which not every
    /// journal that was damaged is set aside for.
    pub decided_on: BTreeSet<String>,
    /// How many decisions each detection was under: of its incident while it was part of it, and the one that it found
    /// there. The product has a decision cover what follows within a minute, so that joining is no change of its own.
    pub made: BTreeMap<u64, usize>,
    /// When the person will sign in again, where the status asks for it.
    will_sign_in_at: Option<Duration>,
    /// What they set.
    pub wanted: Wanted,
    /// The test of the alert path that must pass, at the end.
    pub last_drill: LastDrill,
}

impl Default for Person {
    fn default() -> Person {
        Person {
            signed_in_at: None,
            is: None,
            last_sign_in: Duration::ZERO,
            wants: User::Owner,
            guest_until: Duration::ZERO,
            afresh: true,
            signing_in: false,
            signing_out: false,
            incidents: Vec::new(),
            decided: BTreeMap::new(),
            decided_on: BTreeSet::new(),
            made: BTreeMap::new(),
            will_sign_in_at: None,
            wanted: Wanted::default(),
            last_drill: LastDrill::default(),
        }
    }
}

impl Person {
    /// Since when the owner's alerts come here, while they do.
    pub fn owner_since(&self) -> Option<Duration> {
        self.is.filter(|(user, _)| *user == User::Owner).and(self.signed_in_at)
    }

    /// A detection joined an incident that was decided on.
    pub fn is_covered(&mut self, number: u64) {
        *self.made.entry(number).or_default() += 1;
    }
}

/// A decision that the client accepted.
#[derive(Debug, Clone)]
pub struct Decided {
    /// About these detections. What joins the incident later comes under the decision too, if nobody else was first.
    pub about: BTreeSet<u64>,
    at: Duration,
}

impl World {
    /// A person wants something; what concerns the client is done outside the lock.
    pub fn person_wishes(&mut self, wish: Wish) {
        if self.client.is_none() || self.is_suspended() {
            // Whoever finds no program comes back.
            if matches!(wish, Wish::SignIn | Wish::Change(_)) {
                self.after(Duration::from_secs(2), Event::Person(wish));
            }
            return;
        }
        self.line(format!("person: {wish:?}"));
        let is_owner = self.person.owner_since().is_some();
        match wish {
            Wish::SignIn if self.person.signing_in || self.person.signing_out => {}
            Wish::SignIn => {
                self.excuse("a sign-in");
                self.person.signing_in = true;
                if self.person.is.is_some_and(|(user, _)| user != self.person.wants) {
                    self.person.is = None;
                }
                self.wishes.push(wish);
            }
            Wish::SignOut { erase, next } => self.leaves(erase, next),
            Wish::Hand(next) if is_owner && !self.person.signing_in => {
                self.comes(next);
                self.person_wishes(Wish::SignIn);
            }
            Wish::RetryNow => {
                self.excuse("retry now");
                self.wishes.push(wish);
            }
            Wish::Change(_) if self.person.wanted.is_changing() => {
                self.after(Duration::from_secs(2), Event::Person(wish));
            }
            Wish::Change(_) => {
                self.counts.fault("setting changed");
                self.wishes.push(wish);
            }
            Wish::Drill => {
                self.counts.fault("test asked for");
                self.wishes.push(wish);
            }
            Wish::Decide | Wish::Seen | Wish::Dismiss if is_owner => self.wishes.push(wish),
            // The incidents are somebody else's, or nobody's.
            Wish::Decide | Wish::Seen | Wish::Dismiss | Wish::Hand(_) => {}
            Wish::Window(_) | Wish::Rest | Wish::Wake => self.wishes.push(wish),
        }
    }

    fn leaves(&mut self, erase: bool, next: User) {
        if self.person.is.is_none() || self.person.signing_in || self.person.signing_out {
            return;
        }
        // What lies in a file that cannot be opened cannot be erased.
        let erase = erase && !self.is_in_memory();
        self.counts.fault(if erase { "sign-out, erased" } else { "sign-out, kept" });
        self.person.signing_out = true;
        self.person.is = None;
        self.checks.queues.forget();
        if erase {
            self.person.afresh = true;
            self.another_journal_begins();
        }
        self.comes(next);
        self.wishes.push(Wish::SignOut { erase, next });
    }

    fn comes(&mut self, next: User) {
        self.person.wants = next;
        if next == User::Guest {
            self.counts.fault("another user");
            self.person.guest_until = self.now + self.dice.seconds(60..300);
        }
    }

    /// The guest goes when the time has come.
    fn guest_goes(&mut self) {
        let is_guest = self.person.is.is_some_and(|(user, _)| user == User::Guest);
        let is_over = self.peace_at.is_some() || self.now >= self.person.guest_until;
        if !is_guest || !is_over || self.person.signing_in || self.person.signing_out {
            return;
        }
        self.person.wants = User::Owner;
        if self.peace_at.is_some() || self.dice.percent(50) {
            self.person_wishes(Wish::SignIn);
        } else {
            self.person_wishes(Wish::SignOut { erase: false, next: User::Owner });
        }
    }

    /// Nothing is stored of the owner's while somebody else is signed in.
    pub fn is_of_this_session(&mut self, number: Option<u64>) {
        let guest = self.person.is.filter(|(user, _)| *user == User::Guest);
        if let (Some((_, since)), Some(number)) = (guest, number)
            && self.now > since + LEFT_OVER
        {
            self.fail("accounts", format!("{number} was stored in the session of somebody else"));
        }
    }

    /// At the end the owner is signed in and protected, and the alert path was tested.
    pub fn person_is_content(&mut self) {
        if self.person.owner_since().is_none() {
            return self.fail("accounts", "the owner could not sign in again");
        }
        self.last_drill_passed();
        if self.status() != Some(Status::Protected) {
            self.fail("I10", format!("all is well, and the status is {:?}", self.status()));
        }
    }

    /// Signs in again when the desktop asks for it, after a while.
    pub fn person_looks(&mut self) {
        if self.peace_at.is_some() {
            self.person.guest_until = self.now;
            if self.person.is.is_none() {
                self.person.wants = User::Owner;
            }
        }
        self.guest_goes();
        self.asks_for_the_last_drill();
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
        let was_signing_in = std::mem::take(&mut self.person.signing_in);
        let was_signing_out = std::mem::take(&mut self.person.signing_out);
        if was_signing_in || was_signing_out {
            self.after(Duration::from_secs(3), Event::Person(Wish::SignIn));
        }
        self.person.will_sign_in_at = None;
        self.person.last_drill.starts_over();
        if let Some(since) = self.in_memory_since() {
            for decisions in self.person.decided.values_mut() {
                decisions.retain(|decided| decided.at < since);
            }
            self.person.decided.retain(|_, decisions| !decisions.is_empty());
        }
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
        Wish::SignIn => sign_in(&shared, &client, life).await,
        Wish::SignOut { erase, .. } => sign_out(&shared, &client, erase, life).await,
        // It comes as a sign-in.
        Wish::Hand(_) => {}
        Wish::Drill => drill(&shared, &client, life).await,
        Wish::Change(setting) => change(&shared, &client, setting, life).await,
        Wish::RetryNow => client.retry_now(),
        Wish::Window(open) => client.window(open),
        Wish::Rest => client.rest().await,
        Wish::Wake => client.wake(),
        Wish::Seen => {
            let incident = lock(&shared).an_incident();
            if let Some(incident) = incident {
                // For as long as the window is open.
                client.looks(Some(&incident));
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

async fn sign_in(shared: &Shared, client: &Client, life: u32) {
    let (keeps, user) = {
        let world = lock(shared);
        (world.plan.keeps_password, world.person.wants)
    };
    let answer = client.sign_in(SERVER, user.email(), SecretString::from(CANARY), keeps).await;
    let mut world = lock(shared);
    world.look_at_the_clock();
    if world.life != life {
        return;
    }
    world.person.signing_in = false;
    match answer {
        Ok(session) => {
            world.line(format!("person: {user:?} is signed in"));
            if session.user_id != user.id() {
                world.fail("accounts", format!("{user:?} signed in, and is {}", session.user_id));
            }
            let now = world.now;
            let before = world.person.is.filter(|(before, _)| *before == user);
            world.person.is = Some(before.unwrap_or((user, now)));
            world.person.last_sign_in = now;
            if user == User::Owner && std::mem::take(&mut world.person.afresh) {
                world.person.signed_in_at = Some(now);
            }
        }
        Err(problem) => {
            world.overhear("a problem", &format!("{problem:?}"));
            world.line(format!("person: cannot sign in: {}", problem.code));
            world.after(Duration::from_secs(7), Event::Person(Wish::SignIn));
        }
    }
}

async fn sign_out(shared: &Shared, client: &Client, erase: bool, life: u32) {
    let pretends = lock(shared).plan.bug == Some(Bug::ErasesNothing);
    let answer = client.sign_out(erase && !pretends).await;
    let mut world = lock(shared);
    world.look_at_the_clock();
    if world.life != life {
        return;
    }
    world.person.signing_out = false;
    world.line(format!("person: signs out: {}", said(&answer)));
    world.the_screen_is_cleared();
    if erase {
        world.another_journal_begins();
        if answer.is_ok() {
            world.nothing_is_left();
        }
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
        let about = world.is_about(&incident);
        for number in &about {
            *world.person.made.entry(*number).or_default() += 1;
        }
        let at = world.now;
        world.person.decided_on.insert(incident.clone());
        world.person.decided.entry(incident).or_default().push(Decided { about, at });
    }
}

/// What the client answered, in a word.
pub fn said(answer: &Result<(), visionguard_client::view::Problem>) -> String {
    match answer {
        Ok(()) => "done".to_owned(),
        Err(problem) => problem.code.clone(),
    }
}
