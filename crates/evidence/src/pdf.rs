//! `READ-ME-FIRST.pdf`: what an officer reads and files, on A4 and within Letter. PDF/A-2u where the pictures allow it, so that it
//! can be kept.
//!
//! Some of the pictures are on it, as they were received; all are in `frames/`.

mod fonts;
mod sheet;
mod text;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use krilla::color::luma;
use krilla::configure::{Configuration, Validator};
use krilla::geom::{PathBuilder, Point, Rect, Size, Transform};
use krilla::image::Image;
use krilla::metadata::{DateTime, Metadata};
use krilla::num::NormalizedF32;
use krilla::page::PageSettings;
use krilla::paint::{Fill, FillRule, Stroke};
use krilla::surface::Surface;
use krilla::{Document, SerializeSettings};

use self::fonts::{Face, Fonts};
use self::sheet::{FULL, HEIGHT, Item, SIDE, Sheet, Style, WIDTH};
use crate::case::{Frame, Orientation};
use crate::html::mark;
use crate::story::{self, Fact, Part, Picture, Story};

/// A picture that is on the sheet.
#[derive(Debug)]
pub(crate) struct Printed {
    /// Which of the pictures that were asked for, from 0.
    pub(crate) index: usize,
    pub(crate) bytes: Vec<u8>,
}

const TITLE: Style = Style::new(Face::Bold, 25.0, 0);
const KICKER: Style = Style::new(Face::Regular, 10.5, 95);
const WHERE: Style = Style::new(Face::Regular, 13.5, 0);
const HEADING: Style = Style::new(Face::Bold, 13.0, 0);
const SMALL_HEADING: Style = Style::new(Face::Bold, 10.5, 0);
const BODY: Style = Style::new(Face::Regular, 9.8, 0);
const LABEL: Style = Style::new(Face::Regular, 9.8, 95);
const QUIET: Style = Style::new(Face::Regular, 8.6, 95);
const CELL: Style = Style::new(Face::Regular, 9.2, 0);
const HEAD: Style = Style::new(Face::Bold, 9.2, 0);
const CODE: Style = Style::new(Face::Mono, 8.6, 0);
const SUM: Style = Style::new(Face::Mono, 5.9, 60);
const FOOT: Style = Style::new(Face::Regular, 8.0, 95);

/// So many of an incident's alerts are in the table of what happened, the first and the last; all that people did is.
const ALERT_ROWS: usize = 40;

const REPLACED: &str = "Some texts are in letters that this sheet has no font for. Where [see report.html] stands, the file report.html \
    shows them.";

/// The file's bytes. The error is the library's words.
pub(crate) fn to_pdf(story: &Story, printed: &[Printed], made_at: Timestamp) -> Result<Vec<u8>, String> {
    let fonts = Fonts::load().ok_or("the fonts cannot be read")?;
    // A picture's own colour profile may be what an archive's form does not allow, or one that cannot be read at all.
    draw(story, printed, made_at, &fonts, Validator::A2_U)
        .or_else(|_| draw(story, printed, made_at, &fonts, Validator::None))
        .or_else(|_| draw(story, &[], made_at, &fonts, Validator::A2_U))
}

fn draw(
    story: &Story,
    printed: &[Printed],
    made_at: Timestamp,
    fonts: &Fonts,
    validator: Validator,
) -> Result<Vec<u8>, String> {
    let images = images(story, printed);
    let pages = fill(story, &images, fonts);
    let mut document = Document::new_with(SerializeSettings {
        configuration: Configuration::new_with_validator(validator),
        ..SerializeSettings::default()
    });
    document.set_metadata(metadata(story, made_at));
    for items in &pages {
        let size = PageSettings::from_wh(WIDTH, HEIGHT).ok_or("the page has no size")?;
        let mut page = document.start_page_with(size);
        let mut surface = page.surface();
        for item in items {
            put(&mut surface, item, &images, fonts);
        }
        surface.finish();
        page.finish();
    }
    document.finish().map_err(|error| format!("{error:?}"))
}

fn metadata(story: &Story, made_at: Timestamp) -> Metadata {
    let at = made_at.to_zoned_datetime(TimeZone::UTC);
    let part = |part: i8| u8::try_from(part).unwrap_or_default();
    let date = DateTime::new(u16::try_from(at.year()).unwrap_or_default())
        .month(part(at.month()))
        .day(part(at.day()))
        .hour(part(at.hour()))
        .minute(part(at.minute()))
        .second(part(at.second()))
        .utc_offset_hour(0)
        .utc_offset_minute(0);
    let plain =
        |text: &str| text.chars().filter(|char| !fonts::is_ignored(*char)).take(200).collect::<String>();
    Metadata::new()
        .title(format!("{}: {}, {}", story::HEADING, plain(&story.title), plain(&story.subtitle)))
        .creator("VisionGuard Desktop".to_owned())
        .language("en".to_owned())
        .creation_date(date)
}

/// A picture that can be drawn.
struct Drawable {
    index: usize,
    image: Image,
    frame: Frame,
}

/// Those that a reader of PDFs shows; what any other program shows of the rest is not for this sheet to promise.
fn images(story: &Story, printed: &[Printed]) -> Vec<Drawable> {
    let pictures = story.parts.iter().flat_map(|part| &part.pictures);
    let of = |picture: &Picture| {
        let (index, frame) = (picture.index?, picture.frame?);
        let printed = printed.iter().find(|printed| printed.index == index)?;
        let image = drawable(&printed.bytes, &frame)?;
        Some(Drawable { index, image, frame })
    };
    pictures.filter_map(of).collect()
}

fn drawable(bytes: &[u8], frame: &Frame) -> Option<Image> {
    if frame.orientation == Orientation::Other || !is_common(bytes) {
        return None;
    }
    let image = Image::from_jpeg(bytes.to_vec().into(), false).ok()?;
    let (width, height) = image.size();
    let turned = matches!(frame.orientation, Orientation::Left | Orientation::Right);
    let upright = if turned { (height, width) } else { (width, height) };
    (width > 0 && height > 0 && upright == (frame.width, frame.height)).then_some(image)
}

/// Whether it is a baseline or progressive JPEG of 8 bits in grey or colour: what the form of PDF knows.
fn is_common(bytes: &[u8]) -> bool {
    let mut rest = bytes.get(2..).unwrap_or_default();
    while let [0xff, marker, after @ ..] = rest {
        match (*marker, after) {
            (0xff, _) => rest = &rest[1..],
            (0xc0..=0xc2, [_, _, 8, _, _, _, _, 1 | 3, ..]) => return true,
            (0xd8, after) => rest = after,
            (0xc4 | 0xdb | 0xdd | 0xe0..=0xef | 0xfe, [high, low, ..]) => {
                let length = usize::from(u16::from_be_bytes([*high, *low]));
                rest = after.get(length..).unwrap_or_default();
            }
            _ => return false,
        }
    }
    false
}

/// All pages.
fn fill(story: &Story, images: &[Drawable], fonts: &Fonts) -> Vec<Vec<Item>> {
    // Twice where something is replaced: then the first page says so.
    let filled = filled(story, images, fonts, false);
    if filled.replaced { self::filled(story, images, fonts, true).pages } else { filled.pages }
}

fn filled<'a>(story: &Story, images: &[Drawable], fonts: &'a Fonts, says_replaced: bool) -> Sheet<'a> {
    let mut sheet = Sheet::new(fonts);
    sheet.paragraph(story::HEADING, KICKER, SIDE, FULL);
    sheet.y += 2.0;
    sheet.paragraph(&story.title, TITLE, SIDE, FULL);
    sheet.paragraph(&story.subtitle, WHERE, SIDE, FULL);
    sheet.y += 8.0;
    sheet.rule(0, 1.4);
    sheet.y += 8.0;
    facts(&mut sheet, &story.facts);
    if says_replaced {
        sheet.y += 4.0;
        sheet.paragraph(REPLACED, BODY, SIDE, FULL);
    }
    sheet.space(10.0);
    sheet.notice(story::DETECTOR, BODY);
    asks(&mut sheet, story);
    for part in &story.parts {
        incident(&mut sheet, part, images);
    }
    heading(&mut sheet, story::TIMES, 70.0);
    sheet.paragraph(&story.clock, BODY, SIDE, FULL);
    files(&mut sheet);
    verify(&mut sheet, story);
    heading(&mut sheet, story::PROVES, 90.0);
    for line in story::PROVED.iter().chain(&story::NOT_PROVED) {
        bullet(&mut sheet, line);
    }
    let foot = format!("{} \u{b7} key {}", story::HEADING, story.key.id());
    sheet.number(&foot, FOOT);
    sheet
}

fn heading(sheet: &mut Sheet<'_>, text: &str, with: f32) {
    sheet.space(16.0);
    let block = sheet.block(text, HEADING, FULL);
    sheet.need(block.height() + with);
    let y = sheet.y;
    sheet.y = sheet.put_block(block, SIDE, y) + 3.0;
}

fn small_heading(sheet: &mut Sheet<'_>, text: &str, with: f32) {
    sheet.space(12.0);
    let block = sheet.block(text, SMALL_HEADING, FULL);
    sheet.need(block.height() + with);
    let y = sheet.y;
    sheet.y = sheet.put_block(block, SIDE, y) + 2.0;
}

fn bullet(sheet: &mut Sheet<'_>, text: &str) {
    let block = sheet.block(text, BODY, FULL - 14.0);
    sheet.need(block.height());
    let dot = sheet.block("\u{2022}", BODY, 14.0);
    let y = sheet.y;
    sheet.put_block(dot, SIDE, y);
    sheet.y = sheet.put_block(block, SIDE + 14.0, y) + 2.5;
}

const FACT: f32 = 92.0;

fn facts(sheet: &mut Sheet<'_>, facts: &[Fact]) {
    for fact in facts {
        let label = sheet.block(fact.label, LABEL, FACT - 8.0);
        let mut values = Vec::new();
        for (index, line) in fact.value.lines().enumerate() {
            values.push(sheet.block(line, if index == 0 { BODY } else { QUIET }, FULL - FACT));
        }
        let height = values.iter().map(sheet::Block::height).sum::<f32>().max(label.height());
        sheet.need(height);
        let top = sheet.y;
        sheet.put_block(label, SIDE, top);
        if let Some(beside) = beside(&values) {
            let height = values.first().map_or(0.0, sheet::Block::height);
            let places = [(SIDE + FACT, top), (SIDE + FACT + beside, top + BODY.size - QUIET.size)];
            for (value, (x, y)) in values.into_iter().zip(places) {
                sheet.put_block(value, x, y);
            }
            sheet.y = top + height + 2.0;
            continue;
        }
        let mut y = top;
        for value in values {
            y = sheet.put_block(value, SIDE + FACT, y);
        }
        sheet.y = top + height + 2.0;
    }
}

/// How far to the right a time in UTC stands beside the shop's, where there is room.
fn beside(values: &[sheet::Block]) -> Option<f32> {
    let [one, two] = values else { return None };
    let beside = one.line_width()? + 12.0;
    (beside + two.line_width()? < FULL - FACT).then_some(beside)
}

fn asks(sheet: &mut Sheet<'_>, story: &Story) {
    heading(sheet, story::ASK, 60.0);
    const TIME: f32 = 190.0;
    let head = |sheet: &mut Sheet<'_>| {
        let camera = sheet.block("Camera", HEAD, 100.0);
        let when = sheet.block("Shop\u{2019}s time, and UTC", HEAD, 200.0);
        sheet.row(vec![(SIDE, vec![camera]), (SIDE + TIME, vec![when])], None);
        sheet.rule(0, 0.8);
    };
    head(sheet);
    for ask in &story.asks {
        let camera = sheet.block(&ask.camera, CELL, TIME - 12.0);
        let when =
            vec![sheet.block(&ask.local, CELL, FULL - TIME), sheet.block(&ask.utc, QUIET, FULL - TIME)];
        sheet.row(vec![(SIDE, vec![camera]), (SIDE + TIME, when)], Some(&head));
        sheet.rule(205, 0.5);
    }
    sheet.y += 5.0;
    sheet.paragraph(story::ASK_HINT, BODY, SIDE, FULL);
}

fn files(sheet: &mut Sheet<'_>) {
    heading(sheet, story::FILES, 100.0);
    for (name, words) in story::OTHERS {
        let name = sheet.block(name, CODE, 110.0);
        let words = sheet.block(words, CELL, FULL - 118.0);
        sheet.need(words.height());
        let y = sheet.y;
        sheet.put_block(name, SIDE, y + 0.5);
        sheet.y = sheet.put_block(words, SIDE + 118.0, y) + 2.0;
    }
}

fn verify(sheet: &mut Sheet<'_>, story: &Story) {
    heading(sheet, story::VERIFY, 90.0);
    sheet.paragraph(story::VERIFY_HINT, BODY, SIDE, FULL);
    sheet.y += 5.0;
    for (index, step) in story.steps.iter().enumerate() {
        let words = sheet.block(step.words, BODY, FULL - 18.0);
        let mut commands = Vec::new();
        for command in &step.commands {
            commands.push(sheet.block(command, CODE, FULL - 34.0));
        }
        let height = words.height() + commands.iter().map(|block| block.height() + 12.0).sum::<f32>();
        sheet.need(height);
        let number = sheet.block(&format!("{}.", index + 1), BODY, 18.0);
        let y = sheet.y;
        sheet.put_block(number, SIDE, y);
        sheet.y = sheet.put_block(words, SIDE + 18.0, y);
        for command in commands {
            let (y, height) = (sheet.y + 2.0, command.height() + 7.0);
            sheet.put(Item::Fill { x: SIDE + 18.0, y, width: FULL - 18.0, height, grey: 243 });
            sheet.put_block(command, SIDE + 26.0, y + 3.5);
            sheet.y = y + height + 3.0;
        }
        sheet.y += 2.0;
    }
    sheet.y += 3.0;
    for (label, value) in [("Public key", story.key.to_string()), ("Key id", story.key.id())] {
        let label = sheet.block(label, LABEL, FACT);
        let value = sheet.block(&value, CODE, FULL - FACT);
        sheet.need(value.height() + 4.0);
        let y = sheet.y;
        sheet.put_block(label, SIDE, y);
        sheet.y = sheet.put_block(value, SIDE + FACT, y + 0.8) + 3.0;
    }
    sheet.y += 2.0;
    sheet.paragraph(story::KEY_HINT, BODY, SIDE, FULL);
}

fn incident(sheet: &mut Sheet<'_>, part: &Part, images: &[Drawable]) {
    if let Some(text) = &part.heading {
        if sheet.free() < 200.0 {
            sheet.need(200.0);
        } else {
            sheet.space(14.0);
            sheet.rule(0, 0.8);
        }
        heading(sheet, text, 100.0);
        facts(sheet, &part.facts);
    }
    pictures(sheet, part, images);
    small_heading(sheet, story::HAPPENED, 60.0);
    const WHO: f32 = 212.0;
    const WHAT: f32 = 310.0;
    let head = |sheet: &mut Sheet<'_>| {
        let cells = [(0.0, "Shop\u{2019}s time, and UTC"), (WHO, "Who"), (WHAT, "What")];
        let cells = cells.map(|(x, text)| (SIDE + x, vec![sheet.block(text, HEAD, 150.0)]));
        sheet.row(cells.into(), None);
        sheet.rule(0, 0.8);
    };
    head(sheet);
    let alerts = part.rows.iter().filter(|row| row.is_alert).count();
    let (mut number, mut left_out) = (0, 0);
    for row in &part.rows {
        number += usize::from(row.is_alert);
        let is_between = number > ALERT_ROWS / 2 && number + ALERT_ROWS / 2 <= alerts;
        if row.is_alert && is_between {
            left_out += 1;
            continue;
        }
        let when = vec![sheet.block(&row.local, CELL, WHO - 10.0), sheet.block(&row.utc, QUIET, WHO - 10.0)];
        let who = vec![sheet.block(&row.who, CELL, WHAT - WHO - 10.0)];
        let mut what = vec![sheet.block(&row.what, CELL, FULL - WHAT)];
        if let Some(note) = &row.note {
            what.push(sheet.block(&format!("\u{201c}{note}\u{201d}"), CELL, FULL - WHAT));
        }
        sheet.row(vec![(SIDE, when), (SIDE + WHO, who), (SIDE + WHAT, what)], Some(&head));
        sheet.rule(205, 0.5);
    }
    if left_out > 0 {
        sheet.y += 5.0;
        let alerts = story::count(left_out, "alert");
        let words = format!("{alerts} more came in between. report.html and custody.csv have every one.");
        sheet.paragraph(&words, BODY, SIDE, FULL);
    }
}

fn pictures(sheet: &mut Sheet<'_>, part: &Part, images: &[Drawable]) {
    let of = |picture: &Picture| images.iter().find(|image| Some(image.index) == picture.index);
    let shown: Vec<(&Picture, &Drawable)> =
        part.pictures.iter().filter_map(|picture| Some((picture, of(picture)?))).collect();
    let all = part.pictures.iter().filter(|picture| picture.file.is_some()).count();
    let mut words = match (shown.len(), all) {
        (_, 0) => "There is no picture.".to_owned(),
        (0, all) => {
            format!("{} in frames/ and in report.html; none is printed here.", story::count(all, "picture"))
        }
        (some, all) if some < all => {
            format!("{some} of {all} are printed here; all are in frames/ and in report.html.")
        }
        (_, _) => String::new(),
    };
    if shown.iter().any(|(_, image)| mark(&image.frame).is_some()) {
        words = format!("{words} {}", story::MARKED).trim_start().to_owned();
    }
    sheet.space(6.0);
    let words = sheet.block(&words, BODY, FULL);
    // Stays with the first pictures.
    let first = if shown.is_empty() { 0.0 } else { 120.0 };
    sheet.need(words.height() + first);
    let y = sheet.y;
    sheet.y = sheet.put_block(words, SIDE, y) + 5.0;
    const GAP: f32 = 16.0;
    let column = (FULL - GAP) / 2.0;
    // One alone is shown larger.
    let (column, highest) = if shown.len() == 1 { (FULL * 0.72, 300.0) } else { (column, 235.0) };
    for pair in shown.chunks(2) {
        let mut cells = Vec::new();
        for (picture, image) in pair {
            cells.push((captions(sheet, picture, column), size_within(&image.frame, column, highest), image));
        }
        let tallest = cells.iter().map(|(_, (_, height), _)| *height).fold(0.0, f32::max);
        let captions = cells.iter().map(|(blocks, ..)| blocks.iter().map(sheet::Block::height).sum::<f32>());
        let height = tallest + 5.0 + captions.fold(0.0, f32::max);
        sheet.need(height);
        let top = sheet.y;
        for (index, (blocks, (width, tall), image)) in cells.into_iter().enumerate() {
            let x = SIDE + index as f32 * (column + GAP);
            put_picture(sheet, image, x, top, width, tall);
            let mut y = top + tallest + 5.0;
            for block in blocks {
                y = sheet.put_block(block, x, y);
            }
        }
        sheet.y = top + height + 12.0;
    }
}

fn captions(sheet: &mut Sheet<'_>, picture: &Picture, width: f32) -> Vec<sheet::Block> {
    let mut blocks = vec![sheet.block(&picture.title, HEAD, width)];
    for line in &picture.lines {
        blocks.push(sheet.block(line, QUIET, width));
    }
    if let Some((_, digest)) = &picture.file {
        blocks.push(sheet.block(digest, SUM, width));
    }
    blocks
}

fn size_within(frame: &Frame, width: f32, height: f32) -> (f32, f32) {
    let (across, down) = (frame.width as f32, frame.height as f32);
    let scale = (width / across).min(height / down);
    ((across * scale).max(1.0), (down * scale).max(1.0))
}

fn put_picture(sheet: &mut Sheet<'_>, image: &Drawable, x: f32, y: f32, width: f32, height: f32) {
    sheet.put(Item::Picture { index: image.index, x, y, width, height });
    if let Some((left, top, across, down)) = mark(&image.frame) {
        let part = |percent: f64, of: f32| percent as f32 / 100.0 * of;
        let (x, y) = (x + part(left, width), y + part(top, height));
        let (width, height) = (part(across, width), part(down, height));
        sheet.put(Item::Outline { x, y, width, height, grey: 0, thick: 2.4 });
        sheet.put(Item::Outline { x, y, width, height, grey: 255, thick: 1.2 });
    }
}

fn put(surface: &mut Surface<'_>, item: &Item, images: &[Drawable], fonts: &Fonts) {
    match item {
        Item::Text { x, baseline, style, line } => {
            surface.set_fill(Some(fill_of(style.grey)));
            surface.set_stroke(None);
            let mut x = *x;
            for run in &line.runs {
                let start = Point::from_xy(x, *baseline);
                surface.draw_glyphs(start, &run.glyphs, fonts.drawn(run.face), &run.text, style.size, false);
                x += run.width * style.size;
            }
        }
        Item::Fill { x, y, width, height, grey } => {
            surface.set_fill(Some(fill_of(*grey)));
            surface.set_stroke(None);
            rectangle(surface, *x, *y, *width, *height);
        }
        Item::Outline { x, y, width, height, grey, thick } => {
            surface.set_fill(None);
            let stroke = Stroke { paint: luma::Color::new(*grey).into(), width: *thick, ..Stroke::default() };
            surface.set_stroke(Some(stroke));
            rectangle(surface, *x, *y, *width, *height);
        }
        Item::Picture { index, x, y, width, height } => {
            let Some(image) = images.iter().find(|image| image.index == *index) else { return };
            put_image(surface, image, *x, *y, *width, *height);
        }
    }
}

/// Draws a picture upright: turned about its corner, and moved so that it lies where it should.
fn put_image(surface: &mut Surface<'_>, image: &Drawable, x: f32, y: f32, width: f32, height: f32) {
    let (turn, size) = match image.frame.orientation {
        Orientation::Upright | Orientation::Other => {
            (Transform::from_translate(x, y), Size::from_wh(width, height))
        }
        Orientation::Half => {
            (Transform::from_row(-1.0, 0.0, 0.0, -1.0, x + width, y + height), Size::from_wh(width, height))
        }
        Orientation::Right => {
            (Transform::from_row(0.0, 1.0, -1.0, 0.0, x + width, y), Size::from_wh(height, width))
        }
        Orientation::Left => {
            (Transform::from_row(0.0, -1.0, 1.0, 0.0, x, y + height), Size::from_wh(height, width))
        }
    };
    if let Some(size) = size {
        surface.push_transform(&turn);
        surface.draw_image(image.image.clone(), size);
        surface.pop();
    }
}

fn rectangle(surface: &mut Surface<'_>, x: f32, y: f32, width: f32, height: f32) {
    let mut path = PathBuilder::new();
    if let Some(rect) = Rect::from_xywh(x, y, width, height) {
        path.push_rect(rect);
    }
    if let Some(path) = path.finish() {
        surface.draw_path(&path);
    }
}

fn fill_of(grey: u8) -> Fill {
    Fill { paint: luma::Color::new(grey).into(), opacity: NormalizedF32::ONE, rule: FillRule::NonZero }
}
