//! What the page may ask for; each hands its question to the client and its answer back.

use std::sync::Arc;

use secrecy::SecretString;
use tauri::ipc::Channel;
use tauri::{AppHandle, State};
use visionguard_client::controller::Client;
use visionguard_client::installation::DataDir;
use visionguard_client::view::{
    Decision, DrillResult, Event, FeedPage, FeedQuery, IncidentDetail, Problem, Report, ReportQuery,
    SessionView, SettingsView, Snapshot,
};

use crate::autostart::{self, Asked};
use crate::page::Page;
use crate::sound::Sounds;

type Answer<T> = Result<T, Problem>;

/// Registers the page for events and gives it everything it needs to start.
#[tauri::command]
pub(crate) async fn subscribe(
    app: AppHandle,
    found: State<'_, DataDir>,
    client: State<'_, Client>,
    page: State<'_, Page>,
    channel: Channel<Event>,
) -> Answer<Snapshot> {
    page.connect(channel);
    client.window(true);
    autostart::look(&app, &client, &found.path);
    Ok(client.snapshot().await)
}

/// A page of the feed.
#[tauri::command]
pub(crate) async fn feed(client: State<'_, Client>, query: FeedQuery) -> Answer<FeedPage> {
    client.feed(query).await
}

/// One incident with its alerts.
#[tauri::command]
pub(crate) async fn incident(client: State<'_, Client>, id: &str) -> Answer<IncidentDetail> {
    client.incident(id).await
}

/// Signs in.
#[tauri::command]
pub(crate) async fn sign_in(
    client: State<'_, Client>,
    server: &str,
    email: &str,
    password: SecretString,
    keep_password: bool,
) -> Answer<SessionView> {
    client.sign_in(server, email, password, keep_password).await
}

/// The ledger of a period.
#[tauri::command]
pub(crate) async fn report(client: State<'_, Client>, query: ReportQuery) -> Answer<Report> {
    client.report(query).await
}

/// Signs out.
#[tauri::command]
pub(crate) async fn sign_out(client: State<'_, Client>, erase: bool) -> Answer<()> {
    client.sign_out(erase).await
}

/// Tests the alert path.
#[tauri::command]
pub(crate) async fn drill(client: State<'_, Client>) -> Answer<DrillResult> {
    client.drill().await
}

/// Attempts to connect now.
#[tauri::command(async)]
pub(crate) fn retry_now(client: State<'_, Client>) {
    client.retry_now();
}

/// Records a decision about an incident.
#[tauri::command]
pub(crate) async fn decide(
    client: State<'_, Client>,
    incident: &str,
    decision: Decision,
    note: Option<String>,
) -> Answer<()> {
    client.decide(incident, decision, note).await
}

/// Marks an incident as looked at.
#[tauri::command(async)]
pub(crate) fn seen(client: State<'_, Client>, incident: &str) {
    client.seen(incident);
}

/// Takes one incident out of view.
#[tauri::command]
pub(crate) async fn dismiss(client: State<'_, Client>, incident: &str) -> Answer<()> {
    client.dismiss(incident).await
}

/// Takes all incidents out of view.
#[tauri::command]
pub(crate) async fn clear_all(client: State<'_, Client>) -> Answer<()> {
    client.clear_all().await
}

/// Changes the settings.
#[tauri::command]
pub(crate) async fn change_settings(
    app: AppHandle,
    client: State<'_, Client>,
    found: State<'_, DataDir>,
    sounds: State<'_, Arc<Sounds>>,
    settings: SettingsView,
) -> Answer<SettingsView> {
    let before = client.snapshot().await.settings.start_at_sign_in;
    let settings = client.change_settings(settings).await?;
    sounds.set_volume(settings.sound_volume);
    if settings.start_at_sign_in != before {
        autostart::make(&app, &client, &found.path, settings.start_at_sign_in, Asked::ByPerson);
    }
    Ok(client.snapshot().await.settings)
}

/// Plays the sound of an alert as loud as that.
#[tauri::command]
pub(crate) async fn try_sound(sounds: State<'_, Arc<Sounds>>, volume: u32) -> Answer<()> {
    sounds.try_out(volume).await
}
