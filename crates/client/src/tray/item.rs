//! The tray's item on the session bus: a StatusNotifierItem with a menu, in every form that some host wants.
//!
//! It is always active: attention and passive are shown by few hosts, so the icon alone says how things are. It registers
//! by itself with whoever watches for items, and again after that was restarted.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use ksni::menu::{StandardItem, SubMenu};
use ksni::{Handle, Icon, MenuItem, ToolTip, TrayMethods};
use tokio::sync::watch;
use tokio::time::timeout;

use super::{Choice, Line, icon, icons, menu};
use crate::view::Tray;

/// A bus or a watcher that takes longer than that is tried again.
const ANSWER_WITHIN: Duration = Duration::from_secs(10);
const AGAIN_AFTER: Duration = Duration::from_secs(5);

/// Shows the newest tray for as long as there is somebody who sends them, and tells what is chosen. The icons' files go into
/// the folder of the theme.
pub async fn run(
    id: String,
    mut newest: watch::Receiver<Option<Tray>>,
    theme: Option<PathBuf>,
    chosen: impl Fn(Choice) + Send + Sync + 'static,
) {
    let chosen: Chosen = Arc::new(chosen);
    let theme = match theme {
        Some(folder) => write_theme(folder).await,
        None => None,
    };
    let mut handle: Option<Handle<Item>> = None;
    loop {
        let model = newest.borrow_and_update().clone();
        if let Some(model) = model {
            handle = match handle.filter(|handle| !handle.is_closed()) {
                Some(handle) => {
                    update(&handle, model).await;
                    Some(handle)
                }
                None => {
                    let (id, theme, chosen) = (id.clone(), theme.clone(), Arc::clone(&chosen));
                    put_up(Item { id, tray: model, theme, chosen }).await
                }
            };
        }
        let must_retry = handle.is_none() && newest.borrow().is_some();
        tokio::select! {
            changed = newest.changed() => if changed.is_err() { break },
            () = tokio::time::sleep(AGAIN_AFTER), if must_retry => {}
        }
    }
    if let Some(handle) = handle {
        let _ = timeout(ANSWER_WITHIN, handle.shutdown()).await;
    }
}

/// Without the files, the hosts that want a name show a placeholder; the others do not need them.
async fn write_theme(folder: PathBuf) -> Option<String> {
    let shown = folder.clone();
    let written = tokio::task::spawn_blocking(move || icons::write(&folder)).await;
    match written {
        Ok(Ok(folder)) => as_text(&folder),
        Ok(Err(error)) => {
            tracing::warn!(%error, folder = %shown.display(), "the tray's icons cannot be written");
            None
        }
        Err(_) => None,
    }
}

fn as_text(folder: &Path) -> Option<String> {
    folder.to_str().map(str::to_owned)
}

async fn put_up(item: Item) -> Option<Handle<Item>> {
    // Whoever watches for items may come later: nothing else needs to be waited for.
    match timeout(ANSWER_WITHIN, item.assume_sni_available(true).spawn()).await {
        Ok(Ok(handle)) => {
            tracing::debug!("the tray's item is on the bus");
            Some(handle)
        }
        Ok(Err(error)) => {
            tracing::debug!(%error, "no tray yet");
            None
        }
        Err(_) => {
            tracing::debug!("no tray yet: no answer");
            None
        }
    }
}

async fn update(handle: &Handle<Item>, tray: Tray) {
    let updated = handle.update(|item| item.tray = tray);
    if timeout(ANSWER_WITHIN, updated).await.is_err() {
        tracing::warn!("the tray is out of date: the desktop does not answer");
    }
}

type Chosen = Arc<dyn Fn(Choice) + Send + Sync>;

struct Item {
    id: String,
    tray: Tray,
    theme: Option<String>,
    chosen: Chosen,
}

impl fmt::Debug for Item {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Item").field("tray", &self.tray).field("theme", &self.theme).finish_non_exhaustive()
    }
}

impl ksni::Tray for Item {
    fn id(&self) -> String {
        self.id.clone()
    }

    /// Some hosts show nothing else.
    fn title(&self) -> String {
        self.tray.tooltip.clone()
    }

    fn tool_tip(&self) -> ToolTip {
        ToolTip { title: self.tray.tooltip.clone(), ..ToolTip::default() }
    }

    fn icon_theme_path(&self) -> String {
        self.theme.clone().unwrap_or_default()
    }

    fn icon_name(&self) -> String {
        match self.theme {
            Some(_) => icons::themed(icon(&self.tray)),
            None => String::new(),
        }
    }

    fn icon_pixmap(&self) -> Vec<Icon> {
        icons::pixels(icon(&self.tray)).into_iter().collect()
    }

    fn activate(&mut self, _x: i32, _y: i32) {
        (self.chosen)(Choice::Open);
    }

    fn menu(&self) -> Vec<MenuItem<Self>> {
        menu(&self.tray).into_iter().map(entry).collect()
    }
}

fn entry(line: Line) -> MenuItem<Item> {
    match line {
        Line::Status(words) => {
            StandardItem { label: label(&words), enabled: false, ..StandardItem::default() }.into()
        }
        Line::Choice { choice, label: words, enabled } => StandardItem {
            label: label(&words),
            enabled,
            activate: Box::new(move |item: &mut Item| (item.chosen)(choice.clone())),
            ..StandardItem::default()
        }
        .into(),
        Line::Menu { label: words, lines } => SubMenu {
            label: label(&words),
            enabled: !lines.is_empty(),
            submenu: lines.into_iter().map(entry).collect(),
            ..SubMenu::default()
        }
        .into(),
        Line::Separator => MenuItem::Separator,
    }
}

/// An underscore would make the next letter the entry's key.
fn label(words: &str) -> String {
    words.replace('_', "__")
}
