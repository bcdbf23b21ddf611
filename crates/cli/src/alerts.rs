//! `alerts`: what is stored on this computer, also while another program owns it.

use jiff::tz::TimeZone;
use visionguard_client::journal::Journal;
use visionguard_client::view::{FeedFilter, FeedItem, FeedQuery, Incident};

use crate::args::Alerts;
use crate::exit::{Exit, Failure};
use crate::lines::{self, StoredLine};
use crate::out::{self, Closed};
use crate::place::Place;
use crate::stored;

/// Lists the journal.
pub async fn run(options: &Alerts) -> Result<Exit, Failure> {
    let place = Place::find()?;
    let stored = stored::open(&place).await?;
    if let Some(missing) = &stored.missing {
        out::complain(missing);
    }
    let exit = match &stored.journal {
        Some(journal) if options.json => alerts(options, &place, journal).await?,
        Some(journal) => incidents(options, &place, journal).await?,
        None if options.json => Exit::Done,
        None => out::ended(out::line("No alerts yet."))?,
    };
    Ok(if exit == Exit::Done && stored.missing.is_some() { Exit::Failed } else { exit })
}

async fn alerts(options: &Alerts, place: &Place, journal: &Journal) -> Result<Exit, Failure> {
    let names = &place.settings.view.camera_names;
    let mut written: Result<(), Closed> = Ok(());
    for entry in journal.alerts(options.limit).await? {
        if written.is_ok() && (!options.unhandled || entry.incident.is_open()) {
            written = out::json(&StoredLine::new(&entry, names));
        }
    }
    out::ended(written)
}

async fn incidents(options: &Alerts, place: &Place, journal: &Journal) -> Result<Exit, Failure> {
    let names = &place.settings.view.camera_names;
    let filter = if options.unhandled { FeedFilter::Unhandled } else { FeedFilter::All };
    let most = usize::try_from(options.limit).unwrap_or(usize::MAX);
    let mut listed: Vec<Incident> = Vec::new();
    let mut before = None;
    loop {
        let page = journal.feed(FeedQuery { filter, before, ..FeedQuery::default() }, names).await?;
        listed.extend(page.items.into_iter().filter_map(|item| match item {
            FeedItem::Incident(incident) => Some(incident),
            FeedItem::Outage { .. } => None,
        }));
        before = page.next;
        if before.is_none() || listed.len() >= most {
            break;
        }
    }
    listed.truncate(most);
    if listed.is_empty() {
        return out::ended(out::line("No alerts yet."));
    }
    out::ended(lines::table(&listed, &TimeZone::system()).iter().try_for_each(|line| out::line(line)))
}
