//! Pages that are filled from top to bottom. What is on them lies within both A4 and Letter, centred and at its size.

use super::fonts::{Face, Fonts};
use super::text::{self, Line};

/// A4, in points.
pub(super) const WIDTH: f32 = 595.28;
pub(super) const HEIGHT: f32 = 841.89;
/// From the left and the right.
pub(super) const SIDE: f32 = 54.0;
/// From the top and the bottom: Letter is 50 points lower than A4.
const TOP: f32 = 62.0;
const BOTTOM: f32 = HEIGHT - 76.0;
/// Where the page's number stands.
const FOOT: f32 = HEIGHT - 58.0;
pub(super) const FULL: f32 = WIDTH - 2.0 * SIDE;

/// How a text looks.
#[derive(Debug, Clone, Copy)]
pub(super) struct Style {
    pub(super) face: Face,
    pub(super) size: f32,
    /// 0 is black, 255 is white.
    pub(super) grey: u8,
}

impl Style {
    pub(super) const fn new(face: Face, size: f32, grey: u8) -> Style {
        Style { face, size, grey }
    }

    fn height(self, line: &Line) -> f32 {
        self.size * if line.is_tall() { 1.65 } else { 1.38 }
    }
}

/// Something on a page, in points from its upper left corner.
#[derive(Debug)]
pub(super) enum Item {
    Text {
        x: f32,
        baseline: f32,
        style: Style,
        line: Line,
    },
    Fill {
        x: f32,
        y: f32,
        width: f32,
        height: f32,
        grey: u8,
    },
    Outline {
        x: f32,
        y: f32,
        width: f32,
        height: f32,
        grey: u8,
        thick: f32,
    },
    /// The picture with this index, and how it is turned.
    Picture {
        index: usize,
        x: f32,
        y: f32,
        width: f32,
        height: f32,
    },
}

/// A text that was broken into lines.
#[derive(Debug)]
pub(super) struct Block {
    lines: Vec<Line>,
    style: Style,
}

impl Block {
    pub(super) fn height(&self) -> f32 {
        self.lines.iter().map(|line| self.style.height(line)).sum()
    }

    /// How wide it is where it is a single line.
    pub(super) fn line_width(&self) -> Option<f32> {
        let [line] = self.lines.as_slice() else { return None };
        Some(line.width * self.style.size)
    }
}

pub(super) struct Sheet<'a> {
    pub(super) fonts: &'a Fonts,
    pub(super) pages: Vec<Vec<Item>>,
    pub(super) y: f32,
    /// Something was replaced by words that send to the report.
    pub(super) replaced: bool,
}

impl<'a> Sheet<'a> {
    pub(super) fn new(fonts: &'a Fonts) -> Sheet<'a> {
        Sheet { fonts, pages: vec![Vec::new()], y: TOP, replaced: false }
    }

    pub(super) fn block(&mut self, text: &str, style: Style, width: f32) -> Block {
        let (lines, replaced) = text::lines(self.fonts, text, style.face, width / style.size);
        self.replaced |= replaced;
        Block { lines, style }
    }

    /// Goes to the next page unless so much fits onto this one. Says whether it did.
    pub(super) fn need(&mut self, height: f32) -> bool {
        let turns = self.y + height > BOTTOM && self.y > TOP;
        if turns {
            self.pages.push(Vec::new());
            self.y = TOP;
        }
        turns
    }

    pub(super) fn space(&mut self, height: f32) {
        if self.y > TOP {
            self.y += height;
        }
    }

    pub(super) fn put(&mut self, item: Item) {
        if let Some(page) = self.pages.last_mut() {
            page.push(item);
        }
    }

    /// Puts a block here without moving on; it ends where is said.
    pub(super) fn put_block(&mut self, block: Block, x: f32, y: f32) -> f32 {
        let mut y = y;
        for line in block.lines {
            let height = block.style.height(&line);
            let ascent = block.style.size * if line.is_tall() { 1.18 } else { 1.02 };
            self.put(Item::Text { x, baseline: y + ascent, style: block.style, line });
            y += height;
        }
        y
    }

    /// A text of any length over the whole width or a part of it, over as many pages as it takes.
    pub(super) fn paragraph(&mut self, text: &str, style: Style, x: f32, width: f32) {
        let block = self.block(text, style, width);
        for line in block.lines {
            self.need(style.height(&line));
            self.y = self.put_block(Block { lines: vec![line], style }, x, self.y);
        }
    }

    pub(super) fn rule(&mut self, grey: u8, thick: f32) {
        self.put(Item::Fill { x: SIDE, y: self.y, width: FULL, height: thick, grey });
    }

    /// A row of texts in columns, kept together; `heading` is put again on a new page.
    pub(super) fn row(&mut self, cells: Vec<(f32, Vec<Block>)>, heading: Option<&dyn Fn(&mut Sheet<'_>)>) {
        let tall =
            cells.iter().map(|(_, blocks)| blocks.iter().map(Block::height).sum::<f32>()).fold(0.0, f32::max);
        if self.need(tall + 8.0)
            && let Some(heading) = heading
        {
            heading(self);
        }
        let top = self.y + 4.0;
        for (x, blocks) in cells {
            let mut y = top;
            for block in blocks {
                y = self.put_block(block, x, y);
            }
        }
        self.y = top + tall + 4.0;
    }

    /// A text in a frame with a thick left side, kept together.
    pub(super) fn notice(&mut self, text: &str, style: Style) {
        let block = self.block(text, style, FULL - 34.0);
        let height = block.height() + 20.0;
        self.need(height);
        let (x, y) = (SIDE, self.y);
        self.put(Item::Outline { x, y, width: FULL, height, grey: 0, thick: 0.8 });
        self.put(Item::Fill { x, y, width: 5.0, height, grey: 0 });
        self.put_block(block, SIDE + 20.0, y + 10.0);
        self.y = y + height;
    }

    /// Writes the foot of every page.
    pub(super) fn number(&mut self, left: &str, style: Style) {
        let of = self.pages.len();
        for index in 0..of {
            let page = format!("Page {} of {of}", index + 1);
            let right = self.block(&page, style, FULL);
            let left = self.block(left, style, FULL - 80.0);
            let width = right.lines.first().map_or(0.0, |line| line.width * style.size);
            let foot = |block: Block, x| {
                block.lines.into_iter().next().map(|line| Item::Text { x, baseline: FOOT, style, line })
            };
            let items = [
                Some(Item::Fill { x: SIDE, y: FOOT - 12.0, width: FULL, height: 0.5, grey: 170 }),
                foot(left, SIDE),
                foot(right, WIDTH - SIDE - width),
            ];
            self.pages[index].extend(items.into_iter().flatten());
        }
    }

    /// How much is free on this page.
    pub(super) fn free(&self) -> f32 {
        BOTTOM - self.y
    }
}
